import { CoverageTable } from "@callstream/core"
import { SqliteClient } from "@callstream/node"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"

describe("CoverageTable", () => {
  it.effect("has a note for each table and set of filters, and hands the one before to the next", () =>
    Effect.gen(function* () {
      const calls = { table: "calls" }
      assert.deepStrictEqual(yield* CoverageTable.read(calls), [])
      const append = (text: string) => (before: string | undefined) => `${before ?? ""}${text}`
      yield* CoverageTable.update(calls, { filters: "" }, append("a"))
      yield* CoverageTable.update(calls, { filters: "" }, append("b"))
      yield* CoverageTable.update(calls, { filters: "where" }, append("c"))
      yield* CoverageTable.update({ table: "other" }, { filters: "" }, append("d"))
      assert.deepStrictEqual(yield* CoverageTable.read(calls), [
        { filters: "", coverage: "ab" },
        { filters: "where", coverage: "c" }
      ])
      yield* CoverageTable.update(calls, { filters: "where", alone: true }, append("e"))
      assert.deepStrictEqual(yield* CoverageTable.read(calls), [{ filters: "where", coverage: "ce" }])
      assert.deepStrictEqual(yield* CoverageTable.read({ table: "other" }), [{ filters: "", coverage: "d" }])
    }).pipe(Effect.provide(SqliteClient.layer({ filename: ":memory:" })))
  )
})
