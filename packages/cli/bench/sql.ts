/**
 * Rows a second of the sinks of tables against their drivers alone: the same calls, the same tables, columns and indexes, the
 * same settings of the database, and transactions of the same size with the same cursor in them. Both check for a newer
 * version. The pages of a window are parsed before its calls are written, and the time of that does not count.
 *
 * The driver alone does what a user of it would do. In SQLite it runs the statement for each call, and binds fields as they
 * came, objects as JSON. PostgreSQL takes 500 calls as one text of JSON, with the types of the table's columns; and, compared
 * by itself, as the sink sends them: an array for each column.
 *
 * node bench/sql.ts URL prints the rates as JSON.
 */
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as Position from "@callstream/core/model/Position"
import { Column, SqlSink, Version } from "@callstream/core"
import { SqliteClient } from "@callstream/node"
import * as Effect from "effect/Effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as SqlClient from "effect/sql/SqlClient"
import type * as Connection from "effect/sql/SqlConnection"
import * as Layer from "effect/Layer"
import * as Postgres from "../../node/test/postgres/PostgresServer.ts"

export interface Rate {
  readonly what: string
  /** Rows a second: of the sink, of the driver. */
  readonly ours: number
  readonly theirs: number
  readonly ratio: number
  /** The sink's processor time a row of this process, by that of the driver. */
  readonly work: number
}

const size = 1000
const windows = 60
const pageSize = 100
const observedAt = Version.of(Date.UTC(2026, 6, 1) * 1000)
const observedText = "2026-07-01T00:00:00.000000Z"

type Call = Readonly<Record<string, unknown>> & { readonly id: string }

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

/**
 * The pages of each window, as bytes: 60,000 objects would be collected again and again. Pages stay apart, as they came. Node keeps
 * text of more than a megabyte outside of the heap, and for that V8 marks the heap in the next turns of the event loop: those of the
 * sink, which waits for the disk there, because the driver has none.
 */
const read = async (baseUrl: string): Promise<ReadonlyArray<ReadonlyArray<Buffer>>> => {
  const pages: Array<Buffer> = []
  for (let page = 1; page <= (size * windows) / pageSize; page++) {
    const response = await fetch(`${baseUrl}/api/v1/calling/call-sessions?page=${page}&page_size=${pageSize}`, {
      headers: { "X-Api-Key": process.env["AGNI_API_KEY"] ?? "" }
    })
    pages.push(Buffer.from(JSON.stringify(JSON.parse(await response.text()).data.callSessions)))
  }
  const perWindow = size / pageSize
  return Array.from({ length: windows }, (_, at) => pages.slice(at * perWindow, (at + 1) * perWindow))
}

/** Counts time while it runs. */
const stopwatch = () => {
  let seconds = 0
  let work = 0
  let since: readonly [number, NodeJS.CpuUsage] | undefined
  const stop = () => {
    if (since === undefined) return
    const { system, user } = process.cpuUsage(since[1])
    work += (user + system) / 1e6
    seconds += (performance.now() - since[0]) / 1000
    since = undefined
  }
  const start = () => {
    since = [performance.now(), process.cpuUsage()]
  }
  return {
    start,
    stop,
    took: () => ({ seconds, work }),
    /** Without the time that it takes to parse them. */
    calls: (pages: ReadonlyArray<Buffer>): ReadonlyArray<Call> => {
      stop()
      const calls = pages.flatMap((page): ReadonlyArray<Call> => JSON.parse(page.toString()))
      start()
      return calls
    }
  }
}
type Stopwatch = ReturnType<typeof stopwatch>

/** In turn, so that a machine that changes its speed does so to both. */
const compare = Effect.fnUntraced(function* <E, R>(
  what: string,
  turns: number,
  ours: (watch: Stopwatch) => Effect.Effect<void, E, R>,
  theirs: (watch: Stopwatch) => Effect.Effect<void, E, R>
) {
  const pairs: Array<Readonly<Record<"ours" | "theirs", ReturnType<Stopwatch["took"]>>>> = []
  const timed = Effect.fnUntraced(function* (run: typeof ours) {
    const watch = stopwatch()
    watch.start()
    yield* run(watch)
    watch.stop()
    return watch.took()
  })
  for (let turn = 0; turn <= turns; turn++) {
    const first = yield* timed(turn % 2 === 0 ? ours : theirs)
    const second = yield* timed(turn % 2 === 0 ? theirs : ours)
    // The first turn warms up.
    if (turn > 0) pairs.push(turn % 2 === 0 ? { ours: first, theirs: second } : { ours: second, theirs: first })
  }
  const rows = size * windows
  return {
    what,
    ours: median(pairs.map(({ ours }) => rows / ours.seconds)),
    theirs: median(pairs.map(({ theirs }) => rows / theirs.seconds)),
    ratio: median(pairs.map(({ ours, theirs }) => theirs.seconds / ours.seconds)),
    work: median(pairs.map(({ ours, theirs }) => ours.work / theirs.work))
  } satisfies Rate
})

