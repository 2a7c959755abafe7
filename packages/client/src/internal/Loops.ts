/** Streams as loops that end at once: on `return()`, and when their signal is aborted, also while they wait. */
import type { AgniClient } from "@callstream/core/client/AgniClient"
import type { AgniError } from "@callstream/core/model/AgniError"
import type { LedgerError } from "@callstream/core/sync/LedgerError"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Reading, Verdict } from "../CoverageTypes.ts"
import * as PlainErrors from "./PlainErrors.ts"

export type Failure = AgniError | LedgerError

/** The stream of a loop; each loop begins its own. */
export interface Read<A> {
  readonly signal: AbortSignal | undefined
  /** `prove` is called at the end, if anything was proven. */
  readonly begin: (prove: (verdict: Verdict) => void) => Stream.Stream<ReadonlyArray<A>, Failure, AgniClient>
}

type AgniContext = Context.Context<AgniClient>

interface LoopState<B> {
  buffer: ReadonlyArray<B>
  at: number
  /** Calls of `next` that were not answered yet. */
  waiting: number
  last: Promise<unknown>
  isBegun: boolean
  isDone: boolean
  /** The reason of the signal, until `next` has thrown it. */
  aborted: { readonly reason: unknown } | undefined
}

const newState = <B>(): LoopState<B> => ({
  buffer: [],
  at: 0,
  waiting: 0,
  last: Promise.resolve(),
  isBegun: false,
  isDone: false,
  aborted: undefined
})

const done = { done: true, value: undefined } as const

/** One loop. The iterator of a stream interrupts what it waits for; an async generator around it would wait. */
const loopOf = <A, B>(
  context: AgniContext,
  stream: Stream.Stream<ReadonlyArray<A>, Failure, AgniClient>,
  signal: AbortSignal | undefined,
  unfold: (array: ReadonlyArray<A>) => ReadonlyArray<B>
): AsyncIterator<B, undefined> => {
  const arrays = Stream.toAsyncIterableWith(stream, context)[Symbol.asyncIterator]()
  const state = newState<B>()
  const end = async (): Promise<void> => {
    state.isDone = true
    state.buffer = []
    signal?.removeEventListener("abort", abort)
    await arrays.return?.()
  }
  const abort = (): void => {
    if (state.isDone) return
    state.aborted = { reason: signal?.reason }
    // `next` waits for it again, and reports what fails.
    end().catch(() => undefined)
  }
  const begin = (): void => {
    state.isBegun = true
    if (signal?.aborted === true) abort()
    else signal?.addEventListener("abort", abort, { once: true })
  }
  const pull = async (): Promise<ReadonlyArray<B> | undefined> => {
    try {
      const pulled = await arrays.next()
      return pulled.done === true ? undefined : unfold(pulled.value)
    } catch (error) {
      await end()
      if (state.aborted === undefined) throw PlainErrors.of(error)
      return undefined
    }
  }
  const take = (): IteratorResult<B, undefined> | undefined => {
    const value = state.buffer[state.at]
    if (value === undefined) return undefined
    state.at++
    return { done: false, value }
  }
  const step = async (): Promise<IteratorResult<B, undefined>> => {
    while (!state.isDone && state.at >= state.buffer.length) {
      const pulled = await pull()
      if (state.isDone) break
      if (pulled === undefined) await end()
      else Object.assign(state, { buffer: pulled, at: 0 })
    }
    const { aborted } = state
    if (aborted !== undefined) {
      state.aborted = undefined
      await end()
      throw aborted.reason
    }
    return take() ?? done
  }
  return {
    next: () => {
      if (!state.isBegun) begin()
      // Nearly every call: nothing is waited for.
      const taken = state.waiting === 0 ? take() : undefined
      if (taken !== undefined) return Promise.resolve(taken)
      state.waiting++
      const answered = state.last.then(step).finally(() => state.waiting--)
      state.last = answered.catch(() => undefined)
      return answered
    },
    return: async () => {
      await end()
      return done
    }
  }
}

const readingOf = <A, B>(
  context: AgniContext,
  { begin, signal }: Read<A>,
  unfold: (array: ReadonlyArray<A>) => ReadonlyArray<B>
): Reading<B> => {
  const last: { verdict: Verdict | undefined } = { verdict: undefined }
  return {
    get verdict() {
      return last.verdict
    },
    [Symbol.asyncIterator]: () => {
      // One that is left early, or fails, must not have the verdict of another.
      last.verdict = undefined
      return loopOf(
        context,
        Stream.suspend(() => begin((verdict) => void (last.verdict = verdict))),
        signal,
        unfold
      )
    }
  }
}

/** What it reads, one by one. */
export const each = <A>(context: AgniContext, read: Read<A>): Reading<A> => readingOf(context, read, (array) => array)

/** What it reads, in the arrays in which it comes. */
export const arrays = <A>(context: AgniContext, read: Read<A>): Reading<ReadonlyArray<A>> =>
  readingOf(context, read, (array) => [array])

/** The result of an effect, unless the signal is aborted before. */
export const once = async <A>(
  context: AgniContext,
  effect: Effect.Effect<A, Failure, AgniClient>,
  signal: AbortSignal | undefined
): Promise<A> => {
  signal?.throwIfAborted()
  try {
    return await Effect.runPromiseWith(context)(effect, signal === undefined ? {} : { signal })
  } catch (error) {
    signal?.throwIfAborted()
    throw PlainErrors.of(error)
  }
}
