/** What a sync keeps besides what it knows of each call. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as CoverageSet from "../../coverage/CoverageSet.ts"
import type { Micros } from "../Tail.ts"
import * as Instant from "../../model/Instant.ts"
import { Version } from "../../model/Version.ts"
import { EndpointProfile } from "../../endpoint/EndpointProfile.ts"
import type { Entry, Lease, NewCalls, View } from "../Ledger.ts"
import type { LedgerError } from "../LedgerError.ts"
import * as Allowance from "./Allowance.ts"
import * as Damage from "./Damage.ts"
import * as Lateness from "./Lateness.ts"
import * as Settlement from "../Settlement.ts"

export const SyncState = Schema.Struct({
  version: Schema.Literal(1),
  /** Calls that start earlier are not followed. */
  from: Schema.Int,
  /** How long after its start a call may appear, in µs, when the watermark was moved last. */
  horizon: Schema.Int,
  /** Everything that starts before this is proven, or is in `coverage` with the reason why it is not. */
  watermark: Schema.Int,
  /** Verdicts on the ranges before the watermark. */
  coverage: CoverageSet.CoverageSet,
  /** How the endpoint behaves. A pass checks it on what it reads anyway. */
  profile: Schema.optionalKey(EndpointProfile),
  settlement: Settlement.Statistics,
  /** Whether the server brings calls in the order of creation when it is asked to, and when that was seen. */
  byCreation: Schema.optionalKey(Schema.Struct({ works: Schema.Boolean, at: Schema.Int })),
  /** When the last pass began that read everything which may have come since the one before it, and the last pass of all. */
  read: Schema.optionalKey(Schema.Struct({ whole: Schema.Int, last: Schema.Int })),
  /**
   * When calls without a start time were looked for last, where that takes a look of its own, how often nothing had come, and how many
   * the API counted and did not show.
   */
  withoutStart: Schema.optionalKey(
    Schema.Struct({ at: Schema.Int, idle: Schema.Int, hidden: Schema.optionalKey(Schema.Int) })
  ),
  /** Calls without a start time behind all others: whether the list has them there, and what it had when it was read last. */
  listEnd: Schema.optionalKey(
    Schema.Struct({
      works: Schema.Boolean,
      at: Schema.Int,
      /** Rows with a start time, all rows, and how many calls with a start time the ledger had then. */
      dated: Schema.Int,
      total: Schema.Int,
      known: Schema.Int,
      /** Rows without a start time that no call of the ledger stands for, such as older ones. */
      others: Schema.Int,
      order: Schema.Literals(["newest first", "oldest first", "none"]),
      /** When all of them were read last. */
      whole: Schema.Int
    })
  ),
  /** Where bounds of time mean nothing: when the whole list was walked last to see which calls left, and how many rows it had. */
  wholeList: Schema.optionalKey(Schema.Struct({ at: Schema.Int, rows: Schema.Int })),
  /** For each age at which everything is read again: what started before `until` has been. */
  audits: Schema.Array(Schema.Struct({ age: Schema.Int, until: Schema.Int })),
  /** Ranges that were asked for: all calls in them are owed to every consumer, and they were not read to their end yet. */
  again: Schema.optionalKey(Schema.Array(Schema.Struct({ from: Schema.Int, to: Schema.Int }))),
  /** No version above this one was given. */
  clock: Schema.optionalKey(Version),
  /** A keyed digest of the organization's id. */
  organization: Schema.optionalKey(Schema.Int),
  /** The time of the server's clock where it did not move: it was the same in the last two passes. */
  stopped: Schema.optionalKey(Schema.Int),
  /** Requests of the last day, and the work that waits because of them. */
  requests: Schema.optionalKey(Allowance.Requests),
  /**
   * Consumers of the last run. `has`: the commit up to which one had everything. `until`: the commit up to which it was given what
   * it lacked: once it acknowledged that, it has everything up to what it acknowledged. Before, that may not hold: what
   * changed again meanwhile comes last.
   */
  consumers: Schema.optionalKey(
    Schema.Record(
      Schema.String,
      Schema.Struct({
        has: Schema.Int,
        until: Schema.optionalKey(Schema.Int),
        isLeftOut: Schema.optionalKey(Schema.Literal(true))
      })
    )
  ),
  /** How many calls appeared later than the horizon. */
  lateness: Schema.optionalKey(Lateness.Lateness),
  /** Rows that the server counts and no entry stands for: records without an id, and calls that are listed twice. */
  uncounted: Schema.Array(Schema.Struct({ at: Schema.Int, rows: Schema.Int }))
})
export type SyncState = typeof SyncState.Type

