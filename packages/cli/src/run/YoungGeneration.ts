/** Keeps the part of the heap small in which objects are born. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8"

const megabyte = 1024 * 1024

/** It doubles while it grows, and may do so once more before it is looked at again. */
const enough = 7 * megabyte

/** Bytes of the young generation; `undefined` where the engine does not say. */
export const size = Effect.sync(
  () => getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space")?.space_size
)

/**
 * V8 lets it grow to 64 MB. The bodies of responses, which lie outside of it, are only given back when it is full, so it costs
 * twice. With 16 MB a run takes a fifth less memory and no more time: nearly everything that is born dies with its page. Node
 * has a flag for this, but only for the process that it starts, and a command that starts another one starts twice. The factor
 * is looked at each time that the young generation grows.
 */
const stopGrowing = Effect.sync(() => setFlagsFromString("--semi-space-growth-factor=1"))

/** As soon as it is large enough. Before, little is left of the memory of what the program itself needs. */
export const layer: Layer.Layer<never> = Layer.effectDiscard(
  size.pipe(
    Effect.repeat({
      schedule: Schedule.spaced("10 millis"),
      while: (bytes) => bytes !== undefined && bytes < enough
    }),
    Effect.flatMap((bytes) => (bytes === undefined ? Effect.void : stopGrowing)),
    Effect.forkScoped
  )
)
