/** A sink of a run: its calls with their retries, and where it is in the state of the run. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import type * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { Committed } from "../../model/Committed.ts"
import * as ErrorType from "../../model/internal/ErrorType.ts"
import type { Cursor } from "../../model/Position.ts"
import type {
  Batch,
  Compared,
  Delivery,
  Keeps,
  Opening,
  Refused,
  Replaced,
  SessionSink,
  Writer
} from "../../sink/SessionSink.ts"
import type { SinkError } from "../../sink/SinkError.ts"
import * as RunState from "./RunState.ts"
import * as SinkTelemetry from "./SinkTelemetry.ts"

export interface SinkHandle<in A> {
  readonly name: string
  readonly delivery: Delivery
  readonly keeps: Keeps | undefined
  readonly state: () => RunState.SinkState
  /** Its position; `undefined` while it is empty. */
  readonly at: () => Cursor | undefined
  /** The same when it was opened. */
  readonly began: () => Cursor | undefined
  readonly compared: () => Compared
  readonly write: (batch: Batch<A>) => Effect.Effect<ReadonlyArray<Refused>, SinkError>
  /** Of a sink that can be in a sync. */
  readonly remove: (batch: Batch<null>) => Effect.Effect<ReadonlyArray<Refused>, SinkError>
  /** What it keeps beside its position. */
  readonly note: () => Schema.Json
  readonly flush: (at: Cursor) => Effect.Effect<void, SinkError>
  readonly finish: Effect.Effect<void, SinkError>
  readonly replaced: () => Replaced
  readonly close: (error: SinkError) => Effect.Effect<void>
}

/**
 * Rows that it is given again change nothing. So one that is ahead gets all that is read again: a call may have come since an earlier
 * process read it, or a later version.
 */
export const takesAgain = ({ delivery }: Pick<SinkHandle<never>, "delivery">): boolean => delivery === "transactional"

const nothingCompared: Compared = { newer: 0, notBelieved: 0 }

/** A transient failure is retried for about ten seconds; a sink that wants to wait longer does so itself. */
const again = Schedule.min([Schedule.exponential("200 millis", 3), Schedule.spaced("5 seconds")]).pipe(
  Schedule.upTo({ times: 4 }),
  Schedule.setInputType<SinkError>()
)

/** The retry by which about a second has passed. */
const afterASecond = 3

export const patiently = <B, R>(
  effect: Effect.Effect<B, SinkError, R>,
  onRetry: (error: SinkError, attempt: number) => Effect.Effect<void> = () => Effect.void
): Effect.Effect<B, SinkError, R> =>
  Effect.retry(effect, {
    schedule: Schedule.tap(again, ({ attempt, input }) => (input.retryable ? onRetry(input, attempt) : Effect.void)),
    while: (error) => error.retryable
  })

export const nothingReplaced: Replaced = { replaced: [], removed: [] }

interface Opened<in A> {
  readonly writer: Writer<A>
  readonly scope: Scope.Closeable
}

/** Opens each sink in its own scope, so that a closed sink releases its resources while the others stay open. */
const attempt = Effect.fnUntraced(function* <A, R>(
  sink: SessionSink<A, R>,
  opening: Opening
): Effect.fn.Return<Opened<A>, SinkError, R | Scope.Scope> {
  const scope = yield* Effect.flatMap(Effect.scope, Scope.fork)
  const writer = yield* sink.open(opening).pipe(
    Scope.provide(scope),
    Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
  )
  return { writer, scope }
})

const unwritten = { dirty: false, failure: undefined, written: 0, refused: 0, inFlight: 0, retries: 0, bytes: 0 }

const took =
  (items: number, refused: number) =>
  (sink: RunState.SinkState): RunState.SinkState => ({
    ...sink,
    written: sink.written + items - refused,
    refused: sink.refused + refused,
    inFlight: 0
  })

/** What a sink does that could not be opened. */
const closed = (error: SinkError) => {
  const failed = Effect.fail(error)
  return {
    compared: () => nothingCompared,
    write: () => failed,
    remove: () => failed,
    flush: () => failed,
    finish: failed,
    replaced: () => nothingReplaced,
    close: () => Effect.void
  }
}

/**
 * Opens a sink. One that cannot be opened is closed from the beginning.
 *
 * @param pipeline The name that its metrics have.
 */
export const open = Effect.fnUntraced(function* <A, R>(
  sink: SessionSink<A, R>,
  opening: Opening,
  run: Ref.Ref<RunState.RunState>,
  pipeline: string
): Effect.fn.Return<SinkHandle<A>, never, R | Scope.Scope> {
  const { delivery, keeps, name } = sink
  const begin = (committed: Committed | undefined, failure: SinkError | undefined) =>
    Ref.update(run, (state) => ({
      ...state,
      sinks: new Map(state.sinks).set(name, { ...unwritten, ...state.sinks.get(name), committed, failure })
    }))
  let began: Cursor | undefined
  const state = () => Ref.getUnsafe(run).sinks.get(name) ?? { ...unwritten, committed: undefined }
  const change = (f: (sink: RunState.SinkState) => RunState.SinkState) => Ref.update(run, RunState.withSink(name, f))
  const common = {
    name,
    delivery,
    keeps,
    state,
    at: () => state().committed?.at,
    began: () => began,
    note: () => state().committed?.note ?? null
  }
  const retried = () => change((sink) => ({ ...sink, retries: sink.retries + 1 }))
  const attributes = { "callstream.pipeline.name": pipeline, "callstream.sink.name": name }

  yield* begin(undefined, undefined)
  const opened = yield* Effect.result(
    patiently(attempt(sink, opening), (error, attempt) =>
      attempt === afterASecond
        ? Effect.andThen(
            retried(),
            Effect.annotateLogs(
              Effect.logWarning(`${name}: ${error.description}; callstream tries for 7 more seconds`),
              { ...attributes, "error.type": ErrorType.of(error) }
            )
          )
        : retried()
    )
  )
  if (opened._tag === "Failure") {
    const error = opened.failure
    yield* begin(undefined, error)
    return { ...common, ...closed(error) }
  }
  const { scope, writer } = opened.success
  yield* begin(writer.committed._tag === "Some" ? writer.committed.value : undefined, undefined)
  began = state().committed?.at
  const metered = SinkTelemetry.make(attributes, (bytes) => change((sink) => ({ ...sink, bytes: sink.bytes + bytes })))
  const given = (put: Effect.Effect<ReadonlyArray<Refused>, SinkError>, items: number) =>
    Effect.andThen(
      items === 0 ? Effect.void : change((sink) => ({ ...sink, dirty: true, inFlight: items })),
      Effect.tap(put, (no) => change(took(items, no.length)))
    )
  return {
    ...common,
    compared: () => writer.compared?.() ?? nothingCompared,
    write: (batch) => given(metered.write(patiently(writer.write(batch), retried)), batch.items.length),
    remove: (batch) =>
      writer.remove === undefined
        ? Effect.succeed([])
        : given(metered.remove(patiently(writer.remove(batch), retried)), batch.items.length),
    flush: (at) =>
      Effect.flatMap(metered.flush(patiently(writer.flush(at), retried)), (committed) =>
        change((sink) => ({ ...sink, committed, dirty: false }))
      ),
    finish: metered.finish(patiently(writer.finish, retried)),
    replaced: () => writer.replaced?.() ?? nothingReplaced,
    close: (failure) =>
      Effect.andThen(
        change((sink) => ({ ...sink, failure })),
        Scope.close(scope, Exit.fail(failure))
      )
  }
})
