import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Range } from "../../../src/endpoint/internal/Micros.ts"
import * as Patience from "../../../src/endpoint/internal/Patience.ts"
import * as Locate from "../../../src/history/internal/Locate.ts"
import * as Instant from "@callstream/core/model/Instant"
import { AgniError, Unavailable } from "@callstream/core/model/AgniError"
import { began, day, open, rowsAt, second, settingsOf } from "./FakeServer.ts"

/** A hundred calls, a minute apart, of which some fail; the page of the range is one of ten. */
const locate = (failing: ReadonlyArray<number>, { from, to }: Range, page: number) =>
  Effect.gen(function* () {
    const server = open(rowsAt(starts), { includes: { after: true, before: true } })
    const list = Patience.make((query, options) =>
      Effect.flatMap(server.client.list(query, options), (found) =>
        found.rows.sessions().some(({ id }) => failing.some((i) => id === `row-${i}`))
          ? Effect.fail(
              new AgniError({
                reason: new Unavailable({ outage: { _tag: "Status", status: 500, quote: "cannot render" } }),
                request: "GET",
                attempts: 1,
                elapsed: Duration.zero
              })
            )
          : Effect.succeed(found)
      )
    )
    const format = (at: number) => Instant.format(Instant.of(at))
    const settings = settingsOf(server, { list })
    const found = yield* Locate.locate(settings, {
      page,
      pageSize: 10,
      startedAfter: format(from),
      startedBefore: format(to)
    })
    const noted = [...settings.logs].flatMap(({ failing }) => [...failing.values()])
    return { found, noted, requests: server.requests() }
  })

const first = began - 100 * day
const starts = Array.from({ length: 100 }, (_, i) => first + i * 60 * second)
const startOf = (i: number): number => starts[i] ?? NaN
const year = { from: first - 300 * day, to: first + 60 * day }

describe("Locate.locate", () => {
  for (const [what, failing, page, most] of [
    ["the newest, with a quiet time behind it", [99], 1, 25],
    ["the oldest, with a quiet time before it", [0], 10, 25],
    ["one in the middle of a page", [45], 6, 20],
    ["the two newest", [98, 99], 1, 40],
    ["the two oldest", [0, 1], 10, 50],
    ["three in a row", [44, 45, 46], 6, 50],
    ["two that are apart", [42, 47], 6, 35]
  ] as const) {
    it.effect(`${what}: seconds around each`, () =>
      Effect.gen(function* () {
        const { found, requests } = yield* locate(failing, year, page)
        for (const i of failing) {
          const at = startOf(i)
          assert.isTrue(found.some(({ from, to }) => at - 2 * second >= from && at + 2 * second <= to))
        }
        assert.lengthOf(found, failing.length)
        for (const { from, to } of found) assert.isAtMost(to - from, 9 * second)
        assert.isAtMost(requests, most)
      })
    )
  }

  for (const [what, failing, between] of [
    ["one", [45], [[44, 46, 3]]],
    ["two in a row", [45, 46], [[44, 47, 4]]],
    [
      "two that are apart",
      [42, 47],
      [
        [41, 43, 3],
        [46, 48, 3]
      ]
    ],
    ["the last of the list: places behind it are no evidence", [0], []]
  ] as const) {
    it.effect(`notes how many rows lie between those that came: ${what}`, () =>
      Effect.gen(function* () {
        const { noted } = yield* locate(failing, year, failing[0] === 0 ? 10 : 6)
        assert.deepStrictEqual(
          noted.toSorted((left, right) => left.after - right.after),
          between.map(([after, before, rows]) => ({ after: startOf(after), before: startOf(before), rows }))
        )
      })
    )
  }

  it.effect("the newest of a range, just behind which another record fails", () =>
    Effect.gen(function* () {
      const { found } = yield* locate([45, 46], { from: year.from, to: startOf(46) - second }, 1)
      assert.deepStrictEqual(
        found.map(({ from, to }) => [
          from <= startOf(45) - 2 * second,
          to >= startOf(45) + 2 * second,
          to < startOf(46)
        ]),
        [[true, true, true]]
      )
    })
  )
})

describe("Locate.isOfTime", () => {
  it.effect("a page behind the last one of another time may be refused", () =>
    Effect.gen(function* () {
      const server = open(rowsAt(starts), { beyond: "not found" })
      const settings = settingsOf(server, { list: Patience.make(server.client.list) })
      assert.isTrue(yield* Locate.isOfTime(settings, { page: 6, pageSize: 10 }))
    })
  )
})
