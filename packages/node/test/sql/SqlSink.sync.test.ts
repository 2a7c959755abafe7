/** A table in a sync: marks, deletions and versions, held against a model. */
import type { Change, Kind } from "@callstream/core/model/Change"
import * as Column from "@callstream/core/model/Column"
import * as Position from "@callstream/core/model/Position"
import * as Version from "@callstream/core/model/Version"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as SqlSink from "@callstream/core/sink/SqlSink"
import * as SqliteClient from "@callstream/node/SqliteClient"
import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { join } from "node:path"
import { random } from "../../../core/test/sync/SyncRandom.ts"
import * as Postgres from "../postgres/PostgresServer.ts"
import * as SinkStore from "../SinkStore.ts"

const columns = Column.ofSession.filter(({ name }) => name === "id" || name === "agentName")
const origin = Date.parse("2026-07-31T00:00:00Z") * 1000

interface Database {
  readonly client: Layer.Layer<SqlClient.SqlClient, SqlError>
  readonly isTrue: unknown
  /** Selects a time as text in ISO 8601. */
  readonly time: (column: string) => string
}

const ask = ({ client }: Database, sql: string) =>
  Effect.scoped(
    Effect.flatMap(Layer.build(client), (context) =>
      Effect.provideContext(
        Effect.flatMap(SqlClient.SqlClient, (client) => client.unsafe<Record<string, unknown>>(sql)),
        context
      )
    )
  )

const micros = (value: unknown): number | null => {
  if (value === null) return null
  const text = typeof value === "string" ? value : ""
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? ""
  return Math.floor(Date.parse(text.replace(/\.\d+/, "")) / 1000) * 1_000_000 + Number(fraction.padEnd(6, "0"))
}

interface Row {
  readonly name: string
  readonly version: number
  readonly removed: boolean
}

const itemOf = <A>(kind: Kind, id: string, version: number, row: A): SessionSink.Item<A> => {
  const sequence = Version.of(version)
  const change: Change = { kind, id, facets: [], milestones: [], sequence, previous: null }
  return { id, start: undefined, version: sequence, change, row }
}

const about = { columns, observedAt: Version.of(origin) }

