/** How long a server asks to be left alone. */
import type * as Duration from "effect/Duration"
import * as Headers from "effect/http/Headers"
import * as Option from "effect/Option"
import * as Result from "effect/Result"

/** The wait that `retry-after` asks for. A date is meant by the server's clock, which may not be ours (`now`). */
export const read = (headers: Headers.Headers, now: number): Duration.Duration | undefined => {
  const date = Date.parse(headers["date"] ?? "")
  return Option.fromUndefinedOr(headers["retry-after"]).pipe(
    Option.flatMap((text) => Result.getSuccess(Headers.parseRetryAfter(text))),
    Option.map((parsed) => Headers.retryAfterDelay(parsed, Number.isNaN(date) ? now : date)),
    Option.getOrUndefined
  )
}
