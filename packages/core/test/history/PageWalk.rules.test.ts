import { AgniError, InvalidRequest, InvalidResponse, NotFound, Unavailable } from "@callstream/core/model/AgniError"
import type { CallSessionQuery } from "@callstream/core/model/CallSessionQuery"
import * as PageWalk from "@callstream/core/history/PageWalk"
import type { Page } from "@callstream/core/model/Page"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { byHand, collect, idsOf, numbered, page, session } from "./Walking.ts"

const errorOf = (reason: AgniError["reason"]) =>
  new AgniError({ reason, request: "GET", attempts: 1, elapsed: Duration.zero })

type Answer = (query: CallSessionQuery & { readonly page: number }) => Effect.Effect<Page, AgniError> | Page

/** The pages of a walk, and the numbers that it asked for. */
const walk = Effect.fnUntraced(function* (
  answer: Answer,
  query: CallSessionQuery = {},
  options: PageWalk.ReadOptions = { concurrency: 1 }
) {
  const made = byHand(answer)
  const { elements, error } = yield* collect(Stream.take(PageWalk.pages(query, options), 100)).pipe(
    Effect.provide(made.layer)
  )
  return { numbers: elements.map(({ page }) => page), ids: idsOf(elements), error, ...made }
})

/** How often a page was asked for. */
const timesOf = (asked: ReadonlyArray<CallSessionQuery>, number: number) =>
  asked.filter(({ page }) => page === number).length

/** Pages with one call each, but for those that are left empty. */
const except =
  (...empty: ReadonlyArray<number>): Answer =>
  ({ page: number }) =>
    page(number, number > 30 || empty.includes(number) ? [] : [session(`call-${number}`)])

describe("PageWalk.pages: pages without a new call", () => {
  it.effect("two in a row end it, and the first of them is asked for twice", () =>
    Effect.gen(function* () {
      const one = yield* walk(except(4))
      assert.deepStrictEqual([one.ids.length, one.numbers.includes(4)], [29, false])
      assert.deepStrictEqual([timesOf(one.asked, 3), timesOf(one.asked, 4)], [1, 2])
      const two = yield* walk(except(4, 5))
      assert.deepStrictEqual(two.ids, ["call-1", "call-2", "call-3"])
      assert.deepStrictEqual([timesOf(two.asked, 4), timesOf(two.asked, 5)], [2, 1])
      // Those that are not in a row are each a first one.
      const apart = yield* walk(except(4, 6, 8))
      assert.deepStrictEqual([apart.ids.length, timesOf(apart.asked, 6), timesOf(apart.asked, 8)], [27, 2, 2])
    })
  )

  it.effect("with filters it takes four, or as many as are asked for ahead", () =>
    Effect.gen(function* () {
      const filters: ReadonlyArray<CallSessionQuery> = [
        { agentId: "a" },
        { callerNumber: "1" },
        { channel: "voice" },
        { search: "x" },
        { startedAfter: "2026-01-01" },
        { startedBefore: "2026-01-01" },
        { status: "failed" }
      ]
      for (const query of filters) {
        const about = JSON.stringify(query)
        const { asked, ids } = yield* walk(except(4, 5, 6), query)
        assert.lengthOf(ids, 27, about)
        for (const one of asked) assert.deepInclude(one, query)
        assert.lengthOf((yield* walk(except(4, 5, 6, 7), query)).ids, 3, about)
        assert.lengthOf((yield* walk(except(4, 5, 6, 7), query, { concurrency: 5 })).ids, 26, about)
        assert.lengthOf((yield* walk(except(4, 5, 6, 7, 8), query, { concurrency: 5 })).ids, 3, about)
      }
      for (const query of [{ sortBy: "started_at" }, { pageSize: 1 }, {}])
        assert.lengthOf((yield* walk(except(4, 5), query, { concurrency: 5 })).ids, 3)
    })
  )

  it.effect("a page of records that came before is none with new ones", () =>
    Effect.gen(function* () {
      const again: Answer = ({ page: number }) =>
        page(number, number > 4 ? [session("call-2")] : [session(`call-${number}`)])
      const { asked, ids } = yield* walk(again)
      assert.deepStrictEqual(ids, ["call-1", "call-2", "call-3", "call-4"])
      // It is not empty as it came: nobody doubts it.
      assert.strictEqual(timesOf(asked, 5), 1)
      const raws: Answer = ({ page: number }) => page(number, [], number > 4 ? [{ id: "2" }] : [{ id: `${number}` }])
      assert.deepStrictEqual((yield* walk(raws)).numbers, [1, 2, 3, 4])
    })
  )

  it.effect("an empty first page is asked for twice, and may have calls after all", () =>
    Effect.gen(function* () {
      let times = 0
      const once: Answer = ({ page: number }) =>
        number === 1 && times++ === 0 ? page(1, []) : page(number, number === 1 ? [session("call-1")] : [])
      assert.deepStrictEqual((yield* walk(once)).ids, ["call-1"])
      const never = yield* walk(({ page: number }) => page(number, []))
      assert.deepStrictEqual([never.ids, timesOf(never.asked, 1)], [[], 2])
    })
  )
})

