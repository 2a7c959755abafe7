/** What answers showed of an endpoint while a range is read: a value, and a fold over the evidence of each part. */
import type { EndpointLimits } from "../../coverage/EndpointLimits.ts"
import type * as Ask from "../../endpoint/internal/Ask.ts"
import type { Micros, Range } from "../../endpoint/internal/Micros.ts"

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
  /** The least width of bounds that were refused. */
  readonly refused: number
  /** Whether pages of another size are not what they were asked to be. */
  readonly rounds?: boolean | undefined
  /** Answers contradicted each other: a count that agrees proves nothing any more. */
  readonly differs: boolean
  /** The earliest time that an answer gave. */
  readonly earliest: Micros
  /** So many rows of the same bounds are given at most. */
  readonly deepest: number
  /** Bounds that are wider are not answered in full. */
  readonly span?: number | undefined
  /** Whether control rows did not come, or bounds were refused, for bounds far apart; their limit is not measured. */
  readonly cut?: boolean | undefined
  /** So many rows of the same bounds came at least once with a row seen beyond both ends: no limit on results is lower. */
  readonly whole: number
  /** Requests of all readers, and the rows that their windows brought: one that is proven and has any counts as a page besides. */
  readonly requests: number
  readonly worth: number
  /** Control rows that left, with their starts. */
  readonly gone?: ReadonlyMap<string, Micros> | undefined
}

/** What the reading of one part showed. */
export interface Evidence {
  readonly order: Known["order"]
  readonly differs: boolean
  readonly deepest: number
  readonly cut?: boolean | undefined
  readonly whole: number
  /** Rows that its windows brought, and a page for one that is proven and has any. */
  readonly worth: number
  /** The range that is proven by one reading: where answers differ, that does not do. */
  readonly once?: Range | undefined
  readonly log: Ask.Log
}

/** Before anything is read. */
export const make = (earliest: Micros, limits?: EndpointLimits): Known => ({
  order: "unknown",
  width: 0,
  refused: Infinity,
  differs: false,
  earliest,
  deepest: limits?.rows ?? Infinity,
  span: limits?.span,
  whole: 0,
  requests: 0,
  worth: 0
})

/** So many requests for nothing, and for a page of what came, are more than any server needs whose answers agree. */
export const mostRequests = { least: 8000, perPage: 10 }

/** Whether reading again was in vain so often that it is not tried any more: answers contradict each other. */
export const isExhausted = ({ requests, worth }: Known, size: number): boolean =>
  requests > mostRequests.least + (mostRequests.perPage * worth) / size

export const fold = (known: Known, { cut = false, deepest, differs, log, order, whole, worth }: Evidence): Known => ({
  order: known.order === "other" || order === "unknown" ? known.order : order,
  width: Math.max(known.width, log.width),
  refused: Math.min(known.refused, log.refused),
  rounds: known.rounds === true || log.rounds,
  differs: known.differs || differs,
  earliest: Math.min(known.earliest, log.observedAt ?? Infinity),
  deepest: Math.min(known.deepest, deepest),
  span: known.span,
  cut: known.cut === true || cut,
  whole: Math.max(known.whole, whole),
  requests: known.requests + log.requests,
  worth: known.worth + worth,
  gone: log.gone.size === 0 ? known.gone : new Map([...(known.gone ?? []), ...log.gone])
})
