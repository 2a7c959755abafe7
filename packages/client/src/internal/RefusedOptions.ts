/** Refuses what a client was given, before a request is made. */
import { AgniError, InvalidRequest } from "@callstream/core/model/AgniError"
import * as Duration from "effect/Duration"

export const mistake = (parameter: string, requirement: string): AgniError =>
  new AgniError({
    reason: new InvalidRequest({ parameter, requirement }),
    request: "options of the client",
    attempts: 0,
    elapsed: Duration.zero
  })

/**
 * The mistake in times, if there is one. Without types a number can come: milliseconds in JavaScript, but core would read
 * microseconds.
 */
export const mistakeIn = (times: Readonly<Record<string, unknown>>): AgniError | undefined => {
  const name = Object.keys(times).find((name) => typeof times[name] === "number")
  return name === undefined ? undefined : mistake(name, "must be a Date or text in ISO 8601, not a number")
}
