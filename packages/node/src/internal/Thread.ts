/** A thread that decodes, and what is done here when it cannot. */
import * as PageDecoder from "@callstream/core/client/PageDecoder"
import { Unavailable } from "@callstream/core/model/AgniError"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { extname } from "node:path"
import { Worker } from "node:worker_threads"
import type { Answered, Asked, Ready } from "./Serving.ts"

/** Handing a smaller body over costs more than decoding it. */
export const worthIt = 32 * 1024

/** Starting a thread costs as much as decoding some twenty of such bodies. */
export const bodiesBeforeStart = 4

/** The same folder holds it, as TypeScript or built. A bundle may have no such address. */
const decoding = () => new URL(`./DecodingWorker${extname(import.meta.url)}`, import.meta.url)

export interface Thread extends PageDecoder.Decoder {
  /** Starts the thread if it does not run yet, and waits until it can be asked. */
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
  /** `undefined` until enough bodies came, or where the process may not start one. */
  worker: Worker | undefined
  /** Bodies that were worth it and were decoded here, since none was started yet. */
  bodies: number
  /** The thread has said that it is ready, and has not ended. */
  runs: boolean
  /** Whether it applies the transform that was asked for: the same one has the same label. */
  applies: boolean
  /** The id of the next question. */
  next: number
}

type Answer = Effect.Effect<unknown, Unavailable>

interface Asking {
  readonly script: Script
  readonly state: State
  readonly started: Deferred.Deferred<void>
  /** By the id of the question. */
  readonly waiting: Map<number, (answer: Answer) => void>
}

/** Starts the thread. Where that is not allowed, everything is decoded here. */
const start = ({ script, started, state, waiting }: Asking): void => {
  state.bodies = -Infinity
  let worker: Worker
  try {
    worker = new Worker(script.url, { name: "callstream-decoder", workerData: script.data })
  } catch {
    return
  }
  state.worker = worker
  const stop = () => {
    state.runs = false
    const lost = new Unavailable({ outage: { _tag: "DecoderEnded" } })
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
    forget(waiting, worker, answer.id)
  })
  worker.on("error", stop)
  // Its stack is larger: what it can say, a record nested thousands deep, may be more than can be read here.
  worker.on("messageerror", stop)
  worker.on("exit", stop)
  worker.unref()
}

const forget = (waiting: Asking["waiting"], worker: Worker, id: number): void => {
  waiting.delete(id)
  if (waiting.size === 0) worker.unref()
}

const ask = (
  { state, waiting }: Asking,
  worker: Worker,
  question: Pick<Asked, "work"> & { readonly body: Uint8Array<ArrayBuffer> }
): Answer =>
  Effect.callback<unknown, Unavailable>((resume) => {
    const id = state.next++
    waiting.set(id, resume)
    worker.ref()
    try {
      worker.postMessage({ id, ...question } satisfies Asked, [question.body.buffer])
    } catch {
      // A body that cannot be given away, because a transport still holds on to it.
      forget(waiting, worker, id)
      resume(Effect.undefined)
    }
    return Effect.sync(() => forget(waiting, worker, id))
  })

/** The thread starts when enough bodies came that are worth it: a small export needs none. */
export const make = (
  work: PageDecoder.Work = {},
  script: Script = { url: decoding() }
): Effect.Effect<Thread, never, Scope.Scope> =>
  Deferred.make<void>().pipe(
    Effect.flatMap((started) =>
      Effect.acquireRelease(
        Effect.sync((): Asking => ({
          script,
          started,
          state: { worker: undefined, bodies: 0, runs: false, applies: false, next: 0 },
          waiting: new Map()
        })),
        ({ state }) => Effect.promise(async () => state.worker?.terminate())
      )
    ),
    Effect.map((asking): Thread => {
      const { state } = asking
      return {
        started: Effect.suspend(() => {
          if (state.worker === undefined) start(asking)
          return Deferred.await(asking.started)
        }),
        decode: (body, about) =>
          Effect.suspend(() => {
            const { runs, worker } = state
            if (body.length < worthIt) return PageDecoder.here.decode(body, about)
            if (worker !== undefined && runs) {
              return Effect.flatMap(ask(asking, worker, { body, work }), (message) =>
                message === undefined
                  ? PageDecoder.here.decode(body, about)
                  : Effect.fromResult(
                      PageDecoder.fromDigest(message, about, state.applies ? script.transform : undefined)
                    )
              )
            }
            if (++state.bodies >= bodiesBeforeStart) start(asking)
            return PageDecoder.here.decode(body, about)
          })
      }
    })
  )
