/** The sinks of a sync: each is a consumer of the ledger, and one that fails does not hold up the others. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import type * as Scope from "effect/Scope"
import * as Position from "../../model/Position.ts"
import type { Opening, SessionSink } from "../../sink/SessionSink.ts"
import { SinkError } from "../../sink/SinkError.ts"
import type { Lease } from "../../sync/Ledger.ts"
import type { LedgerError } from "../../sync/LedgerError.ts"
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
  readonly failures: () => ReadonlyMap<string, SinkError>
  /** A step of one sink, after which it has everything up to a commit. An error closes the sink, and fails if no other is open. */
  readonly give: (sink: string, step: Effect.Effect<void, SinkError>, commit: number) => Effect.Effect<void, SinkError>
  /** Flushes what was given, and acknowledges it sink by sink. */
  readonly acknowledge: Effect.Effect<void, SinkError | LedgerError>
}

const minute = 60_000
const longest = 30 * minute

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
  const open = Ref.makeUnsafe<ReadonlyMap<string, Member<A>>>(new Map())
  const down = Ref.makeUnsafe<ReadonlyMap<string, Down>>(new Map())
  const members = () => [...Ref.getUnsafe(open).values()]
  const failures = () => new Map([...Ref.getUnsafe(down)].map(([name, { error }]) => [name, error] as const))

  const setAside = Effect.fnUntraced(function* (name: string, error: SinkError) {
    const now = yield* Clock.currentTimeMillis
    yield* Ref.update(open, (before) => new Map([...before].filter(([one]) => one !== name)))
    yield* Ref.update(down, (before) => {
      const times = (before.get(name)?.times ?? 0) + 1
      return new Map(before).set(name, { error, times, until: now + Math.min(longest, minute * 2 ** (times - 1)) })
    })
  })

  const openOne = Effect.fnUntraced(function* (sink: SessionSink<A, R>) {
    const { name } = sink
    const kept = (yield* lease.acknowledged)[name]
    const opening: Opening = {
      pipeline: lease.name,
      // A position is of one ledger: in another one its commits mean nothing.
      fingerprint: { ledger: lease.id },
      from: kept === undefined ? Option.none() : Option.some({ at: Position.of(kept.commit), note: kept.note })
    }
    const handle = yield* SinkHandle.open(sink, opening, run)
    const { failure } = handle.state()
    if (failure !== undefined) {
      // Wrong from the beginning: a mistake in how it was set up.
      if (!failure.retryable && !Ref.getUnsafe(down).has(name)) return yield* failure
      return yield* setAside(name, failure)
    }
    const own = handle.at()
    const commit = kept?.commit ?? 0
    // A table may have lost rows, or have been restored from a copy: its own position shows it.
    const at = own === undefined ? 0 : own === "end" ? commit : Math.min(commit, own)
    yield* Ref.update(open, (before) => new Map(before).set(name, { handle, given: at, acknowledged: at }))
    yield* Ref.update(down, (before) => new Map([...before].filter(([one]) => one !== name)))
  })

  const change = (name: string, f: (member: Member<A>) => Member<A>) =>
    Ref.update(open, (before) => {
      const member = before.get(name)
      return member === undefined ? before : new Map(before).set(name, f(member))
    })

  const give: SyncSinks<A>["give"] = (name, step, commit) =>
    step.pipe(
      Effect.andThen(change(name, (member) => ({ ...member, given: Math.max(member.given, commit) }))),
      Effect.catch((error) =>
        Effect.suspend(() => Ref.getUnsafe(open).get(name)?.handle.close(error) ?? Effect.void).pipe(
          Effect.andThen(setAside(name, error)),
          Effect.andThen(Effect.suspend(() => (members().length === 0 ? Effect.fail(error) : Effect.void)))
        )
      )
    )

  const acknowledgeOne = Effect.fnUntraced(function* (member: Member<A>) {
    const { given, handle } = member
    if (given === member.acknowledged && !handle.state().dirty) return
    yield* give(handle.name, handle.flush(Position.of(given)), given)
    if (handle.state().failure !== undefined) return
    yield* lease.acknowledge(handle.name, given, handle.note())
    yield* change(handle.name, (now) => ({ ...now, acknowledged: given }))
  })

  return {
    members,
    failures,
    give,
    open: Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      for (const sink of sinks) {
        const waits = (Ref.getUnsafe(down).get(sink.name)?.until ?? 0) > now
        if (!Ref.getUnsafe(open).has(sink.name) && !waits) yield* openOne(sink)
      }
      const [error] = failures().values()
      if (members().length === 0 && error !== undefined) return yield* error
    }).pipe(Effect.provideContext(context)),
    acknowledge: Effect.suspend(() =>
      Effect.forEach(members(), acknowledgeOne, { concurrency: "unbounded", discard: true })
    )
  }
})
