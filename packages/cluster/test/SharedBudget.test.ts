/** One row for three processes, each with a pool of its own. In real time: the slots are those of the database's clock. */
import { assert, describe, layer } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as SqlClient from "effect/sql/SqlClient"
import * as Postgres from "../../node/test/postgres/PostgresServer.ts"
import * as SharedBudget from "../src/SharedBudget.ts"
import * as TestFleet from "./TestFleet.ts"

const budgets = (requestsPerSecond: number) =>
  Effect.gen(function* () {
    const server = yield* Postgres.Server
    const name = yield* server.database()
    const one = Effect.flatMap(server.client(name, { maxConnections: 2 }), (sql) =>
      Effect.provideService(SharedBudget.make({ organization: "acme", requestsPerSecond }), SqlClient.SqlClient, sql)
    )
    const [first, second, third] = yield* Effect.all([one, one, one], { concurrency: 3 })
    const sql = yield* server.client(name, { maxConnections: 1 })
    const isBeyond = (millis: number) =>
      Effect.map(
        sql.unsafe(
          `SELECT 1 FROM callstream_budgets WHERE next > clock_timestamp() + interval '${millis} milliseconds'`
        ),
        (rows) => rows.length > 0
      )
    /** Whether the next slot is later than so many milliseconds from now. */
    return { budgets: [first, second, third] as const, isBeyond }
  })

/** The most in any second that is half open, of ascending milliseconds. */
const mostInASecond = (times: ReadonlyArray<number>): number => {
  const most = times.map((from, first) => times.slice(first).filter((at) => at < from + 1000).length)
  return Math.max(...most)
}

describe.skipIf(Postgres.missing)(`a shared budget${Postgres.reason}`, () => {
  layer(Postgres.Server.layer, { excludeTestServices: true })((it) => {
    for (const rate of [40, 250]) {
      it.effect(
        `of ${rate} requests a second lets no more through in any second, and uses them`,
        () =>
          Effect.gen(function* () {
            const { budgets: all } = yield* budgets(rate)
            const times: Array<number> = []
            const attempt = Effect.sync(() => void times.push(performance.now()))
            const each = 0.6 * rate
            yield* Effect.forEach(
              all.flatMap((budget) => Array.from({ length: each }, () => budget)),
              (budget) => budget.spend(attempt),
              { concurrency: "unbounded", discard: true }
            )
            times.sort((left, right) => left - right)
            const [first = 0] = times
            const elapsed = ((times.at(-1) ?? 0) - first) / 1000
            assert.strictEqual(times.length, 3 * each)
            assert.isAtMost(mostInASecond(times), rate)
            // 0.96 of them, but a machine that is busy loses slots.
            assert.isAbove((times.length - 1) / elapsed, 0.4 * rate)
          }),
        // A process may be halted between its slot and its request: that is not so three times in a row.
        { retry: 2 }
      )
    }

    it.effect("pauses for all when the server asks one for it, those too that have a slot", () =>
      Effect.gen(function* () {
        const {
          budgets: [first, second, third],
          isBeyond
        } = yield* budgets(5)
        const times: Array<number> = []
        const attempt = Effect.sync(() => void times.push(performance.now()))
        const begun = yield* Deferred.make<void>()
        const waiting = yield* Effect.forkChild(
          Effect.forEach(
            Array.from({ length: 5 }, () => first),
            (budget) => budget.spend(Effect.andThen(attempt, Deferred.succeed(begun, undefined))),
            { concurrency: "unbounded" }
          )
        )
        yield* Deferred.await(begun)
        yield* TestFleet.until("others have slots", isBeyond(500))
        const held = performance.now()
        yield* first.hold("1500 millis")
        assert.isTrue(yield* isBeyond(1000))
        yield* Effect.forEach([second, third], (budget) => budget.spend(attempt), { concurrency: 2 })
        yield* Fiber.join(waiting)
        const during = times.filter((at) => at > held && at < held + 1499)
        assert.deepStrictEqual(during, [])
        assert.strictEqual(times.length, 7)
      })
    )

    it.effect("refuses a rate that is none", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(budgets(0))
        assert.strictEqual(error._tag, "AgniError", String(error))
      })
    )
  })
})
