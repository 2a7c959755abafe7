/** `ParquetSink.make` on a real file system, read by DuckDB. */
import * as Position from "@callstream/core/model/Position"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Column from "@callstream/core/model/Column"
import * as Instant from "@callstream/core/model/Instant"
import * as Version from "@callstream/core/model/Version"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as Table from "@callstream/core/sink/Table"
import * as Transform from "@callstream/core/transform/Transform"
import { SinkConformance } from "@callstream/core/testing"
import * as ParquetSink from "@callstream/node/ParquetSink"
import { DuckDBDateValue, DuckDBDecimalValue, DuckDBTimestampTZValue, type DuckDBValue } from "@duckdb/node-api"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Fs from "node:fs"
import { join } from "node:path"
import * as Duck from "./Duck.ts"
import * as Rust from "./Rust.ts"
import * as SinkStore from "./SinkStore.ts"

/** A value as `Table` types it. */
const cellOf = (value: DuckDBValue | undefined): unknown => {
  if (value === undefined || value === null) return null
  if (typeof value === "bigint") return Number(value)
  if (value instanceof DuckDBTimestampTZValue) return Number(value.micros)
  if (value instanceof DuckDBDateValue) return Instant.format(Instant.of(value.days * 86_400_000_000)).slice(0, 10)
  if (value instanceof DuckDBDecimalValue) return String(value).replace(/\.?0+$/, "")
  return value
}

const cellsIn = async (path: string): Promise<ReadonlyArray<Readonly<Record<string, unknown>>>> =>
  (await Duck.rows(path)).map((row) =>
    Object.fromEntries(
      Object.entries(row).flatMap(([name, value]) => {
        const cell = cellOf(value)
        return cell === null ? [] : [[name, cell]]
      })
    )
  )

const table = Table.make(Column.ofSession)
const holds = (session: CallSession): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    table.cells(session).flatMap((cell, at) => (cell === null ? [] : [[table.columns[at]?.name ?? "", cell]]))
  )

const sinkAt = (options: ParquetSink.Options): SessionSink.SessionSink<CallSession> =>
  SinkStore.provided(ParquetSink.make(options))

const store = (rotate: ParquetSink.Options["rotate"]) =>
  Effect.map(SinkStore.folder, (folder): SinkStore.Store => ({
    folder,
    sink: sinkAt({ path: join(folder, "calls.parquet"), rotate }),
    read: Effect.promise(async () => {
      const one = join(folder, "calls.parquet")
      if (rotate === undefined) return Fs.existsSync(one) ? cellsIn(one) : undefined
      const at = join(folder, "calls.manifest.json")
      if (!Fs.existsSync(at)) return undefined
      const manifest = JSON.parse(Fs.readFileSync(at, "utf8")) as SinkStore.ManifestText
      const found = []
      for (const { bytes, name, rows } of manifest.files) {
        const cells = await cellsIn(join(folder, name))
        assert.lengthOf(cells, rows)
        assert.strictEqual(Fs.statSync(join(folder, name)).size, bytes)
        if (typeof rotate === "object" && rows > 1) assert.isAtMost(bytes, rotate.bytes)
        found.push(...cells)
      }
      return manifest.complete ? found : undefined
    })
  }))

describe.each([
  ["one file", undefined],
  ["by size", { bytes: 8000 }],
  ["by day", "day"]
] as const)("ParquetSink.file conforms: %s", (_, rotate) => {
  const cases = SinkConformance.cases({
    store: store(rotate),
    delivery: "resumable",
    holds,
    large: 300,
    tear: SinkStore.tear
  })
  for (const { name, notApplicable, test } of cases) {
    it.live.skipIf(notApplicable !== undefined)(name, () => test)
  }
})

const columns: ReadonlyArray<Column.Column> = [
  { name: "id", type: "text" },
  { name: "crm.id", type: "any" },
  { name: "count", type: "integer" },
  { name: "share", type: "number" },
  { name: "cost", type: "decimal" },
  { name: "at", type: "timestamp" },
  { name: "day", type: "date" },
  { name: "ok", type: "boolean" },
  { name: "tags", type: "json" }
]

