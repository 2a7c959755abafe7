/** Numbers of every size, from a response through every sink, against a reader that rounds none. */
import { opening } from "@callstream/core/sink/SessionSink"
import * as Position from "@callstream/core/model/Position"
import * as PageDecoder from "@callstream/core/client/PageDecoder"
import * as Column from "@callstream/core/model/Column"
import * as Instant from "@callstream/core/model/Instant"
import type { Item } from "@callstream/core/model/Item"
import * as DeadLetter from "@callstream/core/pipeline/DeadLetter"
import * as DeadLetterFile from "@callstream/core/pipeline/DeadLetterFile"
import * as CsvSink from "@callstream/core/sink/CsvSink"
import * as NdjsonSink from "@callstream/core/sink/NdjsonSink"
import * as Rows from "@callstream/core/model/Rows"
import * as Version from "@callstream/core/model/Version"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as SqlSink from "@callstream/core/sink/SqlSink"
import * as ParquetSink from "@callstream/node/ParquetSink"
import * as PostgresClient from "@callstream/node/PostgresClient"
import * as SqliteClient from "@callstream/node/SqliteClient"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Fs from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as ExactJson from "../../core/test/model/ExactJson.ts"
import * as Thread from "../src/internal/Thread.ts"
import * as Duck from "./Duck.ts"
import * as Postgres from "./postgres/PostgresServer.ts"
import * as SinkStore from "./SinkStore.ts"
import { observedAt, written } from "./sql/SqlRows.ts"

const seed = Number(process.env["SEED"] ?? 1)

const record = (roll: ExactJson.Roll, at: number): string =>
  `{"id":"s${String(at).padStart(4, "0")}","startedAt":"2026-07-31T07:16:10.117605Z","metadata":${ExactJson.object(roll)},` +
  `"durationSec":${ExactJson.number(roll)},"costTotal":${ExactJson.number(roll)},"integer":${ExactJson.number(roll)},` +
  `"number":${ExactJson.number(roll)},"any":${ExactJson.number(roll)},"vendor":${ExactJson.json(roll)}}`

const makeRecords = (count: number) => {
  const roll = ExactJson.rollOf(seed)
  return Array.from({ length: count }, (_, at) => record(roll, at))
}

const records = makeRecords(200)
const body = (all: ReadonlyArray<string>) => `{"success":true,"data":{"callSessions":[${all.join(", ")}]}}`
const about: PageDecoder.About = { page: 1, observedAt: Instant.of(observedAt), age: 0, quote: (text) => text }

const columns: ReadonlyArray<Column.Column> = [
  ...Column.ofSession,
  { name: "integer", type: "integer" },
  { name: "number", type: "number" },
  { name: "any", type: "any" }
]

/** Members in an order of their own: a database may have another one. */
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== "object" || value === null || !("members" in value) || !Array.isArray(value.members))
    return value
  const members: ReadonlyArray<readonly [string, unknown]> = value.members
  return {
    members: members
      .map(([key, inner]) => [key, sorted(inner)] as const)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  }
}

type Fields = ReadonlyMap<string, unknown>

const fieldsOf = (text: string): Fields => {
  const value = sorted(ExactJson.read(text))
  return typeof value === "object" && value !== null && "members" in value
    ? new Map(value.members as ReadonlyArray<readonly [string, unknown]>)
    : assert.fail(text)
}

/** A cost is text, without an exponent, of the same value. */
const asCost = (value: unknown): unknown => {
  if (typeof value !== "string" || value.startsWith(ExactJson.numberMark)) return value
  assert.notMatch(value, /e/i)
  return ExactJson.numberMark + ExactJson.exact(value)
}

const expected = records.map(fieldsOf)

const sameAs = (found: ReadonlyArray<Fields>) => {
  assert.lengthOf(found, expected.length)
  const byId = new Map(found.map((fields) => [fields.get("id"), fields] as const))
  for (const wanted of expected) {
    const fields = byId.get(wanted.get("id")) ?? assert.fail("a row is missing")
    for (const [name, value] of wanted) {
      const has = fields.get(name)
      assert.deepStrictEqual(name === "costTotal" ? asCost(has) : has, value, `${String(wanted.get("id"))} ${name}`)
    }
  }
}

const types = new Map(columns.map(({ name, type }) => [name, type] as const))