/** What makes the tables of the sink, and the columns of its rows. */
const madeBy = (filename: string) => {
  const database = new DatabaseSync(filename)
  const tables = database.prepare("SELECT sql FROM sqlite_schema WHERE type = 'table'").all()
  const columns = database.prepare("SELECT name FROM pragma_table_info('call_sessions')").all()
  database.close()
  return { tables: tables.map(({ sql }) => String(sql)), columns: columns.map(({ name }) => String(name)) }
}

/** What a program written by hand binds: a field as it came, objects as JSON. */
const bound = (value: unknown): string | number | null =>
  typeof value === "string" || typeof value === "number"
    ? value
    : value === null || value === undefined
      ? null
      : JSON.stringify(value)

const throughSqlite = (
  watch: Stopwatch,
  history: ReadonlyArray<ReadonlyArray<Buffer>>,
  filename: string,
  { columns, tables }: ReturnType<typeof madeBy>
) => {
  const database = new DatabaseSync(filename)
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
  for (const sql of tables) database.exec(sql)
  const updates = columns.filter((name) => name !== "id").map((name) => `"${name}" = excluded."${name}"`)
  const insert = database.prepare(`INSERT INTO call_sessions AS held ("${columns.join('", "')}")
VALUES (${columns.map(() => "?").join(", ")}) ON CONFLICT (id) DO UPDATE SET ${updates.join(", ")}
WHERE held.observed_at IS NULL OR excluded.observed_at >= held.observed_at`)
  const commit = database.prepare(
    "INSERT OR REPLACE INTO callstream_commits (name, cursor, updated_at) VALUES ('bench', ?, '2026-07-01')"
  )
  for (const [at, pages] of history.entries()) {
    const calls = watch.calls(pages)
    database.exec("BEGIN IMMEDIATE")
    for (const call of calls) {
      insert.run(...Column.ofSession.map(({ name }) => bound(call[name])), null, observedText)
    }
    commit.run(at)
    database.exec("COMMIT")
  }
  database.close()
}

interface Field {
  readonly name: string
  readonly type: string
}

/** How a program written by hand sends calls: the rows as SQL, and the parameters in it. The next one is the version. */
interface Sending {
  readonly rows: string
  readonly params: (calls: ReadonlyArray<Call>) => ReadonlyArray<string>
}

const asJson = (fields: ReadonlyArray<Field>): Sending => {
  // A field without a value may be empty text.
  const isText = (type: string) => type === "text" || type === "jsonb"
  const values = fields.map(({ name, type }) => (isText(type) ? `"${name}"` : `NULLIF("${name}", '')::${type}`))
  const given = fields.map(({ name, type }) => `"${name}" ${isText(type) ? type : "text"}`)
  return {
    rows: `${values.join(", ")}, NULL, $2::text::timestamptz FROM jsonb_to_recordset($1::text::jsonb) AS given (${given.join(", ")})`,
    params: (calls) => [JSON.stringify(calls)]
  }
}

