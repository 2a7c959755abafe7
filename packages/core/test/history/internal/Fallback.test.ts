import type { Window } from "@callstream/core/history/Coverage"
import { AgniError, InvalidRequest, Unavailable } from "@callstream/core/model/AgniError"
import type { CallSession } from "@callstream/core/model/CallSession"
import type { CallSessionQuery } from "@callstream/core/model/CallSessionQuery"
import * as Instant from "@callstream/core/model/Instant"
import type { Page } from "@callstream/core/model/Page"
import * as CallRows from "@callstream/core/model/Rows"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fallback from "../../../src/history/internal/Fallback.ts"
import { byHand, collect, page, session } from "../Walking.ts"
import { began, day, hour, second } from "./FakeServer.ts"

const problem = { _tag: "BoundsRefused" } as const
const unprovable = { _tag: "Unprovable", reason: problem } as const

const errorOf = (reason: AgniError["reason"], alone = false) =>
  new AgniError({ reason, request: "GET", attempts: 1, elapsed: Duration.zero, alone })
const down = errorOf(new Unavailable({ outage: { _tag: "Status", status: 500, quote: "cannot render" } }))
const poison = errorOf(down.reason, true)
const refusal = errorOf(new InvalidRequest({ status: 422 }))

const iso = (at: number) => Instant.format(Instant.of(at))

/** A call that started then. */
const call = (id: string, start: number): CallSession => session(id, { startedAt: iso(start), createdAt: iso(start) })

/** The newest first, an hour apart. */
const calls = (count: number, apart = hour) =>
  Array.from({ length: count }, (_, i) => call(`call-${i}`, began - (i + 1) * apart))

const range = { from: began - 100 * day, to: began }

interface Given {
  readonly answer: (query: CallSessionQuery & { readonly page: number }) => Effect.Effect<Page, AgniError> | Page
  readonly whole?: boolean
  readonly filters?: { readonly agentId?: string }
  readonly options?: Partial<Parameters<typeof Fallback.windows>[4]>
}

const idsOf = (windows: ReadonlyArray<Window>) =>
  windows.flatMap(({ rows }) => CallRows.items(rows).map(({ id }) => id))

const read = Effect.fnUntraced(function* ({ answer, filters = {}, options = {}, whole = false }: Given) {
  const { asked, layer } = byHand((query) => {
    // No walk over these few pages takes so many.
    if (asked.length > 500) throw new Error("it does not end")
    return answer(query)
  })
  const given = { created: undefined, size: 10, concurrency: 1, ...options }
  const { elements, error } = yield* Effect.provide(
    collect(Fallback.windows(range, whole, filters, problem, given)),
    layer
  )
  return { windows: elements, ids: idsOf(elements), last: elements.at(-1), error, asked }
})

/** Pages of a list. Time passes: the first one is of when it began. */
const listed = (rows: ReadonlyArray<CallSession>, size = 10, beyond: "empty" | "last" = "empty") => {
  const last = Math.max(1, Math.ceil(rows.length / size))
  return ({ page: number }: { readonly page: number }): Page => {
    const nth = beyond === "last" ? Math.min(number, last) : number
    return page(number, rows.slice((nth - 1) * size, nth * size), [], began + (number - 1) * second)
  }
}