const codec = Schema.toCodecJson(SyncState)
const decodeJson = Schema.decodeUnknownEffect(codec)

/** A pass asks several times for the state that it noted itself: what was noted, or read once, is a state. */
const known = new WeakMap<object, SyncState>()

const decode = (kept: Schema.Json): Effect.Effect<SyncState, Schema.SchemaError> => {
  const key = typeof kept === "object" && kept !== null ? kept : {}
  const state = known.get(key)
  return state !== undefined
    ? Effect.succeed(state)
    : Effect.tap(decodeJson(kept), (state) => Effect.sync(() => known.set(key, state)))
}

const begin = (from: Micros, horizon: number): SyncState => ({
  version: 1,
  from,
  horizon,
  watermark: from,
  coverage: CoverageSet.empty,
  settlement: Settlement.empty,
  audits: [],
  uncounted: []
})

/** The state that was kept, a new one where none was; and the last commit. */
export const open = Effect.fnUntraced(function* (
  lease: View,
  from: Micros,
  horizon: number
): Effect.fn.Return<{ readonly state: SyncState; readonly head: number }, LedgerError> {
  const { head, state } = yield* lease.kept
  return {
    head,
    state:
      state === undefined
        ? begin(from, horizon)
        : yield* Effect.mapError(decode(state), () => Damage.torn(lease.name, "state"))
  }
})

/** A state that cannot be read is replaced by one that knows nothing: every call is read again, and those that are known stay so. */
export const mend = Effect.fnUntraced(function* (
  lease: Lease,
  from: Micros,
  horizon: number
): Effect.fn.Return<void, LedgerError> {
  const { head, state } = yield* lease.kept
  if (state === undefined || Option.isSome(yield* Effect.option(decode(state)))) return
  yield* note(lease, begin(from, horizon), head, [])
  yield* Damage.warnOfState(lease.name)
})

/** What lies behind the watermark: the rest is read again each time. */
export const covered = ({ coverage, watermark }: SyncState): CoverageSet.CoverageSet => ({
  ...coverage,
  entries: coverage.entries.flatMap((entry) =>
    entry.range.from >= watermark
      ? []
      : [{ ...entry, range: { from: entry.range.from, to: Instant.of(Math.min(entry.range.to, watermark)) } }]
  )
})

/** By a raised horizon less is old enough than was. Nothing else moves a watermark back. */
export const withHorizon = (state: SyncState, horizon: number, now: Micros): SyncState => {
  if (horizon <= state.horizon) return { ...state, horizon }
  const watermark = Math.max(state.from, Math.min(state.watermark, now - horizon))
  return { ...state, horizon, watermark, coverage: covered({ ...state, watermark }) }
}

/** Notes entries with the state, which is JSON as it is. */
export const note = (
  lease: Lease,
  state: SyncState,
  head: number,
  entries: ReadonlyArray<Entry>,
  fresh?: NewCalls
): Effect.Effect<void, LedgerError> => {
  known.set(state, state)
  return lease.note({ state, head, entries, fresh })
}

/** Notes requests that were sent besides those of a pass: they are some of those that a day may have. */
export const spend = Effect.fnUntraced(function* (lease: Lease, sent: number): Effect.fn.Return<void, LedgerError> {
  const { head, state } = yield* open(lease, 0, 0)
  const requests = Allowance.add(state.requests ?? Allowance.empty, yield* Allowance.now, sent)
  yield* note(lease, { ...state, requests }, head, [])
})
