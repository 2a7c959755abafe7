/** Schedules of the app, by which a reading of the bridge resumes. */
import type { BeginRetry } from "@callstream/client/bridge"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import * as RuntimeFlags from "effect/RuntimeFlags"
import * as Schedule from "effect/Schedule"
import type { AgniError } from "../AgniError.ts"
import * as Failures from "./Failures.ts"

/** The schedule waits by the Clock of the fiber that reads. */
export const make = (schedule: Schedule.Schedule<unknown, AgniError>): Effect.Effect<BeginRetry> =>
  Effect.map(Effect.runtime(), (own) => {
    const runtime = Runtime.enableRuntimeFlag(own, RuntimeFlags.Interruption)
    return () => {
      const driver = Runtime.runSync(runtime)(Schedule.driver(schedule))
      return (error, signal) =>
        Runtime.runPromise(runtime)(
          Effect.match(driver.next(Failures.ofPlain(error)), { onSuccess: () => true, onFailure: () => false }),
          { signal }
        )
    }
  })