describe("Fallback.windows", () => {
  it.effect("each page is a window without a width at the beginning, and the range itself comes last", () =>
    Effect.gen(function* () {
      const rows = calls(25)
      const raw = { id: "broken" }
      const pages = listed(rows)
      const { error, last, windows } = yield* read({
        answer: (query) => {
          const found = pages(query)
          return query.page === 2 ? { ...found, rejected: page(2, [], [raw]).rejected } : found
        }
      })
      assert.isUndefined(error)
      assert.deepStrictEqual(
        windows.map(({ coverage, from, observedAt, rejected, requests, rows, to }) => ({
          coverage,
          range: [from, to],
          observedAt,
          rejected: rejected.map(({ raw }) => raw),
          requests,
          ids: CallRows.items(rows).map(({ id }) => id)
        })),
        [
          ...[0, 1, 2].map((nth) => ({
            coverage: unprovable,
            range: [Instant.of(range.from), Instant.of(range.from)],
            observedAt: Instant.of(began + nth * second),
            rejected: nth === 1 ? [raw] : [],
            requests: 1,
            ids: rows.slice(nth * 10, nth * 10 + 10).map(({ id }) => id)
          })),
          {
            coverage: unprovable,
            range: [Instant.of(range.from), Instant.of(range.to)],
            observedAt: Instant.of(began),
            rejected: [],
            requests: 0,
            ids: []
          }
        ]
      )
      assert.strictEqual(last?.coverage._tag, "Unprovable")
    })
  )

  it.effect("asks for all pages without bounds, with the filters", () =>
    Effect.gen(function* () {
      const { asked } = yield* read({ answer: listed(calls(10)), filters: { agentId: "agent-1" } })
      for (const query of asked)
        assert.deepStrictEqual({ ...query, page: 0 }, { agentId: "agent-1", page: 0, pageSize: 10 })
    })
  )

  it.effect("of a range come those that start in it, and those whose start is text that is no time", () =>
    Effect.gen(function* () {
      const rows = [
        call("at its end", range.to),
        call("before its end", range.to - 1),
        call("at its beginning", range.from),
        call("before", range.from - 1),
        session("without", { createdAt: iso(range.from) }),
        session("text", { startedAt: "yesterday" })
      ]
      const part = yield* read({ answer: listed(rows) })
      assert.deepStrictEqual(part.ids, ["before its end", "at its beginning", "text"])
      const whole = yield* read({ answer: listed(rows), whole: true })
      assert.deepStrictEqual(whole.ids, ["at its end", "before its end", "at its beginning", "without", "text"])
    })
  )

  it.effect("calls without a start time come where they were created in the range that is given", () =>
    Effect.gen(function* () {
      const created = { from: range.from + day, to: range.to }
      const rows = [
        session("at its end", { createdAt: iso(created.to) }),
        session("before its end", { createdAt: iso(created.to - 1) }),
        session("at its beginning", { createdAt: iso(created.from) }),
        session("before", { createdAt: iso(created.from - 1) }),
        session("not known")
      ]
      const { ids } = yield* read({ answer: listed(rows), options: { created } })
      assert.deepStrictEqual(ids, ["before its end", "at its beginning"])
      assert.deepStrictEqual((yield* read({ answer: listed(rows) })).ids, [])
    })
  )

  it.effect("a call comes once, also where it comes again after more than the walk remembers", () =>
    Effect.gen(function* () {
      const rows = calls(22_500, 60 * second)
      const again = [...rows.slice(0, 22_000), ...rows.slice(1000, 2000), ...rows.slice(22_000)]
      const { ids, last } = yield* read({ answer: listed(again, 1000), whole: true, options: { size: 1000 } })
      assert.deepStrictEqual([ids.length, new Set(ids).size], [22_500, 22_500])
      assert.strictEqual(last?.coverage._tag, "Unprovable")
    })
  )

  it.effect("asks ahead for as many pages as it may", () =>
    Effect.gen(function* () {
      const most = Effect.fnUntraced(function* (concurrency: number) {
        const at = { once: 0, most: 0 }
        const pages = listed(calls(80))
        yield* read({
          options: { concurrency },
          answer: (query) =>
            Effect.gen(function* () {
              at.most = Math.max(at.most, ++at.once)
              yield* Effect.yieldNow
              yield* Effect.yieldNow
              at.once--
              return pages(query)
            })
        })
        return at.most
      })
      assert.isAtLeast(yield* most(5), 5)
      assert.isBelow(yield* most(1), 3)
    })
  )
})

