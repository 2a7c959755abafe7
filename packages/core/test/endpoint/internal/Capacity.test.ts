/** How wide a range and how long a list a server answers, measured on one of each kind. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Capacity from "../../../src/endpoint/internal/Capacity.ts"
import * as Patience from "../../../src/endpoint/internal/Patience.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, control, day, hour, open, rowsAt, second } from "../../history/internal/FakeServer.ts"

const cuts = ["last", "first", "empty", "error", "failure"] as const
const asc = { by: "started_at", order: "asc" } as const
const none = { by: undefined, order: undefined }

/** A call a day, and one an hour in the last three days. */
const spread = (days: number) => [
  ...Array.from({ length: days - 3 }, (_, i) => began - (days - i) * day + hour),
  ...Array.from({ length: 72 }, (_, i) => began - 3 * day + i * hour)
]

interface Given {
  readonly starts: ReadonlyArray<number>
  readonly traits?: Partial<Adversary.Traits>
  readonly ascending?: boolean
  readonly rows?: ReadonlyArray<Adversary.Row>
  /** The oldest and the newest call are not known. */
  readonly unknown?: boolean
}

const given = ({ ascending = false, rows: more = [], starts, traits = {}, unknown = false }: Given) => {
  const rows = [...rowsAt(starts), ...more]
  const server = open(rows, traits)
  const ask = Ask.make(Patience.make(server.client.list), {}, { size: 10, sort: none })
  const about = {
    size: 10,
    repeats: traits.beyond === "last" || traits.beyond === "first",
    controls: unknown
      ? []
      : rows
          .flatMap(({ id, start }) => (start === undefined ? [] : control(id, start)))
          .sort((a, b) => a.start - b.start),
    newestFirst: (traits.order ?? "start") === "start" && traits.newestFirst !== false,
    ascending: ascending ? asc : undefined
  }
  return { server, ask, about }
}

const spanOf = (one: Given) => {
  const { about, ask, server } = given(one)
  return Effect.map(Capacity.span(ask, about), (span) => ({
    days: span === undefined ? undefined : span / day,
    requests: server.requests()
  }))
}

describe("Capacity.span", () => {
  it.effect("is the widest of the usual ones that is answered in full, however the server answers a wider one", () =>
    Effect.gen(function* () {
      const starts = spread(400)
      for (const cut of cuts)
        for (const ascending of [false, true])
          for (const [most, days] of [
            [1, 1],
            [1.5, 1],
            [31, 31],
            [61.9, 60],
            [366, 366]
          ] as const) {
            const span = { most: most * day, cut }
            const found = yield* spanOf({ starts, traits: { span }, ascending })
            assert.strictEqual(found.days, days, `${cut}, ${most} days, ${ascending}`)
            assert.isAtMost(found.requests, ascending ? 12 : 60)
          }
    })
  )

  it.effect(
    "is nothing where all that is known comes in one answer, in two requests where the oldest can be first",
    () =>
      Effect.gen(function* () {
        const found = yield* spanOf({ starts: spread(400), ascending: true })
        assert.deepStrictEqual(found, { days: undefined, requests: 2 })
        assert.isUndefined((yield* spanOf({ starts: spread(400) })).days)
        assert.isUndefined((yield* spanOf({ starts: spread(400), traits: { beyond: "last" } })).days)
      })
  )

  it.effect("is not asked for where calls of one day are known, or none, or no order shows where a list ends", () =>
    Effect.gen(function* () {
      const traits = { span: { most: hour, cut: "last" } } as const
      const oneDay = [began - day + 3 * second, began]
      assert.deepStrictEqual(yield* spanOf({ starts: oneDay, traits }), { days: undefined, requests: 0 })
      assert.isAbove((yield* spanOf({ starts: [began - day + 3 * second - 1, began], traits })).requests, 0)
      assert.deepStrictEqual(yield* spanOf({ starts: spread(9), unknown: true, traits }), {
        days: undefined,
        requests: 0
      })
      const scrambled = { ...traits, order: "id", sorting: false } as const
      assert.deepStrictEqual(yield* spanOf({ starts: spread(9), traits: scrambled }), { days: undefined, requests: 0 })
      const turned = { ...traits, order: "created", newestFirst: false } as const
      assert.isDefined((yield* spanOf({ starts: spread(9), traits: turned, ascending: true })).days)
    })
  )

  it.effect("is at least a day, and the widest of all where more years are known", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* spanOf({ starts: spread(9), traits: { span: { most: hour, cut: "last" } } })).days, 1)
      const years = [...spread(3700).filter((_, i) => i % 100 === 0), began - hour]
      const traits = { span: { most: 3653 * day, cut: "empty" } } as const
      assert.strictEqual((yield* spanOf({ starts: years, traits, ascending: true })).days, 3653)
    })
  )

  it.effect("does not hold where the count fails on a record, or a page is refused", () =>
    Effect.gen(function* () {
      const starts = spread(40)
      const poison = { starts, traits: { poison: "row-0" } }
      assert.strictEqual((yield* spanOf(poison)).days, 1)
      const depth = { starts, traits: { depth: { most: 2, cut: "error" } } } as const
      assert.isDefined((yield* spanOf(depth)).days)
    })
  )
})

