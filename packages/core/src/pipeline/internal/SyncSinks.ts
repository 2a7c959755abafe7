/** The sinks of a sync: each is a consumer of the ledger, and one that fails does not hold up the others. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import type * as Scope from "effect/Scope"
import * as Instant from "../../model/Instant.ts"
import * as Position from "../../model/Position.ts"
import * as Version from "../../model/Version.ts"
import type { Opening, SessionSink } from "../../sink/SessionSink.ts"
import { SinkError } from "../../sink/SinkError.ts"
import type { Lease } from "../../sync/Ledger.ts"
import type { LedgerError } from "../../sync/LedgerError.ts"
import type { Consumers } from "../../sync/internal/Consumers.ts"
import type * as RunState from "./RunState.ts"
import * as SinkHandle from "./SinkHandle.ts"

/** An open sink, and the last commits that were given to it and acknowledged for it. */
export interface Member<in A> {
  readonly handle: SinkHandle.SinkHandle<A>
  readonly given: number
  readonly acknowledged: number
}

/** A sink that failed is opened again at this time, in milliseconds. */
interface Down {
  readonly error: SinkError
  readonly until: number
  readonly times: number
}

export interface SyncSinks<in A> {
  /** Opens the sinks that are not open, unless one failed a moment ago. Fails when none is open. */
  readonly open: Effect.Effect<void, SinkError | LedgerError>
  /** The open ones. */
  readonly members: () => ReadonlyArray<Member<A>>
  /** All of them, by what they have. */
  readonly consumers: Effect.Effect<Consumers>
  readonly failures: () => ReadonlyMap<string, SinkError>
  /** A step of one sink, after which it has everything up to a commit. An error closes the sink, and fails if no other is open. */
  readonly give: (sink: string, step: Effect.Effect<void, SinkError>, commit: number) => Effect.Effect<void, SinkError>
  /** Flushes what was given, and acknowledges it sink by sink. */
  readonly acknowledge: Effect.Effect<void, SinkError | LedgerError>
  /** At the end of a pass: files that are complete by now, and acknowledged as such, get their names. */
  readonly settle: Effect.Effect<void, SinkError | LedgerError>
}

const minute = 60_000
const longest = 30 * minute

interface Kept<in out A> {
  readonly open: Ref.Ref<ReadonlyMap<string, Member<A>>>
  readonly down: Ref.Ref<ReadonlyMap<string, Down>>
}

const membersOf = <A>({ open }: Kept<A>): ReadonlyArray<Member<A>> => [...Ref.getUnsafe(open).values()]

const without = <A>(map: ReadonlyMap<string, A>, name: string): ReadonlyMap<string, A> =>
  new Map([...map].filter(([one]) => one !== name))

const change = <A>({ open }: Kept<A>, name: string, f: (member: Member<A>) => Member<A>) =>
  Ref.update(open, (before) => {
    const member = before.get(name)
    return member === undefined ? before : new Map(before).set(name, f(member))
  })

const setAside = Effect.fnUntraced(function* <A>({ down, open }: Kept<A>, name: string, error: SinkError) {
  const now = yield* Clock.currentTimeMillis
  yield* Ref.update(open, (before) => without(before, name))
  yield* Ref.update(down, (before) => {
    const times = (before.get(name)?.times ?? 0) + 1
    return new Map(before).set(name, { error, times, until: now + Math.min(longest, minute * 2 ** (times - 1)) })
  })
})

const openOne = Effect.fnUntraced(function* <A, R>(
  kept: Kept<A>,
  lease: Lease,
  sink: SessionSink<A, R>,
  run: Ref.Ref<RunState.RunState>
) {
  const { name } = sink
  const { commit = 0, note } = (yield* lease.acknowledged)[name] ?? {}
  const opening: Opening = {
    pipeline: lease.name,
    // A position is of one ledger: in another one its commits mean nothing.
    fingerprint: { ledger: lease.id },
    epoch: lease.epoch,
    from: note === undefined ? Option.none() : Option.some({ at: Position.of(commit), note })
  }
  const handle = yield* SinkHandle.open(sink, opening, run, lease.name)
  const { failure } = handle.state()
  if (failure !== undefined) {
    // Wrong from the beginning: a mistake in how it was set up.
    if (!failure.retryable && !Ref.getUnsafe(kept.down).has(name)) return yield* failure
    return yield* setAside(kept, name, failure)
  }
  const own = handle.at()
  // A table may have lost rows, or have been restored from a copy: its own position shows it.
  const at = own === undefined ? 0 : own === "end" ? commit : Math.min(commit, own)
  yield* Ref.update(kept.open, (before) => new Map(before).set(name, { handle, given: at, acknowledged: at }))
  yield* Ref.update(kept.down, (before) => without(before, name))
  // The ledger was restored from a copy: what the sink has may differ, by versions that this ledger did not give.
  if (typeof own === "number" && own > (yield* lease.kept).head) yield* restart(kept, lease)
})

