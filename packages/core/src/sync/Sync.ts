/**
 * Keeps up with an organization: each pass reads what is new and what may have changed, and says what became of each call.
 *
 * @since 0.1.0
 */
import type * as Arr from "effect/Array"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { AgniClient } from "../client/AgniClient.ts"
import * as VersionClock from "../client/VersionClock.ts"
import type { AgniError } from "../model/AgniError.ts"
import type { CallSession } from "../model/CallSession.ts"
import type * as ChangeOf from "../model/Change.ts"
import type { Fingerprint } from "../model/Fingerprint.ts"
import * as Instant from "../model/Instant.ts"
import type { Rejected } from "../model/Rejected.ts"
import * as Version from "../model/Version.ts"
import type * as History from "../history/History.ts"
import * as Begin from "./internal/Begin.ts"
import * as CatchUp from "./internal/CatchUp.ts"
import * as Pass from "./internal/Pass.ts"
import * as Stages from "./internal/Stages.ts"
import * as SyncSettings from "./internal/SyncSettings.ts"
import * as SyncState from "./internal/SyncState.ts"
import { type Entry, Ledger, type Lease, type NewCalls } from "./Ledger.ts"
import type { LedgerError } from "./LedgerError.ts"

/**
 * Which calls are followed, and how.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options extends Pick<
  History.Options,
  "agentId" | "channel" | "callerNumber" | "pageSize" | "concurrency" | "keepGoing"
> {
  /** Calls that start earlier are not followed. */
  readonly from: Instant.Bound
  /** How long after its start a call may appear in the API. @default "2 hours" */
  readonly horizon?: Duration.Input | undefined
  /** Ages at which everything is read again, whatever is expected of it. @default ["1 day", "3 days", "7 days"] */
  readonly audits?: ReadonlyArray<Duration.Input> | undefined
  /** How long after its start a call is known; longer than the last audit. @default "30 days" */
  readonly remember?: Duration.Input | undefined
  /** Changes that a request must be expected to bring; one that waits for less than 7 minutes counts less. @default 1 */
  readonly worth?: number | undefined
  /**
   * Requests a day at most, retries not counted. Over it the sync is late: audits and readings of little worth wait first, then whole
   * passes. @default no limit
   */
  readonly maxRequests?: number | undefined
}

/**
 * Why something was read:
 *
 * - `new`: what started after the watermark
 * - `hole`: what could not be proven before
 * - `awaited`: calls of which more is expected
 * - `behind the watermark`: where the server counts other calls than are known
 * - `audit`: everything, at some ages
 * - `missing`: calls that were not where they should be
 * - `again`: ranges that somebody asked for
 *
 * @since 0.1.0
 * @category models
 */
export type Why = "new" | "hole" | "awaited" | "behind the watermark" | "audit" | "missing" | "again"

/**
 * Where a change is in the order of changes of one ledger. A consumer that has it has all before it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Commit {
  readonly ledger: string
  readonly commit: number
}

/** As of `Item`: a copy by `{ ...change }` has no call, and does not compile as a change. */
declare abstract class WithSession {
  abstract get session(): CallSession | undefined
}

/**
 * A change with the call as it is now, decoded when it is asked for; `undefined` of one that left or was removed.
 *
 * @since 0.1.0
 * @category models
 */
export interface Change extends ChangeOf.Change, WithSession {
  readonly commit: Commit
  /** The commit of the version before; `undefined` where it is not known. */
  readonly replaces: number | undefined
}

/**
 * One reading, and the changes that it showed. It is noted in the ledger before it is given to anybody.
 *
 * @since 0.1.0
 * @category models
 */
export interface Look {
  readonly why: Why
  /** In the order of their commits. */
  readonly changes: ReadonlyArray<Change>
  /** Records that could not be decoded. */
  readonly rejected: ReadonlyArray<Rejected>
  readonly requests: number
  /** Everything that starts before this is proven, or is a hole. */
  readonly watermark: Instant.Instant
}

/**
 * The identity of a sync in its ledger. Of a number, which is personal data, only that there is one.
 *
 * @since 0.1.0
 * @category reading
 */
export const fingerprintOf = ({
  agentId,
  callerNumber,
  channel
}: Pick<Options, "agentId" | "channel" | "callerNumber">): Fingerprint => ({
  source: "sync",
  filters: Object.entries({ agentId, callerNumber: callerNumber === undefined ? undefined : "given", channel })
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
    .join(" ")
})

