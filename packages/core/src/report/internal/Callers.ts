/** Customers by number, and those who had several calls. */
import * as Instant from "../../model/Instant.ts"

/** Callers that a report names. */
const mostNamed = 20

export type Callers = Map<string, { calls: number; last: Instant.Instant }>

export const make = (): Callers => new Map()

export const add = (callers: Callers, number: string, time: Instant.Instant): void => {
  const known = callers.get(number)
  if (known === undefined) callers.set(number, { calls: 1, last: time })
  else {
    known.calls++
    known.last = Instant.max(known.last, time)
  }
}

export const summary = (callers: Callers) => {
  const several = Array.from(callers, ([number, { calls, last }]) => ({ number, calls, last })).filter(
    ({ calls }) => calls > 1
  )
  return {
    known: callers.size,
    repeated: several.length,
    calls: several.reduce((sum, { calls }) => sum + calls, 0),
    most: several
      .sort(
        (left, right) => right.calls - left.calls || right.last - left.last || (left.number < right.number ? -1 : 1)
      )
      .slice(0, mostNamed)
  }
}
