import * as History from "@callstream/core/history/History"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as ListServer from "./ListServer.ts"

const agents = [1, 2, 3].map((n) => `0d5cf1a2-0c8e-4f3a-9d1e-7b6f2f1c3a4${n}`)
const rows = ListServer.rowsOf(900, "same", 600_000).map((row, i) => ({ ...row, agent: agents[i % 3] ?? "" }))
/** They are on the first page, which the probes request without a filter. */
const ids = rows.flatMap(({ agent, id }, i) => (agent === agents[0] && i > 850 && i < 860 ? [id] : []))

const read = (range: History.OpenRange, unindexed?: ListServer.Traits["unindexed"]) =>
  Effect.map(
    ListServer.run(
      ListServer.make(rows, unindexed === undefined ? {} : { unindexed }),
      History.windows(range, { agentId: agents[0] })
    ),
    (result) => ({
      ...result,
      differing: result.windows
        .flatMap(({ coverage, revised = [] }) => [coverage, ...revised.map((one) => one.coverage)])
        .filter((coverage) => coverage._tag === "Provisional" && coverage.reason._tag === "AnswersDiffer")
    })
  )

const ranges: ReadonlyArray<readonly [name: string, range: History.OpenRange]> = [
  ["a range", { from: new Date(rows[100]?.start ?? 0), to: new Date(rows[890]?.start ?? 0) }],
  ["a whole history", {}]
]

describe("calls of an agent that are listed only without the filter", () => {
  for (const [name, range] of ranges) {
    it.effect(`${name} without them is not proven`, () =>
      Effect.gen(function* () {
        const plain = yield* read(range)
        assert.deepStrictEqual(plain.differing, [])
        const { differing, error, ids: came } = yield* read(range, { ids, narrowly: false })
        assert.isUndefined(error)
        assert.deepStrictEqual(
          ids.filter((id) => came.includes(id)),
          []
        )
        assert.isAbove(differing.length, 0)
      })
    )

    it.effect(`${name} has them if they come for their own seconds`, () =>
      Effect.gen(function* () {
        const { error, ids: came } = yield* read(range, { ids, narrowly: true })
        assert.isUndefined(error)
        assert.deepStrictEqual(
          ids.filter((id) => !came.includes(id)),
          []
        )
      })
    )
  }
})