/** Random writes and removals, with processes that end before their flush, and the table that they must leave. */
const assertModel = Effect.fnUntraced(function* (
  database: Database,
  seed: number,
  options: { readonly history: boolean }
) {
  const { chance, pick } = random(seed)
  const ids = Array.from({ length: 12 }, (_, at) => (at === 0 ? "it's; --" : `call-${at}`))
  const sink = SessionSink.provide(SqlSink.make({ keepsOffset: true, sync: options }), database.client)
  const opening = { pipeline: "calls", fingerprint: { ledger: "one" }, from: Option.none() }
  let model = new Map<string, Row>()
  let versions: ReadonlyArray<{
    readonly id: string
    readonly name: string
    readonly from: number
    readonly to: number | null
  }> = []
  let clock = origin
  let at = 0
  for (let process = 0; process < 6; process++) {
    let now = new Map(model)
    let past = [...versions]
    yield* Effect.scoped(
      Effect.gen(function* () {
        const writer = yield* sink.open(opening)
        assert.strictEqual(Option.getOrUndefined(writer.committed)?.at, at === 0 ? undefined : Position.of(at))
        for (let step = 0; step < 8; step++) {
          const chosen = ids.filter(() => chance(0.4))
          if (chance(0.6)) {
            const items = chosen.map((id) => itemOf("updated", id, ++clock, { id, agentName: `${seed}/${clock}` }))
            yield* writer.write({ ...about, items })
            // A repeat changes nothing.
            if (chance(0.3)) yield* writer.write({ ...about, items })
            for (const { id, row, version = 0 } of items) {
              now.set(id, { name: row.agentName, version, removed: false })
              past = past.map((one) => (one.id === id && one.to === null ? { ...one, to: version } : one))
              past.push({ id, name: row.agentName, from: version, to: null })
            }
          } else {
            assert.isDefined(writer.remove)
            const items = chosen.map((id) => itemOf(pick(["left", "removed"] as const), id, ++clock, null))
            yield* writer.remove({ ...about, items })
            if (chance(0.3)) yield* writer.remove({ ...about, items })
            for (const { id, version = 0 } of items) {
              const held = now.get(id)
              if (held === undefined) continue
              now.set(id, { ...held, version, removed: true })
              past = past.map((one) => (one.id === id && one.to === null ? { ...one, to: version } : one))
            }
          }
          if (chance(0.4)) {
            at++
            yield* writer.flush(Position.of(at))
            model = new Map(now)
            versions = [...past]
          }
        }
      })
    )
    // What was not flushed is not there, and is given again by no one here.
    now = new Map(model)
  }
  const rows = yield* ask(
    database,
    `SELECT id, "agentName" AS name, ${database.time("observed_at")} AS seen, ${database.time("removed_at")} AS removed FROM call_sessions`
  )
  assert.deepStrictEqual(
    new Map(rows.map(({ id, name, removed, seen }) => [id, [name, micros(seen), micros(removed)]])),
    new Map([...model].map(([id, one]) => [id, [one.name, one.version, one.removed ? one.version : null]])),
    `seed ${seed}`
  )
  if (!options.history) return
  const kept = yield* ask(
    database,
    `SELECT id, "agentName" AS name, ${database.time("valid_from")} AS valid_from, ${database.time("valid_to")} AS valid_to, is_current FROM call_sessions_history`
  )
  const sorted = (all: ReadonlyArray<ReadonlyArray<unknown>>) => all.map((one) => JSON.stringify(one)).sort()
  assert.deepStrictEqual(
    sorted(
      kept.map((row) => [
        row["id"],
        row["name"],
        micros(row["valid_from"]),
        micros(row["valid_to"]),
        row["is_current"] === database.isTrue
      ])
    ),
    sorted(versions.map(({ from, id, name, to }) => [id, name, from, to, to === null])),
    `seed ${seed}`
  )
})

/** At most three rows are deleted; the others are marked, and deleted by the next run. */
const assertDeletes = Effect.fnUntraced(function* (database: Database) {
  const sync = { deleteRemoved: true, maxRemovals: 3 }
  const sink = SessionSink.provide(SqlSink.make({ keepsOffset: true, sync }), database.client)
  const opening = { pipeline: "calls", fingerprint: {}, from: Option.none() }
  const ids = Array.from({ length: 10 }, (_, at) => `call-${at}`)
  const left = ask(database, "SELECT id FROM call_sessions WHERE removed_at IS NULL ORDER BY id")
  const all = ask(database, "SELECT id FROM call_sessions")
  yield* Effect.scoped(
    Effect.gen(function* () {
      const writer = yield* sink.open(opening)
      yield* writer.write({ ...about, items: ids.map((id) => itemOf("created", id, origin, { id, agentName: "a" })) })
      yield* writer.flush(Position.of(1))
      const gone = ids.slice(0, 5).map((id, at) => itemOf("removed", id, origin + 1 + at, null))
      yield* writer.remove?.({ ...about, items: gone }) ?? Effect.void
      yield* writer.flush(Position.of(2))
      yield* writer.flush(Position.of(3))
    })
  )
  assert.strictEqual((yield* all).length, 7)
  assert.deepStrictEqual(
    (yield* left).map(({ id }) => id),
    ids.slice(5)
  )
  yield* Effect.scoped(
    Effect.gen(function* () {
      const writer = yield* sink.open(opening)
      yield* writer.write({
        ...about,
        items: [itemOf("updated", "call-9", origin + 9, { id: "call-9", agentName: "b" })]
      })
      yield* writer.flush(Position.of(4))
    })
  )
  assert.deepStrictEqual((yield* all).map(({ id }) => String(id)).sort(), ids.slice(5))
})

