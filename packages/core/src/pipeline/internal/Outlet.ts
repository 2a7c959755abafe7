import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { Committed } from "../../model/Committed.ts"
import type { Instant } from "../../model/Instant.ts"
import type { Batch, Refused, SessionSink, Writer } from "../../sink/SessionSink.ts"
import type { SinkError } from "../../sink/SinkError.ts"

/** A sink of a run: where it stands, what it took, and the error that closed it, if one did. */
export interface Outlet<in A> {
  readonly name: string
  /** Everything that started before this is in it for good. */
  readonly at: () => Instant
  readonly failure: () => SinkError | undefined
  readonly written: () => number
  readonly refused: () => number
  readonly write: (batch: Batch<A>) => Effect.Effect<ReadonlyArray<Refused>, SinkError>
  readonly flush: (cursor: Instant) => Effect.Effect<Committed, SinkError>
  readonly finish: Effect.Effect<void, SinkError>
  readonly close: (error: SinkError) => Effect.Effect<void>
}

/** What fails in passing is tried again for about ten seconds; a sink that wants to wait longer does so itself. */
const again = Schedule.min([Schedule.exponential("200 millis", 3), Schedule.spaced("5 seconds")]).pipe(
  Schedule.upTo({ times: 4 })
)

const patiently = <B>(effect: Effect.Effect<B, SinkError>): Effect.Effect<B, SinkError> =>
  Effect.retry(effect, { schedule: again, while: (error) => error.retryable })

export const open = Effect.fnUntraced(function* <A, R>(
  sink: SessionSink<A, R>,
  from: Committed | undefined
): Effect.fn.Return<Outlet<A>, SinkError, R | Scope.Scope> {
  const writer: Writer<A> = yield* sink.open(Option.fromUndefinedOr(from))
  let at: Instant = Option.match(writer.committed, { onNone: () => -Infinity, onSome: ({ cursor }) => cursor })
  let failure: SinkError | undefined
  let written = 0
  let refused = 0
  return {
    name: sink.name,
    at: () => at,
    failure: () => failure,
    written: () => written,
    refused: () => refused,
    write: (batch) =>
      Effect.tap(patiently(writer.write(batch)), (no) =>
        Effect.sync(() => {
          written += batch.items.length - no.length
          refused += no.length
        })
      ),
    flush: (cursor) => Effect.tap(patiently(writer.flush(cursor)), () => Effect.sync(() => (at = cursor))),
    finish: patiently(writer.finish),
    close: (error) => Effect.sync(() => (failure = error))
  }
})