/** Begins a pass and streams what it does; of one that waits, nothing. */
const begun = <A>(
  lease: Lease,
  options: Options,
  steps: (begun: Begin.Begun) => Stream.Stream<A, AgniError | LedgerError, AgniClient>
): Stream.Stream<A, AgniError | LedgerError, AgniClient> =>
  Stream.unwrap(
    Effect.map(Effect.flatMap(SyncSettings.of(lease, options), Begin.begin), (begun) =>
      begun._tag === "PutOff"
        ? Stream.fromEffectDrain(SyncState.note(lease, begun.state, begun.head, []))
        : within(begun.run, steps(begun))
    )
  )

/**
 * From now on the ledger is of this fingerprint, and every call is delivered again. What cannot be read of it is left out, and read
 * again. The lease was opened without a fingerprint.
 *
 * @since 0.1.0
 * @category combining
 */
export const restart = Effect.fnUntraced(function* (
  lease: Lease,
  options: Options,
  fingerprint: Fingerprint
): Effect.fn.Return<void, AgniError | LedgerError> {
  const { from, horizon } = yield* SyncSettings.of(lease, options)
  yield* SyncState.mend(lease, from, horizon)
  yield* lease.restart(fingerprint)
})

/** Keeps what a pass sent. Of one that fails the rest of the state is what was noted last. */
const noteRequests = Effect.fnUntraced(function* ({ allowance, settings: { from, horizon, lease } }: Pass.Run) {
  const { head, state } = yield* SyncState.open(lease, from, horizon)
  yield* SyncState.note(lease, { ...state, requests: allowance.noted() }, head, [])
})

/** Versions rise from pass to pass, and requests are counted. */
const within = <A>(run: Pass.Run, stream: Stream.Stream<A, AgniError | LedgerError, AgniClient>) =>
  stream.pipe(
    Stream.concat(Stream.fromEffectDrain(Effect.suspend(() => noteRequests(run)))),
    Stream.tapError((error) => (error._tag === "AgniError" ? Effect.ignore(noteRequests(run)) : Effect.void)),
    Stream.provideService(AgniClient, run.allowance.client),
    Stream.provideService(VersionClock.Current, VersionClock.make(Version.clock(run.state.clock)))
  )

/**
 * One pass: what is new, what was not proven before, what is awaited, what the counts show behind the watermark, what is due for
 * an audit, and what is missing. The first one is a history from `from` on.
 *
 * A pass that is stopped is resumed by the next one. What it noted and did not deliver is not in the next one: `changes` reads
 * it again.
 *
 * @since 0.1.0
 * @category streams
 */
export const pass = (lease: Lease, options: Options): Stream.Stream<Look, AgniError | LedgerError, AgniClient> =>
  begun(lease, options, (begun) => Stages.looks(begun, true))

/**
 * A part of a pass for consumers that may lack earlier changes:
 *
 * - `CaughtUp`: changes after a commit, read again. Each has all facets and milestones, because its consumer may have any version.
 * - `Looked`: one reading.
 *
 * @since 0.1.0
 * @category models
 */
export type Step =
  | { readonly _tag: "CaughtUp"; readonly changes: ReadonlyArray<Change> }
  | { readonly _tag: "Looked"; readonly look: Look }

/**
 * Calls that are all new, before they are noted: `show` says that consumers may show one from now on, and a digest of its row, if
 * that is not the call as it is.
 *
 * @since 0.1.0
 * @category models
 */
export interface Showable extends NewCalls {
  readonly show: (place: number, row: number | undefined) => void
}

/**
 * What a consumer makes of the changes of a reading before they are noted, so that what consumers may show is noted with them.
 *
 * @since 0.1.0
 * @category models
 */
export interface Judge {
  /** The entries that it gives are noted in place of those it got, by id. */
  readonly changes: (
    changes: ReadonlyArray<Change>,
    entries: ReadonlyMap<string, Entry>
  ) => Effect.Effect<ReadonlyMap<string, Entry>>
  /** All of these are new: each change is of the call at its place. */
  readonly fresh: (changes: ReadonlyArray<Change>, calls: Showable) => Effect.Effect<void>
}

