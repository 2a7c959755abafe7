/** `pnpm torture:kill` in short: each kind of sink, killed at points that are named, with chances that are fixed. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Chain from "../torture/RandomChain.ts"
import * as Plan from "../torture/KillPlan.ts"

const at = (phase: "before" | "midway" | "after", op: string, on: string, nth: number): Chain.Kill => ({
  _tag: "Point",
  point: { op, on, phase, nth }
})
const answer = (phase: "before" | "after", nth: number): Chain.Kill => ({ _tag: "Answer", phase, nth })
const request = (nth: number): Chain.Kill => ({ _tag: "Request", nth, delay: 0 })

const kills: Readonly<Record<string, ReadonlyArray<Chain.Kill>>> = {
  file: [at("midway", "write", "data", 3), at("after", "link", "data", 1)],
  gzip: [at("after", "fsync", "data", 3), at("before", "rename", "coverage", 1)],
  zstd: [request(40), at("midway", "write", "checkpoint", 2)],
  "by day": [at("before", "rename", "manifest", 1), at("after", "rename", "data", 1)],
  "by size": [at("after", "fsync", "checkpoint", 3), at("before", "link", "data", 1)],
  csv: [at("midway", "write", "data", 2), at("before", "link", "data", 1)],
  parquet: [at("midway", "write", "waiting", 3), at("after", "link", "data", 1)],
  "parquet by size": [at("after", "fsync", "checkpoint", 3), at("before", "rename", "manifest", 1)],
  webhook: [answer("before", 2), answer("after", 3)],
  "file and webhook": [at("midway", "write", "dead-letters", 1), answer("before", 2), at("before", "rm", "spool", 2)],
  sqlite: [at("before", "commit", "table", 4), at("after", "insert", "table", 4), at("after", "commit", "table", 3)],
  "sqlite and webhook": [at("after", "commit", "table", 3), answer("after", 2)],
  postgres: [at("after", "commit", "server", 3), at("before", "commit", "server", 2)],
  stdout: [at("midway", "write", "stdout", 3), at("before", "rename", "checkpoint", 2)]
}

const widths = [
  { pageSize: 4, concurrency: 5 },
  { pageSize: 3, concurrency: 4 },
  { pageSize: 5, concurrency: 3 }
]

describe("an export that is killed", () => {
  it.live("resumes until each file holds exactly the truth, and a webhook's receiver all of it", () =>
    Effect.gen(function* () {
      const results = yield* Effect.forEach(
        Chain.scenarios.filter(({ name }) => name in kills),
        Effect.fnUntraced(function* (scenario, index) {
          const planned: ReadonlyArray<Chain.Kill | undefined> = [...(kills[scenario.name] ?? []), undefined]
          const runs = planned.map((kill, run) => ({ ...(widths[run] ?? { pageSize: 100, concurrency: 1 }), kill }))
          const random = Plan.random(index)
          // An even seed: there the receiver refuses some for good.
          const chain = Chain.run({ scenario, seed: 2 * index, sessions: 100, random, runs })
          return [scenario.name, yield* Effect.scoped(chain)] as const
        }),
        { concurrency: 4 }
      )
      for (const [name, { kills: fell, problems }] of results) {
        assert.deepStrictEqual({ name, problems }, { name, problems: [] })
        // Otherwise nothing of this was put to the test.
        assert.deepStrictEqual({ name, kills: fell }, { name, kills: (kills[name] ?? []).map(Chain.describe) })
      }
      const sum = (of: (result: Chain.Result) => number) => results.reduce((sum, [, result]) => sum + of(result), 0)
      assert.isAbove(
        sum(({ insideCommits }) => insideCommits),
        2
      )
      assert.isAbove(
        sum(({ repeats }) => repeats),
        0
      )
      assert.isAbove(
        sum(({ resumed }) => resumed),
        4
      )
    })
  )

  it.live("resumes each stretch at its own last commit", () =>
    Effect.gen(function* () {
      const scenarios = Chain.scenarios.filter(({ stretches }) => stretches !== undefined)
      const results = yield* Effect.forEach(
        scenarios,
        Effect.fnUntraced(function* (scenario, index) {
          const runs = [request(30), undefined].map((kill, run) => ({
            ...(widths[run] ?? { pageSize: 4, concurrency: 4 }),
            kill
          }))
          const chain = Chain.run({ scenario, seed: 2 * index, sessions: 100, random: Plan.random(index), runs })
          return { name: scenario.name, result: yield* Effect.scoped(chain) }
        }),
        { concurrency: 4 }
      )
      assert.isAtLeast(results.length, 5)
      for (const { name, result } of results) {
        assert.deepStrictEqual({ name, problems: result.problems }, { name, problems: [] })
        assert.deepStrictEqual({ name, kills: result.kills }, { name, kills: ["at random"] })
      }
    })
  )
})
