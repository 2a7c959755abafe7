import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Rows from "../../../src/endpoint/internal/Rows.ts"
import * as MultiPassRead from "../../../src/history/internal/MultiPassRead.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { askOf, began, control, hour, open, rowsAt, second, settingsOf } from "./FakeServer.ts"

const range = { from: began - 20 * hour, to: began - 3 * hour }
const bounds = Ask.boundsOf(range)
const evenly = (rows: number) => Array.from({ length: rows }, (_, i) => range.to - (i + 1) * second)
const together = (rows: number) => Array.from({ length: rows }, () => range.to - hour)

const read = (
  rows: ReadonlyArray<Adversary.Row>,
  traits: Partial<Adversary.Traits> = {},
  before: ReadonlyArray<Rows.Row> = []
) =>
  Effect.gen(function* () {
    const server = open(rows, traits, 1000)
    const held = Rows.makeHeld()
    held.add(before)
    const options = { ...settingsOf(server), repeats: traits.beyond !== undefined && traits.beyond !== "empty" }
    const result = yield* MultiPassRead.read(askOf(server), bounds, held, options)
    return { tag: result._tag, held: held.size(), requests: server.requests() }
  })

describe("MultiPassRead.read", () => {
  it.effect("two passes that agree are complete, also where the last or first page comes again beyond the end", () =>
    Effect.gen(function* () {
      for (const beyond of ["empty", "last", "first"] as const) {
        const { held, tag } = yield* read(rowsAt(evenly(57)), { beyond })
        assert.deepStrictEqual({ held, tag }, { held: 57, tag: "Complete" }, beyond)
      }
    })
  )

  it.effect("rows that start together have shown themselves when they are as many as were counted", () =>
    Effect.gen(function* () {
      const { held, tag } = yield* read(rowsAt(together(35)), { tieOrder: "query" })
      if (tag === "Complete") assert.strictEqual(held, 35)
      assert.deepInclude(yield* read(rowsAt(together(35))), { held: 35, tag: "Complete" })
    })
  )

  it.effect("it is never complete without a row that is there throughout, whenever another one leaves", () =>
    Effect.gen(function* () {
      let complete = 0
      for (let at = 0; at < 30; at++) {
        const rows = rowsAt(evenly(40)).map((row) => (row.id === "row-2" ? { ...row, gone: began + at * 1000 } : row))
        const { held, tag } = yield* read(rows)
        if (tag !== "Complete") continue
        assert.isAtLeast(held, 39, `gone after request ${at}`)
        complete++
      }
      assert.isAbove(complete, 0)
    })
  )

  it.effect("a row that is held and does not come must have left: otherwise no pass saw all", () =>
    Effect.gen(function* () {
      const away = began - 30 * hour
      const held = [control("row-0", away)]
      assert.strictEqual((yield* read(rowsAt([away, ...evenly(20)]), {}, held)).tag, "Moved")
      assert.strictEqual((yield* read(rowsAt(evenly(20)).slice(1), {}, held)).tag, "Complete")
    })
  )

  it.effect("a limit on depth is an end that is none", () =>
    Effect.gen(function* () {
      const { tag } = yield* read(rowsAt(evenly(57)), { depth: { most: 3, cut: "error" } })
      assert.strictEqual(tag, "Incomplete")
    })
  )
})

describe("MultiPassRead.isStillThere", () => {
  const isStillThere = (rows: ReadonlyArray<Adversary.Row>) =>
    Effect.gen(function* () {
      const server = open(rows, {}, 1000)
      const held = Rows.makeHeld()
      held.add((yield* askOf(server, 1000)(1, bounds)).rows)
      for (let page = 2; page <= 6; page++) held.add((yield* askOf(server)(page, bounds)).rows)
      return yield* MultiPassRead.isStillThere(askOf(server), bounds, held, { size: 10, repeats: false })
    })

  it.effect("each row must be there again, and no other", () =>
    Effect.gen(function* () {
      const rows = rowsAt(evenly(57))
      assert.isTrue(yield* isStillThere(rows))
      for (const change of [{ gone: began + 6500 }, { seen: began + 6500 }])
        assert.isFalse(yield* isStillThere(rows.map((row) => (row.id === "row-30" ? { ...row, ...change } : row))))
    })
  )
})
