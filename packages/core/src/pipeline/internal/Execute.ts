/** Takes the lease of a pipeline's checkpoint, and runs it: in one piece, or in stretches in parallel. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Checkpoint, type State } from "../../checkpoint/Checkpoint.ts"
import * as VersionClock from "../../client/VersionClock.ts"
import * as CoverageSet from "../../coverage/CoverageSet.ts"
import { difference, type Fingerprint } from "../../model/Fingerprint.ts"
import * as Version from "../../model/Version.ts"
import type { Opening, RunPart, SessionSink } from "../../sink/SessionSink.ts"
import { SinkError } from "../../sink/SinkError.ts"
import type { RunSummary } from "../RunSummary.ts"
import { finished, type Once, runOnce } from "./RunOnce.ts"
import * as RunState from "./RunState.ts"
import * as RunStretches from "./RunStretches.ts"
import * as SinkHandle from "./SinkHandle.ts"

interface Options<A, S, E, RS, RA, RD, E2, R2, ET, RT> extends Once<A, S, E, RS, RA, RD, E2, R2, ET, RT> {
  /** Stretches that are read in parallel. @default 1 */
  readonly stretches?: number | undefined
}

/** One run of a pipeline, from the lease of its checkpoint to the summary. */
export const execute = Effect.fnUntraced(function* <A, S, E, RS, RA, RD, E2, R2, ET, RT>(
  options: Options<A, S, E, RS, RA, RD, E2, R2, ET, RT>
) {
  const { deadLetters, emit, fingerprint, name, sinks, source, stretches = 1 } = options
  yield* refuseTwice([...sinks.map((sink) => sink.name), deadLetters.name])
  if (stretches > 1) yield* refuseOrdered(sinks)
  const lease = yield* Effect.flatMap(Checkpoint, (checkpoint) => checkpoint.open(name, fingerprint))
  const found = Option.getOrUndefined(lease.state)
  const kept = found !== undefined && isOurs(found, fingerprint) ? found : undefined
  if (kept?.finished === true) {
    yield* verifyAll(sinks, kept, { pipeline: name, fingerprint })
    return yield* finished(emit, nothingToDo(sinks, kept))
  }
  const clock = VersionClock.make(Version.clock(found?.lastVersion))
  const saved = { name, lease, kept, clock, reserved: found?.lastVersion }
  // A run is continued as it was begun: the positions of its sinks are those of one reading or of many.
  const isCut = kept?.source === undefined ? stretches > 1 : kept.stretches !== undefined
  return source.stretches !== undefined && isCut
    ? yield* RunStretches.run(options, saved, source.stretches, stretches)
    : yield* runOnce(options, saved)
})

/** Stretches come in no order. */
const refuseOrdered = <A, R>(sinks: ReadonlyArray<SessionSink<A, R>>): Effect.Effect<void, SinkError> => {
  const ordered = sinks.find(({ shares }) => shares === undefined)
  return ordered === undefined
    ? Effect.void
    : Effect.fail(
        new SinkError({ sink: ordered.name, operation: "open", retryable: false, reason: { _tag: "OneStretch" } })
      )
}

/** Of a run that finished before: whether what it wrote is still as it was. */
export const verifyAll = <A, R>(
  sinks: ReadonlyArray<SessionSink<A, R>>,
  kept: State,
  about: Pick<Opening, "fingerprint" | "pipeline">,
  partOf?: (sink: string) => RunPart
) =>
  Effect.forEach(
    sinks,
    ({ name, verify }) => {
      const left = kept.sinks[name]
      return verify === undefined || left === undefined
        ? Effect.void
        : SinkHandle.patiently(verify(left, { ...about, from: Option.some(left), part: partOf?.(name) }))
    },
    { discard: true }
  )

export const refuseTwice = (names: ReadonlyArray<string>): Effect.Effect<void, SinkError> => {
  const twice = names.find((one, at) => names.indexOf(one) !== at)
  return twice === undefined
    ? Effect.void
    : Effect.fail(new SinkError({ sink: twice, operation: "open", retryable: false, reason: { _tag: "SameName" } }))
}

/** Another pipeline can use only the versions of a state without sinks. */
const isOurs = ({ fingerprint, sinks, stretches = [] }: State, asked: Fingerprint): boolean =>
  [sinks, ...stretches.map(({ sinks }) => sinks)].some((one) => Object.keys(one).length > 0) ||
  difference(fingerprint, asked).length === 0

export const nothingToDo = (
  sinks: ReadonlyArray<{ readonly name: string }>,
  { coverage = CoverageSet.empty }: State
): RunSummary => ({
  received: 0,
  filtered: 0,
  dead: 0,
  finishedBefore: true,
  from: undefined,
  coverage,
  totals: { ...RunState.nothing, stage: "finished" },
  sinks: sinks.map(({ name }) => ({
    sink: name,
    written: 0,
    refused: 0,
    newer: 0,
    notBelieved: 0,
    failure: undefined,
    ...SinkHandle.nothingReplaced
  }))
})