describe("PageWalk.pages: errors behind the last page", () => {
  const errors = {
    "a 404": errorOf(new NotFound({})),
    "a 400": errorOf(new InvalidRequest({ status: 400 })),
    "no content": errorOf(new InvalidResponse({ problem: { _tag: "NoContent" } }))
  }
  const others = {
    "a 422": errorOf(new InvalidRequest({ status: 422 })),
    "a refusal before any request": errorOf(new InvalidRequest({ parameter: "page", requirement: "must be less" })),
    "another response": errorOf(new InvalidResponse({ problem: { _tag: "NotJson", characters: 3 } })),
    "an outage": errorOf(new Unavailable({ outage: { _tag: "Unreachable" } }))
  }
  const after = (last: number, error: AgniError, times = Infinity): Answer => {
    let count = 0
    return ({ page: number }) =>
      number > last && number <= 30 && (number > last + 1 || count++ < times)
        ? Effect.fail(error)
        : page(number, number > 30 ? [] : [session(`call-${number}`)])
  }

  for (const [what, error] of Object.entries(errors))
    it.effect(`${what} that comes twice is the end, and none where nothing came`, () =>
      Effect.gen(function* () {
        const twice = yield* walk(after(3, error))
        assert.deepStrictEqual([twice.ids.length, twice.error, timesOf(twice.asked, 4)], [3, undefined, 2])
        const first = yield* walk(after(0, error))
        assert.deepStrictEqual([first.ids, first.error], [[], error])
        const empty = yield* walk(({ page: number }) => (number > 1 ? Effect.fail(error) : page(number, [])))
        assert.deepStrictEqual([empty.ids, empty.error, timesOf(empty.asked, 2)], [[], error, 1])
      })
    )

  for (const [what, error] of Object.entries(others))
    it.effect(`${what} is none`, () =>
      Effect.gen(function* () {
        const { asked, error: failed, ids } = yield* walk(after(3, error))
        assert.deepStrictEqual([ids.length, failed, timesOf(asked, 4)], [3, error, 1])
      })
    )

  it.effect("an outage at the second attempt is an error", () =>
    Effect.gen(function* () {
      let count = 0
      const { error, ids } = yield* walk(({ page: number }) =>
        number > 3
          ? Effect.fail(count++ === 0 ? errors["a 404"] : others["an outage"])
          : page(number, [session(`${number}`)])
      )
      assert.deepStrictEqual([ids.length, error], [3, others["an outage"]])
    })
  )

  it.effect("one that comes once does not end it", () =>
    Effect.gen(function* () {
      const { error, ids } = yield* walk(after(3, errors["a 404"], 1), { page: 3 })
      assert.deepStrictEqual([ids.slice(0, 2), error], [["call-3", "call-4"], undefined])
    })
  )

  it.effect("the page that is asked for again is that one", () =>
    Effect.gen(function* () {
      const { pagesAsked } = yield* walk(after(12, errors["a 404"]), { page: 10 })
      const numbers = pagesAsked()
      // The first page shows no order: it is asked for again.
      assert.deepStrictEqual(numbers.slice(0, 4), [10, 10, 11, 12])
      assert.deepStrictEqual(
        [
          timesOf(
            numbers.map((page) => ({ page })),
            13
          )
        ],
        [2]
      )
    })
  )
})

