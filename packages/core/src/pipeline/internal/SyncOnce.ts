/** One run of a sync: opens the ledger and the sinks, and delivers pass by pass. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Record from "effect/Record"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import { AgniClient } from "../../client/AgniClient.ts"
import * as Column from "../../model/Column.ts"
import { AgniError } from "../../model/AgniError.ts"
import * as CoverageSet from "../../coverage/CoverageSet.ts"
import type { CallSession } from "../../model/CallSession.ts"
import type { Fingerprint } from "../../model/Fingerprint.ts"
import { of } from "../../model/Position.ts"
import type { RejectedRow } from "../../model/RejectedRow.ts"
import * as ErrorType from "../../model/internal/ErrorType.ts"
import * as Version from "../../model/Version.ts"
import { opening, type SessionSink } from "../../sink/SessionSink.ts"
import { SinkError } from "../../sink/SinkError.ts"
import { Ledger, type Lease } from "../../sync/Ledger.ts"
import type { LedgerError } from "../../sync/LedgerError.ts"
import * as SyncState from "../../sync/internal/SyncState.ts"
import * as Sync from "../../sync/Sync.ts"
import * as Verdict from "../../sync/Verdict.ts"
import type { Transform } from "../../transform/TransformContract.ts"
import { type DeadLetter, seal } from "../DeadLetter.ts"
import type { Delivered, Options, PassSummary, SyncIdentity } from "../SyncPipeline.ts"
import { TooManyDeadLetters } from "../TooManyDeadLetters.ts"
import * as Counting from "./Counting.ts"
import * as Letters from "./Letters.ts"
import * as PatientStop from "./PatientStop.ts"
import * as RunState from "./RunState.ts"
import * as RunTelemetry from "./RunTelemetry.ts"
import * as SinkHandle from "./SinkHandle.ts"
import * as SyncDelivery from "./SyncDelivery.ts"
import type * as SyncItems from "./SyncItems.ts"
import * as SyncOrganization from "./SyncOrganization.ts"
import * as SyncSinks from "./SyncSinks.ts"

interface Once<A, RA, RD, ET, RT> extends Omit<Options<A, readonly [], RD, ET, RT>, "sinks" | "transform"> {
  readonly transform: Transform<CallSession, A, ET, RT>
  readonly sinks: ReadonlyArray<SessionSink<A, RA>>
}

const nothing: Delivered = { changes: { created: 0, updated: 0, left: 0, removed: 0 }, filtered: 0, dead: 0 }

/** With fewer records the share of rejected ones means nothing. */
const enough = 100

/** A record that cannot be decoded is read by each pass of its range: so many are remembered, and get one letter. */
const mostRemembered = 10_000

/** What a ledger is refused by: filters and transforms of another sync. */
export const fingerprintOf = (options: SyncIdentity): Fingerprint => ({
  ...Sync.fingerprintOf(options),
  ...options.fingerprint,
  transforms: options.transform.label
})

