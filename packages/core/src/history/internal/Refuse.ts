/** Refuses what the reader was given, before a request is made. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { AgniError, InvalidRequest } from "../../model/AgniError.ts"

export const mistake = (parameter: string, requirement: string): AgniError =>
  new AgniError({
    reason: new InvalidRequest({ parameter, requirement }),
    request: "CallSessions",
    attempts: 0,
    elapsed: Duration.zero
  })

/** A stream that cannot be begun with, because of what it was given. */
export const refuse = (parameter: string, requirement: string): Stream.Stream<never, AgniError> =>
  Stream.fail(mistake(parameter, requirement))

const numbers = ["concurrency", "pageSize", "pagesPerWindow", "sideBySide", "stretchSize"] as const

/** Plain JavaScript may give text that is no duration. */
const isDuration = (input: Duration.Input): boolean =>
  Option.exists(Duration.fromInput(input), (duration) => Duration.isGreaterThanOrEqualTo(duration, Duration.zero))

interface Options extends Readonly<Partial<Record<(typeof numbers)[number], number | undefined>>> {
  readonly horizon?: Duration.Input | undefined
}

/** The mistake in the numeric options and durations, if there is one. */
export const mistakeIn = (options: Options): AgniError | undefined => {
  if (options.horizon !== undefined && !isDuration(options.horizon)) {
    return mistake("horizon", "must be a duration such as 2 hours")
  }
  const name = numbers.find((name) => {
    const value = options[name]
    return value !== undefined && !(Number.isSafeInteger(value) && value >= 1)
  })
  return name === undefined ? undefined : mistake(name, "must be an integer of at least 1")
}
