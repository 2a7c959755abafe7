/** The reader computes with plain microseconds: what leaves it has the brand of an instant. */

/** Microseconds since the epoch, or a difference of them. */
export type Micros = number

export interface Range {
  readonly from: Micros
  readonly to: Micros
}
