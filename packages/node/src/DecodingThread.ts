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

/**
 * Clients under this layer decode large responses in a worker thread, if there is more than one processor. Small responses,
 * and those before the thread has started, are decoded in the caller's thread. The worker lives as long as the layer, and
 * does not keep the process alive. If it ends or cannot start, only speed is lost: its pages are requested again, and
 * decoded in the caller's thread.
 *
 * A page then holds its calls as JSON until they are read. That suits files of JSON lines; a program that needs each call as
 * an object parses it twice.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<never> = Layer.effect(
  PageDecoder.PageDecoder,
  Effect.suspend(() =>
    availableParallelism() > 1
      ? Effect.orElseSucceed(Thread.make(), () => PageDecoder.here)
      : Effect.succeed(PageDecoder.here)
  )
)
