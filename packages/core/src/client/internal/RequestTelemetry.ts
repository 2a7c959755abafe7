/** The span and the metrics of one request, as OpenTelemetry's conventions for HTTP clients have them. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Cause from "effect/Cause"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import type * as Tracer from "effect/Tracer"
import type { AgniErrorReason } from "../../model/AgniError.ts"
import * as ErrorType from "../../model/internal/ErrorType.ts"
import * as Span from "../../platform/internal/Span.ts"
import * as ClientMetrics from "../ClientMetrics.ts"

/** Facts about a request in flight. */
export interface Seen {
  status: number | undefined
  /** When the body was there, by the wall clock and by the one that nobody sets back. Decoding it is no part of the request. */
  received: { readonly wall: bigint; readonly steady: bigint } | undefined
}

export interface RequestTelemetry {
  /**
   * The request, which returns what remains to be done with its answer.
   *
   * @param resend Which try this is after the first.
   */
  readonly around: <A, B>(
    resend: number,
    request: (seen: Seen) => Effect.Effect<A, AgniErrorReason>,
    rest: (answer: A) => Effect.Effect<B, AgniErrorReason>
  ) => Effect.Effect<Effect.Effect<B, AgniErrorReason>, AgniErrorReason>
}

const times = Clock.clockWith((clock) =>
  Effect.sync(() => ({ wall: clock.currentTimeNanosUnsafe(), steady: clock.monotonicTimeNanosUnsafe() }))
)

/** Notes that the body is there. */
export const received = (seen: Seen): Effect.Effect<void> =>
  Effect.map(times, (now) => {
    seen.received = now
  })

const defaultPorts: Readonly<Record<string, number>> = { "https:": 443, "http:": 80 }

/**
 * @param origin Of the server.
 * @param template The path of the endpoint, which has no parameters. What a base URL has before it may be a secret of a proxy.
 * @param name Of the client.
 */
export const make = (origin: string, template: string, name: string): RequestTelemetry => {
  const { hostname, port, protocol } = new URL(origin)
  const serverPort = port === "" ? (defaultPorts[protocol] ?? 0) : Number(port)
  const common = {
    "http.request.method": "GET",
    "server.address": hostname,
    "url.template": template,
    "callstream.client.name": name
  }
  const attributes = { ...common, "server.port": String(serverPort) }
  const active = Metric.withAttributes(ClientMetrics.activeRequests, attributes)
  const durations = new Map<string, typeof ClientMetrics.requestDuration>()
  /** One object for each way of ending, because attributes are made into a key each time. */
  const durationOf = (status: number | undefined, error: string | undefined) => {
    const key = `${status} ${error}`
    const known = durations.get(key)
    if (known !== undefined) return known
    const made: typeof ClientMetrics.requestDuration = Metric.withAttributes(ClientMetrics.requestDuration, {
      ...attributes,
      ...(status === undefined ? {} : { "http.response.status_code": String(status) }),
      ...(error === undefined ? {} : { "error.type": error })
    })
    durations.set(key, made)
    return made
  }

  const finish = (span: Tracer.Span, seen: Seen, began: bigint, exit: Exit.Exit<unknown, AgniErrorReason>) =>
    Effect.flatMap(times, (now) => {
      const { steady, wall } = seen.received ?? now
      if (seen.status !== undefined) span.attribute("http.response.status_code", seen.status)
      const reason = Exit.isFailure(exit) ? Option.getOrUndefined(Cause.findErrorOption(exit.cause)) : undefined
      const error = reason === undefined ? undefined : ErrorType.ofReason(reason)
      Span.end(span, wall, exit, error)
      return Exit.isFailure(exit) && error === undefined
        ? Effect.void
        : Metric.update(durationOf(seen.status, error), Number(steady - began) / 1e9)
    })

  return {
    around: (resend, request, rest) =>
      Effect.flatMap(
        Effect.makeSpan(`GET ${template}`, {
          kind: "client",
          attributes: {
            ...common,
            "server.port": serverPort,
            ...(resend === 0 ? {} : { "http.request.resend_count": resend })
          }
        }),
        (span) =>
          Effect.flatMap(Clock.monotonicTimeNanos, (began) => {
            const seen: Seen = { status: undefined, received: undefined }
            const done = (exit: Exit.Exit<unknown, AgniErrorReason>) => finish(span, seen, began, exit)
            return Metric.modify(active, 1).pipe(
              Effect.andThen(Span.below(request(seen), span)),
              Effect.onExit((exit) =>
                Effect.andThen(Metric.modify(active, -1), Exit.isSuccess(exit) ? Effect.void : done(exit))
              ),
              Effect.map((answer) => Effect.onExit(Span.below(rest(answer), span), done))
            )
          })
      )
  }
}
