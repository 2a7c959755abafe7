import * as History from "@callstream/core/history/History"
import * as Instant from "@callstream/core/model/Instant"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { finalCoverage } from "../torture/HistoryJudge.ts"
import * as ListServer from "./ListServer.ts"

const day = 86_400_000_000
const now = Instant.of(ListServer.now * 1000)
const rows = ListServer.rowsOf(300, "same", 600_000)

const read = (range: History.OpenRange, end: number | undefined) =>
  Effect.map(
    ListServer.run(ListServer.make(rows), History.windows(range, end === undefined ? {} : { end: Instant.of(end) })),
    ({ windows }) => finalCoverage(windows)
  )

describe("a range without an end, as an earlier process resolved it", () => {
  it.effect("is not proven to its end once that has passed: what began since is not in it", () =>
    Effect.gen(function* () {
      const from = Instant.of(now - 3 * day)
      for (const end of [now - day, now - day / 2]) {
        const said = yield* read({ from }, end)
        const last = said.filter(({ from, to }) => from < to).at(-1)
        assert.deepStrictEqual(last?.coverage, { _tag: "Provisional", reason: { _tag: "TooRecent" } })
        const others = said.filter((one) => one !== last)
        assert.isTrue(others.length > 0 && others.every(({ coverage }) => coverage._tag === "Proven"))
        // It may be meant to end there.
        const meant = yield* read({ from, to: Instant.of(end) }, undefined)
        assert.isTrue(meant.every(({ coverage }) => coverage._tag === "Proven"))
      }
    })
  )
})
