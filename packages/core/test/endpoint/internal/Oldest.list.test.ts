/** Where calls begin, by the end of a list on a server that answers no range that reaches far back: what the list shows, and what it does not. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Oldest from "../../../src/endpoint/internal/Oldest.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { askOf, began, day, hour, open, rowsAt } from "../../history/internal/FakeServer.ts"

const hourly = (count: number) => Array.from({ length: count }, (_, i) => began - (i + 1) * hour)
const undated = (count: number) =>
  Array.from({ length: count }, (_, i): Adversary.Row => ({ id: `undated-${i}`, start: undefined, created: began }))

const find = Effect.fnUntraced(function* (rows: ReadonlyArray<Adversary.Row>, traits: Partial<Adversary.Traits>) {
  const server = open(rows, { sorting: false, undatedFirst: false, span: { most: 2 * day, cut: "empty" }, ...traits })
  const options = { size: 10, repeats: Effect.succeed(traits.beyond === "first"), newestFirst: true }
  const first = rows.slice(0, 10).flatMap(({ start }) => start ?? [])
  const { at, isListCut } = yield* Oldest.find(askOf(server), first, false, began, options)
  return { at, isListCut, requests: server.requests() }
})

describe("Oldest.find of a list", () => {
  for (const count of [1, 20, 500, 5000])
    it.effect(`that ends with ${count} calls without a start time: the oldest call is in front of them`, () =>
      Effect.gen(function* () {
        for (const beyond of ["empty", "first"] as const) {
          const starts = hourly(93)
          const { at, isListCut, requests } = yield* find([...rowsAt(starts), ...undated(count + 1)], { beyond })
          assert.deepStrictEqual([at, isListCut], [Math.min(...starts), false], beyond)
          assert.isAtMost(requests, 60)
        }
      })
    )

  it.effect("whose last page cannot be had: nothing is looked for in front of it", () =>
    Effect.gen(function* () {
      const starts = hourly(93)
      for (const cut of ["error", "empty"] as const) {
        const rows = [...rowsAt(starts), ...undated(60)]
        const { at, isListCut, requests } = yield* find(rows, { depth: { most: 11, cut }, beyond: "first" })
        assert.isAtMost(at ?? Infinity, Math.min(...starts), cut)
        assert.isTrue(isListCut, cut)
        assert.isAtMost(requests, 60, cut)
      }
    })
  )

  it.effect("that is by creation, and ends with another call than the oldest: it is not cut", () =>
    Effect.gen(function* () {
      const starts = hourly(93)
      // Some were in a queue for twelve hours, among them those of the last page.
      const created = (start: number, i: number) => (i % 7 === 5 || (i > 84 && i < 91) ? start - 12 * hour : start)
      const rows = rowsAt(starts).map((row, i) => ({ ...row, created: created(row.start ?? 0, i) }))
      const { at, isListCut } = yield* find(rows, { order: "created" })
      assert.deepStrictEqual([at, isListCut], [Math.min(...starts), false])
    })
  )

  it.effect("that is by start, and ends with another call than the oldest: a limit cut it", () =>
    Effect.gen(function* () {
      const starts = hourly(93)
      for (const beyond of ["empty", "first"] as const) {
        const { at, isListCut } = yield* find(rowsAt(starts), { results: { most: 75, cut: "first" }, beyond })
        assert.deepStrictEqual([at, isListCut], [Math.min(...starts), true], beyond)
      }
    })
  )
})
