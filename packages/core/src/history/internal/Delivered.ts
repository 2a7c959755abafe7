/** What the windows brought, by start, so that a count of any bounds can be held against it. */
import type { Item } from "../../model/Item.ts"
import * as CallRows from "../../model/Rows.ts"
import type * as Coverage from "../Coverage.ts"
import type { Bounds } from "../../endpoint/internal/Ask.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import type { Micros, Range } from "../../endpoint/internal/Micros.ts"
import type * as IdSet from "./IdSet.ts"

/** Calls whose start lies between two bounds, and those whose start is one of them: a server may count those or not. */
export interface Number {
  readonly within: number
  readonly at: number
}

/** A window, or what another process delivered of one. */
export interface Piece extends Range {
  readonly proven: boolean
  /** Calls that came, and rows as the server counts them. */
  readonly calls: number
  readonly rows: number
  /** Ascending. */
  readonly starts: Float64Array
  /**
   * Rows that the server lists besides, under ids that came already, those of a gap that cannot be had, and records whose start is not
   * understood.
   */
  readonly extra: number
  /** How far from its ends these lie. */
  readonly inside: Micros
}

interface Stretch extends Piece {
  /** Those of its calls, in the set of all: a reading that resumes knows by them which calls came. */
  readonly ids: IdSet.Places
}

export interface Delivered {
  /** @param ids Those of its calls, which are in the set of all. */
  readonly add: (window: Coverage.Window, ids: IdSet.Places) => void
  /**
   * Adds what another process delivered; how many of its calls had come before.
   *
   * @param hashes of its ids
   */
  readonly put: (piece: Piece, hashes: Uint32Array) => number
  /** Removes the windows of a range, which are read again, and forgets all ids but those of the other windows. */
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

/** Ascending, as the calls of a window are. */
const startsOf = (items: ReadonlyArray<Item<unknown>>, others: ReadonlyArray<Micros>): Float64Array => {
  const starts = new Float64Array(items.length + others.length)
  for (let i = 0; i < items.length; i++) starts[i] = items[i]?.start ?? 0
  starts.set(others, items.length)
  return others.length === 0 ? starts : starts.sort()
}

const ofWindow = (window: Coverage.Window): Piece => {
  const { coverage, extra = 0, from, rejected, to } = window
  const items = CallRows.items(window.rows)
  const dated = rejected.flatMap((record) => Rows.ofRejected(record).start ?? [])
  const unplaced = rejected.length - dated.length
  return {
    from,
    to,
    proven: coverage._tag === "Proven",
    calls: items.length,
    rows: items.length + rejected.length + extra,
    starts: startsOf(items, dated),
    extra: extra + unplaced,
    inside: insideOf(window, unplaced)
  }
}

/** @param all The ids of all calls that came. */
export const make = (all: IdSet.IdSet): Delivered => {
  const stretches: Array<Stretch> = []
  let rows = 0
  const add = (piece: Piece, ids: IdSet.Places): void => {
    rows += piece.rows
    stretches.push({ ...piece, ids })
  }
  const put = (piece: Piece, hashes: Uint32Array): number => {
    const first = all.size()
    const twice = all.addHashes(hashes)
    add(piece, { first, end: all.size() })
    return twice
  }
  return {
    stretches,
    rows: () => rows,
    put,
    remove: ({ from, to }) => {
      const others = stretches.filter((one) => one.from < from || one.to > to)
      const hashes = others.map(({ ids }) => all.hashes(ids).slice())
      all.clear()
      stretches.length = 0
      rows = 0
      for (const [i, one] of others.entries()) put(one, hashes[i] ?? new Uint32Array())
    },
    add: (window, ids) => {
      add(ofWindow(window), ids)
    },
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
