/** A thread that decodes, and what is done here when it cannot. */
import * as PageDecoder from "@callstream/core/client/PageDecoder"
import { Unavailable } from "@callstream/core/model/AgniError"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { extname } from "node:path"
import { Worker } from "node:worker_threads"
import type { Answered, Asked, Ready } from "./Serving.ts"

/** Handing a smaller body over costs more than decoding it. */
export const worthIt = 32 * 1024

/** Starting a thread costs as much as decoding some twenty of such bodies: a small export needs none. */
export const bodiesBeforeStart = 2

/** The same folder holds it, as TypeScript or built. A bundle may have no such address. */
const decoding = () => new URL(`./DecodingWorker${extname(import.meta.url)}`, import.meta.url)

export interface Thread extends PageDecoder.Decoder {
  /** Starts the thread if it was not started yet, and waits until it is ready or has ended. */
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
  /** `undefined` until enough bodies came, and where the process may not start one. */
  worker: Worker | undefined
  /** Bodies that were worth it. */
  bodies: number
  /** It has not ended. */
  runs: boolean
  isReady: boolean
  /** Whether it applies the transform that was asked for: the same one has the same label. */
  applies: boolean
  /** The id of the next question. */
  next: number
}

/** `undefined` where it has to be decoded here. */
type Answer = Effect.Effect<unknown, Unavailable>

type Question = Pick<Asked, "work"> & { readonly body: Uint8Array<ArrayBuffer> }

interface Waiting {
  readonly resume: (answer: Answer) => void
  /** What it gets when it is ready; nothing once it has it. */
  early: Question | undefined
}

interface Asking {
  readonly script: Script
  readonly state: State
  /** By the id of the question. */
  readonly waiting: Map<number, Waiting>
}

/** The error is made only where somebody waits: it compiles its schema, for which a run that ends would wait. */
const ended = Effect.suspend(() => Effect.fail(new Unavailable({ outage: { _tag: "DecoderEnded" } })))

/** Where a thread is not allowed, everything is decoded here. */
const start = (asking: Asking): void => {
  const { script, state, waiting } = asking
  let worker: Worker
  try {
    worker = new Worker(script.url, { name: "callstream-decoder", workerData: script.data })
  } catch {
    return
  }
  state.worker = worker
  state.runs = true
  const stop = () => {
    state.runs = false
    for (const { early, resume } of waiting.values()) resume(early === undefined ? ended : Effect.undefined)
    waiting.clear()
    worker.unref()
  }
  worker.on("message", (answer: Answered | Ready) => {
    if ("ready" in answer) {
      state.isReady = true
      state.applies = script.transform !== undefined && answer.ready === script.transform.label
      for (const [id, { early }] of waiting) if (early !== undefined) give(asking, worker, id, early)
      return
    }
    waiting.get(answer.id)?.resume(Effect.succeed(answer.message))
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

const give = ({ waiting }: Asking, worker: Worker, id: number, question: Question): void => {
  const asked = waiting.get(id)
  try {
    worker.postMessage({ id, ...question } satisfies Asked, [question.body.buffer])
    if (asked !== undefined) asked.early = undefined
  } catch {
    // A body that cannot be given away, because a transport still holds on to it.
    forget(waiting, worker, id)
    asked?.resume(Effect.undefined)
  }
}

/** A thread takes a while to start. Until then one body is decoded here in each free turn. */
const meanwhile = (asking: Asking, worker: Worker): void => {
  const { state, waiting } = asking
  setImmediate(() => {
    const [first] = waiting
    if (state.isReady || first === undefined) return
    const [id, { resume }] = first
    forget(waiting, worker, id)
    resume(Effect.undefined)
    if (waiting.size > 0) meanwhile(asking, worker)
  })
}

const ask = (asking: Asking, worker: Worker, question: Question): Answer =>
  Effect.callback<unknown, Unavailable>((resume) => {
    const { state, waiting } = asking
    const id = state.next++
    waiting.set(id, { resume, early: question })
    worker.ref()
    if (state.isReady) give(asking, worker, id, question)
    else if (waiting.size === 1) meanwhile(asking, worker)
    return Effect.sync(() => forget(waiting, worker, id))
  })

/** The thread starts when enough bodies came that are worth it. */
export const make = (
  work: PageDecoder.Work = {},
  script: Script = { url: decoding() }
): Effect.Effect<Thread, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync((): Asking => ({
      script,
      state: { worker: undefined, bodies: 0, runs: false, isReady: false, applies: false, next: 0 },
      waiting: new Map()
    })),
    ({ state }) => Effect.promise(async () => state.worker?.terminate())
  ).pipe(
    Effect.map((asking): Thread => {
      const { state } = asking
      const decodeThere = (worker: Worker, body: Uint8Array<ArrayBuffer>, about: PageDecoder.About) =>
        Effect.flatMap(ask(asking, worker, { body, work }), (message) =>
          message === undefined
            ? PageDecoder.here.decode(body, about)
            : Effect.fromResult(PageDecoder.fromDigest(message, about, state.applies ? script.transform : undefined))
        )
      return {
        started: Effect.callback((resume) => {
          if (state.worker === undefined) start(asking)
          const done = () => resume(Effect.void)
          if (state.isReady || !state.runs) return done()
          state.worker?.once("message", done).once("exit", done)
        }),
        decode: (body, about) =>
          Effect.suspend(() => {
            if (body.length < worthIt) return PageDecoder.here.decode(body, about)
            if (++state.bodies === bodiesBeforeStart && state.worker === undefined) start(asking)
            const { runs, worker } = state
            return worker !== undefined && runs
              ? decodeThere(worker, body, about)
              : PageDecoder.here.decode(body, about)
          })
      }
    })
  )
