import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Rows from "../../../src/endpoint/internal/ListedRows.ts"
import * as Length from "../../../src/endpoint/internal/Length.ts"
import { askOf, began, day, hour, open, rowsAt, second } from "../../history/internal/FakeServer.ts"

const size = 10
const least = 30

/** What is measured of a list, and how many questions it took. */
const measure = Effect.fnUntraced(function* (starts: ReadonlyArray<number>, from: number | undefined = least) {
  const server = open(rowsAt(starts))
  const ask = askOf(server, size)
  const first = (yield* ask(1, {})).rows
  const pages = Math.ceil(starts.length / size)
  const last = [...(yield* ask(pages - 1, {})).rows, ...(yield* ask(pages, {})).rows].slice(-size)
  const before = server.requests()
  const oldRows = last.toReversed().filter(Rows.isDated)
  const measured = yield* Length.measure(
    ask,
    { first, oldRows, page: 1, size },
    { newestFirst: true, newestRows: first },
    from
  )
  return { measured, requests: server.requests() - before }
})

const between = (minimum: number, maximum: number) =>
  Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum, maximum })))

/** By day a call in so many minutes, by night one in two hours; newest first. */
const daily = (days: number, minutes: number, until: number): ReadonlyArray<number> => {
  const starts: Array<number> = []
  for (let at = until; at > until - days * day;) {
    starts.push(at)
    const isDay = at % day > 8 * hour && at % day < 20 * hour
    at -= isDay ? minutes * 60 * second : 2 * hour
  }
  return starts
}

describe("Length", () => {
  it.effect.prop(
    "is off by a fifth at most where days are alike, at whatever times the list begins and ends",
    { days: between(20, 60), minutes: between(10, 30), until: between(0, 23) },
    ({ days, minutes, until }) =>
      Effect.gen(function* () {
        const starts = daily(days, minutes, began - until * hour)
        const { measured, requests } = yield* measure(starts)
        assert.isDefined(measured)
        assert.isAtMost(requests, 2)
        assert.isBelow(Math.abs((measured ?? 0) - starts.length), 0.2 * starts.length)
      })
  )

  it.effect("asks nothing about a short list, nor where nobody wants to know", () =>
    Effect.gen(function* () {
      const starts = Array.from({ length: size * least + size }, (_, i) => began - (i + 1) * hour)
      assert.isDefined((yield* measure(starts)).measured)
      for (const { measured, requests } of [
        yield* measure(starts.slice(0, size * (least - 2))),
        yield* measure(starts, Infinity)
      ]) {
        assert.isUndefined(measured)
        assert.strictEqual(requests, 0)
      }
    })
  )

  it.effect("is exact where a page shows the end of the list", () =>
    Effect.gen(function* () {
      const starts = Array.from({ length: size * 40 + 7 }, (_, i) => began - (i + 1) * hour)
      assert.strictEqual((yield* measure(starts)).measured, starts.length)
    })
  )
})