/** All consumers are given everything again, above all versions that were given by now. */
const restart = Effect.fnUntraced(function* <A>({ open }: Kept<A>, lease: Lease) {
  yield* Effect.annotateLogs(
    Effect.logWarning(`${lease.name}: the ledger is older than what a sink has; every call is delivered again`),
    "callstream.pipeline.name",
    lease.name
  )
  yield* lease.restart(undefined, Version.of(yield* Instant.now))
  yield* Ref.update(
    open,
    (before) => new Map([...before].map(([name, member]) => [name, { ...member, given: 0, acknowledged: 0 }]))
  )
})

const giveTo =
  <A>(kept: Kept<A>): SyncSinks<A>["give"] =>
  (name, step, commit) =>
    step.pipe(
      Effect.andThen(change(kept, name, (member) => ({ ...member, given: Math.max(member.given, commit) }))),
      Effect.catch((error) =>
        Effect.suspend(() => Ref.getUnsafe(kept.open).get(name)?.handle.close(error) ?? Effect.void).pipe(
          Effect.andThen(setAside(kept, name, error)),
          Effect.andThen(Effect.suspend(() => (membersOf(kept).length === 0 ? Effect.fail(error) : Effect.void)))
        )
      )
    )

const acknowledgeOne = Effect.fnUntraced(function* <A>(kept: Kept<A>, lease: Lease, member: Member<A>) {
  const { given, handle } = member
  if (given === member.acknowledged && !handle.state().dirty) return
  yield* giveTo(kept)(handle.name, handle.flush(Position.of(given)), given)
  if (handle.state().failure !== undefined) return
  yield* lease.acknowledge(handle.name, given, handle.note())
  yield* change(kept, handle.name, (now) => ({ ...now, acknowledged: given }))
})

/** A file is acknowledged as complete by one flush, and renamed by the next one. */
const settleOne = Effect.fnUntraced(function* <A>(kept: Kept<A>, lease: Lease, { given, handle }: Member<A>) {
  if (handle.delivery !== "resumable") return
  for (let turn = 0; turn < 2; turn++) {
    const before = JSON.stringify(handle.note())
    yield* giveTo(kept)(handle.name, handle.flush(Position.of(given)), given)
    if (handle.state().failure !== undefined || JSON.stringify(handle.note()) === before) return
    yield* lease.acknowledge(handle.name, given, handle.note())
  }
})

export const make = Effect.fnUntraced(function* <A, R>(
  lease: Lease,
  sinks: ReadonlyArray<SessionSink<A, R>>,
  run: Ref.Ref<RunState.RunState>
): Effect.fn.Return<SyncSinks<A>, SinkError, R | Scope.Scope> {
  const context = yield* Effect.context<R | Scope.Scope>()
  for (const { keeps, name } of sinks) {
    if (keeps === undefined) {
      return yield* new SinkError({ sink: name, operation: "open", retryable: false, reason: { _tag: "NoSync" } })
    }
  }
  const kept: Kept<A> = {
    open: Ref.makeUnsafe<ReadonlyMap<string, Member<A>>>(new Map()),
    down: Ref.makeUnsafe<ReadonlyMap<string, Down>>(new Map())
  }
  return {
    members: () => membersOf(kept),
    consumers: Effect.map(lease.acknowledged, (acknowledged) =>
      Object.fromEntries(
        sinks.map(({ name }) => {
          const given = Ref.getUnsafe(kept.open).get(name)?.given
          return [name, { has: given ?? acknowledged[name]?.commit ?? 0, isOpen: given !== undefined }]
        })
      )
    ),
    failures: () => new Map([...Ref.getUnsafe(kept.down)].map(([name, { error }]) => [name, error] as const)),
    give: giveTo(kept),
    open: Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      for (const sink of sinks) {
        const waits = (Ref.getUnsafe(kept.down).get(sink.name)?.until ?? 0) > now
        if (!Ref.getUnsafe(kept.open).has(sink.name) && !waits) yield* openOne(kept, lease, sink, run)
      }
      const [down] = Ref.getUnsafe(kept.down).values()
      if (membersOf(kept).length === 0 && down !== undefined) return yield* down.error
    }).pipe(Effect.provideContext(context)),
    settle: Effect.suspend(() =>
      Effect.forEach(membersOf(kept), (member) => settleOne(kept, lease, member), { discard: true })
    ),
    acknowledge: Effect.suspend(() =>
      Effect.forEach(membersOf(kept), (member) => acknowledgeOne(kept, lease, member), {
        concurrency: "unbounded",
        discard: true
      })
    )
  }
})