export const runSync = Effect.fnUntraced(function* <A, RA, RD, ET, RT>(options: Once<A, RA, RD, ET, RT>) {
  const { every, name, onPass = () => Effect.void } = options
  const fingerprint = fingerprintOf(options)
  const ledger = yield* Ledger
  const lease = yield* ledger.open(name, options.restart === true ? undefined : fingerprint)
  if (options.restart === true) yield* Sync.restart(lease, options, fingerprint)
  const run = yield* Ref.make(RunState.make({ coverage: CoverageSet.empty, reserved: undefined }))
  const letters = yield* SinkHandle.open(options.deadLetters, opening(Option.none()), run, name)
  const noLetters = letters.state().failure
  if (noLetters !== undefined) return yield* noLetters
  const sinks = yield* SyncSinks.make(lease, options.sinks, run)
  const count = Counting.make(name, run)
  yield* Effect.addFinalizer(() => count)
  const commit = RunTelemetry.commits(name)(
    Effect.andThen(
      Effect.suspend(() => (letters.state().dirty ? letters.flush(of(0)) : Effect.void)),
      sinks.acknowledge
    )
  ).pipe(Effect.andThen(Ref.update(run, (state) => ({ ...state, commits: state.commits + 1 }))), Effect.ensuring(count))
  const acknowledge = Effect.suspend(() =>
    letters.state().dirty || sinks.members().some(isBehind) ? commit : Effect.void
  )
  const delivered = yield* Ref.make(nothing)
  // Nothing of this is in a summary yet: a pass that ended early has none of its own.
  const summed = yield* Ref.make(nothing)
  const { counted, spend } = yield* spending(lease)
  const organization = yield* SyncOrganization.make
  const about = { lease, sinks, run, letters, acknowledge, delivered, organization: organization.ofCalls }
  const { judge, step } = yield* stepOf(options, about)

  const pass = Effect.gen(function* () {
    yield* sinks.open
    yield* Sync.steps(lease, options, yield* sinks.consumers, judge).pipe(
      Stream.runForEach((one) => PatientStop.toItsEnd(counted(step(one)))),
      Effect.onExit((exit) =>
        Exit.isSuccess(exit) || Cause.hasDies(exit.cause)
          ? Effect.void
          : Effect.ignore(Effect.timeoutOption(acknowledge, PatientStop.patience))
      )
    )
    yield* PatientStop.toItsEnd(acknowledge)
    yield* sinks.settle
    yield* spend
    const now = yield* Ref.get(delivered)
    const summary: PassSummary = {
      ...since(yield* Ref.getAndSet(summed, now), now),
      verdict: yield* Verdict.of(lease),
      givenUp: every === undefined ? yield* Verdict.givenUp(lease) : [],
      sinks: yield* Effect.map(Ref.get(run), (state) => statusOf(options.sinks, state, sinks))
    }
    yield* count
    const { awaited, completeUpTo, consumers } = summary.verdict
    yield* RunTelemetry.prove(name, completeUpTo, awaited.calls)
    yield* RunTelemetry.lag(
      name,
      Record.map(consumers, ({ lacks }) => lacks)
    )
    yield* counted(onPass(summary))
    return summary
  }).pipe(
    organization.watching,
    Effect.onExit((exit) => (Exit.isFailure(exit) && Cause.hasDies(exit.cause) ? Effect.void : spend)),
    (pass) => RunTelemetry.pass(name, pass, ({ changes }) => Object.values(changes).reduce((sum, one) => sum + one, 0))
  )
  if (every === undefined) return yield* pass
  // An outage of the API ends one pass only.
  const patient = Effect.catchIf(pass, isOutage, ({ reason }) =>
    Effect.annotateLogs(Effect.logWarning(`${name}: a pass ended early: ${reason.message}; the next one continues`), {
      "callstream.pipeline.name": name,
      "error.type": ErrorType.ofReason(reason)
    })
  )
  return yield* Effect.forever(Effect.andThen(patient, Effect.sleep(every)))
})

/**
 * Requests besides those of a pass, such as those for recordings, are some of those that a day may have. `spend` notes them, once the
 * ledger has a state: while a pass runs, the pass has its own count.
 */
const spending = Effect.fnUntraced(function* (lease: Lease) {
  const sent = yield* Ref.make(0)
  const counted = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | AgniClient> =>
    Effect.updateService(effect, AgniClient, (client) => ({
      ...client,
      list: (query, how) =>
        Effect.andThen(
          Ref.update(sent, (before) => before + 1),
          client.list(query, how)
        )
    }))
  const spend = Effect.gen(function* () {
    if ((yield* Ref.get(sent)) === 0 || (yield* lease.kept).state === undefined) return
    yield* SyncState.spend(lease, yield* Ref.getAndSet(sent, 0))
  })
  return { counted, spend }
})

/** Whether a flush or an acknowledgement is due. */
const isBehind = <A>({ acknowledged, given, handle }: SyncSinks.Member<A>): boolean =>
  given !== acknowledged || handle.state().dirty

const isOutage = (error: unknown): error is AgniError => error instanceof AgniError && error.retryable

interface Parts<A> {
  readonly lease: Lease
  readonly sinks: SyncSinks.SyncSinks<A>
  readonly run: Ref.Ref<RunState.RunState>
  readonly letters: SinkHandle.SinkHandle<DeadLetter>
  readonly acknowledge: Effect.Effect<void, SinkError | LedgerError>
  readonly delivered: Ref.Ref<Delivered>
  readonly organization: SyncOrganization.SyncOrganization["ofCalls"]
}

