/** What the server counts, held against the ledger. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { Lease, Span } from "../Ledger.ts"
import type { LedgerError } from "../LedgerError.ts"
import type { Look } from "../Sync.ts"
import type { Micros } from "../Tail.ts"
import * as Decide from "./Decide.ts"
import type { Endpoint } from "./Endpoint.ts"
import * as Pass from "./Pass.ts"

const { second } = Decide
const minute = 60 * second

type Looks = Stream.Stream<Look, AgniError | LedgerError, AgniClient>

/** A whole second near an instant at which no call starts: which side a call at the bound is on is not documented. */
export const edge = Effect.fnUntraced(function* (lease: Lease, at: Micros): Effect.fn.Return<Micros, LedgerError> {
  const middle = Math.floor(at / second) * second
  const starts = (yield* lease.between({ from: middle - 62 * second, to: middle + 63 * second })).map(
    ({ start = 0 }) => start
  )
  for (let step = 0; step <= 60; step++) {
    for (const candidate of [middle - step * second, middle + step * second]) {
      if (!starts.some((start) => start > candidate - second && start < candidate + 2 * second)) return candidate
    }
  }
  return middle
})

/** What the counts behind the watermark came to. */
export interface Counted {
  /** Where the server counts other calls than are known. */
  readonly ranges: ReadonlyArray<Span>
  /** Whether it could be counted at all. */
  readonly isCounted: boolean
}

/** Rows that the server should count in a range. */
export const expectedIn = Effect.fnUntraced(function* (run: Pass.Run, { from, to }: Span) {
  const known = yield* run.settings.lease.count({ from, to })
  return run.state.uncounted.reduce((sum, { at, rows }) => (at >= from && at < to ? sum + rows : sum), known)
})

/** The younger calls are, the more of them appear late or leave: halves are equal by the logarithm of the age. */
const middleOf = (now: Micros, { from, to }: Span): Micros => now - Math.sqrt((now - from) * (now - to))

/** Compares what lies behind the watermark with one count of the server, and halves until the differences are in ranges that can be read. */
export const counts = Effect.fnUntraced(function* (
  run: Pass.Run,
  endpoint: Endpoint
): Effect.fn.Return<Counted, AgniError | LedgerError> {
  const { from: begin, lease, remember } = run.settings
  const from = yield* edge(lease, Math.max(begin, run.now - remember) + minute)
  const to = yield* edge(lease, run.state.watermark - minute)
  if (from >= to) return { ranges: [], isCounted: true }
  const ranges: Array<Span> = []
  const halve = (range: Span, expected: number, difference: number): Effect.Effect<void, AgniError | LedgerError> =>
    Effect.gen(function* () {
      if (difference === 0) return
      const pages = expected / (0.8 * run.profile.pageSize)
      const middle = yield* edge(lease, middleOf(run.now, range))
      const isSmall = middle <= range.from || middle >= range.to
      if (isSmall || pages <= 1 || pages <= Math.abs(difference) * (1 + Math.log2(pages))) {
        ranges.push(range)
        return
      }
      const left = { from: range.from, to: middle }
      const known = yield* expectedIn(run, left)
      const counted = yield* endpoint.count(left, known)
      // Whatever cannot be counted is read.
      const found = counted === undefined ? difference : counted - known
      yield* halve(left, known, found)
      yield* halve(
        { from: middle, to: range.to },
        expected - known,
        counted === undefined ? difference : difference - found
      )
    })
  const expected = yield* expectedIn(run, { from, to })
  const counted = yield* endpoint.count({ from, to }, expected)
  if (counted === undefined) return { ranges: [], isCounted: false }
  yield* halve({ from, to }, expected, counted - expected)
  return { ranges, isCounted: true }
})

export const behind = (run: Pass.Run, endpoint: Endpoint, ranges: ReadonlyArray<Span>): Looks =>
  Stream.fromIterable(ranges).pipe(Stream.mapEffect((range) => Pass.look(run, endpoint, "behind the watermark", range)))
