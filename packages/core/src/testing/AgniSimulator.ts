/**
 * An Agni endpoint to test against: seeded, deterministic, and as wrong as its options say.
 *
 * It answers `GET /api/v1/calling/call-sessions` in-process, as an `HttpClient` without sockets whose delays run in
 * virtual time, as a `fetch`, or over HTTP, as an app for `effect/http/HttpServer`. It knows what a client should have
 * found, and which requests it got.
 *
 * ```ts
 * const test = Effect.gen(function* () {
 *   const calls = yield* Stream.runCollect(CallSessions.sessions())
 *   const simulator = yield* AgniSimulator.AgniSimulator
 *   assert.deepStrictEqual(simulator.missed(calls.map(({ id }) => id)), [])
 * })
 * yield* AgniSimulator.inTime(test.pipe(Effect.provide(AgniSimulator.layerClient({ sessions: 250, latency: "1 second" }))))
 * ```
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { AgniClient, type Options as ClientOptions } from "../client/AgniClient.ts"
import type { AgniError } from "../model/AgniError.ts"
import * as Instant from "../model/Instant.ts"
import type { Fault } from "./Fault.ts"
import * as ClientFace from "./internal/ClientFace.ts"
import * as FetchFace from "./internal/FetchFace.ts"
import * as GivenTime from "./internal/GivenTime.ts"
import type { RecordedRequest, Reply, Request } from "./internal/SimulatorExchange.ts"
import { type Resolved, resolve } from "./internal/ResolvedOptions.ts"
import type { Options } from "./internal/SimulatorOptions.ts"
import { path, Server } from "./internal/SimulatedServer.ts"
import * as ServerFace from "./internal/ServerFace.ts"
import * as Truth from "./internal/Truth.ts"
import type { NewSession } from "./internal/CallKinds.ts"

export type {
  /**
   * @since 0.1.0
   * @category models
   */
  Delivery,
  /**
   * @since 0.1.0
   * @category models
   */
  Outcome,
  /**
   * @since 0.1.0
   * @category models
   */
  RecordedRequest,
  /**
   * @since 0.1.0
   * @category models
   */
  Reply,
  /**
   * @since 0.1.0
   * @category models
   */
  Request
} from "./internal/SimulatorExchange.ts"
export type {
  /**
   * @since 0.1.0
   * @category options
   */
  BoundsOptions,
  /**
   * @since 0.1.0
   * @category options
   */
  CacheOptions,
  /**
   * @since 0.1.0
   * @category options
   */
  DefaultOrder,
  /**
   * @since 0.1.0
   * @category options
   */
  Options,
  /**
   * @since 0.1.0
   * @category options
   */
  ScriptEntry
} from "./internal/SimulatorOptions.ts"
export type {
  /**
   * @since 0.1.0
   * @category options
   */
  Resolved
} from "./internal/ResolvedOptions.ts"
export type {
  /**
   * @since 0.1.0
   * @category options
   */
  MissedOptions,
  /**
   * @since 0.1.0
   * @category models
   */
  TrueLife,
  /**
   * @since 0.1.0
   * @category models
   */
  TrueSession,
  /**
   * @since 0.1.0
   * @category options
   */
  TruthOptions
} from "./internal/Truth.ts"
export type {
  /**
   * @since 0.1.0
   * @category options
   */
  NewSession
} from "./internal/CallKinds.ts"

/**
 * A simulated endpoint.
 *
 * @since 0.1.0
 * @category models
 */
export interface AgniSimulator {
  readonly options: Resolved
  readonly seed: number
  /** The API key that is right. */
  readonly apiKey: string
  readonly organizationId: string
  readonly agentIds: ReadonlyArray<string>
  /** The server's time: `startAt`, and what has passed on the Clock and by `advance` since the simulator was made. */
  readonly now: () => Instant.Instant
  /** Moves the server's time forward, and nothing else. */
  readonly advance: (by: Duration.Input) => void
  /** One step of the state machine: answers a request at a server time in milliseconds. */
  readonly handle: (request: Request, nowMillis: number) => Reply
  /** The in-process face. It answers on any origin, and `requests` has that origin. */
  readonly httpClient: HttpClient.HttpClient
  readonly layer: Layer.Layer<HttpClient.HttpClient>
  /** The face for an HTTP server. */
  readonly httpApp: Effect.Effect<HttpServerResponse, never, HttpServerRequest>
  /** The requests so far, oldest first. */
  readonly requests: ReadonlyArray<RecordedRequest>
  /** Lets the next so many requests meet a fault. */
  readonly failNext: (count: number, fault: Fault) => void
  /** Puts a session there; answers its id. */
  readonly add: (session?: NewSession) => string
  /** Takes a session away, now or at an instant; whether there is one. */
  readonly remove: (id: string, at?: Instant.Bound) => boolean
  /** Makes every page that holds the session fail, or heals it; whether there is one. */
  readonly poison: (id: string, poisoned?: boolean) => boolean
  /** The sessions that are visible at an instant, in order of birth. */
  readonly truth: (options?: Truth.TruthOptions) => ReadonlyArray<Truth.TrueSession>
  /** The lives of all sessions that were created so far, in order of birth, also of those that left. */
  readonly lives: () => ReadonlyArray<Truth.TrueLife>
  /** How many `truth` would list. */
  readonly count: (options?: Truth.TruthOptions) => number
  /**
   * The ids of sessions that were there all the while, from the first request to the last, and aren't among those given.
   *
   * With `status`, those that had it at both ends.
   */
  readonly missed: (ids: Iterable<string>, options?: Truth.MissedOptions) => ReadonlyArray<string>
}

