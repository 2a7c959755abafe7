import { CoverageSet, Instant } from "@callstream/core"
import type { FleetRun } from "@callstream/cluster"
import { assert, describe, it } from "@effect/vitest"
import * as RunsTable from "../../src/render/RunsTable.ts"

const counters: FleetRun.Counters = {
  read: 1300,
  delivered: 1200,
  filtered: 100,
  rejected: 0,
  dead: 0,
  requests: 40,
  earliest: Instant.parse("2026-07-01T00:00:05Z") ?? null,
  latest: null
}

const run: FleetRun.FleetRun = {
  id: "1",
  name: "nightly",
  organization: null,
  state: "running",
  attempt: 1,
  parts: 13,
  finished: 3,
  failed: 0,
  counters,
  workers: 2,
  reason: null,
  summary: null,
  createdAt: new Date("2026-11-29T13:02:00Z"),
  finishedAt: null
}

const at = (text: string) => Instant.of(Date.parse(text) * 1000)

/** A finished run whose last hours are not final, or fail to be proven. */
const finished = (verdict: CoverageSet.Verdict): FleetRun.FleetRun => {
  const asOf = at("2026-11-29T13:00:00Z")
  const entry = (from: string, to: string, verdict: CoverageSet.Verdict): CoverageSet.Entry => ({
    range: { from: at(from), to: at(to) },
    verdict,
    requests: 1,
    asOf
  })
  const entries = [
    entry("2026-11-01T00:00:00Z", "2026-11-29T11:00:00Z", "proven"),
    entry("2026-11-29T11:00:00Z", "2026-11-29T13:00:00Z", verdict)
  ]
  return {
    ...run,
    state: "finished",
    finished: 13,
    workers: 0,
    summary: { counters, coverage: { entries, seams: [] } }
  }
}

const cells = (one: FleetRun.FleetRun) => (RunsTable.lines([one], 200, undefined)[1] ?? "").split(/ {2,}/)

describe("render/RunsTable", () => {
  it("has a row for each run, and the columns that have values", () => {
    assert.deepStrictEqual(RunsTable.lines([run, { ...run, name: "calls", parts: 0, finished: 0 }], 200, undefined), [
      "run      state    stretches  calls  requests  since                 workers",
      "nightly  running  3/12       1,200  40        2026-11-29 13:02 UTC  2",
      "calls    running             1,200  40        2026-11-29 13:02 UTC  2"
    ])
    assert.deepStrictEqual(RunsTable.lines([], 80, undefined), ["There is no run yet."])
  })

  it("says of a finished run whether everything is proven, or up to when", () => {
    assert.include(cells(finished("proven")), "yes")
    assert.include(cells(finished("provisional")), "to 2026-11-29 11:00 UTC")
    assert.include(cells(finished("unprovable")), "no")
    // The ending is no stretch.
    assert.include(cells(finished("proven")), "12/12")
  })

  it("says why a run failed, and of each stretch what is known", () => {
    const reason = { _tag: "Missing", names: ["KEY"], worker: "w1" } as const
    assert.include(cells({ ...run, state: "failed", reason }).at(-1) ?? "", "KEY is not set on the w")
    const stretch = { range: null, epoch: 1, counters, updatedAt: null, reason: null }
    const stretches: ReadonlyArray<FleetRun.FleetStretch> = [
      { ...stretch, nth: 0, status: "finished", worker: "w1" },
      { ...stretch, nth: 1, status: "open", worker: "w2" },
      { ...stretch, nth: 2, status: "open", worker: null },
      { ...stretch, nth: 3, status: "failed", worker: "w1", reason },
      { ...stretch, nth: 12, status: "open", worker: "w1" }
    ]
    assert.deepStrictEqual(RunsTable.details({ ...run, reason, stretches, spec: null }), [
      "  KEY is not set on the worker w1",
      "  stretch 2: 1,200 calls so far, by w2",
      "  stretch 4 failed after 1,200 calls: KEY is not set on the worker w1",
      "  the end: 1,200 calls so far, by w1"
    ])
  })

  it("is JSON with everything", () => {
    assert.deepStrictEqual(RunsTable.toJson(finished("provisional")), {
      run: "nightly",
      id: "1",
      state: "finished",
      attempt: 1,
      stretches: { finished: 12, of: 12 },
      calls: 1200,
      read: 1300,
      filtered: 100,
      rejected: 0,
      dead: 0,
      requests: 40,
      earliest: "2026-07-01T00:00:05Z",
      latest: null,
      proven: "provisional",
      provenUntil: "2026-11-29T11:00:00Z",
      createdAt: "2026-11-29T13:02:00.000Z",
      finishedAt: null,
      workers: 0,
      reason: null
    })
  })
})
