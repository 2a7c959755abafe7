/**
 * A whole history, read by the real client from the simulator in this process, in virtual time: what the walk makes of
 * latency and of a limit, without what the machine adds. Computing takes no time here; waiting is all there is.
 *
 * node bench/virtual.ts '{"sessions":50000,"latency":50,"concurrency":8}' prints what it took as JSON.
 */
import { AgniClient, History, Instant, Ledger, Sync } from "@callstream/core"
import { AgniSimulator, Fault } from "@callstream/core/testing"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"

export interface Asked {
  readonly sessions: number
  /** Milliseconds for each answer. */
  readonly latency: number
  readonly concurrency: number
  /** What the client is told to hold, and the server punishes beyond. */
  readonly rate?: number
  /** Each so many-th request is answered 429 nevertheless, with `Retry-After: 1`. */
  readonly limitedEvery?: number
  /** Whether some calls are created long before they start, and so in another order. @default true */
  readonly queued?: boolean
  /** A range that begins before the first call, read by an export or by the first pass of a sync. @default all that there is */
  readonly range?: "export" | "sync"
}

export interface Took {
  readonly requests: number
  readonly limited: number
  readonly virtualSeconds: number
}

const walk = Effect.fnUntraced(function* ({
  concurrency,
  latency,
  limitedEvery,
  queued = true,
  range,
  rate,
  sessions
}: Asked) {
  // 2026-06-01: sessions are spread over the 30 days before.
  yield* TestClock.setTime(Date.UTC(2026, 5, 1))
  const simulator = yield* AgniSimulator.make({
    sessions,
    undated: 0,
    content: "minimal",
    latency,
    keepRequests: Infinity,
    ...(queued ? {} : { queued: 0 }),
    ...(rate === undefined ? {} : { rateLimit: rate }),
    ...(limitedEvery === undefined
      ? {}
      : {
          script: [
            { on: { every: limitedEvery }, fault: Fault.tooManyRequests({ retryAfter: "1 second" }), times: Infinity }
          ]
        })
  })
  const client = yield* AgniClient.make({
    apiKey: Redacted.make(simulator.apiKey),
    maxConcurrentRequests: concurrency,
    requestsPerSecond: rate
  }).pipe(Effect.provideService(HttpClient.HttpClient, simulator.httpClient))
  let read = 0
  const first = Instant.of(1000 * Date.UTC(2026, 3, 1))
  const reading = (
    range === "sync"
      ? Stream.runForEachArray(Sync.changes({ name: "first", from: first, concurrency }), (changes) =>
          Effect.sync(() => (read += changes.length))
        )
      : Stream.runForEach(
          History.windows({ from: range === undefined ? undefined : first }, { concurrency, ahead: true }),
          (window) => Effect.sync(() => (read += window.rows.length))
        )
  ).pipe(Effect.provideService(AgniClient, client), Effect.provide(Ledger.layerMemory), Random.withSeed(1))
  const fiber = yield* Effect.forkChild(reading)
  while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust(latency)
  yield* Fiber.join(fiber)
  if (read !== sessions) return yield* Effect.die(new Error(`${read} sessions read, expected ${sessions}`))
  const { requests } = simulator
  const began = requests[0]?.at ?? 0
  const last = requests.at(-1)?.at ?? 0
  // Until the answer to the last request is there.
  const limited = requests.filter(({ status }) => status === 429).length
  return { requests: requests.length, limited, virtualSeconds: (last - began) / 1e6 + latency / 1000 } satisfies Took
})

const asked: Asked = JSON.parse(process.argv[2] ?? "{}")
console.log(JSON.stringify(await Effect.runPromise(Effect.scoped(Effect.provide(walk(asked), TestClock.layer())))))
