import type { SinkError } from "@callstream/core/sink/SinkError"
import * as Position from "@callstream/core/model/Position"
import type { Committed } from "@callstream/core/model/Committed"
import * as Column from "@callstream/core/model/Column"
import * as Version from "@callstream/core/model/Version"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as SqlSink from "@callstream/core/sink/SqlSink"
import * as Transform from "@callstream/core/transform/Transform"
import * as SqliteClient from "@callstream/node/SqliteClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import { SqlClient } from "effect/sql/SqlClient"
import * as Fs from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as SinkStore from "../SinkStore.ts"
import * as SinkEpochs from "./SinkEpochs.ts"
import { assertTakenOver } from "./SinkEpochs.ts"
import { asOf, batch, observedAt, session, written } from "./SqlRows.ts"

const sinkAt = (filename: string, options: SqlSink.Options = {}) =>
  SessionSink.provide(
    SqlSink.make({ name: "calls.db", ...options }),
    SqliteClient.layer({ filename, busyTimeout: 100 })
  )

const ask = (file: string, sql: string): ReadonlyArray<Record<string, unknown>> => {
  const database = new DatabaseSync(file)
  try {
    return database
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }))
  } finally {
    database.close()
  }
}

const database = Effect.map(SinkStore.folder, (folder) => join(folder, "calls.db"))

const failing = (file: string, options: SqlSink.Options = {}) =>
  Effect.flip(written(sinkAt(file, options), (writer) => writer.write(batch([session(1)]))))

const failureOf = (error: SinkError | undefined) =>
  error?.reason._tag === "Database" ? error.reason.failure : undefined

