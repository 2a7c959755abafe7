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
import * as Transport from "./Transport.ts"

export interface Settings extends Transport.Options {
  readonly apiKey: ApiKey
  readonly policy: RetryPolicy.RetryPolicy
  readonly timeout: Duration.Duration
}

type Attempt = (
  parameters: ReadonlyArray<readonly [string, string]>,
  page: number,
  /** Called when the request is sent, with its key. */
  onSend: (key: Redacted.Redacted) => void
) => Effect.Effect<Page, AgniErrorReason>

export const make = (
  settings: Settings,
  client: HttpClient.HttpClient,
  budget: Budget["Service"],
  decoder: Decoder
): Attempt => {
  const { apiKey, policy, timeout } = settings
  const transport = Transport.make(client, settings)
  const ownClock = VersionClock.make()
  const mayRetry = RetryPolicy.mayRetry(policy)
  const timedOut = () => Effect.fail(new Unavailable({ outage: { _tag: "TimedOut", limit: timeout } }))
  /** The others need not find out for themselves that the server wants a pause. */
  const hold = (reason: AgniErrorReason): Effect.Effect<void> =>
    reason._tag === "RateLimited" && mayRetry(reason) ? budget.hold(reason.retryAfter ?? policy.base) : Effect.void

  const decode = Effect.fnUntraced(function* (
    { age, body, date }: Transport.Received,
    page: number,
    quote: (text: string) => string
  ) {
    const observedAt = Instant.of(Math.round((date - age * 1000) * 1000))
    const version = yield* ((yield* VersionClock.Current) ?? ownClock).observe(observedAt)
    yield* Metric.update(ClientMetrics.bytes, body.length)
    return yield* decoder.decode(body, { page, observedAt, version, age, quote })
  })

  const send = (
    parameters: Parameters<Attempt>[0],
    page: number,
    key: Redacted.Redacted
  ): Effect.Effect<Page, AgniErrorReason> => {
    const quote = Quote.make([Redacted.value(key), ...CallSessionQuery.personalValues(parameters)])
    return transport(parameters, quote, key).pipe(
      Effect.flatMap((answer) => decode(answer, page, quote)),
      Effect.timeoutOrElse({ duration: timeout, orElse: timedOut }),
      Effect.tapError(hold)
    )
  }

  return (parameters, page, onSend) =>
    // Read when its turn has come: it may have been replaced meanwhile.
    Effect.flatMap(apiKey, (key) => {
      onSend(key)
      return send(parameters, page, key)
    }).pipe(
      budget.spend,
      Effect.tap((result) => Effect.andThen(count("Success"), countRows(result))),
      Effect.tapError((reason) => count(reason._tag))
    )
}

const count = (reason: string) => Metric.update(Metric.withAttributes(ClientMetrics.requests, { reason }), 1)

const countRows = ({ rejected, rows }: Page) =>
  Effect.andThen(
    Metric.update(ClientMetrics.sessions, rows.length),
    rejected.length === 0 ? Effect.void : Metric.update(ClientMetrics.rejected, rejected.length)
  )