describe("PageWalk.pages: the size of pages", () => {
  /** Pages of so many calls at most, of which there are thirty. */
  const cut =
    (most: number): Answer =>
    ({ page: number, pageSize = 10 }) =>
      numbered(30, Math.min(pageSize, most))(number)
  /** The first page shows no order: it is asked for again at once. */
  const later = <A>([, ...rest]: ReadonlyArray<A>) => rest
  const sizes = ({ asked }: { readonly asked: ReadonlyArray<CallSessionQuery> }) =>
    later(asked).map(({ pageSize }) => pageSize)

  it.effect("is the one that came where the server cuts it", () =>
    Effect.gen(function* () {
      const found = yield* walk(cut(4), { pageSize: 10, agentId: "a" })
      for (const one of found.asked) assert.strictEqual(one.agentId, "a")
      assert.deepStrictEqual(sizes(found).slice(0, 4), [10, 4, 4, 4])
      assert.deepStrictEqual([found.asked[2]?.page, found.asked[3]?.page, found.ids.length], [1, 2, 30])
    })
  )

  it.effect("stays where the first page is full, or where another answer brings less again", () =>
    Effect.gen(function* () {
      const full = yield* walk(cut(10), { pageSize: 10 })
      assert.deepStrictEqual([...new Set(sizes(full))], [10])
      assert.strictEqual(timesOf(later(full.asked), 1), 1)
      // Filtered after they were cut.
      const filtered = yield* walk(
        ({ page: number, pageSize = 10 }) =>
          page(
            number,
            numbered(
              30,
              pageSize
            )(number)
              .rows.sessions()
              .filter((_, i) => i % 2 === 0)
          ),
        { pageSize: 10 }
      )
      assert.deepStrictEqual(sizes(filtered).slice(0, 4), [10, 5, 10, 10])
    })
  )

  it.effect("is not tried where none was asked for, nothing came, or the walk begins later", () =>
    Effect.gen(function* () {
      const plain = yield* walk(cut(4))
      assert.deepStrictEqual([[...new Set(sizes(plain))], timesOf(later(plain.asked), 1)], [[undefined], 1])
      const second = yield* walk(cut(4), { pageSize: 10, page: 2 })
      assert.deepStrictEqual([[...new Set(sizes(second))], timesOf(second.asked, 1)], [[10], 0])
      const empty = yield* walk(({ page: number }) => page(number, []), { pageSize: 10 })
      assert.deepStrictEqual([...new Set(sizes(empty))], [10])
    })
  )

  it.effect("records that could not be decoded count as well", () =>
    Effect.gen(function* () {
      const found = yield* walk(
        ({ page: number, pageSize = 10 }) =>
          page(
            number,
            number === 1 ? [session("one")] : [],
            number === 1 ? [{ a: 1 }, { a: 2 }].slice(0, pageSize - 1) : []
          ),
        { pageSize: 5 }
      )
      assert.deepStrictEqual(sizes(found).slice(0, 3), [5, 3, 3])
    })
  )
})