const batchOf = (rows: ReadonlyArray<Readonly<Record<string, unknown>>>, from = 0) => ({
  items: rows.map((row, at) => ({ id: String(from + at), start: undefined, row })),
  columns,
  observedAt: Version.of(0)
})

const written = Effect.fnUntraced(function* (
  path: string,
  batches: ReadonlyArray<ReadonlyArray<Readonly<Record<string, unknown>>>>
) {
  yield* Effect.scoped(
    Effect.gen(function* () {
      const writer = yield* SinkStore.provided(ParquetSink.make({ path, force: true })).open(SessionSink.opening())
      for (const rows of batches) {
        yield* writer.write(batchOf(rows))
        yield* writer.flush(Position.of(1))
      }
      yield* writer.finish
    })
  )
})

const odd = [
  "",
  " ",
  "a\nb\r\nc",
  "\u0000\u0007",
  "\u0085\u2028\ufeff",
  "'\"",
  "=1+1",
  "😀é",
  "x".repeat(10_000),
  "null"
]

describe("ParquetSink.file", () => {
  it.live("has chosen columns and no other, empty where they cannot hold a value", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const path = join(yield* SinkStore.folder, "calls.parquet")
        const columns = Transform.select(Transform.sessions, ["id", "costTotal", "metadata.crm"]).columns(
          Column.ofSession
        )
        const writer = yield* SinkStore.provided(ParquetSink.make({ path })).open(SessionSink.opening())
        const row = { id: "a", costTotal: "free", "metadata.crm": 7 }
        yield* writer.write({ items: [{ id: "a", start: undefined, row }], columns, observedAt: Version.of(0) })
        yield* writer.flush(Position.of(1))
        yield* writer.finish
        assert.deepStrictEqual(yield* Effect.promise(() => Duck.rows(path)), [
          { id: "a", costTotal: null, "metadata.crm": "7" }
        ])
      })
    )
  )

  it.live("has the types that a database expects, and each value exactly", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const path = join(yield* SinkStore.folder, "calls.parquet")
        const first = {
          id: "é\u0000",
          "crm.id": { a: 1 },
          count: -9_007_199_254_740_991,
          share: -0.1,
          cost: "-12345678901234567890.123456789012345678",
          at: "2026-07-31 07:16:10.117605 +0000 UTC",
          day: "1969-12-31",
          ok: false,
          tags: [{ b: "\ud83d" }],
          more: 1
        }
        const texts = odd.map((text) => ({ id: text, "crm.id": text, tags: { [text]: text } }))
        const numbers = [0, 1, 1e-9, 1.7976931348623157e308, 5e-324].map((share) => ({ id: "n", share }))
        const costs = ["0", "0.1", "99999999999999999999", "0.000000000000000001", "free"].map((cost) => ({
          id: "c",
          cost
        }))
        const rows = [first, {}, ...texts, ...numbers, ...costs]
        yield* written(path, [rows])
        assert.deepStrictEqual(yield* Effect.promise(() => Duck.types(path)), [
          ["id", "VARCHAR"],
          ["crm.id", "VARCHAR"],
          ["count", "BIGINT"],
          ["share", "DOUBLE"],
          ["cost", "DECIMAL(38,18)"],
          ["at", "TIMESTAMP WITH TIME ZONE"],
          ["day", "DATE"],
          ["ok", "BOOLEAN"],
          ["tags", "JSON"],
          ["extra", "JSON"]
        ])
        const { cells, columns: all } = Table.make(columns)
        const expected = rows.map((row) =>
          Object.fromEntries(cells(row).flatMap((cell, at) => (cell === null ? [] : [[all[at]?.name ?? "", cell]])))
        )
        assert.deepStrictEqual(yield* Effect.promise(() => cellsIn(path)), expected)
        assert.deepInclude(expected[0], { cost: first.cost, share: -0.1, day: "1969-12-31", "crm.id": '{"a":1}' })
        const sum = yield* Effect.promise(() =>
          Duck.value(`SELECT sum(cost)::VARCHAR FROM read_parquet('${path}') WHERE cost BETWEEN 0 AND 1`)
        )
        assert.strictEqual(sum, "0.100000000000000001")
        assert.strictEqual(Fs.statSync(path).mode & 0o777, 0o600)
      })
    )
  )

  it.live("many flushes make no small groups, and leave nothing beside the file", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const folder = yield* SinkStore.folder
        const path = join(folder, "calls.parquet")
        const row = (n: number) => ({ id: `s${n}`, count: n, tags: { text: "x".repeat(6000) } })
        const batches = Array.from({ length: 40 }, (_, batch) =>
          Array.from({ length: 100 }, (_, n) => row(batch * 100 + n))
        )
        yield* written(path, batches)
        const groups = yield* Effect.promise(() => Duck.groups(path))
        assert.lengthOf(groups, 12)
        assert.isAbove(groups[0] ?? 0, 340)
        assert.strictEqual(
          groups.reduce((sum, n) => sum + n),
          4000
        )
        assert.strictEqual(
          yield* Effect.promise(() => Duck.value(`SELECT sum(count)::INTEGER FROM '${path}'`)),
          7_998_000
        )
        assert.deepStrictEqual(Fs.readdirSync(folder), ["calls.parquet"])
      })
    )
  )

  it.live("no group is more than a moment's work: 2 million characters at most", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const path = join(yield* SinkStore.folder, "calls.parquet")
        const row = (n: number) => ({ id: `s${n}`, count: n, tags: { text: "x".repeat(1000) } })
        yield* written(path, [Array.from({ length: 5000 }, (_, n) => row(n))])
        const groups = yield* Effect.promise(() => Duck.groups(path))
        assert.strictEqual(Rust.rows(path), 5000)
        assert.isAtMost(Math.max(...groups), (2 * 1024 * 1024) / 1000)
        assert.isAtMost(groups.length, 3)
      })
    )
  )

  it.live("without a row it has its columns, also when nobody ever named them", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const path = join(yield* SinkStore.folder, "calls.parquet")
        yield* Stream.run(Stream.empty, SessionSink.toSink(sinkAt({ path })))
        assert.lengthOf(yield* Effect.promise(() => Duck.types(path)), 27)
        assert.deepStrictEqual(yield* Effect.promise(() => Duck.rows(path)), [])
        assert.strictEqual(Rust.rows(path), 0)
        yield* written(path, [])
        assert.deepStrictEqual(yield* Effect.promise(() => Duck.types(path)), [["extra", "JSON"]])
        assert.strictEqual(Rust.rows(path), 0)
      })
    )
  )

  it.live("what waits, cut or changed at any place, is resumed exactly or refused", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const folder = yield* SinkStore.folder
        const path = join(folder, "calls.parquet")
        const sink = SinkStore.provided(ParquetSink.make({ path, force: true }))
        const begin = Effect.scoped(
          Effect.gen(function* () {
            const writer = yield* sink.open(SessionSink.opening())
            yield* writer.write(batchOf([{ id: "é1" }, { id: "2" }]))
            return yield* writer.flush(Position.of(1))
          })
        )
        const committed = yield* begin
        const goOn = Effect.scoped(
          Effect.gen(function* () {
            const writer = yield* sink.open(SessionSink.opening(Option.some(committed)))
            yield* writer.write(batchOf([{ id: "3" }]))
            yield* writer.flush(Position.of(2))
            yield* writer.finish
          })
        )
        const waiting = join(folder, Fs.readdirSync(folder).find((name) => name.includes(".rows-")) ?? "none")
        const left = Fs.readFileSync(waiting)
        assert.isAbove(left.length, 40)
        for (let place = 0; place < left.length; place++) {
          // The same file again, not a copy of it.
          Fs.writeFileSync(waiting, place % 2 === 0 ? left.subarray(0, place) : left.with(place, 7))
          const error = yield* Effect.flip(goOn)
          assert.match(error.description, /rows-\d+.*(?:shorter than|not as) the earlier run left it/)
        }
        Fs.writeFileSync(waiting, left)
        Fs.appendFileSync(waiting, "torn")
        yield* goOn
        assert.deepStrictEqual(yield* Effect.promise(() => cellsIn(path)), [{ id: "é1" }, { id: "2" }, { id: "3" }])
        assert.deepStrictEqual(Fs.readdirSync(folder), ["calls.parquet"])
      })
    )
  )
})
