/** What the windows brought, by start, so that a count of any bounds can be held against it. */
import * as CallRows from "../../model/Rows.ts"
import type * as Coverage from "../Coverage.ts"
import type { Bounds } from "../../endpoint/internal/Ask.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import type { Micros, Range } from "../../endpoint/internal/Micros.ts"
import * as IdSet from "./IdSet.ts"

/** Calls whose start lies between two bounds, and those whose start is one of them: a server may count those or not. */
export interface Number {
  readonly within: number
  readonly at: number
}

interface Stretch extends Range {
  readonly proven: boolean
  /** Calls that came, and rows as the server counts them. */
  readonly calls: number
  readonly rows: number
  /** Ascending. */
  readonly starts: Float64Array
  /** The hashes of the ids, as those of `IdSet`: a reading that resumes knows by them which calls came. */
  readonly ids: Uint32Array
  /**
   * Rows that the server lists besides, under ids that came already, those of a gap that cannot be had, and records whose start is not
   * understood.
   */
  readonly extra: number
  /** How far from its ends these lie. */
  readonly inside: Micros
}

export interface Delivered {
  readonly add: (window: Coverage.Window) => void
  /** Adds what another process delivered. */
  readonly put: (stretch: Stretch) => void
  /** Removes the windows of a range, which are read again. */
  readonly remove: (range: Range) => void
  /** Rows, as the server counts them. */
  readonly rows: () => number
  readonly between: (bounds: Bounds) => Number
  readonly stretches: ReadonlyArray<Stretch>
}

/**
 * The bounds of the windows beside a gap reach so far into it, and they were read: no record that fails lies there, nor one that came for
 * this window alone. A narrow one has no such ends.
 */
const insideOf = ({ coverage, from, to }: Coverage.Window, unplaced: number): Micros =>
  (coverage._tag === "Gap" || unplaced > 0) && to - from > 2 * reach ? reach : 0

const reach = 2_000_000

const firstFrom = (starts: Float64Array, at: Micros): number => {
  let low = 0
  let high = starts.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((starts[middle] ?? Infinity) < at) low = middle + 1
    else high = middle
  }
  return low
}

/** How many of these starts, ascending, lie between the bounds. */
export const count = (starts: Float64Array, { after = -Infinity, before = Infinity }: Bounds): Number => {
  const low = firstFrom(starts, after)
  const high = firstFrom(starts, before)
  const above = firstFrom(starts, after + 1)
  const end = firstFrom(starts, before + 1)
  // Rows of one start have the same bounds on both sides.
  return { within: Math.max(0, high - above), at: above - low + (after < before ? end - high : 0) }
}

const ofWindow = (window: Coverage.Window): Stretch => {
  const { coverage, extra = 0, from, rejected, to } = window
  const items = CallRows.items(window.rows)
  const dated = rejected.flatMap((record) => Rows.ofRejected(record).start ?? [])
  const starts = Float64Array.from([...items.map(({ start = 0 }) => start), ...dated])
  if (dated.length > 0) starts.sort()
  const unplaced = rejected.length - dated.length
  return {
    from,
    to,
    proven: coverage._tag === "Proven",
    calls: items.length,
    rows: items.length + rejected.length + extra,
    starts,
    ids: IdSet.hashesOf([...items.map(({ id }) => id), ...rejected.map(Rows.keyOf)]),
    extra: extra + unplaced,
    inside: insideOf(window, unplaced)
  }
}

export const make = (): Delivered => {
  const stretches: Array<Stretch> = []
  let rows = 0
  const put = (stretch: Stretch): void => {
    rows += stretch.rows
    stretches.push(stretch)
  }
  return {
    stretches,
    rows: () => rows,
    put,
    remove: ({ from, to }) => {
      const others = stretches.filter((one) => one.from < from || one.to > to)
      stretches.splice(0, stretches.length, ...others)
      rows = stretches.reduce((sum, one) => sum + one.rows, 0)
    },
    add: (window) => put(ofWindow(window)),
    between: (bounds) => {
      const { after = -Infinity, before = Infinity } = bounds
      let within = 0
      let at = 0
      for (const { extra, from, inside, starts, to } of stretches) {
        if (to < after || from > before) continue
        const number = count(starts, bounds)
        const isBeside = to - inside <= after || from + inside >= before
        within += number.within + (inside > 0 && isBeside ? 0 : extra)
        at += number.at
      }
      return { within, at }
    }
  }
}
