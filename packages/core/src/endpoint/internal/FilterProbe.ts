/** Whether filters do what they should, tried on rows that are known. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { CoverageReason } from "../../coverage/CoverageReason.ts"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { CallSession } from "../../model/CallSession.ts"
import * as CallSessionQuery from "../../model/CallSessionQuery.ts"
import * as Ask from "./Ask.ts"
import { saysNothing } from "./BoundsProbe.ts"
import type { Micros } from "./Micros.ts"
import * as Rows from "./ListedRows.ts"

/** The filters that can be tried: those by what does not change with time. */
export const kinds = ["agentId", "channel", "callerNumber"] as const
export type Kind = (typeof kinds)[number]

/** What a filter was seen to do. */
export type FilterAnswer = "understood" | "ignored" | "applied after paging" | "unknown"

export type FilterAnswers = Readonly<Record<Kind, FilterAnswer>>

/** Why a set read with this filter cannot be proven, if so. */
export const problemOf = (kind: Kind, answer: FilterAnswer): CoverageReason | undefined =>
  answer === "understood" ? undefined : { _tag: "FilterFails", filter: kind, answer }

/** What to ask for, as a record has it: not a number that is no E.164, such as one of SIP, nor a value that is no text. */
const valueOf = (session: CallSession | undefined, kind: Kind): string | undefined => {
  const value: unknown = session?.[kind]
  return typeof value === "string" && Result.isSuccess(CallSessionQuery.toParameters({ [kind]: value }))
    ? value
    : undefined
}

/**
 * A filter must leave out what does not match, and must do so before pages are taken: where the first row does not match a
 * value, pages of one row must each bring a row that does, twice over, because equal rows may have any order. The
 * bounds lie in the older half of what is known, so that a call that comes meanwhile does not take the first place. What was
 * not tried is unknown.
 */
export const filters = Effect.fnUntraced(function* (
  list: AgniClient["Service"]["list"],
  tried: ReadonlyArray<Kind>,
  size: number
): Effect.fn.Return<FilterAnswers, AgniError> {
  const answers: Record<Kind, FilterAnswer> = { agentId: "unknown", channel: "unknown", callerNumber: "unknown" }
  if (tried.length === 0) return answers
  const ask = Ask.make(list, {}, { size, sort: { by: undefined, order: undefined } })
  const orNone = (answer: ReturnType<Ask.Ask>) =>
    Effect.catchIf(answer, saysNothing, () => Effect.succeed({ rows: [] }))
  const seen = yield* Effect.all(
    [1, 2, 3, 5, 8].map((page) => orNone(ask(page, {}))),
    { concurrency: "unbounded" }
  )
  const starts = seen.flatMap(({ rows }) => rows.flatMap(({ start }) => start ?? [])).toSorted((a, b) => a - b)
  const [oldest] = starts
  const newest = starts.at(-1)
  if (oldest === undefined || newest === undefined) return answers
  const middle = starts[Math.floor(starts.length / 2)] ?? newest
  const understood = new Map<Kind, number>()
  let open = tried
  for (const end of [middle, newest, middle, newest]) {
    const bounds = { after: Ask.floorSecond(oldest) - Ask.second, before: Ask.ceilSecond(end) + Ask.second }
    const found = yield* Effect.catchIf(
      tryFilters(list, ask, open, bounds, size),
      saysNothing,
      (): Effect.Effect<Partial<FilterAnswers>> => Effect.succeed({})
    )
    open = open.filter((kind) => {
      const answer = found[kind] ?? "unknown"
      const times = (understood.get(kind) ?? 0) + (answer === "understood" ? 1 : 0)
      understood.set(kind, times)
      if (answer === "unknown" || (answer === "understood" && times < 2)) return true
      answers[kind] = answer
      return false
    })
    if (open.length === 0) break
  }
  return answers
})

/** The rows of some bounds, for all filters that are tried on them. */
interface Unfiltered {
  readonly bounds: { readonly after: Micros; readonly before: Micros }
  readonly answers: ReadonlyArray<{ readonly rows: ReadonlyArray<Rows.Row> }>
  readonly before: Rows.Row | undefined
}

/** The first row is asked for before all of them and after, the other rows once. */
const tryFilters = Effect.fnUntraced(function* (
  list: AgniClient["Service"]["list"],
  ask: Ask.Ask,
  tried: ReadonlyArray<Kind>,
  bounds: Unfiltered["bounds"],
  size: number
): Effect.fn.Return<Partial<FilterAnswers>, AgniError> {
  const top = Effect.map(ask(1, bounds, { size: 1 }), ({ rows }) => rows[0])
  const answers = yield* Effect.all([1, 2, 3].map((page) => ask(page, bounds)))
  const before = yield* top
  const found = yield* Effect.forEach(
    tried,
    (kind) =>
      Effect.catchIf(tryFilter(list, ask, kind, { bounds, answers, before }, size), saysNothing, () =>
        Effect.succeed("unknown" as const)
      ),
    { concurrency: "unbounded" }
  )
  if (!found.includes("understood")) return Object.fromEntries(tried.map((kind, at) => [kind, found[at]]))
  const after = yield* top
  const isSame = (kind: Kind) => valueOf(after?.item?.row, kind) === valueOf(before?.item?.row, kind)
  return Object.fromEntries(
    tried.map((kind, at) => [kind, found[at] === "understood" && !isSame(kind) ? "unknown" : found[at]])
  )
})

const tryFilter = Effect.fnUntraced(function* (
  list: AgniClient["Service"]["list"],
  ask: Ask.Ask,
  kind: Kind,
  { answers, before, bounds }: Unfiltered,
  size: number
): Effect.fn.Return<FilterAnswer, AgniError> {
  const first = valueOf(before?.item?.row, kind)
  const values = new Map<string, Map<string, Rows.Dated>>()
  for (const row of answers.flatMap(({ rows }) => rows).filter(Rows.isDated)) {
    const value = valueOf(row.item?.row, kind)
    if (value === undefined) continue
    values.set(value, (values.get(value) ?? new Map<string, Rows.Dated>()).set(row.key, row))
  }
  // A row that may share the first place with the first row by turns proves nothing.
  const isFar = ({ start }: Rows.Dated) => before?.start === undefined || Math.abs(before.start - start) > Ask.second
  // A rare value is unlikely to be first by chance; several values, because the order of ties may be random.
  const rarest = [...values]
    .filter(([value, rows]) => value !== first && [...rows.values()].every(isFar))
    .toSorted(([, left], [, right]) => left.size - right.size)
    .slice(0, 4)
  if (rarest.length === 0) return "unknown"
  for (const [value, known] of rarest) {
    const rows = [...known.values()].slice(0, 3)
    const one = Ask.make(list, { [kind]: value }, { size: 1, sort: { by: undefined, order: undefined } })
    const found = yield* Effect.all(rows.map((_, i) => one(i + 1, bounds)))
    if (found.some(({ rows }) => rows.some(({ item }) => valueOf(item?.row, kind) !== value))) {
      return "ignored"
    }
    if (found.some(({ rows }) => rows.length === 0)) {
      // Unless one of them left.
      const still = yield* Effect.forEach(rows, (row) => Ask.control(ask, row, size))
      return still.every((problem) => problem === undefined) ? "applied after paging" : "unknown"
    }
  }
  return "understood"
})
