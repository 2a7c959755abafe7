/** Whether bounds are understood, where rows left, or cannot be had. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as BoundsProbe from "../../../src/endpoint/internal/BoundsProbe.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, control, day, hour, open, rowsAt } from "../../history/internal/FakeServer.ts"
import { type List, notBack, poisoned, probe, problemOf, sort, starts, unclear } from "./BoundedList.ts"

describe("BoundsProbe.bounds, on rows that left or fail", () => {
  it.effect("where a row left, another one from its page comes back", () =>
    Effect.gen(function* () {
      for (const place of [39, 20, 5]) {
        const rows = rowsAt(starts).map((row, i) => (i === place ? { ...row, gone: began } : row))
        const { asked, problem } = yield* probe({ rows })
        assert.isUndefined(problem)
        // It is looked for, the page is read, and another one comes back.
        assert.lengthOf(asked, 8)
      }
    })
  )

  it.effect("where all left, five are tried, each from another place of the page as it is by then", () =>
    Effect.gen(function* () {
      // None was there but the one that is looked for.
      const nothing = yield* probe({ starts: [], samples: [0] })
      assert.deepStrictEqual(nothing.problem, notBack)
      // Each turn looks for it and reads the page; then its minute, hour and day are read.
      assert.lengthOf(nothing.asked, 13)
      let page = 0
      const looked: Array<number> = []
      const list: List = (query, options) => {
        const { startedAfter, startedBefore } = query
        if (startedAfter === undefined) page++
        else if (Date.parse(String(startedBefore)) - Date.parse(String(startedAfter)) < 60_000)
          looked.push((began / 1000 - Date.parse(String(startedAfter))) / 86_400_000)
        const rows = rowsAt(starts).map((row) => ({ ...row, id: `${row.id} of ${page}` }))
        return open(startedAfter === undefined ? rows : []).client.list(query, options)
      }
      const ask = Ask.make(list, {}, { size: 10, sort })
      const samples = [{ row: control("gone", began - 30 * day), page: 1 }]
      assert.deepStrictEqual(yield* BoundsProbe.bounds(ask, ask, samples, undefined, 10), notBack)
      const places = looked.slice(0, 5).map((days) => Math.floor(days))
      assert.lengthOf(new Set(places), 5)
      assert.isTrue(places.slice(1).every((place) => place >= 1 && place <= 10))
    })
  )

  it.effect("it is another one that has a start, also if a call of the same start is still there", () =>
    Effect.gen(function* () {
      const [one = 0] = starts
      const tied = rowsAt([one, one, ...starts.slice(1, 9)]).map((row, i) => (i === 0 ? { ...row, gone: began } : row))
      assert.isUndefined(yield* problemOf({ rows: tied, samples: [0], first: undefined }))
      const undated = Array.from({ length: 9 }, (_, i) => ({ id: `busy-${i}`, start: undefined, created: began }))
      const rows = [
        ...rowsAt(starts.slice(0, 2)).map((row, i) => (i === 0 ? { ...row, gone: began } : row)),
        ...undated
      ]
      assert.isUndefined(yield* problemOf({ rows, samples: [0], pages: [1], first: undefined }))
    })
  )

  it.effect("one that is listed and does not come back three times shows that bounds mean something else", () =>
    Effect.gen(function* () {
      const absent = (until: number) =>
        Effect.gen(function* () {
          let looks = 0
          const looked: Array<unknown> = []
          const { asked, problem } = yield* probe({
            samples: [5],
            instead: (query) => {
              const { pageSize, startedAfter, startedBefore } = query
              const width = Date.parse(String(startedBefore)) - Date.parse(String(startedAfter))
              if (width < 60_000 && pageSize === 10) looked.push(startedAfter)
              if (query.startedAfter === undefined || ++looks > until) return undefined
              return { ...query, startedAfter: "2001-01-01T00:00:00Z", startedBefore: "2001-01-02T00:00:00Z" }
            }
          })
          // One that is listed is asked for again, and no other one.
          assert.lengthOf(new Set(looked), 1)
          return [problem, asked.filter((one) => one === "all 1 10").length] as const
        })
      assert.deepStrictEqual(yield* absent(0), [undefined, 1])
      assert.deepStrictEqual(yield* absent(2), [undefined, 3])
      assert.deepStrictEqual(yield* absent(3), [notBack, 3])
      const [problem, pages] = yield* absent(1000)
      assert.deepStrictEqual([problem, pages], [notBack, 3])
    })
  )

  it.effect("one whose start moved is not the one that was seen", () =>
    Effect.gen(function* () {
      const rows = rowsAt(starts).map((row, i) =>
        i === 5 ? { ...row, moves: [{ at: began, start: began - hour }] } : row
      )
      const { asked, problem } = yield* probe({ rows, samples: [5] })
      assert.isUndefined(problem)
      assert.strictEqual(asked.filter((one) => one === "all 1 10").length, 2)
    })
  )

  it.effect("records that fail their page show nothing, and the others do", () =>
    Effect.gen(function* () {
      assert.isUndefined(yield* problemOf({ traits: { poison: "row-39" } }))
      assert.isUndefined(yield* problemOf({ traits: { poison: "row-20" } }))
      // Nothing is known of any row.
      assert.deepStrictEqual(yield* problemOf({ traits: { poison: "row-5" }, samples: [5] }), unclear)
      // The first row of all fails.
      assert.deepStrictEqual(yield* problemOf({ traits: { poison: "row-0" }, samples: [5] }), unclear)
    })
  )

  it.effect("the first of all must be there when a row came first within its bounds", () =>
    Effect.gen(function* () {
      const all = rowsAt(starts)
      const busy = (name: string) => ({ id: name, start: undefined, created: began - hour })
      /** What is first without bounds, and then what the first page lists, or the first row if that page fails. */
      const problem = (
        first: ReadonlyArray<Adversary.Row>,
        page: ReadonlyArray<Adversary.Row> | "fails",
        then = first
      ) => {
        let tops = 0
        const list: List = (query, options) => {
          const { pageSize, startedAfter } = query
          if (startedAfter !== undefined) return open(all).client.list(query, options)
          if (pageSize === 10) return page === "fails" ? Effect.fail(poisoned) : open(page).client.list(query, options)
          return open(query.page === 1 && tops++ === 0 ? first : then).client.list(query, options)
        }
        const ask = Ask.make(list, {}, { size: 10, sort })
        const samples = [{ row: control("row-5", starts[5] ?? 0), page: 1 }]
        return BoundsProbe.bounds(ask, ask, samples, undefined, 10)
      }
      const rest = all.slice(1)
      assert.isUndefined(yield* problem(all, all))
      assert.deepStrictEqual(yield* problem(all, rest, all), unclear)
      // A call without a start time that is at the front now says nothing of one that started.
      assert.deepStrictEqual(yield* problem(all, [busy("busy"), ...rest], all), unclear)
      // Where that page fails, the first row alone is asked for.
      assert.isUndefined(yield* problem(all, "fails"))
      assert.deepStrictEqual(yield* problem(all, "fails", rest), unclear)
      // Those without a start time are together, in any order.
      const undated = [busy("one"), ...all]
      assert.isUndefined(yield* problem(undated, [busy("two"), ...all]))
      assert.deepStrictEqual(yield* problem(undated, all), unclear)
    })
  )
})
