/**
 * How long things take, as whole counts.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * Microseconds, as a plain number to calculate with: since the epoch, or between two instants.
 *
 * @since 0.1.0
 * @category models
 */
export type Micros = number

const second = 1_000_000

/** The first delay that differs from none, in µs, and how many counts there are: up to a month. */
const shortest = 30 * second
const bins = 35

/**
 * How often something took how long, in half octaves from 30 seconds to a month. The first count is of what took less, the last
 * one of what took longer.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Tail = Schema.Array(Schema.Int).check(Schema.isMinLength(bins), Schema.isMaxLength(bins))

/**
 * @since 0.1.0
 * @category models
 */
export type Tail = typeof Tail.Type

/**
 * Nothing was seen yet.
 *
 * @since 0.1.0
 * @category constructors
 */
export const empty: Tail = Array.from({ length: bins }, () => 0)

const binOf = (delay: number): number =>
  delay < shortest ? 0 : Math.min(bins - 1, 1 + Math.floor(2 * Math.log2(delay / shortest)))

/** Where each bin begins, in µs. */
const begins = Array.from({ length: bins }, (_, bin) => (bin === 0 ? 0 : shortest * 2 ** ((bin - 1) / 2)))
const beginOf = (bin: number): number => begins[bin] ?? Infinity

/**
 * The longest delay that is counted by itself, in microseconds: about a month.
 *
 * @since 0.1.0
 * @category constants
 */
export const longest: number = beginOf(bins - 1)

/**
 * One more delay, in microseconds.
 *
 * @since 0.1.0
 * @category combining
 */
export const observe = (tail: Tail, delay: number): Tail => {
  const bin = binOf(Math.max(0, delay))
  return tail.map((count, i) => (i === bin ? count + 1 : count))
}

/**
 * What two of them saw of different things.
 *
 * @since 0.1.0
 * @category combining
 */
export const merge = (left: Tail, right: Tail): Tail => left.map((count, i) => count + (right[i] ?? 0))

/**
 * How many delays were seen.
 *
 * @since 0.1.0
 * @category reading
 */
export const total = (tail: Tail): number => tail.reduce((sum, count) => sum + count, 0)

/**
 * The share of them that takes longer than `delay` (in microseconds), within a half octave in proportion. One imagined delay is
 * spread over all half octaves, so that nothing is ruled out that was not seen yet.
 *
 * @since 0.1.0
 * @category reading
 */
export const survival = (tail: Tail, delay: number): number => {
  const bin = binOf(Math.max(0, delay))
  let longer = (bins - 1 - bin) / bins
  for (let i = bin + 1; i < bins; i++) longer += tail[i] ?? 0
  const begin = beginOf(bin)
  const rest = bin === bins - 1 ? 0 : 1 - Math.min(1, (Math.max(0, delay) - begin) / (beginOf(bin + 1) - begin))
  return Math.min(1, (longer + rest * ((tail[bin] ?? 0) + 1 / bins)) / (total(tail) + 1))
}

/**
 * A delay, in microseconds, that `share` of them did not exceed: the end of a half octave; `Infinity` behind the last one.
 *
 * @since 0.1.0
 * @category reading
 */
export const quantile = (tail: Tail, share: number): number => {
  const wanted = share * total(tail)
  let reached = 0
  for (let bin = 0; bin < bins - 1; bin++) {
    reached += tail[bin] ?? 0
    if (reached >= wanted) return beginOf(bin + 1)
  }
  return Infinity
}