/** Delivers one step, and acknowledges by time. */
const stepOf = Effect.fnUntraced(function* <A, RA, RD, ET, RT>(
  options: Once<A, RA, RD, ET, RT>,
  { acknowledge, delivered, lease, letters, organization, run, sinks }: Parts<A>
) {
  const { onDelivered = () => Effect.void, transform } = options
  const { deliver, judge } = SyncDelivery.make({
    lease,
    transform,
    sinks,
    organization,
    run,
    letters: Letters.make(transform.redaction, options.rawLetters ?? false),
    putAside: putAsideOf(letters, run)
  })
  const commitEvery = Duration.toMillis(Duration.fromInputUnsafe(options.commitEvery ?? "1 second"))
  const last = yield* Effect.flatMap(Clock.currentTimeMillis, Ref.make)
  const step = Effect.fnUntraced(function* (one: Sync.Step) {
    const changes = yield* deliver(one)
    const { totals } = yield* Ref.get(run)
    const { dead, filtered } = totals
    yield* Ref.update(delivered, (before) => ({ changes: countOf(before.changes, changes), filtered, dead }))
    yield* refuseTooMany(run, letters, options.maxDeadShare ?? 0.1)
    yield* Effect.flatMap(Ref.get(delivered), onDelivered)
    const now = yield* Clock.currentTimeMillis
    if (now - (yield* Ref.get(last)) < commitEvery) return
    yield* acknowledge
    yield* Effect.flatMap(Clock.currentTimeMillis, (time) => Ref.set(last, time))
  })
  return { judge, step }
})

const countOf = (
  before: Delivered["changes"],
  changes: ReadonlyArray<SyncItems.Delivered<unknown>>
): Delivered["changes"] => {
  const counts = { ...before }
  for (const { change } of changes) counts[change.kind]++
  return counts
}

const since = (before: Delivered, now: Delivered): Delivered => ({
  changes: {
    created: now.changes.created - before.changes.created,
    updated: now.changes.updated - before.changes.updated,
    left: now.changes.left - before.changes.left,
    removed: now.changes.removed - before.changes.removed
  },
  filtered: now.filtered - before.filtered,
  dead: now.dead - before.dead
})

const statusOf = <A, R>(
  sinks: ReadonlyArray<SessionSink<A, R>>,
  { sinks: states }: RunState.RunState,
  { failures }: SyncSinks.SyncSinks<A>
): PassSummary["sinks"] =>
  sinks.map(({ name }) => {
    const { refused = 0, written = 0 } = states.get(name) ?? {}
    return { sink: name, written, refused, failure: failures().get(name) }
  })

/** Writes dead letters, a record once in a run. */
const putAsideOf = (letters: SinkHandle.SinkHandle<DeadLetter>, run: Ref.Ref<RunState.RunState>) => {
  const known = new Set<string>()
  return Effect.fnUntraced(function* (found: ReadonlyArray<RejectedRow>) {
    const fresh = found.filter((row) => {
      const key = JSON.stringify([row.stage, row.sink, row.reason, row.record ?? row.row])
      if (known.has(key)) return false
      if (known.size >= mostRemembered) known.clear()
      known.add(key)
      return true
    })
    if (fresh.length === 0) return
    const sealed = yield* seal(fresh)
    const refused = yield* letters.write({
      items: sealed.map((row) => ({ id: row.letter, start: undefined, row })),
      columns: Column.ofSession,
      observedAt: Version.of(0)
    })
    const [first] = refused
    if (first !== undefined) {
      const reason = { _tag: "LettersRefused", count: refused.length, of: sealed.length, reason: first.reason } as const
      return yield* new SinkError({ sink: letters.name, operation: "write", retryable: false, reason })
    }
    yield* Ref.update(run, RunState.lost(fresh, fresh.length))
  })
}

const refuseTooMany = Effect.fnUntraced(function* (
  run: Ref.Ref<RunState.RunState>,
  letters: SinkHandle.SinkHandle<DeadLetter>,
  maxDeadShare: number
) {
  const { lost, reasons, received } = yield* Ref.get(run)
  if (received < enough || lost <= maxDeadShare * received) return
  yield* Effect.ignore(letters.flush(of(0)))
  const [most] = [...reasons.values()].sort((left, right) => right.letters - left.letters)
  if (most !== undefined) return yield* new TooManyDeadLetters({ dead: lost, of: received, most })
})
