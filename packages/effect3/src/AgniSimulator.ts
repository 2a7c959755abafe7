/**
 * An Agni endpoint to test against: seeded, deterministic, and as wrong as its options say. Its delays run in the time of the Clock.
 *
 * @since 0.1.0
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { simulate, type Simulator, type SimulatorOptions } from "@callstream/client/testing"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Runtime from "effect/Runtime"
import * as TestClock from "effect/TestClock"
import { AgniClient, type Options as ClientOptions } from "./AgniClient.ts"
import type { AgniError } from "./AgniError.ts"

/**
 * How the endpoint behaves.
 *
 * @since 0.1.0
 * @category options
 */
export type Options = SimulatorOptions

/**
 * A simulated endpoint, and the `HttpClient` that it answers.
 *
 * @since 0.1.0
 * @category models
 */
export interface AgniSimulator extends Omit<Simulator, "fetch"> {
  readonly httpClient: HttpClient.HttpClient
}

/**
 * The simulator as a service, for suites that share one.
 *
 * @since 0.1.0
 * @category services
 */
export const AgniSimulator: Context.Tag<AgniSimulator, AgniSimulator> = Context.GenericTag<AgniSimulator>(
  "@callstream/effect3/AgniSimulator"
)

const clientOf = (fetch: Simulator["fetch"]): HttpClient.HttpClient =>
  HttpClient.make((request, url, signal) =>
    Effect.map(
      Effect.tryPromise({
        try: () => fetch(url, { method: request.method, headers: { ...request.headers }, signal }),
        catch: (cause) => new HttpClientError.RequestError({ request, reason: "Transport", cause })
      }),
      (response) => HttpClientResponse.fromWeb(request, response)
    )
  )

/**
 * Makes a simulator whose time runs with the current Clock.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): Effect.Effect<AgniSimulator> =>
  Effect.gen(function* () {
    const runtime = yield* Effect.runtime()
    const clock = yield* Effect.clock
    const { fetch, ...simulator } = simulate(options, {
      now: () => clock.unsafeCurrentTimeMillis(),
      sleep: (millis, signal) => Runtime.runPromise(runtime)(clock.sleep(Duration.millis(millis)), { signal })
    })
    return { ...simulator, httpClient: clientOf(fetch) }
  })

/**
 * A simulator of its own, both as the service and as the `HttpClient`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<AgniSimulator | HttpClient.HttpClient> =>
  Layer.effectContext(
    Effect.map(make(options), (simulator) =>
      Context.make(AgniSimulator, simulator).pipe(Context.add(HttpClient.HttpClient, simulator.httpClient))
    )
  )

/**
 * A client of a simulator of its own.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerClient = (
  options?: Options,
  clientOptions: Partial<ClientOptions> = {}
): Layer.Layer<AgniSimulator | AgniClient, AgniError> =>
  Layer.effect(
    AgniClient,
    Effect.flatMap(AgniSimulator, ({ apiKey }) => AgniClient.make({ apiKey: Redacted.make(apiKey), ...clientOptions }))
  ).pipe(Layer.provideMerge(layer(options)))

/** Lets everything run that is ready to. */
const turns = Effect.promise(async () => {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setTimeout(resolve))
})

const advance = Effect.gen(function* () {
  yield* turns
  const sleeps = Chunk.toReadonlyArray(yield* TestClock.sleeps())
  if (sleeps.length > 0) yield* TestClock.setTime(Math.min(...sleeps))
})

/**
 * Runs an effect while the `TestClock` moves to each time that something waits for: delays of the simulator, retries and limits of
 * the rate take no time of the test.
 *
 * @since 0.1.0
 * @category testing
 */
export const inTime = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.raceFirst(effect, Effect.forever(advance))
