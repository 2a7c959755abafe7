/** A thread that decodes, and what is done here when it cannot. */
import * as PageDecoder from "@callstream/core/client/PageDecoder"
import { Unavailable } from "@callstream/core/model/AgniError"
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { extname } from "node:path"
import { Worker } from "node:worker_threads"
import type { Answered, Asked, Ready } from "./Serving.ts"

/** Handing a smaller body over costs more than decoding it. */
export const worthIt = 32 * 1024

/** The same folder holds it, as TypeScript or built. A bundle may have no such address. */
const decoding = () => new URL(`./DecodingWorker${extname(import.meta.url)}`, import.meta.url)

export interface Thread extends PageDecoder.Decoder {
  readonly started: Effect.Effect<void>
}

/** What the thread runs. */
export interface Script {
  readonly url: URL
  /** What it finds as `workerData`. @default nothing */
  readonly data?: unknown
  /** What it applies. @default nothing */
  readonly transform?: PageDecoder.Plain | undefined
}

interface State {
  /** The thread has said that it is ready, and has not ended. */
  runs: boolean
  /** Whether it applies the transform that was asked for: the same one has the same label. */
  applies: boolean
  /** The id of the next question. */
  next: number
}

const lost = new Unavailable({ outage: { _tag: "DecoderEnded" } })

/** Fails where threads are not to be had: a process may not be allowed to start one. */
export const make = Effect.fnUntraced(function* (
  work: PageDecoder.Work = {},
  script: Script = { url: decoding() }
): Effect.fn.Return<Thread, Cause.UnknownError, Scope.Scope> {
  const waiting = new Map<number, (answer: Effect.Effect<unknown, Unavailable>) => void>()
  const started = yield* Deferred.make<void>()
  const state: State = { runs: false, applies: false, next: 0 }
  const worker = yield* Effect.acquireRelease(
    Effect.try(() => new Worker(script.url, { name: "callstream-decoder", workerData: script.data })),
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
  worker.on("message", (answer: Answered | Ready) => {
    if ("ready" in answer) {
      state.runs = true
      state.applies = script.transform !== undefined && answer.ready === script.transform.label
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
        worker.postMessage({ id, body, work } satisfies Asked, [body.buffer])
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
                : Effect.fromResult(
                    PageDecoder.fromDigest(message, about, state.applies ? script.transform : undefined)
                  )
            )
          : PageDecoder.here.decode(body, about)
      )
  }
})
