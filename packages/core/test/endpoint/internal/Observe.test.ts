/** What is concluded from the first pages of a list, while calls come and leave. */
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Observe from "../../../src/endpoint/internal/Observe.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { askOf, began, hour, open, rowsAt, second } from "../../history/internal/FakeServer.ts"

const rowsOf = (count: number) => rowsAt(Arr.range(1, count).map((i) => began - i * hour))
const newer: Adversary.Row = { id: "newer", start: began - second, created: began - second }

/** Each request takes a second. */
const serve = (rows: ReadonlyArray<Adversary.Row>, traits: Partial<Adversary.Traits> = {}) => {
  const server = open(rows, { cap: 20, ...traits }, second)
  return { ask: askOf(server, 20), now: server.now }
}

const sizes = { of: [5, 10, 20], round: "down" } as const

describe("Observe.afterShort", () => {
  const judge = Effect.fnUntraced(function* (rows: ReadonlyArray<Adversary.Row>, traits?: Partial<Adversary.Traits>) {
    const { ask } = serve(rows, traits)
    const { rows: first } = yield* ask(1, {}, { size: 30 })
    return yield* Observe.afterShort(ask, 1, first, 30)
  })

  it.effect("a short page with the first of its rows on a page that was asked smaller: the size is rounded", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* judge(rowsOf(13), { sizes }), "rounded")
      assert.strictEqual(yield* judge(rowsOf(13)), "end")
      assert.strictEqual(yield* judge(rowsOf(25)), "more")
    })
  )

  it.effect("behind a short page is another call, which came meanwhile, or a replica lags: no page was cut", () =>
    Effect.gen(function* () {
      const older: Adversary.Row = { id: "older", start: began - 20 * hour, created: began - 20 * hour }
      assert.strictEqual(yield* judge([...rowsOf(5), { ...older, seen: began + 1.5 * second }]), "grown")
      for (const every of [0, 1]) {
        const when = { by: "number", every: 2, for: 1 } as const
        const { ask } = serve([...rowsOf(5), older], { hidden: { ids: ["older"], when } })
        for (let earlier = 0; earlier < every; earlier++) yield* ask(1, {})
        const { rows: first } = yield* ask(1, {}, { size: 30 })
        const verdict = yield* Observe.afterShort(ask, 1, first, 30)
        assert.include(["grown", "end"], verdict)
      }
    })
  )

  it.effect("a call that comes, or comes and another leaves, after any request: no size is rounded", () =>
    Effect.gen(function* () {
      for (let after = 1; after <= 5; after++)
        for (const gone of [0, 1, 2]) {
          const at = began + after * second
          const rows = rowsOf(13).map((row, i) => (i < gone ? { ...row, gone: at + (i * second) / 2 } : row))
          const verdict = yield* judge([...rows, { ...newer, seen: at }])
          assert.notStrictEqual(verdict, "rounded", `after ${after}, ${gone} gone`)
        }
    })
  )
})

describe("Observe.rounds", () => {
  const judge = Effect.fnUntraced(function* (rows: ReadonlyArray<Adversary.Row>, traits?: Partial<Adversary.Traits>) {
    const { ask } = serve(rows, traits)
    const [{ rows: first }, oldest] = [
      yield* ask(1, {}),
      yield* ask(1, {}, { size: 19, sort: Observe.ascending("started_at") })
    ]
    return yield* Observe.rounds(ask, first, 20, { asked: 19, rows: oldest.rows })
  })

  it.effect("a page of one call less than the first is cut, or is not", () =>
    Effect.gen(function* () {
      assert.isTrue(yield* judge(rowsOf(40), { sizes }))
      assert.isTrue(yield* judge(rowsOf(40), { sizes: { of: [20], round: "least" } }))
      assert.isFalse(yield* judge(rowsOf(40)))
      assert.isFalse(yield* judge(rowsOf(19)))
    })
  )

  it.effect("calls that leave, or that some answers hide, do not make a page a cut one", () =>
    Effect.gen(function* () {
      for (let after = 0; after <= 3; after++)
        for (const gone of [1, 2, 18]) {
          const at = began + after * second
          const rows = rowsOf(20).map((row, i) => (i >= 1 && i <= gone ? { ...row, gone: at } : row))
          assert.isFalse(yield* judge(rows), `after ${after}, ${gone} gone`)
          const ids = rows.slice(1, gone + 1).map(({ id }) => id)
          assert.isFalse(yield* judge(rowsOf(20), { hidden: { ids, when: { by: "number", every: 3, for: after } } }))
        }
    })
  )
})
