/** Keeps the heap near what a run needs. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8"

/** The young generation doubles as it grows, and may double once more before the next check. */
const enough = 7 * 1024 * 1024

const youngSize = Effect.sync(
  () => getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space")?.space_size
)

/**
 * The young generation of a heap that is made later, in MB: that of the thread that decodes. It would begin with 1 MB, and
 * not grow when the other one may not. Each page would then be collected while it is parsed, with all of its objects alive.
 */
const youngOfThreads = 4

/**
 * For threads and modules of WebAssembly, which take their settings over when they are made. undici's parser only sees the heads
 * of responses: to optimize it takes longer than it ever saves. A run has no one who waits for a pause: marking little by little
 * beside it costs more than stopping. The longer a run lasts, the further V8 would let the old generation grow: from three to five
 * times what lives in it.
 */
const atOnce = [
  `--min-semi-space-size=${youngOfThreads}`,
  "--wasm-tiering-budget=2000000000",
  "--no-incremental-marking",
  "--heap-growing-percent=250"
].join(" ")

/**
 * V8 lets the young generation grow to 64 MB. The bodies of responses lie outside of it, and are given back when it is
 * collected: so each megabyte of room costs two. With 16 MB a run takes a quarter less memory and no more time, because nearly
 * everything that is born dies with its page. Node has an option for this, but only for a process that it starts, and a command
 * that starts itself again starts twice. V8 looks at the flag whenever the generation may grow.
 */
export const layer: Layer.Layer<never> = Layer.effectDiscard(
  Effect.gen(function* () {
    setFlagsFromString(atOnce)
    const stopGrowing = youngSize.pipe(
      Effect.repeat({
        schedule: Schedule.spaced("10 millis"),
        while: (bytes) => bytes !== undefined && bytes < enough
      }),
      Effect.andThen(Effect.sync(() => setFlagsFromString("--semi-space-growth-factor=1")))
    )
    yield* Effect.forkScoped(stopGrowing)
  })
)
