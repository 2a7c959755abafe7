import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Instant from "@callstream/core/model/Instant"
import { page, session } from "../Walking.ts"
import { call, unprovable, poison, refusal, iso, calls, read, listed } from "./AllPages.ts"
import { began, day, hour, second } from "./FakeServer.ts"

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
        const one = yield* read({
          options: { keepGoing },
          answer: (query) => (query.page > 1 ? Effect.fail(refusal) : pages(query))
        })
        assert.deepStrictEqual([one.error, one.ids.length], [undefined, 10])
        const refused = yield* read({ answer: () => Effect.fail(refusal), options: { keepGoing } })
        assert.deepStrictEqual([refused.error, refused.windows], [refusal, []])
      }
    })
  )

  it.effect("is where the last page comes again, also while calls come", () =>
    Effect.gen(function* () {
      for (const [order, come, start, broken] of [
        ["oldest", 1, began, false],
        ["oldest", 6, began, false],
        ["oldest", 10, began, false],
        ["newest", 1, began, false],
        // Of the first page nothing came, nor when it was made.
        ["oldest", 10, began + hour, true],
        // They started before the reading began, and appear now.
        ["oldest", 1, began - 30_000 * second, false],
        // They have no start time.
        ["oldest", 10, undefined, false]
      ] as const) {
        const rows = order === "oldest" ? calls(95).reverse() : calls(95)
        let number = 0
        const { asked, ids } = yield* read({
          whole: true,
          options: { keepGoing: broken },
          answer: ({ page: at, pageSize = 10 }) => {
            // With each request some come, which were created before the reading began.
            for (let i = 0; i < come; i++) {
              const at = (start ?? began) + ++number
              const times =
                start === undefined ? { createdAt: iso(at) } : { startedAt: iso(at), createdAt: iso(began - hour) }
              const one = session(`new-${number}`, times)
              if (order === "oldest") rows.push(one)
              else rows.unshift(one)
            }
            if (broken && (at - 1) * pageSize < 10) return Effect.fail(poison)
            return listed(rows, pageSize, "last")({ page: at })
          }
        })
        const lost = broken ? 10 : 0
        assert.strictEqual(calls(95).filter(({ id }) => !ids.includes(id)).length, lost)
        assert.isAtMost(asked.length, 80, `${order} ${come}`)
      }
    })
  )

  it.effect("is not where pages have nothing but records, or calls without a time", () =>
    Effect.gen(function* () {
      const some = (count: number, name: string, fields: Partial<CallSession>) =>
        Array.from({ length: count }, (_, i) => session(`${name}-${i}`, fields))
      const created = { createdAt: iso(began - 3 * day) }
      const rows = [...calls(20), ...some(80, "created", created), ...calls(20, second), ...some(80, "nothing", {})]
      const { ids } = yield* read({
        answer: listed([...new Map(rows.map((row) => [row.id, row])).values()]),
        whole: true
      })
      assert.lengthOf(ids, 180)
      const { windows } = yield* read({
        answer: ({ page: number }) =>
          number === 1 || number > 9
            ? page(number, number === 1 ? calls(10) : [])
            : page(
                number,
                [],
                Array.from({ length: 10 }, (_, i) => ({ record: number * 10 + i }))
              )
      })
      assert.lengthOf(
        windows.flatMap(({ rejected }) => rejected),
        80
      )
    })
  )

  it.effect("is where the records that come again are none that could be decoded", () =>
    Effect.gen(function* () {
      const raws = Array.from({ length: 9 }, (_, i) => ({ id: `broken-${i}` }))
      const { asked } = yield* read({
        answer: ({ page: number }) => page(number, [call(`call-${number}`, began - hour)], raws, began)
      })
      assert.isAtMost(asked.length, 10)
    })
  )

  it.effect("is where five pages in a row fail, of which nothing comes", () =>
    Effect.gen(function* () {
      const { windows } = yield* read({ options: { keepGoing: true, size: 1 }, answer: () => Effect.fail(poison) })
      assert.deepStrictEqual(
        windows.map(({ coverage }) => coverage._tag),
        ["Unprovable", "Unprovable", "Unprovable", "Unprovable", "Unprovable", "Gap"]
      )
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