/**
 * The simulator as a service, for suites that share one.
 *
 * @since 0.1.0
 * @category services
 */
export const AgniSimulator: Context.Service<AgniSimulator, AgniSimulator> = Context.Service<AgniSimulator>(
  "@callstream/core/testing/AgniSimulator"
)

/**
 * The path of the endpoint.
 *
 * @since 0.1.0
 * @category constants
 */
export const endpointPath: string = path

/**
 * Makes a simulator whose time runs with the current Clock.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): Effect.Effect<AgniSimulator> =>
  Effect.map(Clock.Clock, (clock) => makeUnsafe(options, () => clock.currentTimeMillisUnsafe()))

/**
 * Makes a simulator whose time runs with the function's milliseconds.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeUnsafe = (options: Options, clockMillis: () => number): AgniSimulator => {
  const madeAt = clockMillis()
  const resolved = resolve(options, madeAt)
  const server = new Server(resolved)
  const { world } = server
  let advanced = 0
  const now = (): Instant.Instant =>
    Instant.of(resolved.startAt + Math.round((clockMillis() - madeAt) * 1000) + advanced)
  const handle = (request: Request): Reply => server.handle(request, now())
  const httpClient = ClientFace.make(handle)
  const withRow = (id: string, f: (row: number) => void): boolean => {
    const row = world.rowOf(id)
    if (row >= 0) f(row)
    return row >= 0
  }
  return {
    options: resolved,
    seed: resolved.seed,
    apiKey: resolved.apiKey,
    organizationId: world.organizationId,
    agentIds: world.agentIds,
    now,
    advance: (by) => {
      advanced += Duration.toMillis(Duration.fromInputUnsafe(by)) * 1000
    },
    handle: (request, nowMillis) => server.handle(request, Math.round(nowMillis * 1000)),
    httpClient,
    layer: Layer.succeed(HttpClient.HttpClient, httpClient),
    httpApp: ServerFace.make(handle),
    requests: server.requests,
    failNext: (count, fault) => server.faults.failNext(count, fault),
    add: (session = {}) => world.id(world.add(session, now())),
    remove: (id, at = now()) => withRow(id, (row) => world.remove(row, GivenTime.of("at", at))),
    poison: (id, poisoned = true) =>
      withRow(id, (row) => (poisoned ? server.poisoned.add(row) : server.poisoned.delete(row))),
    truth: (options = {}) => {
      const at = GivenTime.perhaps("at", options.at) ?? now()
      return Truth.rows(world, at, options).map((row) => Truth.describe(world, row, at))
    },
    lives: () => {
      world.advanceTo(now())
      return Array.from({ length: world.count }, (_, row) => Truth.lifeOf(world, row))
    },
    count: (options = {}) => Truth.rows(world, GivenTime.perhaps("at", options.at) ?? now(), options).length,
    missed: (ids, options = {}) => {
      const since = GivenTime.perhaps("since", options.since) ?? server.requests[0]?.at ?? now()
      const until = GivenTime.perhaps("until", options.until) ?? server.requests.at(-1)?.at ?? now()
      return Truth.missed(world, ids, since, until, options)
    }
  }
}

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
 * A simulator of its own, both as the service and as the client that reads from it: all that a test of code with `AgniClient`
 * needs. Nothing sleeps in real time under `TestClock`: wrap the test in `inTime`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerClient = (
  options?: Options,
  client?: Omit<ClientOptions, "apiKey">
): Layer.Layer<AgniSimulator | AgniClient, AgniError> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const simulator = yield* make(options)
      const agni = yield* Effect.provideService(
        AgniClient.make({ ...client, apiKey: Redacted.make(simulator.apiKey) }),
        HttpClient.HttpClient,
        simulator.httpClient
      )
      return Context.make(AgniSimulator, simulator).pipe(Context.add(AgniClient, agni))
    })
  )

/** A day in quarters of a second. */
const mostSteps = 24 * 3600 * 4

/**
 * Runs an effect to its end under `TestClock`, whose time advances for as long as the effect sleeps: latency, retries and pauses
 * end at once. Dies when a day of virtual time was not enough.
 *
 * @since 0.1.0
 * @category testing
 */
export const inTime = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.scoped(
    Effect.gen(function* () {
      const fiber = yield* Effect.forkScoped(effect)
      // In small steps, because a clock that jumps finds nobody asleep yet.
      for (let steps = 0; fiber.pollUnsafe() === undefined; steps++) {
        if (steps === mostSteps)
          return yield* Effect.die(new Error("inTime: a day has passed, and the effect has not ended"))
        yield* TestClock.adjust(250)
      }
      return yield* Fiber.join(fiber)
    })
  )

/**
 * The simulator as a `fetch`, for clients without Effect. It waits by the given clock. @default the platform's
 *
 * @since 0.1.0
 * @category conversions
 */
export const toFetch = (simulator: AgniSimulator, clock?: Clock.Clock): typeof globalThis.fetch =>
  FetchFace.make((request) => simulator.handle(request, simulator.now() / 1000), clock)
