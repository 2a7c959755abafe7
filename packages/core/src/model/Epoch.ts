/**
 * Numbers of runs that take something from each other: of two, the one of the higher epoch has it.
 *
 * @since 0.1.0
 */

/**
 * The epoch of a new run. It is at least the time, in milliseconds since 1970: so it is higher than those before it even
 * where the stored one was deleted, or restored from a copy. Others may remember it longer.
 *
 * @since 0.1.0
 * @category constructors
 */
export const next = (stored: number, now: number): number => Math.max(stored + 1, now)
