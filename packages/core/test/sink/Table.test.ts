import * as Column from "@callstream/core/model/Column"
import * as Instant from "@callstream/core/model/Instant"
import * as Table from "@callstream/core/sink/Table"
import * as Flatten from "../../src/transform/internal/Flatten.ts"
import * as Select from "../../src/transform/internal/Select.ts"
import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { dice, sessions } from "../transform/Records.ts"

const one = (type: Column.Type, value: unknown) => {
  const [cell, extra] = Table.make([{ name: "a", type }]).cells({ a: value })
  return [cell, extra]
}
/** What is found, what should be, and which case it is: for `assert.deepStrictEqual`. */
const taken = (type: Column.Type, value: unknown, cell: Table.Cell) =>
  [one(type, value), [cell, null], `${type} ${String(value)}`] as const
const put = (type: Column.Type, value: unknown) =>
  [one(type, value), [null, JSON.stringify({ a: value })], `${type} ${String(value)}`] as const

describe("Table", () => {
  it("has timestamps as they are asked for, where they are some", () => {
    const { cells } = Table.make([{ name: "a", type: "timestamp" }], { timestamp: (at, text) => `${text} ${at}` })
    assert.deepStrictEqual(cells({ a: "1970-01-01T00:00:01Z" }), ["1970-01-01T00:00:01Z 1000000", null])
    assert.deepStrictEqual(cells({ a: "soon" }), [null, '{"a":"soon"}'])
  })

  it("has a row's own fields only, and none of its prototype", () => {
    const row: object = Object.assign(Object.create({ b: "inherited", c: "inherited" }), { a: "own" })
    const { cells } = Table.make([
      { name: "a", type: "text" },
      { name: "b", type: "text" }
    ])
    assert.deepStrictEqual(cells(row), ["own", null, null])
  })

  it("types each cell once, and keeps in extra what a column cannot hold", () => {
    assert.deepStrictEqual<unknown>(...taken("text", "", ""))
    assert.deepStrictEqual<unknown>(...taken("text", "  =1+1\u0000 😀", "  =1+1\u0000 😀"))
    assert.deepStrictEqual<unknown>(...put("text", 7))
    assert.deepStrictEqual<unknown>(...put("text", ["a"]))
    assert.deepStrictEqual<unknown>(...taken("integer", 65, 65))
    assert.deepStrictEqual<unknown>(...taken("integer", 0, 0))
    assert.deepStrictEqual<unknown>(...taken("integer", 2 ** 53, "9007199254740992"))
    for (const value of [65.5, 1e19, "65", true]) assert.deepStrictEqual<unknown>(...put("integer", value))
    assert.deepStrictEqual<unknown>(...taken("number", 65.5, 65.5))
    assert.deepStrictEqual<unknown>(...put("number", "65.5"))
    assert.deepStrictEqual<unknown>(...taken("boolean", false, false))
    assert.deepStrictEqual<unknown>(...put("boolean", "false"))
    assert.deepStrictEqual<unknown>(...taken("date", "2026-02-28", "2026-02-28"))
    for (const value of ["2026-02-30", "2026-2-3", "2026-02-28T00:00:00Z", 20260228])
      assert.deepStrictEqual<unknown>(...put("date", value))
    for (const type of [
      "text",
      "integer",
      "number",
      "decimal",
      "timestamp",
      "date",
      "boolean",
      "json",
      "any"
    ] as const) {
      assert.deepStrictEqual<unknown>(...taken(type, null, null))
      assert.deepStrictEqual<unknown>(...taken(type, undefined, null))
    }
    assert.deepStrictEqual<unknown>(...taken("json", { a: [1, null] }, '{"a":[1,null]}'))
    for (const value of ["text", "", 5, false]) assert.deepStrictEqual<unknown>(...put("json", value))
    assert.deepStrictEqual<unknown>(...taken("any", "text", "text"))
    assert.deepStrictEqual<unknown>(...taken("any", { a: 1 }, '{"a":1}'))
    assert.deepStrictEqual<unknown>(...taken("any", 7, "7"))
    assert.deepStrictEqual<unknown>(...taken("any", false, "false"))
  })

  it("reads timestamps of every form, and no time that was never set", () => {
    const at = Instant.parse("2026-07-31T07:16:10.117605Z") ?? Instant.of(0)
    assert.deepStrictEqual<unknown>(...taken("timestamp", "2026-07-31T07:16:10.117605Z", at))
    assert.deepStrictEqual<unknown>(...taken("timestamp", "2026-07-31 07:16:10.117605 +0000 UTC", at))
    assert.deepStrictEqual<unknown>(...taken("timestamp", "2026-07-31T09:16:10.117605+02:00", at))
    for (const value of ["soon", "0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z", 1_785_000_000, ""]) {
      assert.deepStrictEqual<unknown>(...put("timestamp", value))
    }
  })

  it("writes a decimal in one way, exactly", () => {
    for (const [text, cell] of [
      ["0.0425", "0.0425"],
      ["0", "0"],
      ["12", "12"],
      ["100", "100"],
      ["0.10", "0.1"],
      ["007", "7"],
      ["-0.00", "0"],
      [" +1.50 ", "1.5"],
      [".5", "0.5"],
      ["5.", "5"],
      ["-1.25", "-1.25"],
      ["1.2e3", "1200"],
      ["12e-5", "0.00012"],
      ["0e9999", "0"],
      ["12345678901234567890.123456789012345678", "12345678901234567890.123456789012345678"]
    ] as const) {
      assert.deepStrictEqual<unknown>(...taken("decimal", text, cell))
    }
    assert.deepStrictEqual<unknown>(...taken("decimal", 0.1, "0.1"))
    assert.deepStrictEqual<unknown>(...taken("decimal", 1e-7, "0.0000001"))
    for (const value of ["", "-", ".", "free", "1,5", "$1", "1e21", "1e-19", "1e99999", "0x10", "NaN", true]) {
      assert.deepStrictEqual<unknown>(...put("decimal", value))
    }
    assert.deepStrictEqual<unknown>(...put("decimal", "123456789012345678901"))
    assert.deepStrictEqual<unknown>(...put("decimal", "0.1234567890123456789"))
  })

  it("a decimal has the value of its text, whatever that is", () => {
    for (let seed = 1; seed <= 3000; seed++) {
      const random = dice(seed)
      const digits = (most: number) =>
        Array.from({ length: random.roll(most) }, () => random.pick(["0", "0", "1", "9", "5"])).join("")
      const power = random.roll(3) === 0 ? `e${random.roll(30) - 15}` : ""
      const text = `${random.pick(["", "-", "+"])}${digits(12)}${random.pick(["", "."])}${digits(10)}${power}`
      const [cell] = one("decimal", text)
      if (cell === null) {
        const value = BigDecimal.fromString(text)
        const fits = Option.exists(
          value,
          (given) =>
            BigDecimal.normalize(given).scale <= 18 &&
            BigDecimal.isLessThan(BigDecimal.abs(given), BigDecimal.make(1n, -20))
        )
        assert.isFalse(fits && /\d/.test(text), `seed ${seed}: ${text}`)
        continue
      }
      assert.match(String(cell), /^(?:0|-?[1-9]\d*|-?(?:0|[1-9]\d*)\.\d*[1-9])$/, `seed ${seed}: ${text}`)
      assert.isTrue(
        BigDecimal.equals(
          BigDecimal.fromStringUnsafe(text.replace(/^\+/, "").replace(/^(-?)\./, "$10.")),
          BigDecimal.fromStringUnsafe(String(cell))
        ),
        `seed ${seed}: ${text} ${cell}`
      )
      assert.deepStrictEqual(one("decimal", cell), [cell, null])
    }
  })

  it("has no half of an emoji, which no database takes, and nothing else that is like it", () => {
    const cut = "so \ud83d"
    assert.deepStrictEqual(one("text", cut), ["so \ufffd", null])
    assert.deepStrictEqual(one("any", cut), ["so \ufffd", null])
    assert.deepStrictEqual(one("json", { [cut]: cut }), ['{"so \ufffd":"so \ufffd"}', null])
    assert.deepStrictEqual(one("integer", cut), [null, '{"a":"so \ufffd"}'])
    for (const text of ["\\ud83d", "\\\\udc00", '"\\ud83d"', "😀\\ud", "\n\\ud800", "\ud83d\\ud83d\ude00\\"]) {
      const [json] = one("json", [text])
      assert.deepStrictEqual(JSON.parse(String(json)), [text.toWellFormed()])
      assert.isTrue(String(json).isWellFormed())
    }
  })

  it("keeps what has no column, under a name that is free", () => {
    const table = Table.make([
      { name: "id", type: "text" },
      { name: "Extra", type: "text" }
    ])
    assert.deepStrictEqual(Column.names(table.columns), ["id", "Extra", "extra_2"])
    const row: unknown = JSON.parse('{"new":{"a":1},"Extra":"x","id":"1","__proto__":null,"extra_2":[]}')
    assert.isObject(row)
    assert.deepStrictEqual(table.cells(row ?? {}), ["1", "x", '{"new":{"a":1},"__proto__":null,"extra_2":[]}'])
    assert.deepStrictEqual(table.cells({}), [null, null, null])
    assert.throws(() => table.cells({ id: 1n }))
  })

  it.effect("loses no value of any session, in whatever order its fields come", () =>
    Effect.gen(function* () {
      const table = Table.make(Column.ofSession)
      for (const session of yield* sessions(31, 300)) {
        const odd = { ...session, vendor_field: { deep: [1] }, durationSec: 1.5, startedAt: "later" }
        const reversed = Object.fromEntries(Object.entries(odd).reverse())
        const cells = table.cells(odd)
        const again = table.cells(reversed)
        assert.deepStrictEqual(cells.slice(0, -1), again.slice(0, -1))
        const extra: unknown = JSON.parse(String(cells.at(-1)))
        assert.deepStrictEqual(extra, JSON.parse(String(again.at(-1))))
        assert.deepInclude(extra, { vendor_field: { deep: [1] }, durationSec: 1.5, startedAt: "later" })
        assert.strictEqual(table.cells(session)[0], session.id)
      }
    })
  )

  it.effect("has the columns of its first batch, and refuses others", () =>
    Effect.gen(function* () {
      const table = Table.ofBatches("calls.csv")
      const first = yield* table(Column.ofSession)
      assert.strictEqual(yield* table([...Column.ofSession]), first)
      const error = yield* Effect.flip(table(Column.ofSession.slice(1)))
      assert.include(error.message, "calls.csv: a batch has other columns")
      assert.isFalse(error.retryable)
    })
  )
})

describe("Column", () => {
  it("knows the types of the contract, and what becomes of them", () => {
    assert.lengthOf(Column.ofSession, 26)
    assert.strictEqual(Column.typeOf(Column.ofSession, "costTotal"), "decimal")
    assert.strictEqual(Column.typeOf(Column.ofSession, "nothing"), undefined)
    assert.deepStrictEqual(
      Select.select([
        { path: "startedAt", as: "at" },
        "metadata.crm",
        "creditBreakdown.total_credits",
        "creditBreakdown.x"
      ])
        .columns(Column.ofSession)
        .map(({ type }) => type),
      ["timestamp", "any", "number", "any"]
    )
    const flat = Flatten.flatten({ objects: "whole" }).columns(Column.ofSession)
    assert.lengthOf(flat, 33)
    assert.strictEqual(Column.typeOf(flat, "creditBreakdown.provider_managed"), "boolean")
    assert.strictEqual(Column.typeOf(flat, "creditBreakdown"), "json")
    assert.strictEqual(
      Column.typeOf(Select.select(["creditBreakdown.total_credits"]).columns(flat), "creditBreakdown.total_credits"),
      "number"
    )
  })
})
