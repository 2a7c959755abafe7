/** Runs that are killed at a commit and resume: what the answers of the second process show counts for what the first one wrote. */
import type * as CoverageSet from "@callstream/core/coverage/CoverageSet"
import * as Instant from "@callstream/core/model/Instant"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as TestClock from "effect/testing/TestClock"
import * as ListServer from "../history/ListServer.ts"
import * as MemoryTable from "../pipeline/MemoryTable.ts"
import * as HistoryCase from "../torture/HistoryCase.ts"
import * as KilledRuns from "./KilledRuns.ts"

/** What changes between the first process and the second one. */
type Change = "nothing" | "one comes" | "one leaves" | "one leaves and another one comes"

/** What is wrong with what the table has, and what was said of it. */
const wrongOf = (
  history: KilledRuns.History,
  held: ReadonlyArray<string>,
  listed: ReadonlySet<string>,
  verdict: CoverageSet.Verdict,
  gone: string | undefined
) => {
  const meant = KilledRuns.meantOf(history)
  const missing = meant.filter(({ id }) => id !== gone && listed.has(id) && !held.includes(id))
  return verdict === "proven" && missing.length > 0 ? [`proven, and ${missing.length} are missing`] : []
}

const worldOf = () => {
  const table = MemoryTable.make("table")
  return { ...KilledRuns.world(table.sink), table }
}

const first = Number(process.env["SEED"] ?? 1)
const count = 16

describe("a run that is killed at a commit and resumes", () => {
  for (const change of [
    "nothing",
    "one comes",
    "one leaves",
    "one leaves and another one comes"
  ] satisfies ReadonlyArray<Change>)
    it.effect(`${change}: ${count} histories from seed ${first}`, () =>
      Effect.gen(function* () {
        const tally = { runs: 0, shown: 0, late: 0, proven: 0, most: 0 }
        for (let seed = first; seed < first + count; seed++) {
          yield* TestClock.setTime(ListServer.now)
          const chances = HistoryCase.random(seed)
          const history = KilledRuns.drawn(chances)
          const { range, rows, source, stretches, withoutStart } = history
          const one = worldOf()
          const [some, other] = [0.15, 0.7].map(
            (share) => rows[Math.floor((share + 0.1 * chances.next()) * rows.length)]?.id
          )
          const comes = change === "one comes" || change === "one leaves and another one comes" ? some : undefined
          const gone = change === "one leaves" || change === "one leaves and another one comes" ? other : undefined
          const whole = yield* worldOf().run(ListServer.make(rows, { withoutStart }), source, range, stretches)
          const [before, after] = [comes, gone].map((lacks) =>
            ListServer.make(
              rows.filter(({ id }) => id !== lacks),
              { withoutStart }
            )
          )
          if (before === undefined || after === undefined) return
          const kill = { commit: 2 + Math.floor(chances.next() * 12), before: chances.chance(0.3) }
          const killed = yield* one.run(before, source, range, stretches, kill)
          if (Exit.isSuccess(killed.exit)) continue
          const resumed = yield* one.run(after, source, range, stretches)
          if (Exit.isFailure(resumed.exit)) return yield* Effect.failCause(resumed.exit.cause)
          const verdict = KilledRuns.verdictOf(resumed.exit.value.coverage)
          const about = JSON.stringify({
            seed,
            kill,
            verdict,
            coverage: resumed.exit.value.coverage,
            range,
            stretches,
            rows: rows.length,
            withoutStart
          })
          assert.deepStrictEqual(wrongOf(history, one.table.ids(), one.listed, verdict, gone), [], about)
          const isLate =
            comes !== undefined && one.listed.has(comes) && KilledRuns.meantOf(history).some(({ id }) => id === comes)
          if (isLate) assert.include(one.table.ids(), comes, about)
          tally.runs++
          if (verdict === "proven") tally.proven++
          if (comes !== undefined && one.listed.has(comes)) tally.shown++
          if (comes !== undefined && one.table.ids().includes(comes) && verdict !== "proven") tally.late++
          tally.most = Math.max(tally.most, resumed.requests - whole.requests)
          if (change === "nothing") {
            assert.strictEqual(verdict, "proven", about)
            assert.isAtMost(resumed.requests, whole.requests + 16, about)
            assert.strictEqual(one.table.rows.size, KilledRuns.meantOf(history).length, about)
          }
        }
        console.log(change, JSON.stringify(tally))
        assert.isAtLeast(tally.runs, 0.7 * count)
      })
    )

  for (const stretches of [1, 2]) {
    const rows = ListServer.rowsOf(200, "same")
    const range = { from: Instant.of((rows[0]?.start ?? 0) * 1000), to: Instant.of((rows[199]?.start ?? 0) * 1000 + 1) }
    const source = { pageSize: 10, pagesPerWindow: 2, stretchSize: 60, concurrency: 1 }
    const killed = Effect.fnUntraced(function* () {
      yield* TestClock.setTime(ListServer.now)
      const one = worldOf()
      const { exit } = yield* one.run(ListServer.make(rows), source, range, stretches, { commit: 4, before: false })
      assert.isTrue(Exit.isFailure(exit))
      assert.isAbove(one.table.rows.size, 10)
      return one
    })
    const finished = Effect.fnUntraced(function* (one: ReturnType<typeof worldOf>) {
      const { exit } = yield* one.run(ListServer.make(rows), source, range, stretches)
      if (Exit.isFailure(exit)) return yield* Effect.failCause(exit.cause)
      assert.notInclude(one.saved(), '"evidence"')
      assert.sameMembers(
        one.table.ids(),
        rows.map(({ id }) => id)
      )
      return exit.value.coverage
    })

    it.effect(`says so where the state has no evidence, in ${stretches} stretches`, () =>
      Effect.gen(function* () {
        const one = yield* killed()
        assert.strictEqual(KilledRuns.verdictOf(yield* finished(one)), "proven")
        const other = yield* killed()
        other.lose("evidence")
        const { entries } = yield* finished(other)
        assert.strictEqual(entries[0]?.reason?._tag, "Resumed")
        assert.strictEqual(entries.at(-1)?.verdict, "proven")
      })
    )

    it.effect(`brings all again to a table that was emptied, in ${stretches} stretches`, () =>
      Effect.gen(function* () {
        const one = yield* killed()
        one.table.cursors.clear()
        one.table.rows.clear()
        assert.strictEqual(KilledRuns.verdictOf(yield* finished(one)) === "unprovable", false)
      })
    )
  }
})