describe("the end of all pages", () => {
  it.effect("is where the server goes no deeper, and not where it refuses the first page", () =>
    Effect.gen(function* () {
      const pages = listed(calls(100))
      for (const keepGoing of [false, true]) {
        const { error, ids, last } = yield* read({
          options: { keepGoing },
          answer: (query) => (query.page > 3 ? Effect.fail(refusal) : pages(query))
        })
        assert.deepStrictEqual([error, ids.length, last?.coverage], [undefined, 30, unprovable])
        const refused = yield* read({ answer: () => Effect.fail(refusal), options: { keepGoing } })
        assert.deepStrictEqual([refused.error, refused.windows], [refusal, []])
      }
    })
  )

  it.effect("is where the last page comes again, also while calls come", () =>
    Effect.gen(function* () {
      for (const [order, come] of [
        ["oldest", 1],
        ["oldest", 6],
        ["oldest", 10],
        ["newest", 1]
      ] as const) {
        const rows = order === "oldest" ? calls(95).reverse() : calls(95)
        let number = 0
        const { asked, ids } = yield* read({
          whole: true,
          answer: ({ page: at }) => {
            // With each request some come, after the reading began.
            for (let i = 0; i < come; i++) {
              const one = call(`new-${number}`, began + ++number * second)
              if (order === "oldest") rows.push(one)
              else rows.unshift(one)
            }
            return listed(rows, 10, "last")({ page: at })
          }
        })
        assert.deepStrictEqual(
          calls(95).filter(({ id }) => !ids.includes(id)),
          []
        )
        assert.isAtMost(asked.length, order === "oldest" ? 40 : 60)
      }
    })
  )

  it.effect("is not where pages bring few calls because they are filtered after they were cut", () =>
    Effect.gen(function* () {
      // One agent took most of the calls of one day, and then a few each day.
      const rows = calls(300)
      const isMeant = (i: number) => i < 9 || i % 10 === 3
      const { ids } = yield* read({
        filters: { agentId: "agent-1" },
        answer: ({ page: number }) =>
          page(
            number,
            rows.slice((number - 1) * 10, number * 10).filter((_, i) => isMeant((number - 1) * 10 + i)),
            [],
            began
          )
      })
      assert.deepStrictEqual(
        ids,
        rows.flatMap(({ id }, i) => (isMeant(i) ? [id] : []))
      )
    })
  )

  it.effect("is not where all calls are newer than the server's clock", () =>
    Effect.gen(function* () {
      const pages = listed(calls(200))
      const { ids } = yield* read({
        answer: (query) => ({ ...pages(query), observedAt: Instant.of(began - 300 * day) })
      })
      assert.lengthOf(ids, 200)
    })
  )
})

describe("a page that cannot be rendered", () => {
  const pages = listed(calls(45))
  /** Each page with one of these calls. */
  const failing =
    (...ids: ReadonlyArray<string>) =>
    (query: CallSessionQuery & { readonly page: number }): Effect.Effect<Page, AgniError> => {
      const { page: number, pageSize: size = 10 } = query
      const rows = calls(45).slice((number - 1) * size, number * size)
      return rows.some(({ id }) => ids.includes(id))
        ? Effect.fail(poison)
        : Effect.succeed(page(number, rows, [], began + (number - 1) * second))
    }

  it.effect("ends the run, with what came before it", () =>
    Effect.gen(function* () {
      const { error, ids, windows } = yield* read({ answer: failing("call-23") })
      assert.deepStrictEqual([error, ids.length, windows.length], [poison, 20, 2])
    })
  )

  it.effect("with keepGoing it is read in parts, and the range is a gap", () =>
    Effect.gen(function* () {
      for (const lost of [["call-23"], ["call-0", "call-44"]]) {
        const { error, ids, last, windows } = yield* read({ answer: failing(...lost), options: { keepGoing: true } })
        assert.isUndefined(error)
        assert.deepStrictEqual(
          ids,
          calls(45).flatMap(({ id }) => (lost.includes(id) ? [] : [id]))
        )
        assert.deepStrictEqual(last?.coverage, {
          _tag: "Gap",
          reason: { _tag: "Unreadable", problem: poison.reason.message },
          error: poison
        })
        assert.deepStrictEqual([last?.from, last?.to], [Instant.of(range.from), Instant.of(range.to)])
        for (const { coverage } of windows.slice(0, -1)) assert.deepStrictEqual(coverage, unprovable)
      }
    })
  )

  it.effect("ends where such a page comes again and again beyond the end", () =>
    Effect.gen(function* () {
      const { asked, ids, last } = yield* read({
        options: { keepGoing: true, size: 1 },
        answer: (query) =>
          query.page > 3 ? Effect.fail(poison) : page(query.page, [call(`call-${query.page}`, began - hour)])
      })
      assert.deepStrictEqual([ids.length, last?.coverage._tag], [3, "Gap"])
      assert.isAtMost(asked.length, 60)
    })
  )

  it.effect("with keepGoing an error of the server for all requests is one of the reading nevertheless", () =>
    Effect.gen(function* () {
      const { error, ids } = yield* read({
        options: { keepGoing: true },
        answer: (query) => (query.page === 3 ? Effect.fail(down) : pages(query))
      })
      assert.deepStrictEqual([error, ids.length], [down, 20])
    })
  )
})
