/** The state of a run, and what changes it: pure folds over what was read, delivered and committed. */
import type * as Schema from "effect/Schema"
import * as CoverageSet from "../../coverage/CoverageSet.ts"
import type { Committed } from "../../model/Committed.ts"
import type { CallSession } from "../../model/CallSession.ts"
import type { Item } from "../../model/Item.ts"
import type { Instant } from "../../model/Instant.ts"
import * as Position from "../../model/Position.ts"
import type { RejectedRow } from "../../model/RejectedRow.ts"
import * as Rows from "../../model/Rows.ts"
import type { Version } from "../../model/Version.ts"
import type { SinkError } from "../../sink/SinkError.ts"
import * as Units from "../../source/internal/Units.ts"
import type { Evidence, Unit } from "../../source/Source.ts"
import type { Totals } from "../RunEvent.ts"
import type { TooManyDeadLetters } from "../TooManyDeadLetters.ts"

export interface SinkState {
  /** What the sink reports as committed. */
  readonly committed: Committed | undefined
  /** Whether it holds rows that were not flushed. */
  readonly dirty: boolean
  /** The error that closed it. */
  readonly failure: SinkError | undefined
  readonly written: number
  readonly refused: number
  /** Items of a write that did not end. */
  readonly inFlight: number
  /** Calls of it that were retried. */
  readonly retries: number
  /** That it wrote or sent, as far as it counts them. */
  readonly bytes: number
}

export interface RunState {
  /** The unit that is being written: if the run ends here, it is unknown what the sinks hold. */
  readonly activity: "idle" | "delivering" | "committing"
  /** Everything before this is in all open sinks, though perhaps not yet safe. */
  readonly reached: Position.Cursor | undefined
  /** The sinks hold rows that have no position: they are committed only at the end. */
  readonly unpositioned: boolean
  readonly sinks: ReadonlyMap<string, SinkState>
  readonly totals: Totals
  /** Commits so far. */
  readonly commits: number
  /** The coverage of everything that was delivered. */
  readonly coverage: CoverageSet.CoverageSet
  /** The same, as of the last commit. */
  readonly committedCoverage: CoverageSet.CoverageSet
  /** Records with a dead letter: several sinks may reject one and the same. */
  readonly lost: number
  readonly received: number
  /** How many dead letters have one reason, of one stage and sink. */
  readonly reasons: ReadonlyMap<string, Common>
  /** How many dead letters each stage has. */
  readonly stages: ReadonlyMap<Stage, number>
  /** Of what was delivered: what the source must know where it resumes, and at its ending. */
  readonly evidence: Evidence | undefined
  /** The same, as of the last commit. */
  readonly committedEvidence: Schema.Json | undefined
  /** No version above this one is given before the next commit. */
  readonly reserved: Version | undefined
}

/** What a metric may name: the label of a transform can hold the values of a condition. */
type Stage = "decode" | "range" | "transform" | "sink"

const stageOf = (stage: string): Stage =>
  stage === "decode" || stage === "range" || stage === "sink" ? stage : "transform"

export const nothing: Totals = {
  committed: undefined,
  stage: "reading",
  written: 0,
  safe: 0,
  inFlight: 0,
  read: 0,
  delivered: 0,
  filtered: 0,
  rejected: 0,
  dead: 0,
  earliest: undefined,
  latest: undefined,
  last: undefined
}

export const make = (kept: {
  readonly coverage: CoverageSet.CoverageSet
  readonly evidence?: Schema.Json | undefined
  readonly reserved: Version | undefined
}): RunState => ({
  activity: "idle",
  reached: undefined,
  unpositioned: false,
  sinks: new Map(),
  totals: nothing,
  commits: 0,
  coverage: kept.coverage,
  committedCoverage: kept.coverage,
  lost: 0,
  received: 0,
  reasons: new Map(),
  stages: new Map(),
  evidence: undefined,
  committedEvidence: kept.evidence,
  reserved: kept.reserved
})

/** The coverage that remains when a run resumes at this position. */
export const coverageAt = (
  coverage: CoverageSet.CoverageSet,
  at: Position.Cursor | undefined
): CoverageSet.CoverageSet =>
  at === "end" ? coverage : at === undefined ? CoverageSet.empty : CoverageSet.rewind(coverage, at)

