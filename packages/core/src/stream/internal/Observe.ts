/** The questions by which an endpoint shows how it behaves. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import type * as Instant from "../../model/Instant.ts"
import * as Ask from "./Ask.ts"
import * as Rows from "./Rows.ts"

export type SortField = "started_at" | "startedAt"

/** What became of a sort field: `unknown` where the rows do not differ, or stood so already. */
type SortAnswer = "understood" | "ignored" | "refused" | "unknown"

const fields: ReadonlyArray<SortField> = ["started_at", "startedAt"]

export const unsorted: Ask.Sort = { by: undefined, order: undefined }

/** The sort that brings the newest first. */
export const newest = (field: SortField | "none"): Ask.Sort =>
  field === "none" ? unsorted : { by: field, order: "desc" }

/** Rows in the order of the answer, and the page they are on. */
export interface Numbered {
  readonly page: number
  readonly rows: ReadonlyArray<Rows.Row>
}

const nothing: Ask.Answer = { rows: [], observedAt: 0, edition: undefined }

/** A server may refuse a question with a 400, which answers it. A row that it cannot render teaches nothing. */
const orElse = <A>(
  answer: Effect.Effect<Ask.Answer, AgniError>,
  refused: A
): Effect.Effect<Ask.Answer | A, AgniError> =>
  answer.pipe(
    Effect.catchReason("AgniError", "InvalidRequest", () => Effect.succeed(refused)),
    Effect.catchIf(Ask.isPoison, () => Effect.succeed(nothing))
  )

const orEmpty = (answer: Effect.Effect<Ask.Answer, AgniError>) => orElse(answer, nothing)

export const comesNewestFirst = (rows: ReadonlyArray<Rows.Row>): boolean =>
  Rows.isNewestFirst(rows) && Rows.distinctStarts(rows) > 1

export const comesOldestFirst = (rows: ReadonlyArray<Rows.Row>): boolean => comesNewestFirst(rows.toReversed())

/** The first page, as large as the server can render it. */
export const firstAnswer = Effect.fnUntraced(function* (ask: Ask.Ask, asked: number) {
  for (let size = asked; size > 1; size = Math.floor(size / 2)) {
    const answer = yield* Effect.catchIf(ask(1, {}, { size }), Ask.isPoison, () => Effect.undefined)
    if (answer !== undefined) return { answer, page: 1, size }
  }
  for (let page = 1; page < 8; page++) {
    const answer = yield* Effect.catchIf(ask(page, {}, { size: 1 }), Ask.isPoison, () => Effect.undefined)
    if (answer !== undefined && answer.rows.length > 0) return { answer, page, size: 1 }
  }
  return { answer: yield* ask(1, {}), page: 1, size: 1 }
})

/** A short first page is all there is, or all that a page brings: the next one tells. */
export const isClamped = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  page: number,
  first: ReadonlyArray<Rows.Row>,
  asked: number
): Effect.fn.Return<boolean, AgniError> {
  if (first.length === 0 || first.length >= asked) return false
  // What cannot be rendered is there.
  const next = yield* Effect.catchIf(ask(page + 1, {}, { size: first.length }), Ask.isPoison, () => Effect.undefined)
  return next?.rows.length !== 0
})

/** Whether a page brings something that lies far beyond any end. */
export const repeats = (ask: Ask.Ask, first: ReadonlyArray<Rows.Row>) =>
  first.length === 0 ? Effect.succeed(true) : Effect.map(orEmpty(ask(90_000_001, {})), ({ rows }) => rows.length > 0)

/** Which sort field brings the newest first, when they do not come so by themselves. */
export const chooseSort = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  first: ReadonlyArray<Rows.Row>
): Effect.fn.Return<{ readonly sortBy: SortField | "none"; readonly newestFirst: boolean }, AgniError> {
  if (comesNewestFirst(first) || first.length < 2) return { sortBy: "none", newestFirst: comesNewestFirst(first) }
  const answers = yield* Effect.all(
    fields.map((field) => orEmpty(ask(1, {}, { sort: newest(field) }))),
    { concurrency: "unbounded" }
  )
  const found = fields.find((_, i) => comesNewestFirst(answers[i]?.rows ?? []))
  return { sortBy: found ?? "none", newestFirst: found !== undefined }
})

