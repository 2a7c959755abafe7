/**
 * A thread that decodes responses, so that they are parsed and made ready for files beside everything else.
 *
 * @since 0.1.0
 */
import * as PageDecoder from "@callstream/core/client/PageDecoder"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { availableParallelism } from "node:os"
import * as Thread from "./internal/Thread.ts"

const make = (hold: PageDecoder.Hold): Layer.Layer<never> =>
  Layer.effect(
    PageDecoder.PageDecoder,
    Effect.suspend(() =>
      availableParallelism() > 1
        ? Effect.orElseSucceed(Thread.make(hold), () => PageDecoder.here)
        : Effect.succeed(PageDecoder.here)
    )
  )

/**
 * Clients under this layer decode large responses in a worker thread, if there is more than one processor. Small responses,
 * and those before the thread has started, are decoded in the caller's thread. The worker lives as long as the layer, and
 * does not keep the process alive. If it ends or cannot start, only speed is lost: its pages are requested again, and
 * decoded in the caller's thread.
 *
 * A page then holds its calls as JSON until they are read. That suits files of JSON lines.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<never> = make("json")

/**
 * The same for programs that need each call as an object. A page holds its response, and parses it again when a call is
 * first read. Objects that wait for their delivery would take several times the memory.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerObjects: Layer.Layer<never> = make("response")