const textOf = (cell: unknown): string =>
  typeof cell === "string" || typeof cell === "number" || typeof cell === "bigint"
    ? String(cell)
    : assert.fail(`a cell is ${typeof cell}`)

/** What a table holds of a row, its columns as text and what is in `extra`. */
const ofCells = (cells: Readonly<Record<string, unknown>>): Fields => {
  const fields = new Map<string, unknown>(cells["extra"] === null ? [] : fieldsOf(textOf(cells["extra"])))
  for (const [name, cell] of Object.entries(cells)) {
    if (cell === null || name === "extra") continue
    const text = textOf(cell)
    const type = types.get(name)
    assert.isFalse(fields.has(name), `${name} is in its column and beyond`)
    if (type === "json") fields.set(name, sorted(ExactJson.read(text)))
    else if (type === "text") fields.set(name, text)
    else if (type === "timestamp") fields.set(name, "2026-07-31T07:16:10.117605Z")
    // A double of more than 16 digits has several spellings, of which each reader has its own.
    else if (type === "number")
      fields.set(name, ExactJson.numberMark + ExactJson.exact(String(Number(text.replace(/^'/, "")))))
    // A formula to a spreadsheet begins as a number below zero does.
    else fields.set(name, ExactJson.numberMark + ExactJson.exact(text.replace(/^'/, "")))
  }
  return fields
}

const names = '"id", "startedAt", "metadata", "durationSec", "costTotal", "integer", "number", "any", "extra"'
const asText = names.replaceAll(/"(\w+)"/g, '"$1"::VARCHAR AS "$1"')

const fill = <A>(sink: SessionSink.SessionSink<A>, items: ReadonlyArray<Item<A>>) =>
  written<ReadonlyArray<unknown>, A>(sink, (writer) =>
    writer.write({ items, columns, observedAt: Version.of(observedAt) } satisfies SessionSink.Batch<A>)
  )

/** From the thread as bytes, or as objects made here. */
const decoded = Effect.fnUntraced(function* (where: "thread" | "here") {
  const bytes = new TextEncoder().encode(body(records))
  assert.isAbove(bytes.length, Thread.worthIt)
  if (where === "here") return Rows.items((yield* PageDecoder.here.decode(bytes, about)).rows)
  const thread = yield* Thread.make()
  yield* thread.started
  return Rows.items((yield* thread.decode(bytes, about)).rows)
})

describe.each(["thread", "here"] as const)(`numbers are exact, decoded %s (seed ${seed})`, (where) => {
  it.live("in JSON lines, also behind a transform that copies", () =>
    Effect.gen(function* () {
      const folder = yield* SinkStore.folder
      const items = yield* decoded(where)
      assert.strictEqual(items[0]?.json !== undefined, where === "thread")
      const copies = items.map(({ id, row, start }) => ({ id, start, row: Object.assign({}, row) }))
      for (const [name, some] of Object.entries({ items, copies })) {
        const path = join(folder, `${name}.ndjson`)
        yield* fill(SinkStore.provided(NdjsonSink.make({ path })), some)
        sameAs(Fs.readFileSync(path, "utf8").trimEnd().split("\n").map(fieldsOf))
        const count = yield* Effect.promise(() =>
          Duck.value(
            `SELECT count(*)::INTEGER FROM read_ndjson('${path}', columns = {id: 'VARCHAR', metadata: 'JSON'})`
          )
        )
        assert.strictEqual(count, records.length)
      }
    })
  )

  it.live("in CSV", () =>
    Effect.gen(function* () {
      const path = join(yield* SinkStore.folder, "calls.csv")
      yield* fill(SinkStore.provided(CsvSink.make({ path })), yield* decoded(where))
      const rows = yield* Effect.promise(() =>
        Duck.all(
          `SELECT ${names} FROM read_csv('${path}', all_varchar = true, header = true, max_line_size = 10000000)`
        )
      )
      assert.lengthOf(rows, records.length)
      sameAs(rows.map(ofCells))
    })
  )

  it.live("in Parquet", () =>
    Effect.gen(function* () {
      const path = join(yield* SinkStore.folder, "calls.parquet")
      yield* fill(SinkStore.provided(ParquetSink.make({ path })), yield* decoded(where))
      sameAs((yield* Effect.promise(() => Duck.all(`SELECT ${asText} FROM read_parquet('${path}')`))).map(ofCells))
      assert.includeDeepMembers([...(yield* Effect.promise(() => Duck.types(path)))], [["integer", "BIGINT"]])
    })
  )

  it.live("in SQLite", () =>
    Effect.gen(function* () {
      const filename = join(yield* SinkStore.folder, "calls.db")
      const sink = SessionSink.provide(SqlSink.make({ name: "calls" }), SqliteClient.layer({ filename }))
      yield* fill(sink, yield* decoded(where))
      const database = new DatabaseSync(filename)
      const ask = database.prepare(`SELECT ${names} FROM call_sessions`)
      ask.setReadBigInts(true)
      const rows = ask.all()
      database.close()
      for (const { integer, number } of rows) {
        assert.include(["bigint", "object"], typeof integer)
        assert.include(["number", "object"], typeof number)
      }
      sameAs(rows.map(ofCells))
    })
  )

  it.live("in dead letters and what is read of them", () =>
    Effect.gen(function* () {
      const path = join(yield* SinkStore.folder, "dead.ndjson")
      const items = yield* decoded(where)
      const letters = yield* DeadLetter.seal(
        items.map(({ row }) => ({
          stage: "sink",
          sink: "x",
          reason: "no",
          record: row,
          observedAt: Version.of(observedAt)
        }))
      )
      yield* Effect.scoped(
        Effect.gen(function* () {
          const writer = yield* SinkStore.provided(DeadLetterFile.make(path)).open(opening())
          yield* writer.write({
            items: letters.map((row) => ({ id: row.letter, start: undefined, row })),
            columns: [],
            observedAt: Version.of(observedAt)
          })
          yield* writer.flush(Position.of(1))
        })
      )
      const lines = Fs.readFileSync(path, "utf8").trimEnd().split("\n").map(fieldsOf)
      const raws = lines.map((line) => {
        const raw = line.get("record")
        return new Map((raw as { readonly members: ReadonlyArray<readonly [string, unknown]> }).members)
      })
      sameAs(raws)
      const read = yield* Effect.provide(DeadLetterFile.read(path), NodeServices.layer)
      assert.strictEqual(read.torn, 0)
      sameAs(read.letters.map(({ record }) => fieldsOf(JSON.stringify(record))))
    })
  )
})

it.live("raw records that are rejected come from the thread with their numbers", () =>
  Effect.gen(function* () {
    const thread = yield* Thread.make()
    yield* thread.started
    const bad = records.map((text) => text.replace('"id":', '"no":'))
    const bytes = () => new TextEncoder().encode(body(bad))
    const page = yield* thread.decode(bytes(), about)
    assert.lengthOf(page.rejected, bad.length)
    const here = yield* PageDecoder.here.decode(bytes(), about)
    assert.strictEqual(JSON.stringify(page.rejected), JSON.stringify(here.rejected))
    for (const [at, { raw }] of page.rejected.entries()) {
      assert.deepStrictEqual(ExactJson.read(JSON.stringify(raw)), ExactJson.read(bad[at] ?? ""))
    }
  }).pipe(Effect.scoped)
)

describe.skipIf(Postgres.missing)(`numbers are exact in PostgreSQL (seed ${seed})${Postgres.reason}`, () => {
  layer(Postgres.Server.layer, { excludeTestServices: true })((test) => {
    test.effect("in columns and in jsonb; what numeric cannot hold is refused row by row", () =>
      Effect.gen(function* () {
        const server = yield* Postgres.Server
        const name = yield* server.database()
        const sql = yield* server.client(name, { maxConnections: 1 })
        const url = Redacted.make(`postgres://postgres:secret@127.0.0.1:${sql.config.port}/${name}`)
        const sink = SessionSink.provide(SqlSink.make({ name: "calls" }), PostgresClient.layer({ url }))
        const items = yield* decoded("here")
        const beyond = `{"id":"beyond","metadata":{"n":1e200000}}`
        const page = yield* PageDecoder.here.decode(new TextEncoder().encode(body([beyond])), about)
        const refused = yield* fill(sink, [...items, ...Rows.items(page.rows)])
        assert.deepStrictEqual(
          (refused as ReadonlyArray<{ readonly id: string }>).map(({ id }) => id),
          ["beyond"]
        )
        const rows = yield* sql.unsafe<Record<string, unknown>>(
          `SELECT ${asText.replaceAll("VARCHAR", "text")} FROM call_sessions`
        )
        sameAs(rows.map(ofCells))
      })
    )
  })
})
