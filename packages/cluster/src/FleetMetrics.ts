/**
 * The runs of a fleet as metrics, for apps that install an exporter. All have `callstream.fleet.name`. One process of a fleet
 * should report them: two would report the same runs twice.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import { type FleetRun, RunState } from "./FleetRun.ts"

const gauge = (name: string, unit: string, description: string) =>
  Metric.gauge(name, { description, attributes: { unit } })

/**
 * Runs, by `callstream.run.state`.
 *
 * @since 0.1.0
 * @category metrics
 */
export const runs = gauge("callstream.fleet.runs", "{run}", "Runs, by state")

/**
 * Parts of the newest run of a pipeline, by `callstream.part.state`: `open`, `finished` or `failed`.
 *
 * @since 0.1.0
 * @category metrics
 */
export const parts = gauge("callstream.fleet.parts", "{part}", "Parts of the newest run of a pipeline, by state")

/**
 * Calls that the newest run of a pipeline delivered.
 *
 * @since 0.1.0
 * @category metrics
 */
export const calls = gauge("callstream.fleet.calls", "{call}", "Calls that the newest run of a pipeline delivered")

/**
 * Workers that have a part of the newest run of a pipeline.
 *
 * @since 0.1.0
 * @category metrics
 */
export const workers = gauge("callstream.fleet.workers", "{worker}", "Workers that have a part of the newest run")

type Attributes = Readonly<Record<string, string>>

const set = (metric: typeof runs, attributes: Attributes, value: number) =>
  Metric.update(Metric.withAttributes(metric, attributes), value)

/**
 * Sets all of them to what a list of runs says, as `Fleet.runs` returns it.
 *
 * @since 0.1.0
 * @category reporting
 */
export const update = (listed: ReadonlyArray<FleetRun>, fleet = "default"): Effect.Effect<void> => {
  const attributes: Attributes = { "callstream.fleet.name": fleet }
  // The list has the newest first.
  const newest = new Map(listed.toReversed().map((run) => [run.name, run] as const))
  const ofRuns = Array.from(newest.values(), (run) => {
    const own = { ...attributes, "callstream.pipeline.name": run.name }
    const states = { open: run.parts - run.finished - run.failed, finished: run.finished, failed: run.failed }
    return [
      set(calls, own, run.counters.delivered),
      set(workers, own, run.workers),
      ...Object.entries(states).map(([state, count]) => set(parts, { ...own, "callstream.part.state": state }, count))
    ]
  })
  const ofStates = RunState.literals.map((state) =>
    set(runs, { ...attributes, "callstream.run.state": state }, listed.filter((run) => run.state === state).length)
  )
  return Effect.all([...ofStates, ...ofRuns.flat()], { discard: true })
}