export const withSink =
  (name: string, change: (sink: SinkState) => SinkState) =>
  (state: RunState): RunState => {
    const sink = state.sinks.get(name)
    return sink === undefined ? state : { ...state, sinks: new Map(state.sinks).set(name, change(sink)) }
  }

export const doing =
  (activity: RunState["activity"]) =>
  (state: RunState): RunState => ({ ...state, activity })

/** The totals so far, with what these sinks took: the dead letters are a sink, too. */
export const totalsOf = (
  { sinks, totals }: Pick<RunState, "sinks" | "totals">,
  names: ReadonlyArray<string>
): Totals => {
  const all = names.flatMap((name) => sinks.get(name) ?? [])
  return {
    ...totals,
    written: Math.max(0, ...all.map(({ written }) => written)),
    inFlight: Math.max(0, ...all.map(({ inFlight }) => inFlight))
  }
}

/** @param sinks Those that have calls. */
export const committed =
  (at: Position.Cursor, finished: boolean, sinks: ReadonlyArray<string>) =>
  (state: RunState): RunState => ({
    ...state,
    activity: "idle",
    commits: state.commits + 1,
    totals: {
      ...state.totals,
      committed: at,
      stage: finished ? "finished" : at === "end" ? "written" : "reading",
      safe: totalsOf(state, sinks).written
    }
  })

const lastStart = (unit: Unit): Instant | undefined =>
  Rows.items(unit.rows).findLast(({ start }) => start !== undefined)?.start

export const read =
  (unit: Unit) =>
  (state: RunState): RunState => {
    const { totals } = state
    return {
      ...state,
      totals: { ...totals, read: totals.read + unit.rows.length, last: lastStart(unit) ?? totals.last }
    }
  }

/** The results of some records of a unit. */
export interface Outcome {
  readonly received: number
  readonly filtered: number
}

export const received =
  (outcome: Outcome) =>
  (state: RunState): RunState => ({
    ...state,
    received: state.received + outcome.received,
    totals: { ...state.totals, filtered: state.totals.filtered + outcome.filtered }
  })

/** What dead letters have in common, and how many they are. */
type Common = TooManyDeadLetters["most"]

export const lost =
  (letters: ReadonlyArray<Pick<RejectedRow, "stage" | "sink" | "reason">>, records: number) =>
  (state: RunState): RunState => {
    const reasons = new Map(state.reasons)
    const stages = new Map(state.stages)
    for (const { reason, sink, stage } of letters) {
      stages.set(stageOf(stage), (stages.get(stageOf(stage)) ?? 0) + 1)
      const key = JSON.stringify([stage, sink, reason])
      const { letters: before } = reasons.get(key) ?? { letters: 0 }
      reasons.set(key, { stage, ...(sink === undefined ? {} : { sink }), reason, letters: before + 1 })
    }
    const totals = { ...state.totals, dead: state.totals.dead + letters.length }
    return { ...state, reasons, stages, totals, lost: state.lost + records }
  }

export const delivered =
  (unit: Unit, passed: ReadonlyArray<Item<CallSession>>) =>
  (state: RunState): RunState => {
    const { totals } = state
    let { earliest, latest } = totals
    for (const { start } of passed) {
      if (start === undefined) continue
      if (earliest === undefined || start < earliest) earliest = start
      if (latest === undefined || start > latest) latest = start
    }
    const to = unit._tag === "WithoutStart" ? undefined : unit.to
    return {
      ...state,
      activity: "idle",
      reached: to ?? state.reached,
      unpositioned: state.unpositioned || to === undefined,
      coverage: Units.cover(state.coverage, unit),
      evidence: unit.evidence ?? state.evidence,
      totals: {
        ...totals,
        delivered: totals.delivered + passed.length,
        rejected: totals.rejected + unit.rejected.length,
        earliest,
        latest
      }
    }
  }

/** How far the sinks can be committed, if that is further than where the run began to read. */
export const ahead = (state: RunState, least: Position.Cursor | undefined): Position.Cursor | undefined =>
  state.activity === "idle" && !state.unpositioned && Position.isBefore(least, state.reached)
    ? state.reached
    : undefined