/**
 * A consumer as a pass begins, which has everything up to the commit `has`; `isOpen`: it takes what it lacks in this pass.
 *
 * @since 0.1.0
 * @category models
 */
export interface Consumer {
  readonly has: number
  readonly isOpen: boolean
}

/**
 * Everything that an open consumer lacks, in the order of commits, then one pass. `judge` is asked of changes that were read in the
 * pass, not of removals, nor of what is read again for a consumer. With `"later"`, what consumers may show is noted with each delivery.
 *
 * @since 0.1.0
 * @category streams
 */
export const steps = (
  lease: Lease,
  options: Options,
  consumers: Readonly<Record<string, Consumer>>,
  judge?: Judge | "later"
): Stream.Stream<Step, AgniError | LedgerError, AgniClient> => {
  const pass = begun(lease, options, (begun) => {
    const { endpoint, run } = begun
    const caughtUp = CatchUp.ofConsumers(run, endpoint, consumers).pipe(
      Stream.mapArray((changes): Arr.NonEmptyReadonlyArray<Step> => [{ _tag: "CaughtUp", changes }])
    )
    const looks = Stream.suspend(() => {
      run.judge = judge
      return Stages.looks(begun, endpoint.requests() === 0)
    })
    return Stream.concat(
      caughtUp,
      Stream.map(looks, (look): Step => ({ _tag: "Looked", look }))
    )
  })
  return Stream.concat(Stream.fromEffectDrain(CatchUp.begin(lease, consumers)), pass)
}

/**
 * How changes are delivered.
 *
 * @since 0.1.0
 * @category options
 */
export interface ChangesOptions extends Options {
  /** The ledger's name: what it knows is kept under it. */
  readonly name: string
  /** Who acknowledges: each consumer of a ledger keeps its own place. @default "changes" */
  readonly consumer?: string | undefined
  /** How long after a pass the next one begins. @default no further pass: the stream ends */
  readonly every?: Duration.Input | undefined
  /**
   * Deliver every call of the ledger again, also if it has other filters or is damaged: what cannot be read of it is left out and read
   * again, and such calls come as new ones. @default false
   */
  readonly restart?: boolean | undefined
  /** Given every look, also one without a change. */
  readonly onLook?: ((look: Look) => Effect.Effect<void>) | undefined
}

/**
 * A change that waits for its acknowledgement.
 *
 * @since 0.1.0
 * @category models
 */
export interface Delivered extends Change {
  /** Says that this change, and all before it, are where they should be. Before the stream ends. */
  readonly acknowledge: Effect.Effect<void, LedgerError>
}

/**
 * What became of each call since this consumer acknowledged last, then one pass, or a pass `every` so often.
 *
 * A change is noted in the ledger first, then delivered, then acknowledged. One that was delivered and not acknowledged comes
 * again: with the same sequence if the call is the same, and with all facets and milestones, because the consumer may
 * have any version.
 *
 * @since 0.1.0
 * @category streams
 */
export const changes = (
  options: ChangesOptions
): Stream.Stream<Delivered, AgniError | LedgerError, AgniClient | Ledger> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const { consumer = "changes", every, onLook = () => Effect.void, restart: again = false } = options
      if (every !== undefined && !(SyncSettings.micros(every) > 0)) {
        return yield* SyncSettings.refused("every", "must be a duration above 0")
      }
      const ledger = yield* Ledger
      const fingerprint = fingerprintOf(options)
      const lease = yield* ledger.open(options.name, again ? undefined : fingerprint)
      if (again) yield* restart(lease, options, fingerprint)
      const deliver = (change: Change): Delivered => ({
        ...change,
        session: change.session,
        acknowledge: lease.acknowledge(consumer, change.commit.commit)
      })
      const once = Stream.unwrap(
        Effect.map(lease.acknowledged, (acknowledged) =>
          steps(lease, options, { [consumer]: { has: acknowledged[consumer]?.commit ?? 0, isOpen: true } })
        )
      ).pipe(
        Stream.tap((step) => (step._tag === "Looked" ? onLook(step.look) : Effect.void)),
        Stream.flatMap((step) => Stream.fromIterable(step._tag === "Looked" ? step.look.changes : step.changes)),
        Stream.map(deliver)
      )
      return every === undefined ? once : Stream.repeat(once, Schedule.spaced(every))
    })
  )
