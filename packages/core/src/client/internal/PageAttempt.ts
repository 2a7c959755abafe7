/** One attempt at a page: its turn in the budget, the request, the body decoded, and what the metrics count of it. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import { type AgniErrorReason, Unavailable } from "../../model/AgniError.ts"
import * as CallSessionQuery from "../../model/CallSessionQuery.ts"
import * as Instant from "../../model/Instant.ts"
import type { Page } from "../../model/Page.ts"
import type { Budget } from "../Budget.ts"
import * as ClientMetrics from "../ClientMetrics.ts"
import type { Decoder } from "../PageDecoder.ts"
import * as RetryPolicy from "../RetryPolicy.ts"
import * as VersionClock from "../VersionClock.ts"
import type { ApiKey } from "./ApiKey.ts"
import * as Quote from "./Quote.ts"
import * as RequestTelemetry from "./RequestTelemetry.ts"
import * as Transport from "./Transport.ts"
import * as Waits from "./Waits.ts"

export interface Settings extends Transport.Options {
  /** Of the client, in spans and metrics. */
  readonly name: string
  /** The path of the endpoint, without what a base URL has before it. */
  readonly template: string
  readonly apiKey: ApiKey
  readonly policy: RetryPolicy.RetryPolicy
  readonly timeout: Duration.Duration
}

/** @param failed The try before. */
type Attempt = (
  parameters: ReadonlyArray<readonly [string, string]>,
  page: number,
  failed: Waits.Failed | undefined,
  /** Called when the request is sent, with its key. Returns which try this is after the first. */
  onSend: (key: Redacted.Redacted) => number
) => Effect.Effect<Page, AgniErrorReason>

export const make = (
  settings: Settings,
  client: HttpClient.HttpClient,
  budget: Budget["Service"],
  decoder: Decoder
): Attempt => {
  const { apiKey, name, origin, policy, template, timeout } = settings
  const transport = Transport.make(client, settings)
  const telemetry = RequestTelemetry.make(origin, template, name)
  const waits = Waits.make(budget, name)
  const of = { "callstream.client.name": name }
  const calls = Metric.withAttributes(ClientMetrics.calls, of)
  const rejected = Metric.withAttributes(ClientMetrics.rejected, of)
  const responseSize = Metric.withAttributes(ClientMetrics.responseSize, of)
  const ownClock = VersionClock.make()
  const mayRetry = RetryPolicy.mayRetry(policy)
  const timedOut = () => Effect.fail(new Unavailable({ outage: { _tag: "TimedOut", limit: timeout } }))
  /** The others need not find out for themselves that the server wants a pause. */
  const hold = (reason: AgniErrorReason): Effect.Effect<void> =>
    reason._tag === "RateLimited" && mayRetry(reason) ? waits.hold(reason.retryAfter ?? policy.base) : Effect.void

  const decode = Effect.fnUntraced(function* (
    { age, body, madeAt }: Transport.Received,
    page: number,
    quote: (text: string) => string
  ) {
    const observedAt = Instant.of(Math.round(madeAt * 1000))
    const version = yield* ((yield* VersionClock.Current) ?? ownClock).observe(observedAt)
    yield* Metric.update(responseSize, body.length)
    return yield* decoder.decode(body, { page, observedAt, version, age, quote })
  })

  const countRows = (page: Page) =>
    Effect.andThen(
      Metric.update(calls, page.rows.length),
      page.rejected.length === 0 ? Effect.void : Metric.update(rejected, page.rejected.length)
    )

  /** Returns what decodes the answer. */
  const send = (
    parameters: Parameters<Attempt>[0],
    page: number,
    key: Redacted.Redacted,
    resend: number
  ): Effect.Effect<Effect.Effect<Page, AgniErrorReason>, AgniErrorReason> => {
    const quote = Quote.make([Redacted.value(key), ...CallSessionQuery.personalValues(parameters)])
    const request = telemetry.around(
      resend,
      (seen) =>
        transport(parameters, quote, key, (status) => void (seen.status = status)).pipe(
          Effect.tap(RequestTelemetry.received(seen)),
          Effect.timeoutOrElse({ duration: timeout, orElse: timedOut })
        ),
      (answer) => decode(answer, page, quote)
    )
    return Effect.tapError(request, hold)
  }

  return (parameters, page, failed, onSend) =>
    Effect.flatMap(Waits.now, (began) =>
      waits.since(began, failed).pipe(
        // Read when its turn has come: it may have been replaced meanwhile.
        Effect.andThen(apiKey),
        Effect.flatMap((key) => send(parameters, page, key, onSend(key))),
        budget.spend,
        // The next request does not wait until this answer is decoded.
        Effect.flatten,
        Effect.tap(countRows)
      )
    )
}
