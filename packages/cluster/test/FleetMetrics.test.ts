import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as FleetMetrics from "../src/FleetMetrics.ts"
import type { FleetRun } from "../src/FleetRun.ts"

const run = (name: string, state: FleetRun["state"], more: Partial<FleetRun>): FleetRun => ({
  id: `${name}-${state}`,
  name,
  organization: null,
  state,
  attempt: 1,
  parts: 0,
  finished: 0,
  failed: 0,
  counters: { read: 0, delivered: 0, filtered: 0, rejected: 0, dead: 0, requests: 0, earliest: null, latest: null },
  workers: 0,
  reason: null,
  summary: null,
  createdAt: new Date(0),
  finishedAt: null,
  ...more
})

/** Each series as `metric attribute=value …`, without units. */
const series = Effect.map(Metric.snapshot, (all) =>
  Object.fromEntries(
    all.map(({ attributes = {}, id, state }) => [
      [
        id,
        ...Object.entries(attributes)
          .filter(([name]) => name !== "unit")
          .map((pair) => pair.join("="))
          .toSorted()
      ].join(" "),
      "value" in state ? state.value : undefined
    ])
  )
)

it.effect("counts runs by state, and shows the newest run under each name", () =>
  Effect.gen(function* () {
    const delivered = (calls: number) => ({
      counters: {
        read: calls,
        delivered: calls,
        filtered: 0,
        rejected: 0,
        dead: 0,
        requests: 1,
        earliest: null,
        latest: null
      }
    })
    yield* FleetMetrics.update(
      [
        run("a", "running", { parts: 5, finished: 2, failed: 1, workers: 2, ...delivered(70) }),
        run("b", "planned", {}),
        run("a", "finished", { parts: 3, finished: 3, ...delivered(30) })
      ],
      "east"
    )
    const first = yield* series
    const of = (state: string) =>
      first[`callstream.fleet.runs callstream.fleet.name=east callstream.run.state=${state}`]
    assert.deepStrictEqual(["planned", "running", "finished", "failed", "cancelled"].map(of), [1, 1, 1, 0, 0])
    const a = "callstream.fleet.name=east callstream.pipeline.name=a"
    assert.strictEqual(first[`callstream.fleet.calls ${a}`], 70)
    assert.strictEqual(first[`callstream.fleet.workers ${a}`], 2)
    const part = (state: string) =>
      `callstream.fleet.parts callstream.fleet.name=east callstream.part.state=${state} callstream.pipeline.name=a`
    assert.deepStrictEqual(
      [part("open"), part("finished"), part("failed")].map((name) => first[name]),
      [2, 2, 1]
    )

    // What has ended is taken back.
    yield* FleetMetrics.update([run("a", "finished", { parts: 5, finished: 5 })], "east")
    const second = yield* series
    assert.strictEqual(second["callstream.fleet.runs callstream.fleet.name=east callstream.run.state=running"], 0)
    assert.deepStrictEqual(
      [part("open"), part("finished"), part("failed")].map((name) => second[name]),
      [0, 5, 0]
    )
  }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
)