describe("PageWalk.selectedPages: bounds and sizes", () => {
  const asked = Effect.fnUntraced(function* (selection: PageWalk.Selection) {
    const made = byHand(({ page: number }) => page(number, []))
    yield* collect(PageWalk.selectedPages(selection)).pipe(Effect.provide(made.layer))
    const { pageSize, startedAfter, startedBefore } = made.asked[0] ?? {}
    return { pageSize, after: startedAfter, before: startedBefore, requests: made.asked.length }
  })

  it.effect("a bound beyond the years of four digits is left out", () =>
    Effect.gen(function* () {
      for (const [selection, after, before] of [
        [{ from: "0000-01-01T00:00:01Z" }, "0000-01-01T00:00:00Z", undefined],
        [{ from: "0000-01-01T00:00:00.9Z" }, undefined, undefined],
        [{ to: "9999-12-31T23:59:58Z" }, undefined, "9999-12-31T23:59:59Z"],
        [{ to: "9999-12-31T23:59:58.1Z" }, undefined, undefined],
        [{ from: "2026-07-31", to: "2026-08-01" }, "2026-07-30T23:59:59Z", "2026-08-01T00:00:01Z"]
      ] as const) {
        const found = yield* asked(selection)
        assert.deepStrictEqual([found.after, found.before], [after, before], JSON.stringify(selection))
      }
    })
  )

  it.effect("pages have a hundred calls, unless another size is asked for", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* asked({})).pageSize, 100)
      assert.strictEqual((yield* asked({ pageSize: 7, from: "2026-07-31" })).pageSize, 7)
    })
  )

  it.effect("a call at the beginning is in the range, and one at its end is not", () =>
    Effect.gen(function* () {
      const starts = [
        "2026-07-30T23:59:59.999999Z",
        "2026-07-31T00:00:00Z",
        "2026-07-31T23:59:59.999999Z",
        "2026-08-01T00:00:00Z"
      ]
      const made = byHand(({ page: number }) =>
        page(
          number,
          number > 1 ? [] : [...starts.map((startedAt) => session(startedAt, { startedAt })), session("without")]
        )
      )
      const idsFor = (selection: PageWalk.Selection) =>
        Effect.map(collect(PageWalk.selectedPages(selection)).pipe(Effect.provide(made.layer)), ({ elements }) =>
          idsOf(elements)
        )
      const [from, to] = ["2026-07-31", "2026-08-01"]
      assert.deepStrictEqual(yield* idsFor({ from, to }), starts.slice(1, 3))
      assert.deepStrictEqual(yield* idsFor({ from }), starts.slice(1))
      assert.deepStrictEqual(yield* idsFor({ to }), starts.slice(0, 3))
      assert.deepStrictEqual(yield* idsFor({}), [...starts, "without"])
    })
  )

  it.effect("a page of which nothing is in the range does not come", () =>
    Effect.gen(function* () {
      const made = byHand(({ page: number }) =>
        page(
          number,
          number > 2 ? [] : [session(`${number}`, { startedAt: number === 1 ? "2026-07-30" : "2026-07-31" })]
        )
      )
      const { elements } = yield* collect(PageWalk.selectedPages({ from: "2026-07-31" })).pipe(
        Effect.provide(made.layer)
      )
      assert.deepStrictEqual(
        elements.map(({ page }) => page),
        [2]
      )
    })
  )

  it.effect("asks for four pages at once, or as many as it may", () =>
    Effect.gen(function* () {
      const most = Effect.fnUntraced(function* (selection: PageWalk.Selection) {
        let most = 0
        const made = byHand(({ page: number }) =>
          Effect.gen(function* () {
            most = Math.max(most, made.underway.now)
            yield* Effect.yieldNow
            yield* Effect.yieldNow
            return numbered(40, 1)(number)
          })
        )
        yield* collect(PageWalk.selectedPages(selection)).pipe(Effect.provide(made.layer))
        return most
      })
      const one = yield* most({ concurrency: 1, pageSize: 1 })
      assert.isBelow(one, 3)
      assert.isAbove(yield* most({ concurrency: 6, pageSize: 1 }), 5)
      assert.isAtLeast(yield* most({ pageSize: 1 }), 4)
      assert.isBelow(yield* most({ pageSize: 1 }), 6)
    })
  )
})
