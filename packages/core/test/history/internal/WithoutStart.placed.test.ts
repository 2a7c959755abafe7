/** The calls of a bounded range that have no start, where windows counted those that the server places by their creation. */
import * as CallRows from "@callstream/core/model/Rows"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Patience from "../../../src/endpoint/internal/Patience.ts"
import type { Known } from "../../../src/history/internal/Known.ts"
import * as WithoutStart from "../../../src/history/internal/WithoutStart.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, control, day, hour, known, open, rowsAt, settingsOf } from "./FakeServer.ts"

const range = { from: began - 6 * day, to: began - 3 * day }
const starts = Array.from({ length: 23 }, (_, i) => began - 2 * day - (i + 1) * 5 * hour)
const undatedAt = (id: string, created: number): Adversary.Row => ({ id, start: undefined, created })
const meant = [1, 2, 3, 4].map((i) => undatedAt(`meant-${i}`, range.to - i * 7 * hour))
const others = [1, 2].map((i) => undatedAt(`other-${i}`, range.to + i * 7 * hour))
const all = [...rowsAt(starts), ...meant, ...others]
const createdOf = (rows: ReadonlyArray<Adversary.Row>) => rows.map(({ created, id }) => [id, created] as const)

const find = Effect.fnUntraced(function* (
  traits: Partial<Adversary.Traits>,
  placed: ReadonlyArray<readonly [string, number]>,
  shown: ReadonlyArray<readonly [string, number]> = placed,
  facts: Partial<Known> = {}
) {
  yield* TestClock.setTime(began / 1000)
  const server = open(all, { order: "start", undatedFirst: false, sorting: false, ...traits }, 1000)
  const controls = starts.map((start, i) => control(`row-${i}`, start)).reverse()
  const window = yield* WithoutStart.window(
    settingsOf(server, { list: Patience.make(server.client.list), controls }),
    range,
    {
      known: () => known(facts),
      calls: all.length,
      delivered: () => starts.filter((start) => start >= range.from && start < range.to).length,
      isDelivered: () => false,
      listed: () => new Set(shown.map(([key]) => key)),
      shown: () => new Map(shown),
      placed: () => new Map(placed),
      note: () => {}
    }
  )
  const ids = window === undefined ? [] : CallRows.items(window.rows).map(({ id }) => id)
  const { coverage, outside } = window ?? {}
  const there = window === undefined ? undefined : WithoutStart.allIn(window)
  return { tag: coverage?._tag, ids: ids.sort(), outside, there }
})

const ids = meant.map(({ id }) => id)

describe("WithoutStart.window of calls that lie within bounds", () => {
  it.effect("brings them, and says how many others were listed: which exist is unknown", () =>
    Effect.gen(function* () {
      const found = yield* find({ coalesces: true }, createdOf([...meant, ...others]))
      assert.deepStrictEqual(found, {
        tag: "Proven",
        ids,
        outside: { created: 2, unassigned: 0 },
        there: undefined
      })
      assert.isUndefined((yield* find({ coalesces: true }, createdOf(meant))).there)
    })
  )

  it.effect("says so too where none came for bounds", () =>
    Effect.gen(function* () {
      const { outside, tag, there } = yield* find({ coalesces: true }, [], createdOf(others))
      assert.deepStrictEqual([tag, outside, there], ["Proven", { created: 2, unassigned: 0 }, undefined])
    })
  )

  it.effect("brings them where nobody can count how many there are", () =>
    Effect.gen(function* () {
      const found = yield* find({ coalesces: true, order: "id" }, createdOf(meant), createdOf([...meant, ...others]), {
        deepest: 5
      })
      assert.deepStrictEqual([found.tag, found.ids, found.outside], ["Proven", ids, { created: 2, unassigned: 0 }])
    })
  )

  it.effect("is not proven without one of them, also where of others only the number is known", () =>
    Effect.gen(function* () {
      const ghost = ["ghost", range.to - hour] as const
      assert.strictEqual((yield* find({ coalesces: true }, [...createdOf(meant), ghost])).tag, "Provisional")
      assert.strictEqual((yield* find({}, [])).tag, "Proven")
      assert.strictEqual((yield* find({}, [ghost])).tag, "Provisional")
    })
  )

  it.effect("brings those that came for no bounds, if others did", () =>
    Effect.gen(function* () {
      const found = yield* find({ coalesces: true }, createdOf(meant.slice(1)), createdOf(meant))
      assert.deepStrictEqual([found.tag, found.ids], ["Proven", ids])
    })
  )

  it.effect("brings those that a limit hides from bounds so far apart", () =>
    Effect.gen(function* () {
      for (const cut of ["first", "last", "empty", "error"] as const) {
        const span = { most: 8 * hour, cut } as const
        const found = yield* find(
          { coalesces: true, order: "id", span },
          createdOf(meant),
          createdOf([...meant, ...others])
        )
        assert.deepStrictEqual([found.tag, found.ids], ["Proven", ids], cut)
      }
    })
  )

  it.effect(
    "are proven by the windows that counted them, where pages by creation do not overlap, and show no other one",
    () =>
      Effect.gen(function* () {
        const traits: Partial<Adversary.Traits> = {
          coalesces: true,
          span: { most: 2 * day, cut: "failure" },
          sizes: { of: [10], round: "up" }
        }
        const found = yield* find(traits, createdOf(meant), createdOf([...meant, ...others]))
        assert.deepStrictEqual([found.tag, found.ids], ["Proven", ids])
        const other = yield* find(traits, createdOf(meant.slice(1)))
        assert.deepStrictEqual([other.tag, other.ids], ["Provisional", ids])
        assert.strictEqual((yield* find(traits, [], createdOf(meant))).tag, "Provisional")
        const hidden = { ids, when: { by: "number", every: 1, for: 1 } } as const
        const none = yield* find({ ...traits, hidden }, [], createdOf(others))
        assert.deepStrictEqual([none.tag, none.ids], ["Provisional", []])
      })
  )
})
