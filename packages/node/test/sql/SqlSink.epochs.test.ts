import * as Position from "@callstream/core/model/Position"
import type { SinkError } from "@callstream/core/sink/SinkError"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as SqlSink from "@callstream/core/sink/SqlSink"
import * as PostgresClient from "@callstream/node/PostgresClient"
import type { PgClient } from "@effect/sql-pg/PgClient"
import { assert, describe, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import { postgres } from "../../../core/src/sink/sql/internal/Postgres.ts"
import * as Transaction from "../../../core/src/sink/sql/internal/Transaction.ts"
import * as Postgres from "../postgres/PostgresServer.ts"
import * as SinkEpochs from "./SinkEpochs.ts"
import { batch, observedAt, session } from "./SqlRows.ts"

const opened = Effect.gen(function* () {
  const server = yield* Postgres.Server
  const name = yield* server.database()
  const sql = yield* server.client(name, { maxConnections: 1 })
  const over = (username: string): SinkEpochs.Database => {
    const url = Redacted.make(`postgres://${username}@127.0.0.1:${sql.config.port}/${name}`)
    return {
      sink: (options) =>
        SessionSink.provide(SqlSink.make({ name: "calls", ...options }), PostgresClient.layer({ url })),
      ask: (text) => sql.unsafe<Record<string, unknown>>(text)
    }
  }
  return { database: over("postgres"), over, name, sql }
})

const timeout = "idle_in_transaction_session_timeout"

/** What the server does with a transaction of the sink that nobody goes on with, and with the next one of another kind. */
const limits = (sql: PgClient) =>
  Effect.scoped(
    Effect.gen(function* () {
      const transaction = yield* Transaction.make(sql, postgres, true)
      yield* transaction.begin
      const [inside] = yield* transaction.use((connection) => connection.execute(`SHOW ${timeout}`, [], undefined))
      yield* transaction.rollback
      const [outside] = yield* sql.unsafe<Record<string, unknown>>(`SHOW ${timeout}`)
      return [inside?.[timeout], outside?.[timeout]]
    })
  )

describe.skipIf(Postgres.missing)(`SqlSink, epochs in PostgreSQL${Postgres.reason}`, () => {
  layer(Postgres.Server.layer, { excludeTestServices: true })((it) => {
    it.effect("takes nothing more from a run that another one took over", () =>
      Effect.flatMap(opened, ({ database }) => SinkEpochs.assertTakenOver(database))
    )

    it.effect("takes rows from the highest epoch only, however runs interleave", () =>
      Effect.gen(function* () {
        const { database, sql } = yield* opened
        let fenced = 0
        for (let seed = 101; seed <= 106; seed++) {
          fenced += yield* SinkEpochs.assertInterleaved(database, seed)
          yield* sql`DROP TABLE IF EXISTS call_sessions, callstream_commits`
        }
        assert.isAbove(fenced, 15)
      })
    )

    it.effect("does not wait for a frozen run that has the same rows in a transaction, which is lost then", () =>
      Effect.gen(function* () {
        const { database, name, sql } = yield* opened
        // Instead of the 30 seconds: the limit of a server that has a lower one stays.
        yield* sql.unsafe(`ALTER DATABASE ${name} SET ${timeout} = '100ms'`)
        // On a busy machine it may end a transaction that nobody froze.
        const patiently = <A, R>(step: Effect.Effect<A, SinkError, R>) =>
          Effect.retry(step, { times: 9, while: ({ retryable }) => retryable })
        const first = yield* SinkEpochs.open(database, 1).pipe(patiently)
        yield* first.write(batch([session(1, { summary: "first" }), session(2)])).pipe(patiently)
        const second = yield* SinkEpochs.open(database, 2).pipe(patiently)
        yield* second.write(batch([session(1, { summary: "second" })], { observedAt: observedAt + 1 })).pipe(patiently)
        yield* second.flush(Position.of(5)).pipe(patiently)
        const error = yield* Effect.flip(first.flush(Position.of(9)).pipe(patiently))
        SinkEpochs.assertFenced(error)
        const rows = yield* database.ask("SELECT id, summary FROM call_sessions")
        assert.deepStrictEqual(rows, [{ id: session(1).id, summary: "second" }])
      })
    )

    it.effect(
      "bounds how long a frozen run holds rows, for its own transactions, and lowers no limit that is lower",
      () =>
        Effect.gen(function* () {
          const { sql } = yield* opened
          assert.deepStrictEqual(yield* limits(sql), ["30s", "0"])
          yield* sql.unsafe(`SET ${timeout} = '5s'`)
          assert.deepStrictEqual(yield* limits(sql), ["5s", "5s"])
          yield* sql.unsafe(`SET ${timeout} = '1h'`)
          assert.deepStrictEqual(yield* limits(sql), ["30s", "1h"])
        })
    )

    it.effect(
      "a client bounds how long its transactions wait, so that what a frozen process locked is free again",
      () =>
        Effect.gen(function* () {
          const { name, sql } = yield* opened
          yield* sql`CREATE TABLE taken (id integer)`
          const url = Redacted.make(`postgres://postgres@127.0.0.1:${sql.config.port}/${name}`)
          const frozen = Context.get(
            yield* Layer.build(PostgresClient.layer({ url, maxConnections: 1, idleInTransaction: "200 millis" })),
            SqlClient.SqlClient
          )
          const connection = yield* frozen.reserve
          yield* connection.execute("BEGIN", [], undefined)
          yield* connection.execute("LOCK TABLE taken", [], undefined)
          yield* sql`INSERT INTO taken VALUES (1)`
          const error = yield* Effect.flip(connection.execute("COMMIT", [], undefined))
          assert.strictEqual(error._tag, "SqlError")
        })
    )

    it.effect("adds the epoch to a table of commits that has none, or says that this user may not", () =>
      Effect.gen(function* () {
        const { database, over, sql } = yield* opened
        const first = yield* SinkEpochs.open(database, 1)
        yield* first.write(batch([session(1)]))
        yield* first.flush(Position.of(5))
        yield* sql`ALTER TABLE callstream_commits DROP COLUMN epoch`
        yield* sql`CREATE ROLE etl LOGIN`
        yield* Effect.addFinalizer(() => Effect.orDie(sql`DROP OWNED BY etl`.pipe(Effect.andThen(sql`DROP ROLE etl`))))
        yield* sql`GRANT SELECT, INSERT, UPDATE ON call_sessions, callstream_commits TO etl`
        yield* sql`GRANT CREATE ON SCHEMA public TO etl`
        const error = yield* Effect.flip(SinkEpochs.open(over("etl"), 2))
        assert.strictEqual(
          error.message,
          'calls: "public"."callstream_commits" has no column epoch, and this user may not add it'
        )
        assert.isFalse(error.retryable)
        const second = yield* SinkEpochs.open(database, 2)
        assert.deepStrictEqual(second.committed, Option.some({ at: Position.of(5), note: null }))
        // With the column the same user may write.
        const third = yield* SinkEpochs.open(over("etl"), 3)
        yield* third.write(batch([session(2)]))
        yield* third.flush(Position.of(6))
      })
    )
  })
})
