/** The state of a run in stretches: one checkpoint, of which each stretch keeps its part. */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import * as Struct from "effect/Struct"
import type { Lease, State, Stretch } from "../../checkpoint/Checkpoint.ts"
import type { CheckpointError } from "../../checkpoint/CheckpointError.ts"
import type { CoverageSet, Range } from "../../coverage/CoverageSet.ts"
import * as Instant from "../../model/Instant.ts"
import * as Position from "../../model/Position.ts"
import * as Version from "../../model/Version.ts"
import type { SinkError } from "../../sink/SinkError.ts"
import type { Begun, SideBySide } from "../../source/Source.ts"
import type { Together } from "./Commit.ts"
import type { Saved } from "./RunOnce.ts"
import { ending, type SharedSink } from "./SharedSink.ts"

type Shared = ReadonlyArray<Pick<SharedSink<never>, "name" | "saved">>

export interface StretchState {
  readonly stretches: () => ReadonlyArray<Stretch>
  /** What a stretch, or what comes after all of them, continues, and where it saves its own. */
  readonly of: (nth: number, proven?: CoverageSet) => Saved
  /** The sinks that all stretches share, once they are open: each commit saves them too. */
  readonly share: (sinks: Shared) => void
}

/** How far all of these sinks have a stretch. */
const reachedIn = (sinks: ReadonlyArray<{ readonly name: string }>, { finished, sinks: kept }: Stretch) =>
  finished ? "end" : Position.least(sinks.map(({ name }) => kept[name]?.at))

/** A stretch, and from where on it is read. */
export const begun =
  (sinks: ReadonlyArray<{ readonly name: string }>) =>
  (stretch: Stretch): Begun => {
    const at = reachedIn(sinks, stretch)
    return { range: stretch.range, at: at === "end" ? Position.of(stretch.range.to) : at }
  }

export const hasBegun = (stretches: ReadonlyArray<Stretch>): boolean =>
  stretches.some(({ sinks }) => Object.keys(sinks).length > 0)

/** All before this is in these sinks; nothing where the first stretch has not begun. */
export const frontier = (
  sinks: ReadonlyArray<{ readonly name: string }>,
  stretches: ReadonlyArray<Stretch>
): Position.Position | undefined => {
  let at: Position.Position | undefined
  for (const stretch of stretches) {
    const reached = reachedIn(sinks, stretch)
    if (reached !== "end") return reached ?? at
    at = Position.of(stretch.range.to)
  }
  return at
}

/**
 * What sinks take a stretch for. By its range: a sink may remember a stretch of a state that was lost, and another cut would
 * have another one as the nth.
 */
export const stretchName = (name: string, { from, to }: Range): string => `${name} stretch ${from}-${to}`

const later = (left: Version.Version | undefined, right: Version.Version | undefined): Version.Version | undefined =>
  left === undefined || (right !== undefined && right > left) ? right : left

/** The state after a stretch, or the ending, saved its own. */
const merge = (before: State, nth: number, own: State): State => {
  const { coverage, finished, sinks } = own
  const lastVersion = later(before.lastVersion, own.lastVersion)
  const versions = lastVersion === undefined ? {} : { lastVersion }
  const proven = coverage === undefined ? {} : { coverage }
  const { stretches = [] } = before
  if (nth !== ending) {
    const all = stretches.map((one, i): Stretch => (i === nth ? { range: one.range, sinks, finished, ...proven } : one))
    return { ...before, ...versions, stretches: all }
  }
  // A sink that was closed gets what it lacks by the next run, and then the end again.
  if (stretches.some(({ finished }) => !finished)) return { ...before, ...versions }
  const whole = { ...before, ...versions, ...proven, sinks, finished }
  if (!finished) return whole
  return Struct.omit(whole, ["stretches"])
}

const withShared = (state: State, shared: Shared): State => ({
  ...state,
  sinks: {
    ...state.sinks,
    ...Object.fromEntries(
      shared.flatMap(({ name, saved }) => {
        const committed = saved(state.finished)
        return committed === undefined ? [] : [[name, committed] as const]
      })
    )
  }
})

