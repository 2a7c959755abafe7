/** A server to measure a sync on, as fast as its answers: nobody waits, and each answer takes a fifth of a second of its time. */
import { AgniClient } from "@callstream/core/client/AgniClient"
import * as VersionClock from "@callstream/core/client/VersionClock"
import { AgniError, type AgniErrorReason } from "@callstream/core/model/AgniError"
import * as CallSessionQuery from "@callstream/core/model/CallSessionQuery"
import * as Instant from "@callstream/core/model/Instant"
import type { AgniSimulator } from "@callstream/core/testing"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Envelope from "../../src/client/internal/Envelope.ts"

export const second = 1_000_000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour
export const origin = Date.parse("2026-07-01T00:00:00Z") * 1000

export const instant = Instant.of

/** What is true of a call, whatever the server says. */
export type Life = Omit<AgniSimulator.TrueLife, "createdAt">

export interface World {
  /** The server's time, in µs. */
  now: number
  requests: number
  /** Of all calls that are created until the end. */
  readonly lives: ReadonlyArray<Life>
  readonly layer: Layer.Layer<AgniClient>
}

const failed = (reason: AgniErrorReason) =>
  new AgniError({ reason, request: "a request of the bench", attempts: 1, elapsed: Duration.zero })

/** A world whose server answers with the body of a response to the parameters of a request, at a time in µs. */
export const make = (
  lives: World["lives"],
  answer: (parameters: Readonly<Record<string, string>>, at: number) => string
): World => {
  const own = VersionClock.make()
  const list: AgniClient["Service"]["list"] = (query) =>
    Effect.gen(function* () {
      world.now += 200_000
      world.requests++
      const parameters = yield* Effect.mapError(Effect.fromResult(CallSessionQuery.toParameters(query)), failed)
      const body = answer(Object.fromEntries(parameters), world.now)
      // The header has whole seconds.
      const observedAt = Instant.of(Math.floor(world.now / second) * second)
      const version = yield* ((yield* VersionClock.Current) ?? own).observe(observedAt)
      const about = { page: query.page ?? 1, observedAt, version, age: 0, quote: (text: string) => text }
      return yield* Effect.mapError(Effect.fromResult(Envelope.decode(body, about)), failed)
    })
  const millis = () => Math.floor(world.now / 1000)
  const nanos = () => BigInt(Math.floor(world.now)) * 1000n
  const clock: Clock.Clock = {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: nanos,
    monotonicTimeNanos: Effect.sync(nanos),
    // Nobody waits here.
    sleep: () => Effect.void
  }
  const world: World = {
    now: origin,
    requests: 0,
    lives,
    layer: Layer.merge(AgniClient.layerList(list), Layer.succeed(Clock.Clock, clock))
  }
  return world
}
