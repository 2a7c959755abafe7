import * as Position from "@callstream/core/model/Position"
import { Checkpoint, type State } from "@callstream/core/checkpoint/Checkpoint"
import type { CheckpointError } from "@callstream/core/checkpoint/CheckpointError"
import { ProcessOwner as Owner } from "@callstream/core/checkpoint/ProcessOwner"
import * as SqlCheckpoint from "@callstream/core/checkpoint/SqlCheckpoint"
import * as NodeProcessOwner from "@callstream/node/NodeProcessOwner"
import * as SqliteClient from "@callstream/node/SqliteClient"
import * as Version from "@callstream/core/model/Version"
import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { assertLaterWins } from "../../../core/test/checkpoint/EpochLaws.ts"
import * as Runs from "../../../core/test/checkpoint/Runs.ts"
import * as Postgres from "../postgres/PostgresServer.ts"
import * as SinkStore from "../SinkStore.ts"

const fingerprint = { filters: "status=completed" }
const state: State = {
  version: 2,
  fingerprint,
  sinks: { calls: { at: Position.of(7), note: { length: 3 } } },
  finished: false,
  source: { from: 1 }
}

const over = (client: Layer.Layer<SqlClient.SqlClient, SqlError>) => {
  const checkpoints = SqlCheckpoint.layer({ name: "the database", client }).pipe(Layer.provide(NodeProcessOwner.layer))
  return (pipeline = "night'ly", asked: Record<string, string> = fingerprint) =>
    Checkpoint.use((checkpoint) => checkpoint.open(pipeline, asked)).pipe(Effect.provide(checkpoints))
}
type Open = ReturnType<typeof over>

