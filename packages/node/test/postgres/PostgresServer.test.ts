import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { existsSync } from "node:fs"
import * as Postgres from "./PostgresServer.ts"

describe.skipIf(Postgres.missing)(`a PostgreSQL of its own${Postgres.reason}`, () => {
  it.live("has databases made from one another, and leaves neither process nor folder", () =>
    Effect.gen(function* () {
      const { folder, pid } = yield* Effect.scoped(
        Effect.gen(function* () {
          const server = yield* Postgres.Server.make
          const template = yield* server.database()
          yield* Effect.scoped(
            Effect.gen(function* () {
              const sql = yield* server.client(template)
              yield* sql`CREATE TABLE kept (id int)`
              yield* sql`INSERT INTO kept VALUES (7)`
            })
          )
          const copies = yield* Effect.all([server.database(template), server.database(template)])
          for (const copy of copies) {
            const sql = yield* server.client(copy)
            yield* sql`INSERT INTO kept VALUES (8)`
            assert.deepStrictEqual(yield* sql`SELECT id FROM kept`, [{ id: 7 }, { id: 8 }])
          }
          assert.isTrue(existsSync(server.folder))
          return server
        })
      )
      assert.isFalse(existsSync(folder))
      assert.throws(() => process.kill(pid, 0), "ESRCH")
    })
  )
})
