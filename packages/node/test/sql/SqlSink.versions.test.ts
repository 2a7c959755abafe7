import * as Column from "@callstream/core/model/Column"
import * as Version from "@callstream/core/model/Version"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as SqlSink from "@callstream/core/sink/SqlSink"
import * as PostgresClient from "@callstream/node/PostgresClient"
import * as SqliteClient from "@callstream/node/SqliteClient"
import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as Postgres from "../postgres/PostgresServer.ts"
import * as SinkStore from "../SinkStore.ts"
import { observedAt, written } from "./SqlRows.ts"

const day = 86_400_000_000
const ids = Array.from({ length: 80 }, (_, at) => `call-${at}`)

interface Held {
  readonly id: string
  readonly agentName: string
  /** `undefined` where the column is empty. */
  readonly version: number | undefined
}

interface Table {
  readonly sink: (options: SqlSink.Options) => SessionSink.SessionSink<object>
  /** Makes the table, as others have left it. */
  readonly insert: (rows: ReadonlyArray<Held>) => Effect.Effect<void>
  readonly read: Effect.Effect<ReadonlyArray<Held>>
}

const columns = Column.ofSession.filter(({ name }) => name === "id" || name === "agentName")
const iso = (version: number) =>
  new Date(version / 1000).toISOString().replace("Z", `${String(version % 1000).padStart(3, "0")}Z`)
const literal = (text: string | undefined) => (text === undefined ? "NULL" : `'${text}'`)
const insertion = (rows: ReadonlyArray<Held>) =>
  `INSERT INTO call_sessions (id, "agentName", observed_at) VALUES ${rows
    .map(
      ({ agentName, id, version }) =>
        `('${id}', '${agentName}', ${literal(version === undefined ? undefined : iso(version))})`
    )
    .join(", ")}`

