import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { CallSessionQuery } from "@callstream/core/model/CallSessionQuery"
import * as Instant from "@callstream/core/model/Instant"
import type { Page } from "@callstream/core/model/Page"
import * as CallRows from "@callstream/core/model/Rows"
import type { AgniError } from "@callstream/core/model/AgniError"
import { page, session } from "../Walking.ts"
import { unprovable, down, poison, iso, call, calls, range, read, listed } from "./AllPages.ts"
import { began, day, hour, second } from "./FakeServer.ts"

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
      const pages = listed(again, 1000)
      const { ids, last, windows } = yield* read({
        whole: true,
        options: { size: 1000 },
        answer: (query) => {
          const found = pages(query)
          return query.page === 2 || query.page === 23
            ? { ...found, rejected: page(2, [], [{ id: "broken" }]).rejected }
            : found
        }
      })
      assert.lengthOf(
        windows.flatMap(({ rejected }) => rejected),
        1
      )
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
      const { asked, ids, last, windows } = yield* read({
        options: { keepGoing: true, size: 1 },
        answer: (query) =>
          query.page > 3 ? Effect.fail(poison) : page(query.page, [call(`call-${query.page}`, began - hour)])
      })
      assert.deepStrictEqual([ids.length, last?.coverage._tag, windows.length], [3, "Gap", 3 + 5 + 1])
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
