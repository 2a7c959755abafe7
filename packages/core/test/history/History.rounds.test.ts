import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type Case } from "../torture/Adversaries.ts"
import type * as Adversary from "../torture/Adversary.ts"
import * as Judge from "../torture/AdversaryJudge.ts"
import { began, day, hour, quiet, rowsAt } from "./internal/FakeServer.ts"

const starts = (count: number) => Array.from({ length: count }, (_, i) => began - 3 * hour - i * hour)

const run = (server: Partial<Adversary.Traits>, count: number, read: Partial<Case["read"]> = {}) =>
  Judge.run({
    seed: 1,
    traits: [],
    server: { ...quiet, cap: 50, ...server },
    rows: rowsAt(starts(count)),
    range: {},
    read: { concurrency: 3, pageSize: 50, pagesPerWindow: undefined, keepGoing: false, cuts: [], ...read },
    step: 0
  })

const sizes = [10, 25, 50]
const rounds = ["up", "down", "least"] as const

describe("a server with page sizes of its own", () => {
  for (const round of rounds)
    for (const offsetFrom of ["asked", "brought"] as const)
      for (const sorting of [true, false])
        it.live(`rounds ${round}, offsets from what it ${offsetFrom}, sorting ${sorting}: all is proven`, () =>
          Effect.gen(function* () {
            // No order by start either: page after page, twice.
            const order = sorting ? "start" : "id"
            const traits = { sizes: { of: sizes, round }, offsetFrom, sorting, order } as const
            const rounded = yield* run(traits, 1000)
            assert.deepInclude(rounded, { wrong: [], provenToHorizon: true })
            const exact = yield* run({ offsetFrom, sorting, order }, 1000)
            assert.isAtMost(rounded.requests, 2 * exact.requests)
          })
        )

  for (const round of rounds)
    it.live(`rounds ${round}: a size that it does not have is asked for`, () =>
      Effect.gen(function* () {
        const { provenToHorizon, wrong } = yield* run({ sizes: { of: sizes, round } }, 300, { pageSize: 40 })
        assert.deepStrictEqual({ provenToHorizon, wrong }, { provenToHorizon: true, wrong: [] })
      })
    )

  it.live("a list of a single page does not show it at once", () =>
    Effect.gen(function* () {
      const { provenToHorizon, wrong } = yield* run({ sizes: { of: sizes, round: "least" } }, 30)
      assert.deepStrictEqual({ provenToHorizon, wrong }, { provenToHorizon: true, wrong: [] })
    })
  )

  it.live("has calls without a start time that were created in the range", () =>
    Effect.gen(function* () {
      const rows = rowsAt(starts(400)).map((row, i): Adversary.Row =>
        i % 5 === 0 ? { ...row, start: undefined } : row
      )
      const judged = yield* Judge.run({
        seed: 1,
        traits: [],
        server: { ...quiet, cap: 50, sizes: { of: sizes, round: "down" }, undatedFirst: false },
        rows,
        range: { from: began - 12 * day, to: began - day },
        read: { concurrency: 3, pageSize: 50, pagesPerWindow: undefined, keepGoing: false, cuts: [] },
        step: 0
      })
      assert.deepInclude(judged, { wrong: [], verdict: "proven" })
    })
  )
})