describe("SqlSink, in SQLite", () => {
  it.live("has chosen columns and no extra, empty where they cannot hold a value, and warns once", () =>
    Effect.gen(function* () {
      const file = yield* database
      const columns = Transform.select(Transform.sessions, ["id", "costTotal", "durationSec"]).columns(Column.ofSession)
      const odd = (id: string) => ({ id, start: undefined, row: { id, costTotal: "free", durationSec: 65 } })
      const told: Array<string> = []
      const logger = Logger.make(({ message }) => void told.push(String(message)))
      yield* written(sinkAt(file), (writer) =>
        Effect.andThen(
          writer.write({ items: [odd("a")], columns, observedAt: Version.of(observedAt) }),
          writer.write({ items: [odd("b")], columns, observedAt: Version.of(observedAt) })
        )
      ).pipe(Effect.provide(Logger.layer([logger])))
      assert.deepStrictEqual(ask(file, 'SELECT * FROM "call_sessions" ORDER BY id'), [
        { id: "a", costTotal: null, durationSec: 65, observed_at: "2026-08-01T00:00:00.000000Z" },
        { id: "b", costTotal: null, durationSec: 65, observed_at: "2026-08-01T00:00:00.000000Z" }
      ])
      assert.deepStrictEqual(told, [
        "calls.db: costTotal had values that the column cannot hold: their cells are empty. Select extra, too, to keep such values there"
      ])
      // A table that has more columns, extra among them, keeps them as they are.
      yield* written(sinkAt(file), (writer) => writer.write(batch([session(1, { newField: 1 })])))
      yield* written(sinkAt(file), (writer) =>
        writer.write({ items: [odd("session-000001")], columns, observedAt: Version.of(observedAt) })
      )
      const [, , third] = ask(file, 'SELECT * FROM "call_sessions" ORDER BY id')
      assert.deepInclude(third, { id: "session-000001", costTotal: null, durationSec: 65, extra: '{"newField":1}' })
    })
  )

  it.live("has typed columns, exact costs, times that sort, and what does not fit in extra", () =>
    Effect.gen(function* () {
      const file = yield* database
      const odd = session(2, { costTotal: "free", durationSec: 65.5, newField: { a: 1 }, summary: "a\ud83db" })
      yield* written(sinkAt(file), (writer) => writer.write(batch([session(1), odd])))
      const [one, two] = ask(file, 'SELECT * FROM "call_sessions" ORDER BY id')
      assert.deepInclude(one, {
        id: "session-000001",
        startedAt: "2026-07-31T07:16:10.117605Z",
        durationSec: 65,
        costTotal: "0.1234567890123",
        metadata: '{"crm":1}',
        endedAt: null,
        extra: null,
        observed_at: "2026-08-01T00:00:00.000000Z"
      })
      assert.deepInclude(two, { costTotal: null, durationSec: null, summary: "a\ufffdb" })
      assert.deepStrictEqual(JSON.parse(String(two?.["extra"])), {
        costTotal: "free",
        durationSec: 65.5,
        newField: { a: 1 }
      })
      assert.strictEqual(Fs.statSync(file).mode & 0o777, 0o600)
      assert.isEmpty(ask(file, "SELECT name FROM sqlite_schema WHERE name = 'callstream_commits'"))
    })
  )

  it.live("recognizes the table of a finished run, and reports a table or file that is missing or replaced", () =>
    Effect.gen(function* () {
      const file = yield* database
      const sink = sinkAt(file, { keepsOffset: true })
      const left = yield* written(sink, (writer) =>
        Effect.andThen(
          writer.write(batch([session(1)])),
          Effect.tap(writer.flush(Position.of(9)), () => writer.finish)
        )
      )
      const verify = (of = sink) =>
        Effect.scoped(of.verify?.(left, SessionSink.opening()) ?? Effect.die("there is no verify"))
      yield* verify()
      yield* verify(sinkAt(file))
      const another = yield* Effect.flip(verify(asOf("another", sinkAt(file, { keepsOffset: true }))))
      assert.deepInclude(another, { operation: "verify", retryable: false })
      assert.include(another.description, "is not the one that the finished run filled")
      ask(file, "DROP TABLE call_sessions")
      const gone = yield* Effect.flip(verify())
      assert.deepInclude(gone, { operation: "verify", reason: { _tag: "TableGone" } })
      Fs.rmSync(file)
      assert.include((yield* Effect.flip(verify())).description, "gone")
    })
  )

  it.live("keeps the key of a row whose id is redacted", () =>
    Effect.gen(function* () {
      const file = yield* database
      const columns: ReadonlyArray<Column.Column> = [{ name: "id", type: "text" }]
      for (const id of [`id_${"0".repeat(32)}`, "call-[phone]-1"]) {
        yield* written<unknown, object>(sinkAt(file), (writer) =>
          writer.write({
            items: [{ id: "call-14155550123-1", start: undefined, row: { id } }],
            columns,
            observedAt: Version.of(observedAt)
          })
        )
      }
      assert.deepStrictEqual(ask(file, 'SELECT id FROM "call_sessions"'), [{ id: "call-14155550123-1" }])
    })
  )

  it.live(
    "adds columns that are new, leaves those that are not written any more, and keeps a key of its own without an id",
    () =>
      Effect.gen(function* () {
        const file = yield* database
        const text = (...names: ReadonlyArray<string>) => names.map((name): Column.Column => ({ name, type: "text" }))
        const run = (columns: ReadonlyArray<Column.Column>, row: Record<string, string>) =>
          written<unknown, object>(sinkAt(file), (writer) =>
            writer.write({ items: [{ id: "a", start: undefined, row }], columns, observedAt: Version.of(observedAt) })
          )
        yield* run(text("status", "Status", "observed_at"), { status: "s", Status: "S", observed_at: "x" })
        yield* run(text("agent"), { agent: "Ava" })
        // The key stays what it was.
        yield* run(text("id", "agent"), { id: "a", agent: "Eve" })
        assert.deepStrictEqual(ask(file, "SELECT * FROM call_sessions"), [
          {
            session_id: "a",
            status: "s",
            Status_2: "S",
            observed_at_2: "x",
            extra: null,
            observed_at: "2026-08-01T00:00:00.000000Z",
            agent: "Eve",
            id: "a"
          }
        ])
      })
  )

  it.live(
    "of two rows with one id in a batch keeps the last, and commits more than it may hold in several transactions",
    () =>
      Effect.gen(function* () {
        const file = yield* database
        const sink = sinkAt(file, { keepsOffset: true, maxPending: 2000 })
        yield* written(sink, (writer) =>
          Effect.gen(function* () {
            yield* writer.write(batch([session(1, { summary: "first" }), session(1, { summary: "last" })]))
            for (let at = 2; at < 100; at++) yield* writer.write(batch([session(at, { summary: "x".repeat(100) })]))
            assert.isAbove(ask(file, "SELECT * FROM call_sessions").length, 50)
            // The cursor stays behind.
            assert.isEmpty(ask(file, "SELECT * FROM callstream_commits"))
          })
        )
        assert.deepStrictEqual(ask(file, "SELECT summary FROM call_sessions WHERE id = 'session-000001'"), [
          { summary: "last" }
        ])
        assert.strictEqual(ask(file, "SELECT * FROM call_sessions").length, 99)
      })
  )

  it.live("refuses tables that it cannot write to, and says what to do", () =>
    Effect.gen(function* () {
      const cases = [
        ["CREATE TABLE call_sessions (id TEXT)", /has no primary key/],
        ["CREATE TABLE call_sessions (id INTEGER PRIMARY KEY)", /a column id of type INTEGER, and TEXT is needed/],
        ["CREATE TABLE call_sessions (id TEXT, n TEXT, PRIMARY KEY (id, n))", /a primary key of 2 columns/],
        [
          "CREATE TABLE call_sessions (id TEXT PRIMARY KEY, costTotal REAL)",
          /costTotal of type REAL, and TEXT is needed/
        ],
        ["CREATE TABLE call_sessions (id TEXT PRIMARY KEY, tenant TEXT NOT NULL)", /tenant that must not be empty/],
        ["CREATE TABLE call_sessions (id TEXT PRIMARY KEY, status TEXT AS (1))", /status that the database fills in/],
        ["CREATE VIEW call_sessions AS SELECT 1 AS id", /is no table/]
      ] as const
      for (const [sql, expected] of cases) {
        const file = yield* database
        const made = new DatabaseSync(file)
        made.exec(sql)
        made.close()
        const error = yield* failing(file)
        assert.match(error.message, expected)
        assert.isFalse(error.retryable)
        assert.strictEqual(error.reason._tag, "Table", sql)
      }
    })
  )

  it.live("uses a table of one's own, and does not touch what it has beyond", () =>
    Effect.gen(function* () {
      const file = yield* database
      const made = new DatabaseSync(file)
      made.exec("CREATE TABLE call_sessions (ID VARCHAR PRIMARY KEY, note TEXT, tenant TEXT NOT NULL DEFAULT 't')")
      made.exec("INSERT INTO call_sessions (ID, note) VALUES ('session-000001', 'mine')")
      made.close()
      yield* written(sinkAt(file), (writer) => writer.write(batch([session(1)])))
      assert.deepStrictEqual(ask(file, "SELECT ID, note, tenant, durationSec FROM call_sessions"), [
        { ID: "session-000001", note: "mine", tenant: "t", durationSec: 65 }
      ])
    })
  )

  it.live("reports a locked database, which may pass, and writes when it is free", () =>
    Effect.gen(function* () {
      const file = yield* database
      const other = new DatabaseSync(file)
      const writing = sinkAt(file, { keepsOffset: true })
      yield* written(writing, (writer) =>
        Effect.gen(function* () {
          yield* writer.write(batch([session(1)]))
          other.exec("BEGIN IMMEDIATE")
          yield* writer.write(batch([session(2)]))
          const told = yield* Effect.result(writer.flush(Position.of(1)))
          const error = told._tag === "Failure" ? told.failure : undefined
          assert.deepInclude(error, { retryable: true, operation: "flush" })
          assert.deepInclude(failureOf(error), { problem: "Locked", code: "SQLITE_BUSY" })
          assert.include(error?.message, "the database is locked by another process")
          other.exec("COMMIT")
        })
      )
      other.close()
      assert.deepStrictEqual(ask(file, "SELECT count(*) AS n FROM call_sessions"), [{ n: 2 }])
    })
  )

  it.live("lets others read at any time: whole commits, each with its cursor", () =>
    Effect.gen(function* () {
      const file = yield* database
      const seen = new Set<string>()
      yield* written(sinkAt(file, { keepsOffset: true }), (writer) =>
        Effect.gen(function* () {
          yield* writer.write(batch([]))
          const reader = new DatabaseSync(file)
          const look = reader.prepare(
            "SELECT (SELECT count(*) FROM call_sessions) AS rows, (SELECT cursor FROM callstream_commits) AS cursor"
          )
          for (let at = 0; at < 30; at++) {
            yield* writer.write(batch([session(3 * at), session(3 * at + 1), session(3 * at + 2)]))
            seen.add(JSON.stringify(look.get()))
            if (at % 5 === 4) yield* writer.flush(Position.of(3 * at + 3))
            seen.add(JSON.stringify(look.get()))
          }
          reader.close()
        })
      )
      assert.deepStrictEqual(
        [...seen],
        [{ rows: 0, cursor: null }, ...[15, 30, 45, 60, 75, 90].map((n) => ({ rows: n, cursor: n }))].map((row) =>
          JSON.stringify(row)
        )
      )
    })
  )

  it.live("reports a full disk, which may pass, and loses nothing", () =>
    Effect.gen(function* () {
      const file = yield* database
      const rows = Array.from({ length: 200 }, (_, at) => session(at, { summary: "x".repeat(2000) }))
      const client = SqliteClient.layer({ filename: file })
      yield* Effect.gen(function* () {
        const connection = yield* SqlClient
        const writer = yield* SqlSink.make({ name: "calls.db", keepsOffset: true }).open(SessionSink.opening())
        yield* writer.write(batch(rows))
        yield* connection`PRAGMA max_page_count = 40`
        const error = yield* Effect.flip(writer.flush(Position.of(1)))
        assert.isTrue(error.retryable)
        assert.deepInclude(failureOf(error), { problem: "DiskFull", code: "SQLITE_FULL" })
        assert.include(error.message, "the disk is full")
        assert.deepStrictEqual(ask(file, "SELECT count(*) AS n FROM call_sessions"), [{ n: 0 }])
        yield* connection`PRAGMA max_page_count = 4000`
        yield* writer.flush(Position.of(1))
      }).pipe(Effect.scoped, Effect.provide(client))
      assert.deepStrictEqual(ask(file, "SELECT count(*) AS n FROM call_sessions"), [{ n: 200 }])
    })
  )

  it.live("reports what is no database, a missing folder, a folder, and a constraint, without a value", () =>
    Effect.gen(function* () {
      const folder = yield* SinkStore.folder
      const file = join(folder, "text.db")
      Fs.writeFileSync(file, "this is no database, it is a text that somebody keeps here".repeat(20))
      const told = [
        [file, /no SQLite database \(SQLITE_NOTADB\)/],
        [join(folder, "no", "calls.db"), /is not there \(ENOENT\)/],
        [folder, /it is a folder \(EISDIR\)/]
      ] as const
      for (const [path, expected] of told) {
        const error = yield* failing(path)
        assert.match(error.message, expected)
        assert.deepInclude(error, { operation: "open", retryable: false })
      }
      const own = join(folder, "own.db")
      const made = new DatabaseSync(own)
      made.exec("CREATE TABLE call_sessions (id TEXT PRIMARY KEY, durationSec INTEGER CHECK (durationSec < 10))")
      made.close()
      const error = yield* failing(own)
      assert.deepInclude(error, { operation: "flush", retryable: false })
      assert.deepStrictEqual(failureOf(error), { _tag: "Row", problem: "Check", code: "SQLITE_CONSTRAINT_CHECK" })
      assert.notInclude(JSON.stringify(error), "65")
      const indexed = join(folder, "indexed.db")
      const other = new DatabaseSync(indexed)
      other.exec("CREATE TABLE call_sessions (id TEXT PRIMARY KEY, durationSec INTEGER UNIQUE)")
      other.close()
      const duplicate = yield* Effect.flip(
        written(sinkAt(indexed), (writer) => writer.write(batch([session(1), session(2)])))
      )
      assert.deepStrictEqual(failureOf(duplicate), {
        _tag: "Row",
        problem: "Duplicate",
        code: "SQLITE_CONSTRAINT_UNIQUE",
        column: "call_sessions.durationSec"
      })
    })
  )

  it.live("refuses rows whose key would not be the session's id", () =>
    Effect.gen(function* () {
      const file = yield* database
      const error = yield* Effect.flip(
        written(sinkAt(file), (writer) =>
          writer.write({
            items: [{ id: "a", start: undefined, row: { id: "+15550001" } }],
            columns: [{ name: "id", type: "text" }],
            observedAt: Version.of(observedAt)
          })
        )
      )
      assert.include(error.message, "the column id of the rows is not the call's id")
      assert.notInclude(JSON.stringify(error), "1555")
    })
  )

  it.live("starts again when the table was removed, or when a finished run has no checkpoint any more", () =>
    Effect.gen(function* () {
      const file = yield* database
      const sink = sinkAt(file, { keepsOffset: true })
      const standing = (from: Option.Option<Committed>) =>
        Effect.scoped(
          Effect.map(sink.open(SessionSink.opening(from)), ({ committed }) => Option.getOrUndefined(committed)?.at)
        )
      yield* Effect.scoped(
        Effect.gen(function* () {
          const writer = yield* sink.open(SessionSink.opening())
          yield* writer.write(batch([session(1)]))
          yield* writer.flush(Position.of(7))
          yield* writer.write(batch([session(2)]))
        })
      )
      // The process ended before its checkpoint was written.
      assert.strictEqual(yield* standing(Option.none()), Position.of(7))
      assert.strictEqual(yield* standing(Option.some({ at: Position.of(3), note: null })), Position.of(7))
      yield* written(sink, (writer) => writer.write(batch([session(2)])))
      assert.isUndefined(yield* standing(Option.none()))
      assert.strictEqual(yield* standing(Option.some({ at: Position.of(7), note: null })), "end")
      const other = new DatabaseSync(file)
      other.exec("DROP TABLE call_sessions")
      other.close()
      assert.isUndefined(yield* standing(Option.some({ at: Position.of(7), note: null })))
    })
  )

  const epochs = Effect.map(database, (file): SinkEpochs.Database => ({
    sink: (options) => sinkAt(file, { name: "calls", ...options }),
    ask: (text) => Effect.sync(() => ask(file, text))
  }))

  it.live("takes nothing more from a run that another one took over", () =>
    Effect.flatMap(epochs, (one) => assertTakenOver(one))
  )

  it.live("takes rows from the highest epoch only, however runs interleave", () =>
    Effect.gen(function* () {
      let fenced = 0
      for (let seed = 1; seed <= 12; seed++) {
        fenced += yield* Effect.scoped(Effect.flatMap(epochs, (one) => SinkEpochs.assertInterleaved(one, seed)))
      }
      assert.isAbove(fenced, 30)
    })
  )

  it.live("adds the epoch to a table of commits that has none, and keeps its cursors", () =>
    Effect.gen(function* () {
      const one = yield* epochs
      yield* Effect.scoped(Effect.flatMap(SinkEpochs.open(one, 1), (writer) => writer.flush(Position.of(5))))
      yield* one.ask("ALTER TABLE callstream_commits DROP COLUMN epoch")
      const writer = yield* SinkEpochs.open(one, 3)
      // The table of calls was never made, so its cursor means nothing.
      assert.deepStrictEqual(writer.committed, Option.none())
      yield* writer.write(batch([session(1)]))
      yield* writer.flush(Position.of(6))
      yield* one.ask("ALTER TABLE callstream_commits DROP COLUMN epoch")
      const next = yield* SinkEpochs.open(one, 4)
      assert.deepStrictEqual(next.committed, Option.some({ at: Position.of(6), note: null }))
      assert.deepStrictEqual(yield* one.ask("SELECT epoch FROM callstream_commits"), [{ epoch: 4 }])
    })
  )
})
