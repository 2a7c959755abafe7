/** A living organization of the simulator, as fast as its answers: nobody waits, and each answer takes a fifth of a second of its time. */
import { AgniClient } from "@callstream/core/client/AgniClient"
import * as VersionClock from "@callstream/core/client/VersionClock"
import { AgniError, type AgniErrorReason } from "@callstream/core/model/AgniError"
import * as CallSessionQuery from "@callstream/core/model/CallSessionQuery"
import * as Instant from "@callstream/core/model/Instant"
import { AgniSimulator } from "@callstream/core/testing"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Envelope from "../../src/client/internal/Envelope.ts"

export const second = 1_000_000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour
export const origin = Date.parse("2026-07-01T00:00:00Z") * 1000

export interface Options {
  readonly seed: number
  readonly perDay: number
  /** How much more often than usual rare things happen. @default 1 */
  readonly rare?: number
  /** What else differs. */
  readonly server?: AgniSimulator.Options
}

const failed = (reason: AgniErrorReason) =>
  new AgniError({ reason, request: "a request of the bench", attempts: 1, elapsed: Duration.zero })

export interface Organization {
  readonly simulator: AgniSimulator.AgniSimulator
  /** The server's time, in µs. */
  now: number
  requests: number
  readonly layer: Layer.Layer<AgniClient>
  readonly clock: Clock.Clock
}

const optionsOf = ({ perDay, rare = 1, seed, server = {} }: Options): AgniSimulator.Options => ({
  seed,
  sessions: 0,
  startAt: "2026-07-01T00:00:00Z",
  arrivalsPerHour: perDay / 24,
  content: "minimal",
  keepRequests: 1,
  life: { rare },
  ...server
})

/** The lives of all calls that are created until then: the same of each organization with these options. */
export const livesUntil = (options: Options, at: number): ReadonlyArray<AgniSimulator.TrueLife> => {
  let now = 0
  const simulator = AgniSimulator.makeUnsafe(optionsOf(options), () => now)
  now = (at - origin) / 1000
  return simulator.lives()
}

export const make = (options: Options): Organization => {
  const begun = { now: (): number => 0 }
  const simulator = AgniSimulator.makeUnsafe(optionsOf(options), () => begun.now())
  const own = VersionClock.make()
  const list: AgniClient["Service"]["list"] = (query) =>
    Effect.gen(function* () {
      organization.now += 200_000
      organization.requests++
      const parameters = yield* Effect.mapError(Effect.fromResult(CallSessionQuery.toParameters(query)), failed)
      const request = {
        method: "GET",
        origin: "https://api.ravan.ai",
        path: AgniSimulator.endpointPath,
        search: "",
        params: Object.fromEntries(parameters),
        headers: { "x-api-key": simulator.apiKey }
      }
      const { body } = simulator.handle(request, organization.now / 1000)
      // The header has whole seconds.
      const observedAt = Instant.of(Math.floor(organization.now / second) * second)
      const version = yield* ((yield* VersionClock.Current) ?? own).observe(observedAt)
      const about = { page: query.page ?? 1, observedAt, version, age: 0, quote: (text: string) => text }
      return yield* Effect.mapError(Effect.fromResult(Envelope.decode(body, about)), failed)
    })
  const millis = () => Math.floor(organization.now / 1000)
  const nanos = () => BigInt(Math.floor(organization.now)) * 1000n
  const organization: Organization = {
    simulator,
    now: origin,
    requests: 0,
    layer: AgniClient.layerList(list),
    clock: {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: nanos,
      monotonicTimeNanos: Effect.sync(nanos),
      // Nobody waits here.
      sleep: () => Effect.void
    }
  }
  begun.now = () => (organization.now - origin) / 1000
  return organization
}
