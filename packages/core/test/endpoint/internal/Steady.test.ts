/** The first page asked for again: which servers have a list, and how often it takes to see that. */
import type { AgniError } from "@callstream/core/model/AgniError"
import * as Instant from "@callstream/core/model/Instant"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type * as Rows from "../../../src/endpoint/internal/ListedRows.ts"
import * as Steady from "../../../src/endpoint/internal/Steady.ts"

interface Call {
  readonly id: string
  readonly start?: number
  readonly createdAt?: string
  readonly organizationId?: string
}

const rowOf = ({ id, start, ...rest }: Call): Rows.Row => ({
  key: id,
  start: start === undefined ? undefined : Instant.of(start),
  item: { id, start: undefined, version: undefined, row: { id, ...rest } },
  rejected: undefined
})

type Page = ReadonlyArray<Call>

/** Whether the list was believed, how often it was asked for, and how many requests were underway at most. */
const check = (first: Page, again: (nth: number) => Page, takes = 0) =>
  Effect.gen(function* () {
    const asked = { requests: 0, now: 0, most: 0 }
    const answer = Effect.gen(function* () {
      const nth = ++asked.requests
      asked.most = Math.max(asked.most, ++asked.now)
      yield* Effect.yieldNow
      asked.now--
      if (takes > 0) yield* TestClock.adjust(takes)
      return again(nth).map(rowOf)
    })
    const error: AgniError | undefined = yield* Steady.check(first.map(rowOf), answer).pipe(
      Effect.as(undefined),
      Effect.catch(Effect.succeed)
    )
    return { ...asked, error }
  })

/** Calls that no other page has, without a start. */
const other = (nth: number): Page => [{ id: `a${nth}` }, { id: `b${nth}` }, { id: `c${nth}` }]
const none = other(0)

describe("Steady.check", () => {
  it.effect("asks for nothing where the first page is empty, or its starts are in an order", () =>
    Effect.gen(function* () {
      for (const page of [
        [],
        [{ id: "a", start: 3 }],
        [{ id: "a" }, { id: "b", start: 2 }, { id: "c", start: 1 }],
        [
          { id: "a", start: 3 },
          { id: "b", start: 2 },
          { id: "c", start: 1 }
        ],
        [
          { id: "a", start: 1 },
          { id: "b", start: 2 },
          { id: "c", start: 3 }
        ]
      ])
        assert.deepInclude(yield* check(page, other), { requests: 0, error: undefined })
    })
  )

  it.effect("asks where there is no order, or no start that has one: once, if any call comes again", () =>
    Effect.gen(function* () {
      const mixed = [
        { id: "a0", start: 1 },
        { id: "b0", start: 3 },
        { id: "c0", start: 2 }
      ]
      for (const page of [none, mixed])
        for (const known of page)
          assert.deepInclude(yield* check(page, (nth) => [...other(nth), known]), { requests: 1, error: undefined })
    })
  )

  it.effect("a server whose calls never come again makes them up: after twelve more answers, all but one at once", () =>
    Effect.gen(function* () {
      const { error, most, requests } = yield* check(none, other)
      assert.deepStrictEqual([requests, most], [12, 11])
      assert.deepInclude(error?.reason, { _tag: "InvalidResponse", problem: { _tag: "MadeUp" } })
      assert.strictEqual(error?.attempts, 13)
      assert.strictEqual(error?.request, "GET /api/v1/calling/call-sessions")
    })
  )

  it.effect("says how long that took", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(5000)
      const { error } = yield* check(none, other, 250)
      assert.strictEqual(Duration.toMillis(error?.elapsed ?? 0), 12 * 250)
    })
  )

  it.effect("one call that comes again in any of them is enough, also one of the answers before", () =>
    Effect.gen(function* () {
      for (let late = 2; late <= 12; late++)
        for (const from of [0, 1, 2, 12]) {
          if (from === late) continue
          const again = (nth: number) => (nth === late ? [...other(nth), ...other(from).slice(0, 1)] : other(nth))
          assert.deepInclude(yield* check(none, again), { requests: 12, error: undefined }, `${from} in ${late}`)
        }
    })
  )

  it.effect("the same id is another call if it was created at another time, or by another organization", () =>
    Effect.gen(function* () {
      const of = (nth: number): Page => [
        { id: "a", createdAt: `${nth}` },
        { id: "b", organizationId: `${nth}` }
      ]
      assert.isDefined((yield* check(of(0), of)).error)
      const same = (): Page => [{ id: "a", createdAt: "1", organizationId: "2" }]
      assert.isUndefined((yield* check(same(), same)).error)
    })
  )

  it.effect("a call that is twice on one page has not come before", () =>
    Effect.gen(function* () {
      const twice = (nth: number): Page => [...other(nth), ...other(nth)]
      assert.isDefined((yield* check(twice(0), twice)).error)
    })
  )
})
