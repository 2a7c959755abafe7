import { ProcessOwner as Owner } from "@callstream/core/checkpoint/ProcessOwner"
import { Ledger } from "@callstream/core/sync/Ledger"
import * as SqlLedger from "@callstream/core/sync/SqlLedger"
import * as NodeProcessOwner from "@callstream/node/NodeProcessOwner"
import * as SqliteClient from "@callstream/node/SqliteClient"
import type { Fingerprint } from "@callstream/core/model/Fingerprint"
import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { statSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as Laws from "../../../core/test/sync/LedgerLaws.ts"
import { assertHistory, assertLeases } from "../../../core/test/sync/LedgerLaws.ts"
import { random } from "../../../core/test/sync/SyncRandom.ts"
import * as Postgres from "../postgres/PostgresServer.ts"
import * as SinkStore from "../SinkStore.ts"
import * as DatabaseFaults from "./DatabaseFaults.ts"

const ledgers = (client: Layer.Layer<SqlClient.SqlClient, SqlError>) =>
  SqlLedger.layer({ name: "the database", client }).pipe(Layer.provide(NodeProcessOwner.layer))

const over =
  (client: Layer.Layer<SqlClient.SqlClient, SqlError>): Laws.Open =>
  (name, fingerprint) =>
    Ledger.use((ledger) => ledger.open(name, fingerprint)).pipe(Effect.provide(ledgers(client)))

const reading =
  (client: Layer.Layer<SqlClient.SqlClient, SqlError>): Laws.Read =>
  (name) =>
    Ledger.use((ledger) => ledger.view(name)).pipe(Effect.provide(ledgers(client)))

/** Each question on a connection of its own, as from several processes. */
const assertAsked = (client: Layer.Layer<SqlClient.SqlClient, SqlError>) =>
  Effect.flatMap(Ledger, Laws.assertAsked).pipe(Effect.provide(ledgers(client)))

const inFile: Effect.Effect<string, never, Scope.Scope> = Effect.map(SinkStore.folder, (folder) =>
  join(folder, "state.db")
)
const sqlite = (filename: string) => over(SqliteClient.layer({ filename }))

const ask = (file: string, sql: string, ...params: ReadonlyArray<string>) =>
  Effect.sync(() => {
    const database = new DatabaseSync(file)
    const rows = database.prepare(sql).all(...params)
    database.close()
    return rows.map((row) => ({ ...row }))
  })

/** A call that changes moves from the table of pages to that of calls: who looks meanwhile sees it once. */
const assertView = (open: Laws.Open, read: Laws.Read, name: string) =>
  Effect.gen(function* () {
    const source = random(5)
    const ids = [Laws.uuid(source), Laws.uuid(source), Laws.uuid(source)]
    const lease = yield* open(name, {})
    yield* lease.note({ state: null, head: 3, entries: [], fresh: Laws.newPage(source, ids, 1) })
    const view = yield* read(name)
    assert(view !== undefined)
    const seen = Effect.gen(function* () {
      const all = yield* Stream.runCollect(view.all)
      const found = yield* view.byId(ids)
      const counted = yield* view.count({ from: 0, to: 1e18 })
      const changed = yield* view.changedAfter(0, 10)
      return [all.length, counted, changed.length, ...ids.map((id) => found.get(id)?.changed)]
    })
    const before = yield* seen
    assert.deepStrictEqual(before, [3, 3, 3, 1, 2, 3])
    const [entry] = yield* lease.between({ from: 0, to: 1e18 })
    assert(entry !== undefined)
    yield* lease.note({ state: null, head: 4, entries: [{ ...entry, changed: 4 }] })
    assert.deepStrictEqual(yield* seen, before)
    assert.strictEqual((yield* lease.byId([entry.id])).get(entry.id)?.changed, 4)
  }).pipe(Effect.scoped)

describe("SqlLedger, in SQLite", () => {
  it.live("who looks while a run writes sees one state", () =>
    Effect.flatMap(inFile, (filename) =>
      assertView(sqlite(filename), reading(SqliteClient.layer({ filename })), "calls")
    )
  )

  it.live("answers as a list of entries does, over 4 histories and several leases each", () =>
    Effect.gen(function* () {
      const filename = yield* inFile
      for (let seed = 1; seed <= 4; seed++) yield* assertHistory(sqlite(filename), `history ${seed}`, seed)
    })
  )

  it.live("is held by one run at a time, and refused to another sync", () =>
    Effect.flatMap(inFile, (filename) => assertLeases(sqlite(filename), reading(SqliteClient.layer({ filename }))))
  )

  it.live("a ledger from a newer version, and one that was changed by hand, is refused and left as it is", () =>
    Effect.gen(function* () {
      const filename = yield* inFile
      const open = Effect.scoped(sqlite(filename)("calls", {}))
      yield* open
      const reason = (error: { readonly reason: { readonly _tag: string } }) => error.reason._tag
      yield* ask(filename, "UPDATE callstream_ledger_schema SET version = 9")
      const newer = yield* Effect.flip(open)
      assert.deepStrictEqual(newer.reason, { _tag: "Newer", name: "calls", version: 9, known: 2 })
      yield* ask(filename, "UPDATE callstream_ledger_schema SET version = 2")
      yield* ask(filename, `UPDATE callstream_ledgers SET state = replace(state, '"version":1', '"version":2')`)
      assert.strictEqual(reason(yield* Effect.flip(open)), "Newer")
      yield* ask(filename, "UPDATE callstream_ledgers SET state = '{}'")
      assert.strictEqual(reason(yield* Effect.flip(open)), "Torn")
      assert.deepStrictEqual(yield* ask(filename, "SELECT state FROM callstream_ledgers"), [{ state: "{}" }])
    })
  )

  it.live("a page that is damaged is said to be, by whatever asks for it", () =>
    Effect.gen(function* () {
      const source = random(1)
      const ids = [Laws.uuid(source), Laws.uuid(source)]
      const damages = [
        "records = substr(records, 1, length(records) - 20)",
        "records = substr(records, 1, length(records) - 66)",
        "records = x''",
        "ids = substr(ids, 1, 20)",
        "ids = substr(ids, 1, 16)",
        "ids = x''"
      ]
      for (const damage of damages) {
        const filename = yield* inFile
        const found = yield* Effect.scoped(
          Effect.gen(function* () {
            const { note } = yield* sqlite(filename)("calls", {})
            yield* note({ state: null, head: 2, entries: [], fresh: Laws.newPage(source, ids, 1) })
            yield* ask(filename, `UPDATE callstream_ledger_pages SET ${damage}`)
            const view = yield* reading(SqliteClient.layer({ filename }))("calls")
            assert.isDefined(view)
            return yield* Effect.all([
              Effect.flip(view.changedAfter(0, 10)),
              Effect.flip(Stream.runDrain(view.all)),
              Effect.flip(view.between({ from: 0, to: 1e18 })),
              Effect.flip(view.byId(ids))
            ])
          })
        )
        for (const error of found) assert.strictEqual(error.reason._tag, "Torn", damage)
      }
    })
  )

  it.live("what is damaged is left out by a restart, which has its range read again", () =>
    Effect.gen(function* () {
      const second = 1_000_000
      const source = random(2)
      const uuids = (count: number) => Array.from({ length: count }, () => Laws.uuid(source))
      const damages = [
        ["pages", "records = x''"],
        ["pages", "ids = substr(ids, 1, 20)"],
        ["pages", "ids = 7"],
        ["calls", "facts = x''"],
        ["calls", "facts = 'text'"]
      ] as const
      for (const [table, damage] of damages) {
        const filename = yield* inFile
        yield* Effect.scoped(
          Effect.gen(function* () {
            const lease = yield* sqlite(filename)("calls", {})
            const pages = [Laws.newPage(source, uuids(3), 1), Laws.newPage(source, uuids(3), 4)]
            for (const fresh of pages) {
              yield* lease.note({ state: null, head: fresh.first + 2, entries: [], fresh })
            }
            const entries = [7, 8].map((n) => ({ ...Laws.entryOf(source, Laws.uuid(source), n), start: n * second }))
            yield* lease.note({ state: null, head: 8, entries })
            const where = table === "pages" ? "first = 1" : "changed = 7"
            yield* ask(filename, `UPDATE callstream_ledger_${table} SET ${damage} WHERE ${where}`)
            assert.strictEqual((yield* Effect.flip(lease.changedAfter(0, 10))).reason._tag, "Torn")
            const logs: Array<string> = []
            const logger = Logger.make(({ message }) => void logs.push(String(message)))
            yield* lease.restart().pipe(Effect.provide(Logger.layer([logger])))
            const lost = table === "pages" ? [1, 2, 3] : [7]
            const left = [1, 2, 3, 4, 5, 6, 7, 8].filter((one) => !lost.includes(one))
            const found = yield* lease.changedAfter(0, 10)
            assert.deepStrictEqual(
              found.map(({ changed }) => changed),
              left
            )
            assert.match(logs.join(), new RegExp(`^calls: ${lost.length} calls? in the ledger could not be read`))
            const [asked] = yield* lease.asked
            const starts = table === "pages" ? [0, 1, 2].map((i) => pages[0]?.startAt(i) ?? 0) : [7 * second]
            assert.isAtMost(asked?.from ?? Infinity, Math.min(...starts))
            assert.isAbove(asked?.to ?? 0, Math.max(...starts))
            yield* lease.restart()
            assert.lengthOf(yield* lease.asked, 1)
          })
        )
      }
    })
  )

  it.live(
    "a row that is damaged is replaced by a restart, with all calls of that ledger, and no other is touched",
    () =>
      Effect.gen(function* () {
        const source = random(3)
        const uuids = (count: number) => Array.from({ length: count }, () => Laws.uuid(source))
        for (const damage of [
          "'{}'",
          "''",
          "substr(state, 1, length(state) - 9)",
          `replace(state, '"number"', '"nummer"')`
        ]) {
          const filename = yield* inFile
          const open = (name: string, fingerprint: Fingerprint | undefined = {}) => sqlite(filename)(name, fingerprint)
          for (const name of ["before", "calls", "later"]) {
            yield* Effect.scoped(
              Effect.flatMap(open(name), (lease) =>
                Effect.andThen(
                  lease.note({ state: null, head: 3, entries: [], fresh: Laws.newPage(source, uuids(3), 1) }),
                  lease.note({ state: null, head: 4, entries: [Laws.entryOf(source, Laws.uuid(source), 4)] })
                )
              )
            )
          }
          yield* ask(filename, `UPDATE callstream_ledgers SET state = ${damage} WHERE name = 'calls'`)
          const torn = { _tag: "Torn", name: "calls", damaged: "state" } as const
          assert.deepStrictEqual((yield* Effect.flip(Effect.scoped(open("calls")))).reason, torn)
          yield* Effect.scoped(Effect.flatMap(sqlite(filename)("calls", undefined), ({ restart }) => restart({})))
          const left: Array<number> = []
          for (const name of ["before", "calls", "later"]) {
            left.push(
              yield* Effect.scoped(
                Effect.map(
                  Effect.flatMap(open(name), (one) => one.changedAfter(0, 9)),
                  (all) => all.length
                )
              )
            )
          }
          assert.deepStrictEqual(left, [4, 0, 4], damage)
          const [{ calls } = { calls: undefined }] = yield* ask(
            filename,
            "SELECT count(*) AS calls FROM callstream_ledger_calls"
          )
          assert.strictEqual(calls, 2, damage)
        }
      })
  )

  it.live("tables of version 0, which there are before the first ledger, become those of version 2 once", () =>
    Effect.gen(function* () {
      const filename = yield* inFile
      yield* ask(filename, "CREATE TABLE callstream_ledger_schema (version integer NOT NULL)")
      for (const name of ["a", "b", "a"]) yield* Effect.scoped(sqlite(filename)(name, {}))
      assert.deepStrictEqual(yield* ask(filename, "SELECT version FROM callstream_ledger_schema"), [{ version: 2 }])
    })
  )

  it.live("tables of version 1 keep what they hold", () =>
    Effect.gen(function* () {
      const filename = yield* inFile
      const open = sqlite(filename)("calls", {})
      const entries = [Laws.entryOf(random(1), "a", 1)]
      yield* Effect.scoped(Effect.flatMap(open, ({ note }) => note({ state: null, head: 1, entries })))
      yield* ask(filename, "DROP TABLE callstream_ledger_asked")
      yield* ask(filename, "UPDATE callstream_ledger_schema SET version = 1")
      const found = yield* Effect.scoped(Effect.flatMap(open, ({ byId }) => byId(["a"])))
      assert.strictEqual(found.size, 1)
      assert.deepStrictEqual(yield* ask(filename, "SELECT name FROM callstream_ledger_asked"), [])
    })
  )

  it.live("keeps ranges that were asked for", () =>
    Effect.flatMap(inFile, (filename) => assertAsked(SqliteClient.layer({ filename })))
  )

  it.live("is not written to by a run that another one took over from: neither calls nor state", () =>
    Effect.gen(function* () {
      const filename = yield* inFile
      yield* Effect.scoped(
        Effect.gen(function* () {
          const lease = yield* sqlite(filename)("calls", {})
          yield* ask(filename, "UPDATE callstream_ledgers SET holder = 'another'")
          const entries = [Laws.entryOf(random(1), "a", 1)]
          for (const write of [
            lease.note({ state: null, head: 1, entries }),
            lease.acknowledge("one", 1),
            lease.forget(Number.MAX_SAFE_INTEGER, 9999)
          ]) {
            const { reason } = yield* Effect.flip(write)
            assert.deepInclude(reason, { _tag: "Store" })
            assert.include(JSON.stringify(reason), "Fenced")
          }
          assert.deepStrictEqual(yield* ask(filename, "SELECT count(*) AS n FROM callstream_ledger_calls"), [{ n: 0 }])
        })
      )
    })
  )

  it.live("a note that is interrupted at any statement by a lost connection is made again, whole", () =>
    Effect.gen(function* () {
      const filename = yield* inFile
      const faults = DatabaseFaults.make("sqlite")
      const client = Layer.effect(SqlClient.SqlClient, Effect.map(SqlClient.SqlClient, faults.over)).pipe(
        Layer.provide(SqliteClient.layer({ filename }))
      )
      const entries = Array.from({ length: 550 }, (_, i) => Laws.entryOf(random(i), `call ${i}`, i + 1))
      yield* Effect.scoped(
        Effect.gen(function* () {
          const lease = yield* over(client)("calls", {})
          const before = faults.count()
          for (let skip = 0; ; skip++) {
            faults.fail({ skip, times: 1, kind: "lost" })
            const result = yield* Effect.result(lease.note({ state: { skip }, head: 550, entries }))
            faults.fail({ times: 0 })
            // Every failure that passes is tried again: the note is whole in the end.
            assert.strictEqual(result._tag, "Success")
            const [row] = yield* ask(filename, "SELECT count(*) AS n FROM callstream_ledger_calls")
            assert.deepStrictEqual(row, { n: 550 })
            yield* lease.forget(Number.MAX_SAFE_INTEGER, 9999)
            if (skip > 4) break
          }
          assert.isAbove(faults.count() - before, 30)
        })
      )
    })
  )

  it.live("takes less than 200 bytes a call", () =>
    Effect.gen(function* () {
      const filename = yield* inFile
      const calls = 5000
      yield* Effect.scoped(
        Effect.gen(function* () {
          const lease = yield* sqlite(filename)("calls", {})
          for (let part = 0; part < calls / 1000; part++) {
            const entries = Array.from({ length: 1000 }, (_, i) => {
              const n = 1000 * part + i
              const id = `${(0x0197_0000_0000 + n)
                .toString(16)
                .padStart(12, "0")
                .replace(/^(.{8})/, "$1-")}-7000-8000-${n.toString(16).padStart(12, "0")}`
              return { ...Laws.entryOf(random(n), id, n + 1), doubted: undefined, due: undefined }
            })
            yield* lease.note({ state: null, head: 1000 * (part + 1), entries })
          }
        })
      )
      assert.isBelow(statSync(filename).size / calls, 200)
    })
  )

  it.effect("names the process that holds it", () =>
    Effect.gen(function* () {
      const filename = yield* inFile
      const { self } = yield* Owner.pipe(Effect.provide(NodeProcessOwner.layer))
      yield* sqlite(filename)("calls", {})
      const error = yield* Effect.flip(Effect.scoped(sqlite(filename)("calls", {})))
      assert.include(error.message, `process ${self.pid}`)
    })
  )
})

describe.skipIf(Postgres.missing)(`SqlLedger, in PostgreSQL${Postgres.reason}`, () => {
  layer(Postgres.Server.layer, { excludeTestServices: true, timeout: "60 seconds" })((it) => {
    const opened = Effect.gen(function* () {
      const server = yield* Postgres.Server
      const name = yield* server.database()
      const sql = yield* server.client(name, { maxConnections: 1 })
      const client = Layer.effect(SqlClient.SqlClient, server.client(name, { maxConnections: 2 }))
      const cut = sql.unsafe(
        `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '${name}' AND pid <> pg_backend_pid()`
      )
      return { client, cut, open: over(client), read: reading(client), sql }
    })

    it.effect("answers as a list of entries does, over 2 histories and several leases each", () =>
      Effect.gen(function* () {
        const { open } = yield* opened
        for (let seed = 1; seed <= 2; seed++) yield* assertHistory(open, `history ${seed}`, seed)
      })
    )

    it.effect("is held by one run at a time, and refused to another sync", () =>
      Effect.flatMap(opened, ({ open, read }) => assertLeases(open, read))
    )

    it.effect("who looks while a run writes sees one state", () =>
      Effect.flatMap(opened, ({ client, open }) => assertView(open, reading(client), "calls"))
    )

    it.effect("keeps ranges that were asked for", () => Effect.flatMap(opened, ({ client }) => assertAsked(client)))

    it.effect(
      "a note is made on another connection when one was cut off, and not once another run has the ledger",
      () =>
        Effect.gen(function* () {
          const { cut, open, sql } = yield* opened
          yield* Effect.scoped(
            Effect.gen(function* () {
              const lease = yield* open("calls", {})
              const entries = [Laws.entryOf(random(1), "a", 1)]
              yield* cut
              yield* lease.note({ state: null, head: 1, entries })
              yield* sql`UPDATE callstream_ledgers SET holder = 'another'`
              assert.strictEqual(
                (yield* Effect.flip(lease.note({ state: null, head: 2, entries }))).reason._tag,
                "Store"
              )
            })
          )
        })
    )

    it.effect("is made by one of two runs that begin at the same time, each with a number of its own", () =>
      Effect.gen(function* () {
        const { open, sql } = yield* opened
        yield* Effect.forEach(["a", "b", "c"], (name) => Effect.scoped(open(name, {})), { concurrency: "unbounded" })
        const rows = yield* sql<{ state: string }>`SELECT state FROM callstream_ledgers`
        const numbers = rows.map(({ state }) => JSON.parse(state).number)
        assert.sameMembers(numbers, [1, 2, 3])
      })
    )
  })
})
