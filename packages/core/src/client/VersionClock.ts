/**
 * Gives each answer of the endpoint its version.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Instant from "../model/Instant.ts"
import * as Version from "../model/Version.ts"

/**
 * A `Version.Clock` that several fibers share.
 *
 * @since 0.1.0
 * @category models
 */
export interface VersionClock {
  /** The version of an answer that was received now. `server` is the server's clock when it made the answer. */
  readonly observe: (server: Instant.Instant) => Effect.Effect<Version.Version>
  readonly state: () => Version.Clock
}

/**
 * Makes a clock that continues from a state.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (from: Version.Clock = Version.clock()): VersionClock => {
  const state = Ref.makeUnsafe(from)
  return {
    observe: (server) =>
      Effect.flatMap(Instant.now, (own) =>
        Ref.modify(state, (before) => {
          const next = Version.observe(before, { server, own })
          return [next.last, next]
        })
      ),
    state: () => Ref.getUnsafe(state)
  }
}

/**
 * The clock of the run that asks. A pipeline provides its own to its source; without one each client has its own.
 *
 * @since 0.1.0
 * @category services
 */
export const Current: Context.Reference<VersionClock | undefined> = Context.Reference<VersionClock | undefined>(
  "@callstream/core/client/VersionClock",
  { defaultValue: () => undefined }
)
