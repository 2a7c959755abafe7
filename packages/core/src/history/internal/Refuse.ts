/** Refuses what the reader was given, before a request is made. */
import * as Duration from "effect/Duration"
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

const numbers = ["concurrency", "pageSize", "pagesPerWindow"] as const

/** The mistake in the numeric options, if there is one. */
export const mistakeIn = (
  options: Readonly<Partial<Record<(typeof numbers)[number], number | undefined>>>
): AgniError | undefined => {
  const name = numbers.find((name) => {
    const value = options[name]
    return value !== undefined && !(Number.isSafeInteger(value) && value >= 1)
  })
  return name === undefined ? undefined : mistake(name, "must be an integer of at least 1")
}
