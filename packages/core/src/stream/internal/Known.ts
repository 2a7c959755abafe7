/** What answers showed of an endpoint while a range is read: a value, and a fold over the evidence of each part. */
import type * as Ask from "./Ask.ts"
import type { Micros, Range } from "./Micros.ts"

const second = 1_000_000

/** The width of bounds that is trusted unseen: no known server limits a range to less than a day. */
export const leastWidth = 86_400 * second + 10 * second

export interface Known {
  /**
   * `start`, once an answer had the newest start first although the rows were created in another order; `other`, once an
   * answer had another order.
   */
  readonly order: "unknown" | "start" | "other"
  /** The widest spread of rows that answers to the same bounds brought. */
  readonly width: number
  /** Answers contradicted each other: a count that agrees proves nothing any more. */
  readonly differs: boolean
  /** The earliest time that an answer gave. */
  readonly earliest: Micros
  /** So many rows of the same bounds are given at most. */
  readonly deepest: number
  /** So many rows of the same bounds, or of the list without bounds, were seen to be given. */
  readonly depth: number
}

/** The place of the last row that any answer brought, or the greatest count. */
export const depthOf = ({ counts, places }: Ask.Log): number => {
  let most = 0
  for (const { rows } of places.values()) if (rows > most) most = rows
  for (const { rows } of counts.values()) if (rows > most) most = rows
  return most
}

/** What the reading of one part showed. */
export interface Evidence {
  readonly order: Known["order"]
  readonly differs: boolean
  readonly deepest: number
  /** Whether a page beyond the end brings something, where that was asked: then the place of a row counts nothing. */
  readonly repeats: boolean
  /** The range that is proven by one reading: where answers differ, that does not do. */
  readonly once?: Range | undefined
  readonly log: Ask.Log
}

export const fold = (known: Known, { deepest, differs, log, order, repeats }: Evidence): Known => ({
  order: known.order === "other" || order === "unknown" ? known.order : order,
  width: Math.max(known.width, log.width),
  differs: known.differs || differs,
  earliest: Math.min(known.earliest, log.observedAt ?? Infinity),
  deepest: Math.min(known.deepest, deepest),
  depth: repeats ? known.depth : Math.max(known.depth, depthOf(log))
})