const assertLaws = Effect.fnUntraced(function* (open: Open) {
  const first = yield* Effect.scoped(
    Effect.gen(function* () {
      const lease = yield* open()
      const other = yield* Effect.flip(Effect.scoped(open()))
      assert.strictEqual(other.reason._tag, "Held")
      assert.match(other.message, /^the pipeline night'ly is running already: process \d+ on .*, since 20/)
      // Another pipeline has a row of its own.
      yield* Effect.scoped(open("weekly"))
      yield* lease.commit(state)
      yield* lease.commit({ ...state, finished: true })
      return lease.state
    })
  )
  assert.isTrue(Option.isNone(first))
  assert.deepStrictEqual(yield* Effect.scoped(Effect.map(open(), (lease) => Option.getOrUndefined(lease.state))), {
    ...state,
    finished: true
  })
  const different = yield* Effect.flip(Effect.scoped(open("night'ly", { filters: "none" })))
  assert.strictEqual(different.reason._tag, "Different")
  assert.include(different.message, "belongs to another pipeline: filters differs")
  // One that was refused is not held. A state in which no sink has anything belongs to no pipeline.
  const lastVersion = Version.of(1_785_482_170_117_605)
  yield* Effect.scoped(Effect.flatMap(open(), (lease) => lease.commit({ ...state, sinks: {}, lastVersion })))
  const taken = yield* Effect.scoped(open("night'ly", { filters: "none" }))
  assert.strictEqual(Option.getOrUndefined(taken.state)?.lastVersion, lastVersion)
})

/** Another run took the row over, which this one does not notice until it commits. */
const assertFenced = Effect.fnUntraced(function* (
  open: Open,
  steal: Effect.Effect<unknown, unknown>,
  read: Effect.Effect<unknown, unknown>
) {
  yield* Effect.scoped(
    Effect.gen(function* () {
      const lease = yield* open()
      yield* lease.commit(state)
      yield* steal
      const before = yield* read
      const error: CheckpointError = yield* Effect.flip(lease.commit({ ...state, finished: true }))
      assert.strictEqual(error.reason._tag, "Fenced")
      assert.deepStrictEqual(yield* read, before)
    })
  )
})

const ask = (file: string, sql: string, ...params: ReadonlyArray<string>) =>
  Effect.sync(() => {
    const database = new DatabaseSync(file)
    const rows = database.prepare(sql).all(...params)
    database.close()
    return rows.map((row) => ({ ...row }))
  })

describe("SqlCheckpoint, in SQLite", () => {
  const database: Effect.Effect<string, never, Scope.Scope> = Effect.map(SinkStore.folder, (folder) =>
    join(folder, "state.db")
  )
  it.live("is held by one run at a time, keeps what was committed, and is refused to others", () =>
    Effect.flatMap(database, (filename) => assertLaws(over(SqliteClient.layer({ filename }))))
  )

  it.live("waits for a database that is down for a moment", () =>
    Effect.gen(function* () {
      const filename = yield* database
      let refused = 0
      const down = new SqlError({
        reason: new ConnectionError({ cause: Object.assign(new Error("down"), { code: "ECONNREFUSED" }) })
      })
      const client = Layer.unwrap(
        Effect.suspend(() => (refused++ < 2 ? Effect.fail(down) : Effect.succeed(SqliteClient.layer({ filename }))))
      )
      yield* Effect.scoped(over(client)())
      assert.strictEqual(refused, 3)
    })
  )

  it.live("is not written to by a run that another one took over from", () =>
    Effect.flatMap(database, (filename) =>
      assertFenced(
        over(SqliteClient.layer({ filename })),
        ask(filename, "UPDATE callstream_checkpoints SET holder = 'another', epoch = epoch + 1"),
        ask(filename, "SELECT * FROM callstream_checkpoints")
      )
    )
  )

  it.live("is taken over from a process that has ended, and not from one of another machine", () =>
    Effect.gen(function* () {
      const filename = yield* database
      const open = over(SqliteClient.layer({ filename }))
      const { self } = yield* Owner.pipe(Effect.provide(NodeProcessOwner.layer))
      const held = (changes: object) => {
        const holder = { lease: "a", since: "2026-01-01T00:00:00Z", ...self, ...changes }
        return ask(filename, "UPDATE callstream_checkpoints SET holder = ?", JSON.stringify(holder))
      }
      yield* Effect.scoped(Effect.flatMap(open(), (lease) => lease.commit(state)))
      // Beyond what a system gives to a process.
      yield* held({ pid: 0x7fff_fffe })
      assert.isTrue(Option.isSome((yield* Effect.scoped(open())).state))
      yield* held({ host: "elsewhere", pid: 7 })
      const error = yield* Effect.flip(Effect.scoped(open()))
      assert.include(error.message, "process 7 on elsewhere")
      assert.deepInclude(error.reason._tag === "Held" ? error.reason.held : undefined, {
        _tag: "Elsewhere",
        place: { _tag: "Row", table: "callstream_checkpoints", name: "night'ly" }
      })
    })
  )

  it.live("saves nothing more of a run that another one took over from, however runs interleave", () =>
    Effect.gen(function* () {
      let fenced = 0
      for (let seed = 1; seed <= 5; seed++) {
        const filename = yield* database
        const ended = new Set<number>()
        const open = (pid: number) =>
          Checkpoint.use((checkpoint) => checkpoint.open("calls", Runs.fingerprint)).pipe(
            Effect.provide(SqlCheckpoint.layer({ name: "the database", client: SqliteClient.layer({ filename }) })),
            Effect.provideService(Owner, {
              self: { host: "here", pid },
              judge: (owner) => Effect.sync(() => (ended.has(owner.pid) ? "gone" : "alive"))
            })
          )
        const freeze = (pid: number) => Effect.sync(() => void ended.add(pid))
        fenced += yield* assertLaterWins({ open, freeze, thawed: "kept" }, seed)
      }
      assert.isAbove(fenced, 5)
    })
  )

  it.live("adds the epoch to a table that has none", () =>
    Effect.gen(function* () {
      const filename = yield* database
      const open = over(SqliteClient.layer({ filename }))
      yield* Effect.scoped(Effect.flatMap(open(), (lease) => lease.commit(state)))
      yield* ask(filename, "ALTER TABLE callstream_checkpoints DROP COLUMN epoch")
      yield* Effect.scoped(Effect.flatMap(open(), (lease) => lease.commit({ ...state, finished: true })))
      assert.strictEqual(Option.getOrUndefined((yield* Effect.scoped(open())).state)?.finished, true)
    })
  )

  it.live("that was changed by hand is refused", () =>
    Effect.gen(function* () {
      const filename = yield* database
      const open = over(SqliteClient.layer({ filename }))
      yield* Effect.scoped(Effect.flatMap(open(), (lease) => lease.commit(state)))
      yield* ask(filename, "UPDATE callstream_checkpoints SET state = replace(state, '7', '8')")
      const error = yield* Effect.flip(Effect.scoped(open()))
      assert.strictEqual(error.reason._tag, "Torn")
    })
  )
})

describe.skipIf(Postgres.missing)(`SqlCheckpoint, in PostgreSQL${Postgres.reason}`, () => {
  layer(Postgres.Server.layer, { excludeTestServices: true })((it) => {
    const opened = Effect.gen(function* () {
      const server = yield* Postgres.Server
      const name = yield* server.database()
      const sql = yield* server.client(name, { maxConnections: 1 })
      const open = over(Layer.effect(SqlClient.SqlClient, server.client(name, { maxConnections: 2 })))
      const cut = sql.unsafe(
        `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '${name}' AND pid <> pg_backend_pid()`
      )
      return { cut, open, sql }
    })

    it.effect("is held by one run at a time, keeps what was committed, and is refused to others", () =>
      Effect.flatMap(opened, ({ open }) => assertLaws(open))
    )

    it.effect("is not written to by a run that another one took over from", () =>
      Effect.flatMap(opened, ({ open, sql }) =>
        assertFenced(
          open,
          sql`UPDATE callstream_checkpoints SET holder = 'another', epoch = epoch + 1`,
          sql`SELECT * FROM callstream_checkpoints`
        )
      )
    )

    it.effect("is committed on another connection when one was cut off, and taken over at once when its run was", () =>
      Effect.gen(function* () {
        const { cut, open } = yield* opened
        yield* Effect.scoped(
          Effect.gen(function* () {
            const lease = yield* open()
            yield* lease.commit(state)
            yield* cut
            yield* lease.commit({ ...state, finished: true })
            assert.strictEqual((yield* Effect.flip(Effect.scoped(open()))).reason._tag, "Held")
            // As when the process is killed: its connections end, and its row still names it.
            yield* cut
            const next = yield* Effect.scoped(Effect.map(open(), (other) => Option.getOrUndefined(other.state)))
            assert.strictEqual(next?.finished, true)
            assert.strictEqual((yield* Effect.flip(lease.commit(state))).reason._tag, "Fenced")
          })
        )
      })
    )

    it.effect("saves nothing more of a run that another one took over from, however runs interleave", () =>
      Effect.gen(function* () {
        let fenced = 0
        for (const seed of [3, 4]) {
          const { cut, open } = yield* opened
          fenced += yield* assertLaterWins(
            {
              open: () => open("calls", Runs.fingerprint),
              freeze: () => Effect.orDie(Effect.asVoid(cut)),
              thawed: "back"
            },
            seed
          )
        }
        assert.isAbove(fenced, 2)
      })
    )

    it.effect("adds the epoch to a table that has none", () =>
      Effect.gen(function* () {
        const { open, sql } = yield* opened
        yield* Effect.scoped(Effect.flatMap(open(), (lease) => lease.commit(state)))
        yield* sql`ALTER TABLE callstream_checkpoints DROP COLUMN epoch`
        yield* Effect.scoped(Effect.flatMap(open(), (lease) => lease.commit({ ...state, finished: true })))
        assert.strictEqual(Option.getOrUndefined((yield* Effect.scoped(open())).state)?.finished, true)
      })
    )

    it.effect("is made by one of two runs that begin at the same time", () =>
      Effect.gen(function* () {
        const { open } = yield* opened
        yield* Effect.forEach(["a", "b", "c"], (name) => Effect.scoped(open(name)), { concurrency: "unbounded" })
      })
    )
  })
})