/** What a table keeps of ledgers that were lost goes after a month, and nothing of other runs does. */
const assertForgets = Effect.fnUntraced(function* (database: Database) {
  const sink = SessionSink.provide(SqlSink.make({ keepsOffset: true, sync: {} }), database.client)
  const open = (pipeline: string, ledger: string, at = 5) =>
    Effect.scoped(
      Effect.gen(function* () {
        const writer = yield* sink.open({ pipeline, fingerprint: { ledger }, from: Option.none() })
        const items = [itemOf("created", "call", origin, { id: "call", agentName: "a" })]
        yield* writer.write({ ...about, items })
        yield* writer.flush(Position.of(at))
      })
    )
  const names = Effect.map(ask(database, "SELECT name FROM callstream_commits ORDER BY name"), (rows) =>
    rows.map(({ name }) => String(name))
  )
  yield* open("calls", "lost")
  const [lost = ""] = yield* names
  yield* open("calls", "recent")
  for (const pipeline of ["call_", "calls 2", "calls"]) yield* open(pipeline, "other")
  yield* open("calls", "an export", origin)
  const before = yield* names
  const old = new Date(Date.now() - 40 * 86_400_000).toISOString().replace("Z", "000Z")
  const isRecent = `name IN (SELECT name FROM callstream_commits WHERE name LIKE 'calls ________' AND name <> '${lost}' AND cursor < 1000000)`
  yield* ask(database, `UPDATE callstream_commits SET updated_at = '${old}' WHERE NOT (${isRecent})`)
  yield* open("calls", "new")
  const after = yield* names
  assert.deepStrictEqual(
    before.filter((name) => !after.includes(name)),
    [lost]
  )
  assert.strictEqual(after.length, before.length)
})

describe("SqlSink, in a sync in SQLite", () => {
  const database = Effect.map(SinkStore.folder, (folder): Database => ({
    client: SqliteClient.layer({ filename: join(folder, "calls.db") }),
    isTrue: 1,
    time: (column) => column
  }))
  it.live.each([1, 2, 3, 4, 5, 6])("a table and its versions are what a model is, seed %i", (seed) =>
    Effect.flatMap(database, (one) => assertModel(one, seed, { history: seed % 2 === 0 }))
  )
  it.live("deletes so many rows as are allowed, and the rest later", () =>
    Effect.flatMap(database, (one) => assertDeletes(one))
  )

  it.live("forgets how far ledgers were that are not used any more", () =>
    Effect.flatMap(database, (one) => assertForgets(one))
  )

  it.live("versions begin with the rows that are there when history is asked for", () =>
    Effect.gen(function* () {
      const one = yield* database
      yield* assertModel(one, 1, { history: false })
      const sink = SessionSink.provide(SqlSink.make({ sync: { history: true } }), one.client)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const writer = yield* sink.open(SessionSink.opening())
          const version = origin + 60_000_000
          yield* writer.write({ ...about, items: [itemOf("updated", "new", version, { id: "new", agentName: "n" })] })
          yield* writer.flush(Position.of(1))
        })
      )
      const current = yield* ask(one, "SELECT id FROM call_sessions_history WHERE is_current ORDER BY id")
      assert.deepStrictEqual(
        current,
        yield* ask(one, "SELECT id FROM call_sessions WHERE removed_at IS NULL ORDER BY id")
      )
    })
  )
})

describe("SqlSink, in a sync in PostgreSQL", () => {
  const database = Effect.gen(function* () {
    const server = yield* Postgres.Server
    const name = yield* server.database()
    return {
      client: Layer.effect(SqlClient.SqlClient, server.client(name, { maxConnections: 2 })),
      isTrue: true,
      time: (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
    }
  })
  layer(Postgres.Server.layer, { excludeTestServices: true })((it) => {
    it.effect("a table and its versions are what a model is", () =>
      Effect.gen(function* () {
        for (const seed of [1, 2, 3, 4]) yield* assertModel(yield* database, seed, { history: seed % 2 === 0 })
      })
    )
    it.effect("deletes so many rows as are allowed, and the rest later", () =>
      Effect.flatMap(database, (one) => assertDeletes(one))
    )
    it.effect("forgets how far ledgers were that are not used any more", () =>
      Effect.flatMap(database, (one) => assertForgets(one))
    )
  })
})
