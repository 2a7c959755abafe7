/** Spans that hold nothing of what an error says: only its type, because its text may have an id, a number or a query. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Tracer from "effect/Tracer"
import * as ErrorType from "../../model/internal/ErrorType.ts"

/** What exporters make a status and an event of. They print the stack too. */
class Failed extends Error {
  override readonly name: string
  override readonly stack: string
  constructor(type: string) {
    super(type)
    this.name = type
    this.stack = type
  }
}

/** What it failed with; an interruption is no failure. */
const typeOf = (exit: Exit.Exit<unknown, unknown>): string | undefined =>
  Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause) ? undefined : ErrorType.of(Cause.squash(exit.cause))

/** Ends a span, by an exit of which it keeps the type only. */
export const end = (
  span: Tracer.Span,
  at: bigint,
  exit: Exit.Exit<unknown, unknown>,
  type: string | undefined = typeOf(exit)
): void => {
  if (type !== undefined) span.attribute("error.type", type)
  span.end(at, Exit.isSuccess(exit) ? Exit.void : type === undefined ? Exit.interrupt() : Exit.fail(new Failed(type)))
}

/** Makes a span the parent of the spans in an effect. */
export const below = <A, E, R>(effect: Effect.Effect<A, E, R>, span: Tracer.AnySpan): Effect.Effect<A, E, R> =>
  Effect.updateContext(effect, (context: Context.Context<R>) => Context.add(context, Tracer.ParentSpan, span))

/** A span around an effect; what is known at the end may be added as attributes. */
export const use = <A, E, R>(
  name: string,
  options: Tracer.SpanOptionsNoTrace,
  evaluate: (span: Tracer.Span) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.flatMap(Effect.makeSpan(name, options), (span) =>
    Effect.onExit(
      below(
        Effect.suspend(() => evaluate(span)),
        span
      ),
      (exit) => Effect.map(Clock.currentTimeNanos, (now) => end(span, now, exit))
    )
  )

/** An event of the span that is around: nothing without one. */
export const event = (name: string, attributes: Readonly<Record<string, unknown>>): Effect.Effect<void> =>
  Effect.flatMap(Effect.all([Effect.serviceOption(Tracer.ParentSpan), Clock.currentTimeNanos]), ([span, now]) =>
    Effect.sync(() => {
      if (span._tag === "Some" && span.value._tag === "Span") span.value.event(name, now, attributes)
    })
  )