const asArrays = (fields: ReadonlyArray<Field>): Sending => {
  const values = fields.map(({ type }, at) =>
    type === "jsonb"
      ? `unnest(string_to_array($${at + 1}::text, chr(31), ''))::jsonb`
      : `unnest($${at + 1}::text::${type}[])`
  )
  const json = (value: unknown) => (value === null || value === undefined ? "" : JSON.stringify(value))
  const special = /["\\]/
  const literal = (value: unknown, type: string) =>
    value === null || value === undefined || (value === "" && type !== "text")
      ? "NULL"
      : typeof value !== "string"
        ? JSON.stringify(value)
        : `"${special.test(value) ? value.replace(/["\\]/g, "\\$&") : value}"`
  return {
    rows: `${values.join(", ")}, NULL, $${fields.length + 1}::text::timestamptz`,
    params: (calls) =>
      fields.map(({ name, type }) =>
        type === "jsonb"
          ? calls.map((call) => json(call[name])).join("\u001f")
          : `{${calls.map((call) => literal(call[name], type)).join(",")}}`
      )
  }
}

const throughPostgres = Effect.fnUntraced(function* (
  watch: Stopwatch,
  history: ReadonlyArray<ReadonlyArray<Buffer>>,
  connection: Connection.Connection,
  columns: ReadonlyArray<Field>,
  sending: (fields: ReadonlyArray<Field>) => Sending
) {
  const fields = columns.filter(({ name }) => name !== "extra" && name !== "observed_at")
  const names = fields.map(({ name }) => `"${name}"`).join(", ")
  const updates = fields.filter(({ name }) => name !== "id").map(({ name }) => `"${name}" = excluded."${name}", `)
  const { params, rows } = sending(fields)
  const upsert = `INSERT INTO call_sessions AS held (${names}, extra, observed_at)
SELECT ${rows}
ON CONFLICT (id) DO UPDATE SET ${updates.join("")} extra = excluded.extra, observed_at = excluded.observed_at
WHERE held.observed_at IS NULL OR excluded.observed_at >= held.observed_at`
  const commit = `INSERT INTO callstream_commits (name, cursor, updated_at) VALUES ('bench', $1::text::bigint, now())
ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor`
  for (const [at, pages] of history.entries()) {
    const calls = watch.calls(pages)
    yield* connection.executeUnprepared("BEGIN", [], undefined)
    for (let from = 0; from < size; from += 500) {
      yield* connection.execute(upsert, [...params(calls.slice(from, from + 500)), observedText], undefined)
    }
    yield* connection.execute(commit, [String(at)], undefined)
    yield* connection.executeUnprepared("COMMIT", [], undefined)
  }
})

/**
 * A class, as the items of a pipeline are. V8 learns of a literal that its objects live long, makes all of them in the old
 * generation then, and keeps what they hold until that is collected.
 */
class Item {
  readonly start = undefined
  readonly row: Call
  constructor(row: Call) {
    this.row = row
  }
  get id() {
    return this.row.id
  }
}

const through = <E, R>(
  watch: Stopwatch,
  history: ReadonlyArray<ReadonlyArray<Buffer>>,
  layer: Layer.Layer<SqlClient.SqlClient, E, R>
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const writer = yield* SqlSink.make({ keepsOffset: true }).open(SessionSink.opening())
      for (const [at, pages] of history.entries()) {
        const items = watch.calls(pages).map((row) => new Item(row))
        yield* writer.write({ items, columns: Column.ofSession, observedAt })
        yield* writer.flush(Position.of(at))
      }
      yield* writer.finish
    })
  ).pipe(Effect.provide(layer))

const main = Effect.gen(function* () {
  const history = yield* Effect.promise(() => read(process.argv[2] ?? ""))
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "callstream-bench-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  const filename = join(folder, "calls.db")
  const remove = Effect.sync(() => rmSync(filename, { force: true }))
  const layerSqlite = SqliteClient.layer({ filename })
  yield* through(stopwatch(), [], layerSqlite)
  const made = madeBy(filename)
  const sqlite = yield* compare(
    "SQLite",
    5,
    (watch) => Effect.andThen(remove, through(watch, history, layerSqlite)),
    (watch) =>
      Effect.andThen(
        remove,
        Effect.sync(() => throughSqlite(watch, history, filename, made))
      )
  )

  const server = yield* Postgres.Server.make
  const client = yield* server.client(yield* server.database(), { maxConnections: 2 })
  const layer = Layer.succeed(SqlClient.SqlClient, client)
  yield* through(stopwatch(), [], layer)
  const clear = client`TRUNCATE call_sessions, callstream_commits`
  const connection = yield* client.reserve
  const found = yield* connection.execute(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
WHERE attrelid = 'call_sessions'::regclass AND attnum > 0 ORDER BY attnum`,
    [],
    undefined
  )
  const columns = found.map(({ name, type }) => ({ name: String(name), type: String(type) }))
  const postgres = (what: string, sending: typeof asJson) =>
    compare(
      what,
      5,
      (watch) => Effect.andThen(clear, through(watch, history, layer)),
      (watch) => Effect.andThen(clear, throughPostgres(watch, history, connection, columns, sending))
    )
  return [
    sqlite,
    yield* postgres("PostgreSQL", asJson),
    yield* postgres("PostgreSQL, the driver with arrays", asArrays)
  ]
})

console.log(JSON.stringify(await Effect.runPromise(Effect.scoped(main))))