const random = (seed: number) => {
  let state = seed
  return (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** What is there in the end, and what was counted on the way, by a model and by the database. */
const compare = Effect.fnUntraced(function* (table: Table, seed: number) {
  const below = random(seed)
  const near = () => observedAt + below(50)
  const versionOf = () => (below(8) === 0 ? observedAt + day + below(50) : below(8) === 0 ? undefined : near())
  const before = ids.filter(() => below(2) === 0).map((id): Held => ({ id, agentName: "before", version: versionOf() }))
  const model = new Map(before.map((held) => [held.id, held]))
  if (before.length > 0) yield* table.insert(before)
  let newer = 0
  let notBelieved = 0
  const batches = Array.from({ length: 1 + below(6) }, (_, nth): SessionSink.Batch<object> => {
    const highestCredible = below(3) === 0 ? undefined : Version.of(observedAt + 1000)
    const own = near()
    const items = Array.from({ length: below(70) }, (_, at) => {
      const id = ids[below(ids.length)] ?? ""
      const version = below(4) === 0 ? undefined : Version.of(near())
      return { id, start: undefined, version, row: { id, agentName: `${nth}/${at}` } }
    })
    const newest = new Map<string, Held & { readonly version: number }>()
    for (const { id, row, version = own } of items) {
      if (version >= (newest.get(id)?.version ?? 0)) newest.set(id, { ...row, version })
    }
    for (const [id, given] of newest) {
      const held = model.get(id)
      const isOlder = held?.version !== undefined && given.version < held.version
      const isWrong = isOlder && highestCredible !== undefined && held.version > highestCredible
      if (!isOlder || isWrong) model.set(id, given)
      if (isWrong) notBelieved++
      else if (isOlder) newer++
    }
    return { items, columns, observedAt: Version.of(own), highestCredible }
  })
  const counted = yield* written<SessionSink.Compared | undefined, object>(
    table.sink({ maxPending: below(2) === 0 ? 500 : undefined }),
    (writer) =>
      Effect.gen(function* () {
        for (const batch of batches) assert.isEmpty(yield* writer.write(batch))
        yield* writer.flush("end")
        return writer.compared?.()
      })
  )
  const sorted = (rows: ReadonlyArray<Held>) => rows.toSorted((left, right) => (left.id < right.id ? -1 : 1))
  assert.deepStrictEqual(sorted(yield* table.read), sorted([...model.values()]), `seed ${seed}`)
  assert.deepStrictEqual(counted, { newer, notBelieved }, `seed ${seed}`)
  return { newer, notBelieved }
})

const held = (row: Record<string, unknown>): Held => ({
  id: String(row["id"]),
  agentName: String(row["agentName"]),
  version: row["version"] === null ? undefined : Number(row["version"])
})

/** In one batch: a row that is new, one that is older, one that the table refuses, and one over a version of tomorrow. */
const assertRefusing = Effect.fnUntraced(function* (table: Table) {
  yield* table.insert([
    { id: "older", agentName: "before", version: observedAt + 10 },
    { id: "wrong", agentName: "before", version: observedAt + day }
  ])
  const items = ["new", "older", "refused", "wrong"].map((id) => ({ id, start: undefined, row: { id, agentName: id } }))
  const batch = { items, columns, observedAt: Version.of(observedAt), highestCredible: Version.of(observedAt + 1000) }
  const result = yield* written<unknown, object>(table.sink({}), (writer) =>
    Effect.gen(function* () {
      const refused = yield* writer.write(batch)
      const before = writer.compared?.()
      yield* writer.flush("end")
      return { refused: refused.map(({ id }) => id), before, after: writer.compared?.() }
    })
  )
  assert.deepStrictEqual(result, {
    refused: ["refused"],
    // Nothing is counted that may still be taken back.
    before: { newer: 0, notBelieved: 0 },
    after: { newer: 1, notBelieved: 1 }
  })
  assert.sameDeepMembers(
    (yield* table.read).map(({ agentName, id }) => [id, agentName]),
    [
      ["new", "new"],
      ["older", "before"],
      ["wrong", "wrong"]
    ]
  )
})

const seeds = (count: number) => {
  const first = Number(process.env["SEED"] ?? 1)
  return { first, all: Array.from({ length: count }, (_, at) => first + at) }
}

const assertCompared = Effect.fnUntraced(function* <E, R>(
  make: Effect.Effect<Table, E, R>,
  all: ReadonlyArray<number>
) {
  const sums = { newer: 0, notBelieved: 0 }
  for (const seed of all) {
    const { newer, notBelieved } = yield* compare(yield* make, seed)
    sums.newer += newer
    sums.notBelieved += notBelieved
  }
  assert.isAbove(sums.newer, 0)
  assert.isAbove(sums.notBelieved, 0)
})

const told = "a row keeps its newest version, one that is not believed is overwritten, and both are counted"

describe("SqlSink, versions in SQLite", () => {
  const table = Effect.map(SinkStore.folder, (folder): Table => {
    const filename = join(folder, "calls.db")
    const using = <A>(use: (database: DatabaseSync) => A) =>
      Effect.sync(() => {
        const database = new DatabaseSync(filename)
        try {
          return use(database)
        } finally {
          database.close()
        }
      })
    return {
      sink: (options) => SessionSink.provide(SqlSink.make(options), SqliteClient.layer({ filename })),
      insert: (rows) =>
        using((database) =>
          database.exec(
            `CREATE TABLE call_sessions (id TEXT PRIMARY KEY NOT NULL, "agentName" TEXT, observed_at TEXT); ${insertion(rows)}`
          )
        ),
      read: using((database) =>
        database
          .prepare(
            `SELECT id, "agentName", unixepoch(substr(observed_at, 1, 19)) * 1000000 + substr(observed_at, 21, 6) AS version FROM call_sessions`
          )
          .all()
          .map(held)
      )
    }
  })
  const { all, first } = seeds(20)

  it.live(`${told} (seed ${first})`, () => assertCompared(table, all))
})

describe.skipIf(Postgres.missing)(`SqlSink, versions in PostgreSQL${Postgres.reason}`, () => {
  const table = Effect.gen(function* () {
    const server = yield* Postgres.Server
    const name = yield* server.database()
    const sql = yield* server.client(name, { maxConnections: 1 })
    const url = Redacted.make(`postgres://postgres:canary-password@127.0.0.1:${sql.config.port}/${name}`)
    return {
      sink: (options) => SessionSink.provide(SqlSink.make(options), PostgresClient.layer({ url })),
      insert: (rows) =>
        Effect.gen(function* () {
          yield* sql.unsafe(
            `CREATE TABLE call_sessions (id text PRIMARY KEY NOT NULL, "agentName" text CHECK ("agentName" <> 'refused'), observed_at timestamptz)`
          )
          yield* sql.unsafe(insertion(rows))
        }).pipe(Effect.orDie),
      read: sql
        .unsafe<Record<string, unknown>>(
          `SELECT id, "agentName", (extract(epoch FROM observed_at) * 1000000)::bigint::text AS version FROM call_sessions`
        )
        .pipe(
          Effect.map((rows) => rows.map(held)),
          Effect.orDie
        )
    } satisfies Table
  })
  const { all, first } = seeds(6)

  layer(Postgres.Server.layer, { excludeTestServices: true })((it) => {
    it.effect(`${told} (seed ${first})`, () => assertCompared(table, all))

    it.effect("counts also where a row of the batch is refused", () => Effect.flatMap(table, assertRefusing))
  })
})
