/** Whether bounds are understood, on servers that misread them each in one way. */
import type { CallSessionQuery } from "@callstream/core/model/CallSessionQuery"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { rowsAt, began, day, hour, second } from "../../history/internal/FakeServer.ts"
import {
  afterPaging,
  type Given,
  notBack,
  outside,
  poisoned,
  refusal,
  probe,
  problemOf,
  starts,
  unclear
} from "./BoundedList.ts"

describe("BoundsProbe.bounds, on rows that are there", () => {
  it.effect("without a sample nothing is asked", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* probe({ samples: [] }), { problem: undefined, asked: [] })
    })
  )

  it.effect("three rows come back, and each alone: six requests", () =>
    Effect.gen(function* () {
      const { asked, problem } = yield* probe({})
      assert.isUndefined(problem)
      assert.deepStrictEqual(asked, [...Array(3).fill("near 1 10"), ...Array(3).fill("near 1 1")])
    })
  )

  it.effect("one from deep within comes alone, while the first page is the same: four requests", () =>
    Effect.gen(function* () {
      const { asked, problem } = yield* probe({ samples: [39, 35, 5] })
      assert.isUndefined(problem)
      assert.deepStrictEqual(asked.toSorted(), ["all 1 10", "near 1 1", "near 1 10", "near 1 10"])
      // Nobody knows what is first, or the row is from a page before that.
      assert.lengthOf((yield* probe({ samples: [39, 35, 5], first: undefined })).asked, 6)
      assert.lengthOf((yield* probe({ samples: [39, 35, 5], pages: [4, 3, 1] })).asked, 6)
      assert.lengthOf((yield* probe({ samples: [35, 5, 2] })).asked, 6)
    })
  )

  it.effect("that row proves nothing if it starts with the first one, or that one is gone", () =>
    Effect.gen(function* () {
      const tied = starts.map((start, i) => (i === 35 ? began - day - 3 * second : start))
      assert.lengthOf((yield* probe({ starts: tied, samples: [39, 35, 5] })).asked, 7)
      const apart = tied.map((start, i) => (i === 35 ? start - 1 : start))
      assert.lengthOf((yield* probe({ starts: apart, samples: [39, 35, 5] })).asked, 4)
      const rows = rowsAt(starts).map((row, i) => (i === 0 ? { ...row, gone: began } : row))
      assert.lengthOf((yield* probe({ rows, samples: [39, 35, 5] })).asked, 7)
    })
  )

  it.effect("a deep row that does not come alone, or fails, is asked for like any other", () =>
    Effect.gen(function* () {
      // Two calls start together, and the other one comes alone.
      const tied = [...starts.slice(0, 36), starts[35] ?? 0, ...starts.slice(36)]
      const one = yield* probe({ starts: tied, samples: [39, 35, 5] })
      const two = yield* probe({ starts: tied, samples: [39, 36, 5] })
      assert.deepStrictEqual([one.problem, two.problem], [undefined, undefined])
      assert.deepStrictEqual(one.asked.length + two.asked.length, 4 + 5)
      const poison = yield* probe({ samples: [39, 35, 5], traits: { poison: "row-0" } })
      assert.isUndefined(poison.problem)
    })
  )

  it.effect("one or two rows that come first within their bounds, where another one is first without, are enough", () =>
    Effect.gen(function* () {
      const two = yield* probe({ samples: [39, 5] })
      assert.isUndefined(two.problem)
      // Both come back, the first of all is found, one comes first, and that one is there still.
      assert.deepStrictEqual(two.asked, ["near 1 10", "near 1 10", "all 1 1", "near 1 1", "all 1 10"])
      // Three rows, two of which start within three seconds of each other.
      const near = [...starts, began - 40 * day - 3 * second]
      for (const samples of [
        [40, 20, 39],
        [20, 40, 39],
        [40, 39, 20]
      ]) {
        const { asked, problem } = yield* probe({ starts: near, samples, pages: [1, 1, 1] })
        assert.isUndefined(problem)
        assert.include(asked, "all 1 1")
      }
      const apart = [...starts, began - 40 * day - 3 * second - 1]
      assert.notInclude((yield* probe({ starts: apart, samples: [40, 20, 39] })).asked, "all 1 1")
    })
  )
})

