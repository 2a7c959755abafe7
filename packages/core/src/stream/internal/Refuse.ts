import * as Duration from "effect/Duration"
import * as Stream from "effect/Stream"
import { AgniError, InvalidRequest } from "../../model/AgniError.ts"

/** A stream that cannot be begun with, because of what it was given. */
export const refuse = (parameter: string, what: string): Stream.Stream<never, AgniError> =>
  Stream.fail(
    new AgniError({
      reason: new InvalidRequest({ parameter, description: `${parameter} ${what}` }),
      request: "CallSessions",
      attempts: 0,
      elapsed: Duration.zero
    })
  )
