/** One row for three processes, each with a pool of its own. How starts are granted and used: Grants.test.ts and Starts.test.ts. */
import { assert, describe, layer } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as SqlClient from "effect/sql/SqlClient"
import { mostInASecond } from "../../core/test/client/mostInASecond.ts"
import * as Postgres from "../../node/test/postgres/PostgresServer.ts"
import * as SharedBudget from "../src/SharedBudget.ts"

const budgets = (requestsPerSecond: number) =>
  Effect.gen(function* () {
    const server = yield* Postgres.Server
    const name = yield* server.database()
    const one = Effect.flatMap(server.client(name, { maxConnections: 2 }), (sql) =>
      Effect.provideService(SharedBudget.make({ organization: "acme", requestsPerSecond }), SqlClient.SqlClient, sql)
    )
    const [first, second, third] = yield* Effect.all([one, one, one], { concurrency: 3 })
    const sql = yield* server.client(name, { maxConnections: 1 })
    const starts = Effect.map(
      sql.unsafe<{ readonly at: number }>("SELECT unnest(starts) AS at FROM callstream_budgets ORDER BY at"),
      (rows) => rows.map(({ at }) => at)
    )
    return { budgets: [first, second, third] as const, starts }
  })

describe.skipIf(Postgres.missing)(`a shared budget${Postgres.reason}`, () => {
  layer(Postgres.Server.layer, { excludeTestServices: true })((it) => {
    it.effect("three share the starts of one row", () =>
      Effect.gen(function* () {
        const { budgets: all, starts } = yield* budgets(40)
        yield* Effect.forEach(
          all.flatMap((budget) => Array.from({ length: 12 }, () => budget)),
          (budget) => budget.spend(Effect.void),
          { concurrency: "unbounded", discard: true }
        )
        // Of 36, all but those that are older than a second.
        const noted = yield* starts
        assert.isAtLeast(noted.length, 1)
        assert.strictEqual(new Set(noted).size, noted.length)
        assert.isAtMost(mostInASecond(noted), 40)
      })
    )

    it.effect("pauses for all when the server asks one for it, and each knows for how long", () =>
      Effect.gen(function* () {
        const {
          budgets: [first, second, third]
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
        const held = performance.now()
        yield* first.hold("1500 millis")
        assert.isAbove(yield* first.pause, 0)
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
