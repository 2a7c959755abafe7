/**
 * Rows a second of the sinks of tables against their drivers alone: the same rows, the same tables, columns and indexes, the
 * same settings of the database, the same statement, and transactions of the same size with the same cursor in them. The
 * driver alone binds fields as they came, and objects as JSON. In SQLite it runs the statement for each row.
 */
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as Position from "@callstream/core/model/Position"
import { Column, SqlSink, Version } from "@callstream/core"
import { AgniSimulator } from "@callstream/core/testing"
import { SqliteClient } from "@callstream/node"
import * as Effect from "effect/Effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as SqlClient from "effect/sql/SqlClient"
import * as Layer from "effect/Layer"
import * as Postgres from "../../node/test/postgres/PostgresServer.ts"

export interface Rate {
  readonly what: string
  /** Rows a second: of the sink, of the driver. */
  readonly ours: number
  readonly theirs: number
  readonly ratio: number
}

const size = 1000
const windows = 60
const observedAt = Date.UTC(2026, 6, 1) * 1000

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

/** What whoever writes this by hand binds: a field as it came, objects as JSON. */
const bound = (value: unknown): string | number | null =>
  typeof value === "string" || typeof value === "number"
    ? value
    : value === null || value === undefined
      ? null
      : JSON.stringify(value)

/** In turn, so that a machine that changes its speed does so to both. */
const compare = Effect.fnUntraced(function* <E, R>(
  what: string,
  turns: number,
  ours: (turn: number) => Effect.Effect<void, E, R>,
  theirs: (turn: number) => Effect.Effect<void, E, R>
) {
  const rates: Array<readonly [number, number]> = []
  for (let turn = 0; turn <= turns; turn++) {
    const pair: Array<number> = []
    for (const run of turn % 2 === 0 ? [ours, theirs] : [theirs, ours]) {
      const started = performance.now()
      yield* run(turn)
      pair.push((size * windows * 1000) / (performance.now() - started))
    }
    const [first = 0, second = 0] = pair
    // The first turn warms up.
    if (turn > 0) rates.push(turn % 2 === 0 ? [first, second] : [second, first])
  }
  const of = (side: 0 | 1) => median(rates.map((pair) => pair[side]))
  return { what, ours: of(0), theirs: of(1), ratio: median(rates.map(([a, b]) => a / b)) } satisfies Rate
})

/** What makes the tables of the sink, and the columns of its rows. */
const madeBy = (filename: string) => {
  const database = new DatabaseSync(filename)
  const tables = database.prepare("SELECT sql FROM sqlite_schema WHERE type = 'table'").all()
  const columns = database.prepare("SELECT name FROM pragma_table_info('call_sessions')").all()
  database.close()
  return { tables: tables.map(({ sql }) => String(sql)), columns: columns.map(({ name }) => String(name)) }
}

const main = Effect.gen(function* () {
  const simulator = yield* AgniSimulator.make({ seed: 1, sessions: size * windows })
  const sessions = simulator.truth()
  const batches = Array.from({ length: windows }, (_, at) => sessions.slice(at * size, (at + 1) * size))

  const through = <E, R>(sink: SqlSink.Options, layer: Layer.Layer<SqlClient.SqlClient, E, R>) =>
    Effect.scoped(
      Effect.gen(function* () {
        const writer = yield* SqlSink.make(sink).open(SessionSink.opening())
        for (const [at, rows] of batches.entries()) {
          const items = rows.map((row) => ({ id: row.id, start: undefined, row }))
          yield* writer.write({ items, columns: Column.ofSession, observedAt: Version.of(observedAt) })
          yield* writer.flush(Position.of(at))
        }
      })
    ).pipe(Effect.provide(layer))

  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "callstream-bench-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  const example = join(folder, "example.db")
  yield* Effect.scoped(
    Effect.flatMap(SqlSink.make({ keepsOffset: true }).open(SessionSink.opening()), ({ finish }) => finish)
  ).pipe(Effect.provide(SqliteClient.layer({ filename: example })))
  const { columns, tables } = madeBy(example)
  const updates = columns.filter((name) => name !== "id").map((name) => `"${name}" = excluded."${name}"`)
  const upsert = `INSERT INTO call_sessions AS held ("${columns.join('", "')}") VALUES (${columns.map(() => "?").join(", ")})
ON CONFLICT (id) DO UPDATE SET ${updates.join(", ")}
WHERE held.observed_at IS NULL OR excluded.observed_at >= held.observed_at`
  const sqlite = yield* compare(
    "SQLite",
    5,
    (turn) => through({ keepsOffset: true }, SqliteClient.layer({ filename: join(folder, `ours-${turn}.db`) })),
    (turn) =>
      Effect.sync(() => {
        const database = new DatabaseSync(join(folder, `theirs-${turn}.db`))
        database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
        for (const sql of tables) database.exec(sql)
        const insert = database.prepare(upsert)
        const commit = database.prepare(
          "INSERT OR REPLACE INTO callstream_commits (name, cursor, updated_at) VALUES ('bench', ?, '2026-07-01')"
        )
        for (const [at, batch] of batches.entries()) {
          database.exec("BEGIN IMMEDIATE")
          for (const row of batch) {
            const values = Column.ofSession.map(({ name }) => bound((row as unknown as Record<string, unknown>)[name]))
            insert.run(...values, null, "2026-07-01T00:00:00.000000Z")
          }
          commit.run(at)
          database.exec("COMMIT")
        }
        database.close()
      })
  )

  const server = yield* Postgres.Server.make
  const database = yield* server.database()
  const client = yield* server.client(database, { maxConnections: 2 })
  const clear = client`TRUNCATE call_sessions, callstream_commits`
  // The statements are what the sink sends; the driver alone still has to make JSON of typed rows.
  const sent: Array<readonly [sql: string, params: ReadonlyArray<unknown>]> = []
  const connection = yield* client.reserve
  const spied = Object.assign((...args: Parameters<SqlClient.SqlClient>) => client(...args), client, {
    reserve: Effect.succeed({
      ...connection,
      execute: (...[sql, params, rows]: Parameters<typeof connection.execute>) => {
        if (sql.includes("jsonb_to_recordset")) sent.push([sql, params])
        return connection.execute(sql, params, rows)
      },
      executeUnprepared: (...args: Parameters<typeof connection.executeUnprepared>) =>
        connection.executeUnprepared(...args)
    })
  })
  yield* through({ keepsOffset: true }, Layer.succeed(SqlClient.SqlClient, spied))
  const perWindow = sent.length / windows
  const typed = sent.map(([sql, [text]]) => [sql, JSON.parse(String(text)) as unknown] as const)
  const layer = Layer.succeed(SqlClient.SqlClient, client)
  const postgres = yield* compare(
    "PostgreSQL",
    5,
    () => Effect.andThen(clear, through({ keepsOffset: true }, layer)),
    () =>
      Effect.gen(function* () {
        yield* clear
        for (let at = 0; at < windows; at++) {
          yield* connection.executeUnprepared("BEGIN", [], undefined)
          for (const [sql, rows] of typed.slice(at * perWindow, (at + 1) * perWindow)) {
            yield* connection.execute(sql, [JSON.stringify(rows)], undefined)
          }
          yield* connection.executeUnprepared("COMMIT", [], undefined)
        }
      })
  )
  return [sqlite, postgres]
})

console.log(JSON.stringify(await Effect.runPromise(Effect.scoped(main))))
