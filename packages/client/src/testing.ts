/**
 * A simulated Agni endpoint as a `fetch`, for tests.
 *
 * @since 0.1.0
 */
import { AgniSimulator } from "@callstream/core/testing"
import * as Instant from "@callstream/core/model/Instant"
import type { Duration, Time } from "./CallTypes.ts"
import type { Clock } from "./ClientOptions.ts"
import * as Connected from "./internal/Connected.ts"
import type { Fault, SimulatedRequest, SimulatorOptions } from "./SimulatorTypes.ts"

export type * from "./SimulatorTypes.ts"

/**
 * A call as it is, whatever the endpoint says. Times are ISO 8601.
 *
 * @since 0.1.0
 * @category models
 */
export interface TrueCall {
  readonly id: string
  readonly agentId: string
  readonly channel: string
  readonly status: string
  readonly createdAt: string
  /** `undefined` where it has no start yet, or never will. */
  readonly startedAt: string | undefined
  readonly endedAt: string | undefined
}

/**
 * Which calls are meant. With `from` or `to`, calls without a start time are left out.
 *
 * @since 0.1.0
 * @category options
 */
export interface TrueSelection {
  readonly from?: Time | undefined
  readonly to?: Time | undefined
  readonly agentId?: string | undefined
  readonly status?: string | undefined
  readonly channel?: string | undefined
}

/**
 * A simulated endpoint: seeded, deterministic, and as wrong as its options say.
 *
 * @since 0.1.0
 * @category models
 */
export interface Simulator {
  /** The API key that is right. */
  readonly apiKey: string
  readonly agentIds: ReadonlyArray<string>
  /** Answers requests to any origin. */
  readonly fetch: typeof globalThis.fetch
  /** The requests so far, oldest first. */
  readonly requests: ReadonlyArray<SimulatedRequest>
  /** Lets the next so many requests meet a fault. */
  readonly failNext: (count: number, fault: Fault) => void
  /** The server's time, in ISO 8601. */
  readonly now: () => string
  /** Moves the server's time forward. */
  readonly advance: (by: Duration) => void
  /** Puts a call there that starts now; answers its id. */
  readonly add: (call?: { readonly agent?: number; readonly channel?: "inbound_call" | "outbound_call" }) => string
  /** Takes a call away; whether there is one. */
  readonly remove: (id: string) => boolean
  /** Makes every page that holds the call fail, or heals it; whether there is one. */
  readonly poison: (id: string, poisoned?: boolean) => boolean
  /** The calls that exist. */
  readonly truth: (selection?: TrueSelection) => ReadonlyArray<TrueCall>
  /** The ids of calls that were there from the first request to the last, and are not among those given. */
  readonly missed: (ids: Iterable<string>, selection?: TrueSelection) => ReadonlyArray<string>
}

const textOf = (instant: Instant.Instant | undefined): string | undefined =>
  instant === undefined ? undefined : Instant.format(instant)

/**
 * Makes a simulator. Give its `fetch` and `apiKey` to a client. It waits by `clock`. @default the platform's
 *
 * @since 0.1.0
 * @category constructors
 */
export const simulate = (options: SimulatorOptions = {}, clock?: Clock): Simulator => {
  const simulator = AgniSimulator.makeUnsafe(options, clock?.now ?? Date.now)
  return {
    apiKey: simulator.apiKey,
    agentIds: simulator.agentIds,
    fetch: AgniSimulator.toFetch(simulator, clock === undefined ? undefined : Connected.clockOf(clock)),
    requests: simulator.requests,
    failNext: simulator.failNext,
    now: () => Instant.format(simulator.now()),
    advance: simulator.advance,
    add: (call = {}) => simulator.add(call),
    remove: (id) => simulator.remove(id),
    poison: simulator.poison,
    truth: (selection) =>
      simulator.truth(selection).map(({ agentId, channel, createdAt, endedAt, id, startedAt, status }) => ({
        id,
        agentId,
        channel,
        status,
        createdAt: Instant.format(createdAt),
        startedAt: textOf(startedAt),
        endedAt: textOf(endedAt)
      })),
    missed: (ids, selection) => simulator.missed(ids, selection)
  }
}
