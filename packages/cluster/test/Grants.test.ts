/** Starts that three processes are granted. Nothing here waits: grants are ahead of the clock. */
import { limitOf } from "@callstream/core/client/Budget"
import { assert, describe, layer } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as SqlClient from "effect/sql/SqlClient"
import * as Postgres from "../../node/test/postgres/PostgresServer.ts"
import { mostInASecond } from "../../core/test/client/mostInASecond.ts"
import * as Grants from "../src/internal/Grants.ts"
import * as Tables from "../src/internal/Tables.ts"

const database = Effect.gen(function* () {
  const server = yield* Postgres.Server
  const sql = yield* server.client(yield* server.database(), { maxConnections: 6 })
  yield* Effect.provideService(Tables.migrate, SqlClient.SqlClient, sql)
  return sql
})

const organization = "acme"

describe.skipIf(Postgres.missing)(`grants${Postgres.reason}`, () => {
  layer(Postgres.Server.layer, { excludeTestServices: true })((it) => {
    for (const rate of [5, 40, 250]) {
      for (const late of [0, 0.04, 0.3]) {
        it.effect(`${rate} a second, used up to ${late} s late: never more in any second, and all of it`, () =>
          Effect.gen(function* () {
            const seed = Date.now()
            console.log(`rate ${rate}, late ${late}: seed ${seed}`)
            const sql = yield* database
            const grants = yield* Grants.make(sql, organization, limitOf(rate))
            const atOnce = Math.ceil(rate / 12)
            const asked = Effect.gen(function* () {
              const used: Array<number> = []
              const corrections: Array<Array<Grants.Correction>> = [[], [], []]
              for (let nth = 0; used.length < 6 * rate; nth++) {
                const process = nth % 3
                const count = yield* Random.nextIntBetween(1, atOnce)
                const { granted } = yield* grants.take(count, corrections[process] ?? [])
                assert.lengthOf(granted, count)
                corrections[process] = yield* Effect.forEach(granted, (at) =>
                  Effect.map(Random.next, (random) => ({ granted: at, counts: at + random * late }))
                )
                used.push(...corrections[process].map(({ counts }) => counts))
              }
              return used.sort((a, b) => a - b)
            })
            const used = yield* Random.withSeed(asked, seed)
            assert.isAtMost(mostInASecond(used), rate)
            // Without the first second, which may begin in haste.
            const rest = used.slice(rate)
            const share = (rest.length - 1) / ((rest.at(-1) ?? 0) - (rest[0] ?? 0)) / rate
            // As late as they are on average, the next ones are. Few of them are not as late as that.
            assert.isAtLeast(share, 0.9 / (1 + late / 2))
          })
        )
      }
    }

    it.effect("processes that ask at once are granted different starts, all as far apart as they must be", () =>
      Effect.gen(function* () {
        const sql = yield* database
        const limit = limitOf(40)
        const grants = yield* Grants.make(sql, organization, limit)
        const answers = yield* Effect.forEach(Arr.range(1, 60), () => grants.take(2, []), { concurrency: 6 })
        const starts = answers.flatMap(({ granted }) => granted).sort((a, b) => a - b)
        assert.isAtMost(mostInASecond(starts), 40)
        const [first, ...rest] = starts
        let before = first ?? 0
        for (const at of rest) {
          assert.isAtLeast(at - before, 0.8 * limit.spacing - 1e-5)
          before = at
        }
      })
    )

    it.effect("a start that is corrected, or to the time that it has, is still counted", () =>
      Effect.gen(function* () {
        const sql = yield* database
        const grants = yield* Grants.make(sql, organization, limitOf(5))
        const known = sql<{ readonly starts: ReadonlyArray<number> }>`SELECT starts FROM callstream_budgets`
        const [granted = 0] = (yield* grants.take(1, [])).granted
        for (const correction of [
          { granted, counts: granted },
          { granted, counts: granted + 0.2 }
        ]) {
          yield* grants.take(0, [correction])
          const [row] = yield* known
          assert.deepStrictEqual(row?.starts, [correction.counts])
        }
      })
    )

    it.effect("of two starts at the same time, a correction of one leaves the other", () =>
      Effect.gen(function* () {
        const sql = yield* database
        const grants = yield* Grants.make(sql, organization, limitOf(5))
        const [first = 0, second = 0] = (yield* grants.take(2, [])).granted
        yield* grants.take(0, [{ granted: first, counts: second }])
        yield* grants.take(0, [{ granted: second, counts: second + 0.2 }])
        const [row] = yield* sql<{ readonly starts: ReadonlyArray<number> }>`SELECT starts FROM callstream_budgets`
        assert.sameMembers([...(row?.starts ?? [])], [second, second + 0.2])
      })
    )

    it.effect("what is given back is granted again, and nothing while the server asks for a pause", () =>
      Effect.gen(function* () {
        const sql = yield* database
        const grants = yield* Grants.make(sql, organization, limitOf(5))
        const first = (yield* grants.take(5, [])).granted
        const next = (yield* grants.take(5, [])).granted
        assert.isAtLeast((next[0] ?? 0) - (first[0] ?? 0), 1)
        const back = [...first, ...next].map((granted) => ({ granted, counts: 0 }))
        const again = (yield* grants.take(5, back)).granted
        assert.isBelow((again[0] ?? Infinity) - (next[0] ?? 0), 0.9)
        yield* grants.hold(100)
        const { granted, held, now } = yield* grants.take(1, [])
        assert.closeTo(held - now, 100, 30)
        assert.isAtLeast(granted[0] ?? 0, held)
      })
    )
  })
})
