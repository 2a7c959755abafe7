import type * as Column from "@callstream/core/model/Column"
import * as Version from "@callstream/core/model/Version"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as SqlSink from "@callstream/core/sink/SqlSink"
import { assert, describe, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import * as Postgres from "../postgres/PostgresServer.ts"
import { written } from "./SqlRows.ts"

const columns: ReadonlyArray<Column.Column> = [
  { name: "id", type: "text" },
  { name: "said", type: "text" },
  { name: "other", type: "any" },
  { name: "whole", type: "integer" },
  { name: "part", type: "number" },
  { name: "cost", type: "decimal" },
  { name: "at", type: "timestamp" },
  { name: "day", type: "date" },
  { name: "sure", type: "boolean" },
  { name: "data", type: "json" }
]

/** What an array, JSON, a row or a separator could be mistaken for. */
const odd = ["NULL", "null", "{", "}", '"', "\\", ",", " ", "\u001f", "'", "\n", "\t", "é", "😀", "$1", "(", "\\N", "a"]

const random = (seed: number) => {
  let state = seed
  return (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const textOf = (below: (most: number) => number) =>
  Array.from({ length: below(5) }, () => odd[below(odd.length)]).join("")

const rowOf = (below: (most: number) => number, id: string) => {
  const maybe = <A>(value: A) => (below(3) === 0 ? null : value)
  const text = () => textOf(below)
  return {
    id,
    said: maybe(text()),
    other: maybe(text()),
    whole: maybe(below(2000) - 1000),
    part: maybe((below(2000) - 1000) / 8),
    cost: maybe(`${below(10)}.${below(9) + 1}`),
    at: maybe(`2026-07-31T07:16:10.${100_000 + below(900_000)}Z`),
    day: maybe(`2026-07-${10 + below(20)}`),
    sure: maybe(below(2) === 0),
    data: maybe(below(4) === 0 ? [] : { [text()]: [text(), below(10), null, { deep: text() }] })
  }
}

type Row = ReturnType<typeof rowOf>

/** How the columns are read: numbers that are compared as numbers, times in the form in which they came. */
const read = `SELECT id, said, other, whole::int AS whole, part::float8 AS part, cost::text AS cost,
to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at, day::text AS day, sure, data`

describe.skipIf(Postgres.missing)(`SqlSink, values in PostgreSQL${Postgres.reason}`, () => {
  layer(Postgres.Server.layer, { excludeTestServices: true })((it) => {
    const seed = Math.floor(Math.random() * 2 ** 31)

    it.effect(`every row has its own values, in batches of one row and of several (seed ${seed})`, () =>
      Effect.gen(function* () {
        const server = yield* Postgres.Server
        const sql = yield* server.client(yield* server.database(), { maxConnections: 2 })
        const client = Layer.succeed(SqlClient.SqlClient, sql)
        yield* sql`CREATE TABLE owned (id varchar(40) PRIMARY KEY, said varchar(80), whole numeric, part numeric, data json)`
        const below = random(seed)
        for (const table of ["made", "owned"]) {
          const batches = Array.from({ length: 80 }, (_, batch) =>
            Array.from({ length: 1 + below(4) }, (_, at) => rowOf(below, `${batch}-${at}-${textOf(below)}`))
          )
          yield* written<void, object>(
            SessionSink.provide(SqlSink.make({ table }), client),
            Effect.fnUntraced(function* (writer) {
              for (const rows of batches) {
                const items = rows.map((row) => ({ id: row.id, start: undefined, row }))
                assert.isEmpty(yield* writer.write({ items, columns, observedAt: Version.of(1) }))
              }
            })
          )
          const found = yield* sql.unsafe<Row>(`${read} FROM ${table} WHERE extra IS NULL`)
          const byId = new Map(found.map((row) => [row.id, { ...row }]))
          for (const row of batches.flat()) assert.deepStrictEqual(byId.get(row.id), row)
          assert.strictEqual(found.length, batches.flat().length)
        }
      })
    )

    it.effect("a text that is too long for its column is refused, not cut", () =>
      Effect.gen(function* () {
        const server = yield* Postgres.Server
        const sql = yield* server.client(yield* server.database(), { maxConnections: 2 })
        yield* sql`CREATE TABLE short (id text PRIMARY KEY, said varchar(3))`
        const refused = yield* written<ReadonlyArray<SessionSink.Refused>, object>(
          SessionSink.provide(SqlSink.make({ table: "short" }), Layer.succeed(SqlClient.SqlClient, sql)),
          (writer) => {
            const items = ["abc", "abcd", "ab"].map((said) => ({ id: said, start: undefined, row: { id: said, said } }))
            return writer.write({ items, columns: columns.slice(0, 2), observedAt: Version.of(1) })
          }
        )
        assert.deepStrictEqual(
          refused.map(({ id }) => id),
          ["abcd"]
        )
        const found = yield* sql<{ said: string }>`SELECT said FROM short ORDER BY id`
        assert.deepStrictEqual(
          found.map(({ said }) => said),
          ["ab", "abc"]
        )
      })
    )
  })
})