describe("BoundsProbe.bounds, on a server that misreads them", () => {
  it.effect("rows from elsewhere come where bounds are ignored", () =>
    Effect.gen(function* () {
      const instead: Given["instead"] = ({ startedAfter: _, startedBefore: __, ...query }) => query
      for (const samples of [[39, 20, 5], [5], [39, 35, 5]])
        assert.deepStrictEqual(yield* problemOf({ instead, samples }), outside)
      // It may be for bounds that are read to the minute, hour or day.
      assert.lengthOf((yield* probe({ instead, samples: [5] })).asked, 4)
      const recent: Given["instead"] = ({ startedAfter, startedBefore, ...query }) =>
        Date.parse(String(startedAfter)) > (began - 10 * day) / 1000 ? query : { ...query, startedAfter, startedBefore }
      assert.deepStrictEqual(yield* problemOf({ instead: recent }), outside)
      const after: Given["instead"] = ({ startedBefore: _, ...query }) => query
      assert.deepStrictEqual(yield* problemOf({ instead: after }), outside)
    })
  )

  it.effect("rows of the first page come back where bounds are applied after paging, and not alone", () =>
    Effect.gen(function* () {
      const traits = { filterAfterPaging: true }
      for (const samples of [[5, 3, 0], [5, 3, 1], [9, 1], [5], [5, 0], [0, 5]])
        assert.deepStrictEqual(yield* problemOf({ traits, samples }), afterPaging, JSON.stringify(samples))
      assert.deepStrictEqual(yield* problemOf({ traits, samples: [5, 3, 1], pages: [1, 4, 1] }), afterPaging)
      // Each of these may be the first one.
      const together = starts.map((start, i) => (i < 3 ? began - i * second : start))
      assert.deepStrictEqual(yield* problemOf({ traits, starts: together, samples: [0, 1, 2] }), unclear)
      // The deep row fails by chance.
      let failed = 0
      const once: Given["instead"] = ({ pageSize, startedAfter }) =>
        pageSize === 1 && startedAfter !== undefined && failed++ === 0 ? poisoned : undefined
      const deep = { samples: [5, 3, 1], pages: [1, 4, 1], instead: once }
      assert.deepStrictEqual(yield* problemOf({ ...deep, traits }), afterPaging)
      failed = 0
      assert.deepStrictEqual(yield* problemOf({ samples: [5, 3, 1], instead: once, traits }), afterPaging)
      failed = 0
      // It is asked for like the others then.
      assert.lengthOf((yield* probe(deep)).asked, 7)
      // Only the first of all comes alone: of no other one anything is known.
      assert.deepStrictEqual(yield* problemOf({ traits, samples: [0] }), unclear)
      // From another page none comes back at all.
      assert.deepStrictEqual(yield* problemOf({ traits, samples: [39, 20, 15] }), notBack)
    })
  )

  it.effect("a row that did not come alone by chance is asked for once more", () =>
    Effect.gen(function* () {
      const nothing: Given["instead"] = (query, nth) =>
        nth === 3
          ? { ...query, startedAfter: "2001-01-01T00:00:00Z", startedBefore: "2001-01-02T00:00:00Z" }
          : undefined
      assert.isUndefined(yield* problemOf({ samples: [5], instead: nothing }))
      const { asked } = yield* probe({ samples: [5], instead: nothing })
      // It comes back, the first of all, alone, back again, alone again, and the first page.
      assert.deepStrictEqual(asked, ["near 1 10", "all 1 1", "near 1 1", "near 1 10", "near 1 1", "all 1 10"])
    })
  )

  it.effect("bounds that are refused are said to be at once; where only those of rows are, others are tried", () =>
    Effect.gen(function* () {
      const all: Given["instead"] = ({ startedAfter }) => (startedAfter === undefined ? undefined : refusal)
      const refused = yield* probe({ samples: [5], instead: all })
      assert.deepStrictEqual(refused.problem, { _tag: "BoundsRefused" })
      // Its own second twice, and times before there were calls.
      assert.deepStrictEqual(refused.asked, Array(3).fill("near 1 10"))
      const isEarly = ({ startedBefore }: CallSessionQuery) => Date.parse(String(startedBefore)) < 1e12
      const rows: Given["instead"] = (query) => (isEarly(query) ? undefined : all(query, 0))
      const hidden = yield* probe({ samples: [5], instead: rows })
      assert.deepStrictEqual(hidden.problem, unclear)
      // The same three, and the page; four other rows of it; the first of all, and whether there are others.
      assert.lengthOf(hidden.asked, 3 + 1 + 4 * 2 + 1 + 3)
      const own = (starts[5] ?? 0) / 1000
      const isOwn = ({ startedAfter }: CallSessionQuery) => Math.abs(Date.parse(String(startedAfter)) - own) < 5000
      const one = yield* probe({ samples: [5], instead: (query) => (isOwn(query) ? refusal : undefined) })
      assert.isUndefined(one.problem)
    })
  )

  it.effect("rows do not come back where bounds are another time zone's", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* problemOf({ traits: { zone: hour } }), notBack)
      // So few are on the page that each turn asks for the same one.
      assert.deepStrictEqual(
        yield* problemOf({ starts: starts.slice(0, 1), samples: [0], traits: { zone: hour } }),
        notBack
      )
    })
  )

  it.effect("the list is a single row, or two that start together: nothing can be tried on them", () =>
    Effect.gen(function* () {
      const [one = 0] = starts
      const single = yield* probe({ starts: [one], samples: [0] })
      assert.isUndefined(single.problem)
      assert.deepStrictEqual(single.asked, ["near 1 10", "all 1 1", "near 1 1", "all 1 1", "all 2 1"])
      assert.deepStrictEqual(yield* problemOf({ starts: [one, one], samples: [0, 1] }), unclear)
      assert.deepStrictEqual(yield* problemOf({ starts: [one, one], samples: [0] }), unclear)
      assert.deepStrictEqual(yield* problemOf({ starts: [one, one - 3 * second], samples: [0, 1] }), unclear)
      assert.isUndefined(yield* problemOf({ starts: [one, one - 3 * second - 1], samples: [0, 1] }))
      // Listed twice, it may be in two places in front of another one.
      const twice: Given["instead"] = (query) =>
        query.startedAfter === undefined && query.page === 2 ? { ...query, page: 1 } : undefined
      assert.deepStrictEqual(yield* problemOf({ starts: [one, one, one], samples: [2], instead: twice }), unclear)
      const fails: Given["instead"] = (query) =>
        query.startedAfter === undefined && query.page === 2 ? poisoned : undefined
      assert.deepStrictEqual(yield* problemOf({ starts: [one], samples: [0], instead: fails }), unclear)
    })
  )
})
