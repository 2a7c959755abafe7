/** A thread that decodes, and what is done here when it cannot. */
import * as PageDecoder from "@callstream/core/client/PageDecoder"
import { Unavailable } from "@callstream/core/model/AgniError"
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { extname } from "node:path"
import { Worker } from "node:worker_threads"
import type { Answered, Asked } from "./DecodingWorker.ts"

/** Handing a smaller body over costs more than decoding it. */
export const worthIt = 32 * 1024

/** The same folder holds it, as TypeScript or built. A bundle may have no such address. */
const decoding = () => new URL(`./DecodingWorker${extname(import.meta.url)}`, import.meta.url)

export interface Thread extends PageDecoder.Decoder {
  readonly started: Effect.Effect<void>
}

interface State {
  /** The thread has said that it is ready, and has not ended. */
  runs: boolean
  /** The id of the next question. */
  next: number
}

const lost = new Unavailable({ outage: { _tag: "DecoderEnded" } })

/** Fails where threads are not to be had: a process may not be allowed to start one. */
export const make = Effect.fnUntraced(function* (
  hold: PageDecoder.Hold = "json",
  script?: URL
): Effect.fn.Return<Thread, Cause.UnknownError, Scope.Scope> {
  const waiting = new Map<number, (answer: Effect.Effect<unknown, Unavailable>) => void>()
  const started = yield* Deferred.make<void>()
  const state: State = { runs: false, next: 0 }
  const worker = yield* Effect.acquireRelease(
    Effect.try(() => new Worker(script ?? decoding(), { name: "callstream-decoder" })),
    (worker) => Effect.promise(() => worker.terminate())
  )
  const forget = (id: number) => {
    waiting.delete(id)
    if (waiting.size === 0) worker.unref()
  }
  const stop = () => {
    state.runs = false
    for (const resume of waiting.values()) resume(Effect.fail(lost))
    waiting.clear()
    worker.unref()
  }
  worker.on("message", (answer: Answered | "ready") => {
    if (answer === "ready") {
      state.runs = true
      Deferred.doneUnsafe(started, Effect.void)
      return
    }
    waiting.get(answer.id)?.(Effect.succeed(answer.message))
    forget(answer.id)
  })
  worker.on("error", stop)
  // Its stack is larger: what it can say, a record nested thousands deep, may be more than can be read here.
  worker.on("messageerror", stop)
  worker.on("exit", stop)
  worker.unref()

  const ask = (body: Uint8Array<ArrayBuffer>) =>
    Effect.callback<unknown, Unavailable>((resume) => {
      const id = state.next++
      waiting.set(id, resume)
      worker.ref()
      try {
        worker.postMessage({ id, body, hold } satisfies Asked, [body.buffer])
      } catch {
        // A body that cannot be given away, because a transport still holds on to it.
        forget(id)
        resume(Effect.undefined)
      }
      return Effect.sync(() => forget(id))
    })
  return {
    started: Deferred.await(started),
    decode: (body, about) =>
      Effect.suspend(() =>
        state.runs && body.length >= worthIt
          ? Effect.flatMap(ask(body), (message) =>
              message === undefined
                ? PageDecoder.here.decode(body, about)
                : Effect.fromResult(PageDecoder.fromDigest(message, about))
            )
          : PageDecoder.here.decode(body, about)
      )
  }
})
