/** The parts of a run that several processes read: each is a run of its own, under a lease that the caller has. */
import * as WebCrypto from "effect/crypto/WebCrypto"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type Lease, refuseDifferent, refuseOther } from "../../checkpoint/Checkpoint.ts"
import { CheckpointError } from "../../checkpoint/CheckpointError.ts"
import * as VersionClock from "../../client/VersionClock.ts"
import * as Version from "../../model/Version.ts"
import type { RunPart, SessionSink } from "../../sink/SessionSink.ts"
import { SinkError } from "../../sink/SinkError.ts"
import * as Source from "../../source/Source.ts"
import type { Cut, Delivered } from "../PipelineParts.ts"
import type { RunEvent } from "../RunEvent.ts"
import * as Events from "./Events.ts"
import { nothingToDo, refuseTwice, verifyAll } from "./Execute.ts"
import { encodeState, finished, type Once, runOnce, stateOf } from "./RunOnce.ts"
import * as RunStretches from "./RunStretches.ts"
import * as SinkHandle from "./SinkHandle.ts"
import * as RunTelemetry from "./RunTelemetry.ts"
import * as StretchState from "./StretchState.ts"

type OnEvent = ((event: RunEvent) => Effect.Effect<void>) | undefined

type Options<A, S, E, RS, RA, RD, E2, R2, ET, RT> = Omit<Once<A, S, E, RS, RA, RD, E2, R2, ET, RT>, "emit">

const refuseUnshared = <A, R>(sinks: ReadonlyArray<SessionSink<A, R>>): Effect.Effect<void, SinkError> => {
  const one = sinks.find(({ shares }) => shares !== "each" && shares !== "parts")
  return one === undefined
    ? Effect.void
    : Effect.fail(
        new SinkError({ sink: one.name, operation: "open", retryable: false, reason: { _tag: "OneProcess" } })
      )
}

export const cut = Effect.fnUntraced(function* <A, S, E, RS, RA, RD, E2, R2, ET, RT>(
  { covers, deadLetters, fingerprint, name, sinks, source }: Options<A, S, E, RS, RA, RD, E2, R2, ET, RT>,
  readers: number
) {
  yield* refuseTwice([...sinks.map((sink) => sink.name), deadLetters.name])
  yield* refuseUnshared(sinks)
  const id = (yield* WebCrypto.WebCrypto).randomUUID()
  const state = yield* source.begin
  // An earlier output may refuse the run.
  for (const sink of sinks.filter(({ shares }) => shares === "parts")) {
    const part: RunPart = { _tag: "Ending", run: id, left: [] }
    const opening = { pipeline: name, fingerprint, from: Option.none(), covers: covers?.(state), part }
    yield* Effect.scoped(SinkHandle.patiently(sink.open(opening)))
  }
  const { note, stretches } = source.parts === undefined ? onePiece : yield* source.parts.cut(state, readers)
  return { id, fingerprint, source: yield* encodeState(source, name, state), stretches, note } satisfies Cut
})

const onePiece: Source.Cut = { stretches: [], note: null }

/** One part, as the run of a source that brings only its units. */
interface Part<S, E, RS> {
  readonly cut: Cut
  readonly lease: Lease
  readonly name: string
  readonly units: Source.Source<S, E, RS>["units"]
  readonly partOf: (sink: string) => RunPart
  readonly ending?: Pick<Parameters<typeof runOnce>[1], "proven" | "stretches"> | undefined
}

const runPart = Effect.fnUntraced(function* <A, S, E, RS, RA, RD, E2, R2, ET, RT>(
  options: Once<A, S, E, RS, RA, RD, E2, R2, ET, RT>,
  { cut, ending, lease, name: own, partOf, units }: Part<S, E, RS>
) {
  const { emit, fingerprint, name, sinks, source } = options
  yield* refuseDifferent(name, cut.fingerprint, fingerprint)
  const found = Option.getOrUndefined(lease.state)
  if (found !== undefined) yield* refuseOther(name, found, fingerprint)
  if (found?.finished === true) {
    yield* verifyAll(sinks, found, { pipeline: own, fingerprint }, partOf)
    return yield* finished(emit, nothingToDo(sinks, found))
  }
  const state = yield* stateOf(source, name, cut)
  const covers = options.covers?.(state)
  return yield* runOnce(
    {
      ...options,
      source: Source.make({ fingerprint: source.fingerprint, units: (at) => units(state, at) }),
      covers: () => covers
    },
    {
      name: own,
      lease,
      kept: found,
      clock: VersionClock.make(Version.clock(found?.lastVersion)),
      reserved: found?.lastVersion,
      partOf,
      ...ending
    }
  )
})

/** Where each stretch left the sink. */
const leftIn = (delivered: ReadonlyArray<Delivered>, sink: string) =>
  delivered.flatMap(({ sinks: { [sink]: left } }) => (left === undefined ? [] : [left]))

/** The lease of a part may keep the totals with each state, so the listener has each event before the run continues. */
const listened = <Options, A, E, R>(
  options: Options,
  onEvent: OnEvent,
  run: (options: Options & { readonly emit: Events.Emit }) => Effect.Effect<A, E, R>
) => {
  const emit: Events.Emit =
    onEvent === undefined ? Events.nobody : (event) => Effect.ignoreCause(Effect.suspend(() => onEvent(event)))
  return Effect.scoped(run({ ...options, emit }))
}

export const stretch = Effect.fnUntraced(function* <A, S, E, RS, RA, RD, E2, R2, ET, RT>(
  options: Options<A, S, E, RS, RA, RD, E2, R2, ET, RT>,
  cut: Cut,
  nth: number,
  lease: Lease,
  onEvent: OnEvent
) {
  const {
    name,
    source: { parts }
  } = options
  const range = cut.stretches[nth]
  if (range === undefined || parts === undefined)
    return yield* new CheckpointError({ reason: { _tag: "Torn", path: name, problem: { _tag: "NoSource" } } })
  return yield* listened(options, onEvent, (options) =>
    runPart(options, {
      cut,
      lease,
      name: StretchState.stretchName(name, range),
      partOf: () => ({ _tag: "Stretch", run: cut.id, nth }),
      units: (state, at) => parts.stretch(state, cut, nth, at, Option.getOrUndefined(lease.state)?.evidence)
    })
  )
})

export const ending = Effect.fnUntraced(function* <A, S, E, RS, RA, RD, E2, R2, ET, RT>(
  options: Options<A, S, E, RS, RA, RD, E2, R2, ET, RT>,
  cut: Cut,
  delivered: ReadonlyArray<Delivered>,
  lease: Lease,
  onEvent: OnEvent
) {
  const { name, source } = options
  const { parts } = source
  const proven = yield* RunStretches.fold(name, cut.stretches, delivered)
  const run = listened(options, onEvent, (options) =>
    runPart(options, {
      cut,
      lease,
      name,
      partOf: (sink) => ({ _tag: "Ending", run: cut.id, left: leftIn(delivered, sink) }),
      units: parts === undefined ? source.units : (state) => parts.ending(state, cut, delivered),
      ending:
        parts === undefined
          ? undefined
          : { proven, stretches: cut.stretches.map((range) => StretchState.stretchName(name, range)) }
    })
  )
  return yield* RunTelemetry.run(name, run)
})
