/** Control rows that left while a range was read: their neighbours are used in their place. */
import * as Effect from "effect/Effect"
import type { CoverageReason } from "../../coverage/CoverageReason.ts"
import type { AgniError } from "../../model/AgniError.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import type * as Rows from "../../endpoint/internal/ListedRows.ts"
import type { Micros } from "../../endpoint/internal/Micros.ts"
import type { Known } from "./Known.ts"
import * as Shown from "./Shown.ts"
import type { Beside } from "./Task.ts"

/** The rows that may come back. */
export const without = (
  rows: ReadonlyArray<Rows.Dated>,
  gone: Ask.Log["gone"] | Known["gone"]
): ReadonlyArray<Rows.Dated> =>
  gone === undefined || gone.size === 0 ? rows : rows.filter(({ key }) => !gone.has(key))

export const besidesWithout = (beside: Beside | undefined, { gone }: Ask.Log): Beside => {
  const unlessGone = (row: Rows.Dated | undefined) => (row === undefined || gone.has(row.key) ? undefined : row)
  return { below: unlessGone(beside?.below), above: unlessGone(beside?.above) }
}

export interface Found {
  /** Keys of those that came back for their own seconds. */
  readonly there: ReadonlySet<string>
  /** Whether one did not, twice: nobody asks for it again. */
  readonly left: boolean
  /** Bounds are not understood. */
  readonly problem: CoverageReason | undefined
}

export const isProblem = (found: CoverageReason | "fails" | undefined): found is CoverageReason =>
  found !== undefined && found !== "fails" && found !== Ask.notBack && found !== Ask.hidden

/**
 * Asks for rows at their own seconds. One that does not come is asked for again, twice at the same time: a replica may lack it, which answers over one
 * connection or each second request. Nothing is tried on it any more then. The call stays evidence, which must come.
 */
export const look = (ask: Ask.Ask, rows: ReadonlyArray<Rows.Dated>, size: number): Effect.Effect<Found, AgniError> => {
  const control = (row: Rows.Dated) =>
    Ask.catchPoison(Ask.control(ask, row, size), () => Effect.succeed("fails" as const))
  const lookFor = Effect.fnUntraced(function* (row: Rows.Dated) {
    const first = yield* control(row)
    if (first !== Ask.notBack) return first
    const again = yield* Effect.forEach([row, row], control, { concurrency: "unbounded" })
    const found = again.every((one) => one === first) ? first : again.find((one) => one !== first)
    if (found === first) ask.log.gone.set(row.key, row.start)
    return found
  })
  return Effect.map(Effect.forEach(rows, lookFor, { concurrency: "unbounded" }), (found) => ({
    there: new Set(rows.flatMap(({ key }, i) => (found[i] === undefined ? [key] : []))),
    left: found.includes(Ask.notBack),
    problem: found.find(isProblem)
  }))
}

/**
 * Whether the list without bounds still ends beside a range, where the row that ended it is gone: it lists none that starts in the range,
 * or beyond it.
 */
export const endsBeside = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  size: number,
  side: "newest" | "oldest",
  { start }: Rows.Dated
): Effect.fn.Return<boolean, AgniError> {
  const sort = { by: "started_at", order: "asc" } as const
  const answer = yield* Ask.orNothing(side === "newest" ? ask(1, {}) : ask(1, {}, { sort }))
  const starts = answer?.rows.flatMap((row) => row.start ?? []) ?? []
  const inOrder = starts.toSorted((left, right) => (side === "newest" ? right - left : left - right))
  const isAll = answer !== undefined && answer.rows.length < size
  return inOrder[0] === start && (isAll || inOrder.every((one, i) => one === starts[i]))
})

/** One that was delivered may have left since then. If it comes again, answers lacked it for a while, and others with it. */
export const doubtBack = (
  shown: Shown.Shown,
  lookUp: (key: string, start: Micros) => Effect.Effect<Rows.Row | undefined, AgniError>
): Effect.Effect<void, AgniError> =>
  Effect.forEach(
    [...shown.gone].filter(([key]) => shown.ids.has(key)).slice(0, mostBack),
    ([key, start]) =>
      Effect.map(lookUp(key, start), (row) => (row === undefined ? undefined : Shown.doubt(shown, key))),
    { discard: true }
  )

/** Of more it is enough that one of these is there. */
const mostBack = 8