const rowsOf = (one: Given, expected: number, bounds?: Ask.Bounds) => {
  const { about, ask, server } = given(one)
  return Effect.map(Capacity.rows(ask, about, expected, bounds), (found) => ({ ...found, requests: server.requests() }))
}

/** A call an hour. */
const hourly = (count: number) => Array.from({ length: count }, (_, i) => began - (count - i) * hour)

describe("Capacity.rows", () => {
  it.effect("a list that ends with the oldest call that is known is counted, and has no limit", () =>
    Effect.gen(function* () {
      for (const rows of [1, 9, 10, 87, 100])
        for (const beyond of ["empty", "last"] as const)
          for (const expected of [1, rows, 10 * rows]) {
            const { counted, most } = yield* rowsOf({ starts: hourly(rows), traits: { beyond } }, expected)
            assert.deepStrictEqual([counted, most], [rows, undefined], `${rows} ${beyond} ${expected}`)
          }
      assert.deepInclude(yield* rowsOf({ starts: [] }, 5), { counted: 0, most: undefined })
    })
  )

  it.effect("a list that a limit cuts has so many rows, however the server answers deeper pages", () =>
    Effect.gen(function* () {
      for (const traits of [
        { results: { most: 40, cut: "first" } },
        { offset: { most: 40, cut: "empty" } },
        { depth: { most: 4, cut: "empty" } },
        { offset: { most: 40, cut: "error" } },
        { depth: { most: 4, cut: "error" } },
        { depth: { most: 4, cut: "failure" } }
      ] as const)
        for (const expected of [1, 35, 87, 1000]) {
          const { counted, most, requests } = yield* rowsOf({ starts: hourly(87), traits }, expected)
          assert.deepStrictEqual([counted, most], [undefined, 40], JSON.stringify({ traits, expected }))
          assert.isAtMost(requests, 30)
        }
    })
  )

  it.effect("one page is the most where the second one is refused", () =>
    Effect.gen(function* () {
      const traits = { depth: { most: 1, cut: "error" } } as const
      for (const expected of [1, 1000])
        assert.strictEqual((yield* rowsOf({ starts: hourly(87), traits }, expected)).most, 10)
    })
  )

  it.effect("in no order of time its halves show whether it is cut", () =>
    Effect.gen(function* () {
      const scrambled = { order: "id", sorting: false } as const
      const results = { most: 50, cut: "first" } as const
      const starts = hourly(87)
      assert.deepInclude(yield* rowsOf({ starts, traits: scrambled }, 87), { counted: 87, most: undefined })
      assert.deepInclude(yield* rowsOf({ starts, traits: { ...scrambled, results } }, 87), {
        counted: undefined,
        most: 50
      })
      // A part of the list, on both sides of which more is known.
      const bounds = { after: began - 60 * hour - second, before: began - 10 * hour + second }
      assert.deepInclude(yield* rowsOf({ starts, traits: scrambled }, 87, bounds), { counted: 51, most: undefined })
      assert.deepInclude(yield* rowsOf({ starts, traits: { ...scrambled, results } }, 87, bounds), {
        counted: undefined,
        most: 50
      })
      // One call in it is no middle.
      const few = { after: began - hour - second, before: began + second }
      assert.deepInclude(yield* rowsOf({ starts, traits: scrambled }, 1, few), { counted: 1, most: undefined })
    })
  )

  it.effect("calls without a start time at the end of the list, or a last page that fails, show no limit", () =>
    Effect.gen(function* () {
      const undated = Array.from({ length: 13 }, (_, i) => ({ id: `busy-${i}`, start: undefined, created: began }))
      const traits = { undatedFirst: false }
      for (const rows of [undated.slice(0, 3), undated]) {
        const { counted, most } = yield* rowsOf({ starts: hourly(82), rows, traits }, 85)
        assert.deepStrictEqual([counted, most], [82 + rows.length, undefined])
      }
    })
  )
})

describe("Capacity.limit", () => {
  const limitOf = (one: Given, expected: number) => {
    const { about, ask } = given(one)
    return Capacity.limit(ask, about, expected)
  }
  const starts = hourly(24 * 40)

  it.effect("is one on rows where half of the list is cut at as many, or has fewer", () =>
    Effect.gen(function* () {
      for (const cut of ["empty", "error"] as const) {
        assert.deepStrictEqual(yield* limitOf({ starts, traits: { depth: { most: 20, cut } } }, 960), { rows: 200 })
        assert.deepStrictEqual(yield* limitOf({ starts, traits: { depth: { most: 70, cut } } }, 960), { rows: 700 })
      }
      const results = { most: 200, cut: "first" } as const
      assert.deepStrictEqual(yield* limitOf({ starts, traits: { results } }, 960), { rows: 200 })
    })
  )

  it.effect("is one on the width where lists are complete", () =>
    Effect.gen(function* () {
      for (const cut of ["last", "empty", "error"] as const)
        assert.deepStrictEqual(yield* limitOf({ starts, traits: { span: { most: 31 * day, cut } } }, 960), {
          span: 31 * day
        })
    })
  )

  it.effect("is not seen where there is none, or nothing is known", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* limitOf({ starts }, 960), {})
      const traits = { depth: { most: 20, cut: "empty" } } as const
      assert.deepStrictEqual(yield* limitOf({ starts, traits, unknown: true }, 960), {})
    })
  )
})
