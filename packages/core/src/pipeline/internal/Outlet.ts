import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import type { Committed } from "../../model/Committed.ts"
import type { Cursor } from "../../model/Position.ts"
import type { Batch, Compared, Delivery, Refused, Replaced, SessionSink, Writer } from "../../sink/SessionSink.ts"
import type { SinkError } from "../../sink/SinkError.ts"

/** A sink of a run: where it stands, what it took, and the error that closed it, if one did. */
export interface Outlet<in A> {
  readonly name: string
  readonly delivery: Delivery
  /** What is in it for good, as it says itself. */
  readonly committed: () => Committed | undefined
  /** The cursor of that; `undefined` when there is nothing. */
  readonly at: () => Cursor | undefined
  /** It holds rows that were not flushed. */
  readonly dirty: () => boolean
  readonly failure: () => SinkError | undefined
  readonly written: () => number
  readonly refused: () => number
  readonly compared: () => Compared
  readonly write: (batch: Batch<A>) => Effect.Effect<ReadonlyArray<Refused>, SinkError>
  readonly flush: (at: Cursor) => Effect.Effect<void, SinkError>
  readonly finish: Effect.Effect<void, SinkError>
  readonly replaced: () => Replaced
  readonly close: (error: SinkError) => Effect.Effect<void>
}

const nothingCompared: Compared = { newer: 0, notBelieved: 0 }

/** What fails in passing is tried again for about ten seconds; a sink that wants to wait longer does so itself. */
const again = Schedule.min([Schedule.exponential("200 millis", 3), Schedule.spaced("5 seconds")]).pipe(
  Schedule.upTo({ times: 4 })
)

export const patiently = <B, R>(effect: Effect.Effect<B, SinkError, R>): Effect.Effect<B, SinkError, R> =>
  Effect.retry(effect, { schedule: again, while: (error) => error.retryable })

export const nothing: Replaced = { replaced: [], removed: [] }

interface Opened<in A> {
  readonly writer: Writer<A>
  readonly scope: Scope.Closeable
}

/** In a scope of its own, so that one that is closed gives back what it holds while the others go on. */
const attempt = Effect.fnUntraced(function* <A, R>(
  sink: SessionSink<A, R>,
  from: Committed | undefined
): Effect.fn.Return<Opened<A>, SinkError, R | Scope.Scope> {
  const scope = yield* Effect.flatMap(Effect.scope, Scope.fork)
  const writer = yield* sink.open(Option.fromUndefinedOr(from)).pipe(
    Scope.provide(scope),
    Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
  )
  return { writer, scope }
})

/** Opens a sink. One that cannot be opened is closed from the beginning. */
export const open = Effect.fnUntraced(function* <A, R>(
  sink: SessionSink<A, R>,
  from: Committed | undefined
): Effect.fn.Return<Outlet<A>, never, R | Scope.Scope> {
  const opened = yield* Effect.result(patiently(attempt(sink, from)))
  if (opened._tag === "Failure") return unopened(sink, opened.failure)
  const { scope, writer } = opened.success
  let committed = Option.getOrUndefined(writer.committed)
  let dirty = false
  let failure: SinkError | undefined
  let written = 0
  let refused = 0
  return {
    name: sink.name,
    delivery: sink.delivery,
    committed: () => committed,
    at: () => committed?.at,
    dirty: () => dirty,
    failure: () => failure,
    written: () => written,
    refused: () => refused,
    compared: () => writer.compared?.() ?? nothingCompared,
    write: (batch) =>
      Effect.suspend(() => {
        dirty ||= batch.items.length > 0
        return Effect.map(patiently(writer.write(batch)), (no) => {
          written += batch.items.length - no.length
          refused += no.length
          return no
        })
      }),
    flush: (at) =>
      Effect.map(patiently(writer.flush(at)), (flushed) => {
        committed = flushed
        dirty = false
      }),
    finish: patiently(writer.finish),
    replaced: () => writer.replaced?.() ?? nothing,
    close: (error) =>
      Effect.suspend(() => {
        failure = error
        return Scope.close(scope, Exit.fail(error))
      })
  }
})

const unopened = <A>({ delivery, name }: SessionSink<A, unknown>, error: SinkError): Outlet<A> => ({
  name,
  delivery,
  committed: () => undefined,
  at: () => undefined,
  dirty: () => false,
  failure: () => error,
  written: () => 0,
  refused: () => 0,
  compared: () => nothingCompared,
  write: () => Effect.fail(error),
  flush: () => Effect.fail(error),
  finish: Effect.fail(error),
  replaced: () => nothing,
  close: () => Effect.void
})