interface Evidenced {
  readonly sinks: ReadonlyArray<{ readonly name: string }>
  readonly evidence: SideBySide["evidence"]
}

/** The evidence of what all sinks have of each stretch: made again when one of them has more. */
const evidenceOf = ({ evidence, sinks }: Evidenced) => {
  let last = ""
  let saved: Schema.Json | undefined
  return ({ stretches = [] }: State): Pick<State, "evidence"> => {
    if (evidence === undefined || !hasBegun(stretches)) return {}
    const parts = stretches.map(begun(sinks)).flatMap(({ at, range: { from } }) => {
      const to = at === undefined ? from : Instant.of(at)
      return from < to ? [{ from, to }] : []
    })
    const key = JSON.stringify(parts)
    if (key !== last) {
      last = key
      saved = parts.length === 0 ? undefined : evidence(parts)
    }
    return saved === undefined ? {} : { evidence: saved }
  }
}

/**
 * The turn of one stretch to flush the sinks that all share, and to save its own state. If another stretch saved in between, such a
 * sink would be ahead of the state after a crash, and a file cannot be given rows again. After a turn that failed nobody has one.
 */
const turns = Effect.map(
  Effect.all([Semaphore.make(1), Ref.make<Cause.Cause<SinkError | CheckpointError> | undefined>(undefined)]),
  ([turn, broken]): Together["inTurn"] =>
    (step) =>
      Effect.flatMap(Ref.get(broken), (cause) =>
        cause === undefined ? Effect.onError(step, (cause) => Ref.set(broken, cause)) : Effect.failCause(cause)
      ).pipe(turn.withPermits(1))
)

/** Saves the first state, if there is none yet. */
export const make = Effect.fnUntraced(function* (
  { clock, kept, lease, name, reserved }: Saved,
  first: State,
  evidenced: Evidenced
): Effect.fn.Return<StretchState, CheckpointError> {
  const state = yield* Ref.make<State>(
    kept ?? { ...first, ...(reserved === undefined ? {} : { lastVersion: reserved }) }
  )
  const turn = yield* Semaphore.make(1)
  const inTurn = yield* turns
  const withEvidence = evidenceOf(evidenced)
  let shared: Shared = []
  const save = (change: (before: State) => State) =>
    turn.withPermits(1)(
      Effect.flatMap(Ref.get(state), (before) => {
        const changed = withShared(change(before), shared)
        const next = { ...Struct.omit(changed, ["evidence"]), ...withEvidence(changed) }
        return Effect.andThen(lease.commit(next), Ref.set(state, next))
      })
    )
  if (kept === undefined) yield* save((before) => before)

  const nameOf = ({ range }: Pick<Stretch, "range">) => stretchName(name, range)
  const stretches = () => Ref.getUnsafe(state).stretches ?? []
  const keptOf = (nth: number): State => {
    const whole = Struct.omit(Ref.getUnsafe(state), ["stretches"])
    const own = nth === ending ? undefined : stretches()[nth]
    if (own === undefined) return { ...whole, source: null }
    const { coverage, finished, sinks } = own
    return {
      version: whole.version,
      fingerprint: whole.fingerprint,
      sinks,
      finished,
      source: null,
      ...(coverage === undefined ? {} : { coverage })
    }
  }
  return {
    stretches,
    share: (sinks) => {
      shared = sinks
    },
    of: (nth, proven) => {
      const own = keptOf(nth)
      const one = nth === ending ? undefined : stretches()[nth]
      const stretchLease: Lease = { ...lease, commit: (next) => save((before) => merge(before, nth, next)) }
      return {
        name: one === undefined ? name : nameOf(one),
        stretches: one === undefined ? stretches().map(nameOf) : undefined,
        lease: stretchLease,
        kept: own,
        clock,
        reserved: Ref.getUnsafe(state).lastVersion,
        together: { has: (sink) => shared.some(({ name }) => name === sink), inTurn },
        proven
      }
    }
  }
})