/** What asking for the oldest first brings. */
export const oldestFirst = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  field: SortField,
  unsorted: ReadonlyArray<Rows.Row>
) {
  const answer = yield* orElse(ask(1, {}, { sort: { by: field, order: "asc" } }), "refused" as const)
  if (answer === "refused") return { rows: [], answer } as const
  const { rows } = answer
  const seen: SortAnswer =
    Rows.distinctStarts(rows) < 2 || comesOldestFirst(unsorted)
      ? "unknown"
      : comesOldestFirst(rows)
        ? "understood"
        : "ignored"
  return { rows, answer: seen }
})

/** Pages 2, 4, 8 … until one is beyond the end: empty, or what another one was. */
export const gallop = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  first: ReadonlyArray<Rows.Row>,
  guess: number | undefined
): Effect.fn.Return<{ readonly pages: ReadonlyArray<Numbered>; readonly pagesAtMost: number }, AgniError> {
  const pages: Array<Numbered> = []
  if (first.length === 0) return { pages, pagesAtMost: 0 }
  const look = (numbers: ReadonlyArray<number>) =>
    Effect.map(
      Effect.all(
        numbers.map((page) => orEmpty(ask(page, {}))),
        { concurrency: "unbounded" }
      ),
      (answers) => answers.map(({ rows }, i): Numbered => ({ page: numbers[i] ?? 2, rows }))
    )
  // Pages that share most rows are beyond the end.
  const isBeyond = ({ rows }: Numbered, before: ReadonlyArray<Rows.Row>) =>
    rows.length === 0 || Rows.alike(rows, first) || Rows.alike(rows, before)
  if (guess !== undefined && guess >= 2) {
    const numbers = [guess / 8, guess / 4, guess / 2, guess].filter((page) => page >= 2)
    const seen = yield* look(numbers)
    const within = seen.slice(0, -1).every((page, i) => !isBeyond(page, seen[i - 1]?.rows ?? first))
    const last = seen.at(-1)
    if (within && last !== undefined && isBeyond(last, seen.at(-2)?.rows ?? first)) {
      return { pages: seen, pagesAtMost: guess }
    }
  }
  let before = first
  for (let exponent = 1; exponent < 30; exponent += 5) {
    const seen = yield* look(Array.from({ length: 5 }, (_, i) => 2 ** (exponent + i)))
    // Those beyond the end too: they may be all that is known.
    pages.push(...seen)
    for (const page of seen) {
      if (isBeyond(page, before)) return { pages, pagesAtMost: page.page }
      before = page.rows
    }
  }
  return { pages, pagesAtMost: 2 ** 30 }
})

/** Nothing is older than the answer: the least of what is known, when nothing lies before it, or a stretch found empty. */
export const findOldest = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  starts: ReadonlyArray<Instant.Instant>,
  now: Instant.Instant,
  size: number
): Effect.fn.Return<Instant.Instant | undefined, AgniError> {
  const earliest = Date.UTC(2000, 0, 1) * 1000
  // A full page at the bound itself could hide what lies before it.
  const nothingBefore = (before: Instant.Instant) =>
    Effect.catchIf(
      Effect.map(
        ask(1, { after: earliest, before }),
        ({ rows }) => rows.length < size && rows.every(({ start }) => start === undefined || start >= before)
      ),
      Ask.isPoison,
      () => Effect.succeed(false)
    )
  const guess = Ask.floorSecond(Math.min(...starts))
  if (starts.length > 0 && (yield* nothingBefore(guess))) return guess
  const day = 86_400 * Ask.second
  const edges = Array.from({ length: 14 }, (_, i) => Math.max(earliest, Ask.floorSecond(now - 2 ** i * day)))
  const empty = yield* Effect.all(edges.map(nothingBefore), { concurrency: "unbounded" })
  const found = edges.find((_, i) => empty[i] === true)
  return starts.length === 0 && found === edges[0] ? undefined : (found ?? earliest)
})
