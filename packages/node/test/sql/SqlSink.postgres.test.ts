import * as Position from "@callstream/core/model/Position"
import * as Column from "@callstream/core/model/Column"
import * as Version from "@callstream/core/model/Version"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as SqlSink from "@callstream/core/sink/SqlSink"
import * as Transform from "@callstream/core/transform/Transform"
import * as PostgresClient from "@callstream/node/PostgresClient"
import type { PgClient } from "@effect/sql-pg/PgClient"
import { assert, describe, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import * as TestClock from "effect/testing/TestClock"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Postgres from "../postgres/PostgresServer.ts"
import { asOf, batch, session, written } from "./SqlRows.ts"
import { unwrapped } from "./Stores.ts"

const opened = Effect.gen(function* () {
  const server = yield* Postgres.Server
  const name = yield* server.database()
  const sql = yield* server.client(name, { maxConnections: 1 })
  const sink = (options: SqlSink.Options = {}, username?: string) => {
    const url = Redacted.make(
      `postgres://${username ?? "postgres"}:canary-password@127.0.0.1:${sql.config.port}/${name}`
    )
    return SessionSink.provide(SqlSink.make({ name: "calls", ...options }), PostgresClient.layer({ url }))
  }
  return { sql, sink, name }
})

const row = (sql: PgClient, text: string) => Effect.map(sql.unsafe<Record<string, unknown>>(text), ([first]) => first)

describe.skipIf(Postgres.missing)(`SqlSink, in PostgreSQL${Postgres.reason}`, () => {
  layer(Postgres.Server.layer, { excludeTestServices: true })((it) => {
    it.effect("has typed columns: exact numerics, times to the microsecond, jsonb that can be asked", () =>
      Effect.gen(function* () {
        const { sink, sql } = yield* opened
        const refused = yield* written(sink(), (writer) =>
          writer.write(batch([session(1, { costTotal: "12345678901234567890.000000000000000001" })]))
        )
        assert.isEmpty(refused)
        const found = yield* row(
          sql,
          `SELECT "costTotal"::text AS cost, pg_typeof("costTotal")::text AS type, to_char("startedAt" AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') AS started,
           "durationSec" + 1 AS more, metadata->>'crm' AS crm, observed_at = '2026-08-01Z' AS observed, extra FROM call_sessions`
        )
        assert.deepStrictEqual(
          { ...found, more: Number(found?.["more"]) },
          {
            cost: "12345678901234567890.000000000000000001",
            type: "numeric",
            started: "2026-07-31 07:16:10.117605",
            more: 66,
            crm: "1",
            observed: true,
            extra: null
          }
        )
      })
    )

    it.effect("loses nothing that PostgreSQL cannot hold: NUL, what does not fit its column", () =>
      Effect.gen(function* () {
        const { sink, sql } = yield* opened
        const odd = {
          summary: "a\0b",
          metadata: { "k\0": ["x", { deep: "\0" }], fine: 1 },
          durationSec: 65.5,
          vendor: "new\0",
          plain: { $json: '"not escaped"' }
        }
        const refused = yield* written(sink(), (writer) =>
          writer.write(batch([session(1, odd), session(2, { id: "bad\0id" }), session(3)]))
        )
        assert.deepStrictEqual(
          refused.map(({ id }) => id),
          ["bad\0id"]
        )
        const found = yield* row(sql, `SELECT summary, metadata, extra FROM call_sessions WHERE id = 'session-000001'`)
        assert.strictEqual(found?.["summary"], "a\ufffdb")
        assert.deepStrictEqual(found?.["metadata"], { "k\ufffd": ["x", { deep: "\ufffd" }], fine: 1 })
        const extra = found?.["extra"] as Record<string, unknown>
        assert.deepStrictEqual(
          Object.fromEntries(Object.entries(extra).map(([name, value]) => [name, unwrapped(value)])),
          odd
        )
      })
    )

    it.effect("has chosen columns and no extra: what they cannot hold is empty, and NUL is shown", () =>
      Effect.gen(function* () {
        const { sink, sql } = yield* opened
        const columns = Transform.select(Transform.sessions, ["summary", "durationSec", "metadata"]).columns(
          Column.ofSession
        )
        const one = { summary: "a\0b", durationSec: 65.5, metadata: { "k\0": 1 } }
        const refused = yield* written<unknown, object>(sink({ table: "chosen" }), (writer) =>
          writer.write({ items: [{ id: "a", start: undefined, row: one }], columns, observedAt: Version.of(1) })
        )
        assert.isEmpty(refused)
        const found = yield* row(sql, `SELECT to_jsonb(t) - 'observed_at' AS all FROM chosen t`)
        assert.deepStrictEqual(found?.["all"], {
          session_id: "a",
          summary: "a\ufffdb",
          durationSec: null,
          metadata: { "k\ufffd": 1 }
        })
      })
    )

    it.effect("adds columns that are new, in a schema that is named, and cuts long names without a clash", () =>
      Effect.gen(function* () {
        const { sink, sql } = yield* opened
        yield* sql`CREATE SCHEMA "Odd Schema"`
        const options = { schema: "Odd Schema", table: 'q"t' }
        const long = "é".repeat(40)
        const columns: ReadonlyArray<Column.Column> = [`${long}a`, `${long}b`, "xmin"].map((name) => ({
          name,
          type: "text"
        }))
        const rows = (of: ReadonlyArray<Column.Column>, fields: Record<string, string>) =>
          written<unknown, object>(sink(options), (writer) =>
            writer.write({
              items: [{ id: "a", start: undefined, row: fields }],
              columns: of,
              observedAt: Version.of(1)
            })
          )
        yield* rows(columns.slice(0, 1), { [`${long}a`]: "1" })
        yield* rows(columns, { [`${long}a`]: "1", [`${long}b`]: "2", xmin: "3" })
        const found = yield* row(sql, `SELECT to_jsonb(t) - 'observed_at' AS all FROM "Odd Schema"."q""t" t`)
        assert.deepStrictEqual(found?.["all"], {
          session_id: "a",
          ["é".repeat(31)]: "1",
          [`${"é".repeat(30)}_2`]: "2",
          xmin_2: "3",
          extra: null
        })
      })
    )

    it.effect("refuses what it cannot write to before there is a row, and says what to do", () =>
      Effect.gen(function* () {
        const { sink, sql } = yield* opened
        const told = (options: SqlSink.Options, username?: string) =>
          Effect.flip(written(sink(options, username), (writer) => writer.write(batch([session(1)]))))
        yield* sql`CREATE ROLE nobody LOGIN`
        yield* sql`CREATE TABLE rounded (id text PRIMARY KEY, "costTotal" numeric(12, 2))`
        yield* sql`CREATE TABLE zoneless (id text PRIMARY KEY, "startedAt" timestamp)`
        yield* sql`CREATE TABLE uuids (id uuid PRIMARY KEY)`
        yield* sql`CREATE VIEW seen AS SELECT 1 AS id`
        const cases = [
          [{ schema: "none" }, undefined, /no schema none/, "NoSchema"],
          [{}, "nobody", /no permission to make the table public.call_sessions/, "MayNotMake"],
          [{ table: "uuids" }, "nobody", /no permission to write to public.uuids/, "MayNotWrite"],
          [{ table: "uuids" }, undefined, /id of type uuid, and text is needed/, "OtherType"],
          [{ table: "seen" }, undefined, /is no table/, "NotATable"],
          [{ table: "rounded" }, undefined, /numeric\(12,2\), and numeric is needed/, "OtherType"],
          [{ table: "zoneless" }, undefined, /timestamp without time zone/, "OtherType"]
        ] as const
        for (const [options, username, description, problem] of cases) {
          const error = yield* told(options, username)
          assert.match(error.message, description)
          assert.strictEqual(error.reason._tag === "Table" ? error.reason.problem._tag : "", problem)
          assert.isFalse(error.retryable)
          assert.notInclude(JSON.stringify(error), "canary")
        }
      })
    )

    it.effect("gives back a row that the table refuses, and takes the others, those before it too", () =>
      Effect.gen(function* () {
        const { sink, sql } = yield* opened
        yield* sql`CREATE TABLE call_sessions (id varchar(20) PRIMARY KEY, "durationSec" int CHECK ("durationSec" < 100))`
        const rows = Array.from({ length: 40 }, (_, at) =>
          session(at + 10, at === 7 ? { durationSec: 101 } : at === 30 ? { durationSec: 5_000_000_000 } : {})
        )
        const deep = session(60, {
          metadata: JSON.parse(`${'{"a":'.repeat(9000)}1${"}".repeat(9000)}`) as Record<string, unknown>
        })
        const refused = yield* written(sink({ keepsOffset: true }), (writer) =>
          Effect.gen(function* () {
            const first = yield* writer.write(batch([session(1), session(2)]))
            const second = yield* writer.write(batch([...rows, session(50, { id: "x".repeat(21) }), deep]))
            const third = yield* writer.write(batch([session(3)]))
            return [...first, ...second, ...third]
          })
        )
        assert.deepStrictEqual(refused.map(({ id }) => id).sort(), [
          "session-000017",
          "session-000040",
          ...(refused.length === 4 ? ["session-000060"] : []),
          "x".repeat(21)
        ])
        for (const { reason } of refused) assert.match(reason, /^[a-z].*SQLSTATE (23514|22003|22001|54001)\)$/)
        const found = yield* row(sql, `SELECT count(*)::int AS n FROM call_sessions`)
        assert.strictEqual(found?.["n"], 45 - refused.length)
      })
    )

    it.effect("continues when its connection is cut off in the middle of a transaction, and nothing is missing", () =>
      Effect.gen(function* () {
        const { name, sink, sql } = yield* opened
        const cut = sql.unsafe(
          `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '${name}' AND pid <> pg_backend_pid()`
        )
        const orAgain = <A, E extends { readonly retryable: boolean; readonly description: string }>(
          effect: Effect.Effect<A, E>
        ) =>
          Effect.catchIf(
            effect,
            () => true,
            (error) => {
              assert.isTrue(error.retryable, error.description)
              return effect
            }
          )
        let lost = 0
        yield* written(sink({ keepsOffset: true }), (writer) =>
          Effect.gen(function* () {
            for (let at = 0; at < 12; at++) {
              yield* orAgain(
                Effect.tapError(writer.write(batch([session(2 * at), session(2 * at + 1)])), () =>
                  Effect.sync(() => lost++)
                )
              )
              if (at % 3 === 1) yield* Effect.orDie(cut)
              if (at % 4 === 3)
                yield* orAgain(Effect.tapError(writer.flush(Position.of(2 * at + 2)), () => Effect.sync(() => lost++)))
            }
          })
        )
        assert.isAbove(lost, 2)
        assert.strictEqual((yield* row(sql, `SELECT count(*)::int AS n FROM call_sessions`))?.["n"], 24)
      })
    )

    it.effect("shows readers whole commits, each with its cursor, and makes no reader wait", () =>
      Effect.gen(function* () {
        const { sink, sql } = yield* opened
        const seen = new Set<string>()
        yield* written(sink({ keepsOffset: true }), (writer) =>
          Effect.gen(function* () {
            yield* writer.write(batch([]))
            const look = Effect.orDie(
              row(
                sql,
                `SELECT (SELECT count(*)::int FROM call_sessions) AS rows, (SELECT cursor::int FROM callstream_commits) AS cursor`
              )
            )
            for (let at = 0; at < 10; at++) {
              yield* writer.write(batch([session(2 * at), session(2 * at + 1)]))
              seen.add(JSON.stringify(yield* look))
              if (at % 5 === 4) yield* writer.flush(Position.of(2 * at + 2))
              seen.add(JSON.stringify(yield* look))
            }
          })
        )
        assert.deepStrictEqual(
          [...seen],
          ['{"rows":0,"cursor":null}', '{"rows":10,"cursor":10}', '{"rows":20,"cursor":20}']
        )
      })
    )

    it.effect("is made by one of two runs that begin at the same time, and both write to it", () =>
      Effect.gen(function* () {
        const { sink, sql } = yield* opened
        yield* Effect.forEach(
          [0, 1, 2, 3],
          (at) =>
            written(asOf(`run ${at}`, sink({ keepsOffset: true })), (writer) =>
              writer.write(batch([session(at), session(100)]))
            ),
          { concurrency: "unbounded" }
        )
        assert.strictEqual((yield* row(sql, `SELECT count(*)::int AS n FROM call_sessions`))?.["n"], 5)
      })
    )

    it.effect("reports a server that is not there or has no TLS, and never a password", () =>
      Effect.gen(function* () {
        const { sql } = yield* opened
        const at = (place: string) =>
          SessionSink.provide(
            SqlSink.make({ name: "calls" }),
            PostgresClient.layer({ url: Redacted.make(`postgres://postgres:canary-password@${place}`) })
          )
        const cases = [
          ["127.0.0.1:1/x", /nobody answers there \(ECONNREFUSED\)/],
          [`127.0.0.1:${sql.config.port}/none`, /no such database: database "none" does not exist \(SQLSTATE 3D000\)/],
          [`127.0.0.1:${sql.config.port}/postgres?sslmode=require`, /does not speak TLS/],
          [`127.0.0.1:${sql.config.port}/postgres?sslmode=verify-full`, /does not speak TLS/]
        ] as const
        for (const [place, expected] of cases) {
          const error = yield* Effect.flip(Effect.scoped(at(place).open(SessionSink.opening())))
          assert.match(error.message, expected)
          assert.strictEqual(error.reason._tag, "Database")
          assert.notInclude(JSON.stringify(error), "canary")
          assert.notInclude(String(error.stack), "canary")
        }
      })
    )

    it.effect("reports a wrong password, of an address that it never repeats", () =>
      Effect.gen(function* () {
        const { sql } = yield* opened
        const { folder } = yield* Postgres.Server
        const hba = join(folder, "data", "pg_hba.conf")
        const before = readFileSync(hba, "utf8")
        yield* Effect.acquireRelease(
          Effect.gen(function* () {
            yield* sql.unsafe("CREATE ROLE locked LOGIN PASSWORD 'right'")
            yield* sql.unsafe("GRANT CREATE ON SCHEMA public TO locked")
            writeFileSync(hba, `host all locked 127.0.0.1/32 scram-sha-256\n${before}`)
            yield* sql.unsafe("SELECT pg_reload_conf()")
          }),
          () =>
            Effect.orDie(
              Effect.gen(function* () {
                writeFileSync(hba, before)
                yield* sql.unsafe("SELECT pg_reload_conf()")
                yield* sql.unsafe("DROP OWNED BY locked")
                yield* sql.unsafe("DROP ROLE locked")
              })
            )
        )
        const address = `127.0.0.1:${sql.config.port}/${sql.config.database}`
        const open = (login: string) =>
          Effect.scoped(
            SessionSink.provide(
              SqlSink.make({ name: "calls" }),
              PostgresClient.layer({ url: Redacted.make(`postgres://${login}@${address}`) })
            ).open(SessionSink.opening())
          )
        // The server reads the file again soon, not at once: until then it asks for no password.
        const error = yield* Effect.flip(open("locked:canary-password")).pipe(
          Effect.tapError(() => sql.unsafe("SELECT pg_sleep(0.05)")),
          Effect.retry({ times: 100 })
        )
        assert.match(error.description, /^the password is wrong: .*\(SQLSTATE 28P01\)$/)
        assert.deepInclude(error.reason._tag === "Database" ? error.reason.failure : {}, { problem: "WrongPassword" })
        assert.isFalse(error.retryable)
        assert.notInclude(`${JSON.stringify(error)} ${error.stack}`, "canary")
        const none = yield* Effect.flip(open("locked"))
        assert.isFalse(none.retryable)
        assert.deepInclude(none.reason._tag === "Database" ? none.reason.failure : {}, { problem: "NoPassword" })
        yield* open("locked:right")
      })
    )

    it.effect("gives up a transaction that nothing comes to, and writes its rows again", () =>
      Effect.gen(function* () {
        const { name, sql } = yield* opened
        const server = yield* Postgres.Server
        const client = Layer.effect(SqlClient.SqlClient, server.client(name))
        const sink = SessionSink.provide(SqlSink.make({ name: "calls" }), client)
        const idle = Effect.map(
          sql.unsafe(`SELECT 1 FROM pg_stat_activity WHERE datname = '${name}' AND state = 'idle in transaction'`),
          (rows) => rows.length
        )
        yield* written(sink, (writer) =>
          Effect.gen(function* () {
            yield* writer.write(batch([session(1)]))
            assert.strictEqual(yield* Effect.orDie(idle), 1)
            yield* TestClock.adjust("16 seconds")
            // The clock is a test's, the server is not: it is asked until it has got the ROLLBACK.
            const gone = Effect.repeat(Effect.orDie(idle), { until: (open) => open === 0, times: 2000 })
            assert.strictEqual(yield* gone, 0)
            yield* writer.write(batch([session(2)]))
          })
        )
        assert.strictEqual((yield* row(sql, `SELECT count(*)::int AS n FROM call_sessions`))?.["n"], 2)
      }).pipe(Effect.provide(TestClock.layer()))
    )
  })
})
