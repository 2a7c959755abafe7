/** A time that a test gives to the simulator. */
import * as Instant from "../../model/Instant.ts"

/** Throws a `RangeError` for what is no time. */
export const of = (name: string, bound: Instant.Bound): Instant.Instant => {
  const found = Instant.fromBound(bound)
  if (found === undefined) throw new RangeError(`${name} must be a time in ISO 8601, such as 2026-07-31T07:16:10Z`)
  return found
}

export const perhaps = (name: string, bound: Instant.Bound | undefined): Instant.Instant | undefined =>
  bound === undefined ? undefined : of(name, bound)
