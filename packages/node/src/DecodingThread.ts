/**
 * A thread that decodes responses, so that they are parsed and made ready for files beside everything else.
 *
 * @since 0.1.0
 */
import * as PageDecoder from "@callstream/core/client/PageDecoder"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { availableParallelism } from "node:os"
import * as Serving from "./internal/Serving.ts"
import * as Thread from "./internal/Thread.ts"

const make = (work: PageDecoder.Work, script?: Thread.Script): Layer.Layer<never> =>
  Layer.effect(
    PageDecoder.PageDecoder,
    Effect.suspend(() => (availableParallelism() > 1 ? Thread.make(work, script) : Effect.succeed(PageDecoder.here)))
  )

/**
 * Clients under this layer decode large responses in a worker thread, if there is more than one processor. Small responses
 * and the first large one are decoded in the caller's thread. The thread starts with the second large response, so a small
 * export starts none. It ends with the layer, and does not keep the process alive. If it cannot start, all is decoded
 * in the caller's thread; if it ends later, what it had is requested again.
 *
 * A page then holds its calls as JSON until they are read. That suits files of JSON lines.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<never> = make({ hold: "json" })

/**
 * The same for programs that need each call as an object. A page holds its response, and parses it again when a call is
 * first read. Objects that wait for their delivery would take several times the memory.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerObjects: Layer.Layer<never> = make({ hold: "response" })

/**
 * The same for a sync: the thread also makes what a ledger keeps of each call. `hold` is `"json"` for logs of changes, and
 * `"response"` where a sink or a transform needs each call as an object.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerSync = (hold: PageDecoder.Hold): Layer.Layer<never> => make({ hold, outlines: true })

/**
 * A script of a thread, and what it applies.
 *
 * @since 0.1.0
 * @category options
 */
export interface Ahead {
  /** A module that calls `serve` with the transform. */
  readonly url: URL
  /** What the module finds as `workerData`: what it makes the transform of. */
  readonly data: unknown
  /** The transform, made of the same data here. Its rows must be plain JSON. */
  readonly transform: PageDecoder.Plain
}

/**
 * The same for a pipeline with a transform that is pure: the thread applies it, too, and makes lines of JSON of its rows.
 * Records that it rejects, and rows that JSON cannot say, are made again in the caller's thread. If the label of the
 * thread's transform is another one, the rows of the thread are not used.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerAhead = (ahead: Ahead): Layer.Layer<never> => make({ hold: "response" }, ahead)

/**
 * Makes a decoding thread of the module that calls it, in a worker.
 *
 * @since 0.1.0
 * @category threads
 */
export const serve: (transform: PageDecoder.Plain) => void = Serving.serve
