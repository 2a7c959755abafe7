/** What the stretches of a run did so far, together. */
import type { Instant } from "../../model/Instant.ts"
import type * as Position from "../../model/Position.ts"
import type { RunSummary, SinkSummary } from "../RunSummary.ts"
import type { Totals } from "../RunEvent.ts"
import * as RunState from "./RunState.ts"

const lesser = (left: Instant | undefined, right: Instant | undefined): Instant | undefined =>
  left === undefined || (right !== undefined && right < left) ? right : left

const greater = (left: Instant | undefined, right: Instant | undefined): Instant | undefined =>
  left === undefined || (right !== undefined && right > left) ? right : left

/** Of a run in stretches, beside what they did. */
interface Whole {
  /** Those of the stretch that did something last. */
  readonly latest: Totals
  readonly committed: Position.Cursor | undefined
  /** Of what comes after all stretches. */
  readonly ending: Totals | undefined
}

export const sum = (all: Iterable<Totals>, { committed, ending, latest }: Whole): Totals => {
  let sum: Totals = { ...RunState.nothing, committed, stage: ending?.stage ?? "reading", last: latest.last }
  for (const one of all) {
    sum = {
      ...sum,
      written: sum.written + one.written,
      safe: sum.safe + one.safe,
      inFlight: sum.inFlight + one.inFlight,
      read: sum.read + one.read,
      delivered: sum.delivered + one.delivered,
      filtered: sum.filtered + one.filtered,
      rejected: sum.rejected + one.rejected,
      dead: sum.dead + one.dead,
      earliest: lesser(sum.earliest, one.earliest),
      latest: greater(sum.latest, one.latest)
    }
  }
  return sum
}

/** What a sink took of all of them. */
const ofSink = (sink: string, all: ReadonlyArray<SinkSummary>): SinkSummary => ({
  sink,
  written: all.reduce((sum, { written }) => sum + written, 0),
  refused: all.reduce((sum, { refused }) => sum + refused, 0),
  newer: all.reduce((sum, { newer }) => sum + newer, 0),
  notBelieved: all.reduce((sum, { notBelieved }) => sum + notBelieved, 0),
  failure: all.find(({ failure }) => failure !== undefined)?.failure,
  replaced: all.flatMap(({ replaced }) => replaced),
  removed: all.flatMap(({ removed }) => removed)
})

/** What the runs of stretches come to, with one summary for each sink. */
export const ofRuns = (all: ReadonlyArray<RunSummary>, sinks: ReadonlyArray<string>) => ({
  received: all.reduce((sum, { received }) => sum + received, 0),
  filtered: all.reduce((sum, { filtered }) => sum + filtered, 0),
  dead: all.reduce((sum, { dead }) => sum + dead, 0),
  finishedBefore: false,
  sinks: sinks.map((sink) =>
    ofSink(
      sink,
      all.flatMap((one) => one.sinks.filter((own) => own.sink === sink))
    )
  )
})
