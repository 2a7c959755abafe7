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
 * Clients under this layer decode large responses in a thread of its own, where there is more than one processor; small
 * ones, and those that come before the thread has started, at once. The thread lives as long as the layer, and does not keep
 * the process alive. Should it end, or not be to be had, nothing is lost but speed: what it held is asked for again, and decoded
 * here.
 *
 * A page then holds its sessions as JSON until they are asked for. That is made for files of JSON lines.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<never> = make("json")

/**
 * The same for those who want each session as an object: a page holds the response that it came in, and reads it again when
 * a session is first asked for. Objects that wait until they are delivered take several times the memory.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerObjects: Layer.Layer<never> = make("response")
