/**
 * What a sink wrote or sent, in bytes, for the metric `callstream.sink.size`.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/**
 * What counts the bytes of the sink that is called: a pipeline provides it.
 *
 * @since 0.1.0
 * @category services
 */
export const Counter: Context.Reference<((bytes: number) => void) | undefined> = Context.Reference<
  ((bytes: number) => void) | undefined
>("@callstream/core/sink/SinkBytes/Counter", { defaultValue: () => undefined })

/**
 * Counts bytes that the sink wrote or sent. Call it within `write`, `remove`, `flush` or `finish`.
 *
 * @since 0.1.0
 * @category counting
 */
export const add = (bytes: number): Effect.Effect<void> => Effect.map(Counter, (count) => count?.(bytes))
