import { assert, describe, it } from "@effect/vitest"
import { AgniError, Unavailable } from "@callstream/core/model/AgniError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Observe from "../../../src/endpoint/internal/Observe.ts"
import * as Oldest from "../../../src/endpoint/internal/Oldest.ts"
import * as Patience from "../../../src/endpoint/internal/Patience.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { askOf, began, day, hour, open, rowsAt, second } from "../../history/internal/FakeServer.ts"

const most = 100

/** Where the calls begin, as far as a list shows it that is cut after so many. */
const find = (starts: ReadonlyArray<number>, cut: Adversary.Limit["cut"]) => {
  const server = open(rowsAt(starts), { results: { most, cut }, sorting: false })
  const options = { size: 10, repeats: Effect.succeed(false), newestFirst: true }
  return Effect.map(Oldest.find(askOf(server), [starts[most - 1] ?? 0], false, began, options), (found) => ({
    ...found,
    requests: server.requests()
  }))
}

const broken = new AgniError({
  reason: new Unavailable({ outage: { _tag: "Status", status: 503 } }),
  request: "GET",
  attempts: 2,
  elapsed: Duration.zero
})

const hourly = (count: number) => Array.from({ length: count }, (_, i) => began - (i + 1) * hour)

describe("Oldest.find", () => {
  for (const cut of ["error", "empty"] as const) {
    for (const count of [most + 1, 150, 199, 2 * most, 1500]) {
      it.effect(
        `of ${count} calls, when the list ends after ${most} and questions about more are answered with ${cut}`,
        () =>
          Effect.gen(function* () {
            const starts = hourly(count)
            const { at, requests, sure } = yield* find(starts, cut)
            assert.isAtMost(at ?? Infinity, Math.min(...starts))
            assert.isTrue(sure)
            // Twice its pages.
            assert.isBelow(requests, Math.max(40, count / 5))
          })
      )
    }

    it.effect(`when nobody called for a year just before the call with which the list ends: ${cut}`, () =>
      Effect.gen(function* () {
        const starts = [...hourly(most), ...hourly(3 * most).map((start) => start - 400 * day)]
        const { at, sure } = yield* find(starts, cut)
        assert.isAtMost(at ?? Infinity, Math.min(...starts))
        assert.isTrue(sure)
      })
    )
  }

  it.effect(
    "calls that are older than a burst in which a limit cut the list: a full page of it does not hide them",
    () =>
      Effect.gen(function* () {
        const burst = Array.from({ length: 30 }, () => began - 300 * hour)
        const starts = [...hourly(most - 20), ...burst, ...hourly(11).map((start) => start - 400 * hour)]
        const server = open(rowsAt(starts), { results: { most, cut: "error" }, sorting: false })
        const options = { size: 10, repeats: Effect.succeed(false), newestFirst: true }
        const { at, isListCut, sure } = yield* Oldest.find(askOf(server), starts.slice(0, 10), false, began, options)
        assert.deepStrictEqual({ at, isListCut, sure }, { at: Math.min(...starts), isListCut: false, sure: true })
      })
  )

  it.effect("of calls of one second, of which a limit lets some come: where they begin is not known", () =>
    Effect.gen(function* () {
      const starts = [...hourly(most - 1), ...Array.from({ length: 2 * most }, () => began - 300 * hour)]
      const { sure } = yield* find(starts, "empty")
      assert.isFalse(sure)
    })
  )

  it.effect("years that hold nothing are not read because one question about them failed by chance", () =>
    Effect.gen(function* () {
      const server = open(rowsAt(hourly(100)))
      const failed = new Set<string>()
      const list = Patience.make((query, options) => {
        const year = String(query.startedBefore).slice(0, 4)
        const isFirst = query.pageSize === 10 && year < "2020" && !failed.has(year)
        failed.add(year)
        return isFirst ? Effect.fail(broken) : server.client.list(query, options)
      })
      const options = { size: 10, repeats: Effect.succeed(false), newestFirst: true }
      const ask = Ask.make(list, {}, { size: 10, sort: { by: undefined, order: undefined } })
      const { at } = yield* Oldest.find(ask, [], false, began, options)
      assert.isAbove(at ?? 0, began - 30 * day)
    })
  )

  it.effect("the oldest call is found, though a question about what lies before it failed by chance", () =>
    Effect.gen(function* () {
      const starts = hourly(50)
      for (let tries = 0; tries <= 5; tries++) {
        const server = open(rowsAt(starts))
        let left = tries
        const list = Patience.make((query, options = {}) => {
          const isWide = query.pageSize === 10 && String(query.startedAfter) < "2020"
          const { tries: most = 2 } = options
          for (let made = 0; isWide && left > 0; made++) {
            if (made === most) return Effect.fail(broken)
            left--
          }
          return server.client.list(query, options)
        })
        const options = { size: 10, repeats: Effect.succeed(false), newestFirst: true }
        const ask = Ask.make(list, {}, { size: 10, sort: Observe.unsorted })
        const { at, sure } = yield* Oldest.find(ask, starts, false, began, options)
        assert.deepStrictEqual([at, sure], [Math.min(...starts), true], `${tries} tries failed`)
      }
    })
  )

  for (const far of [second, hour, 40 * day, 900 * day]) {
    it.effect(`a record that fails, ${far / second} s before the oldest that does not: at most four times as far`, () =>
      Effect.gen(function* () {
        const starts = hourly(50)
        const oldest = Math.min(...starts)
        const server = open(rowsAt([...starts, oldest - far]), { poison: "row-50" })
        const ask = Ask.make(Patience.make(server.client.list), {}, { size: 10, sort: Observe.unsorted })
        const options = { size: 10, repeats: Effect.succeed(false), newestFirst: true }
        const { at = Infinity } = yield* Oldest.find(ask, starts, true, began, options)
        assert.isAtMost(at, oldest - far)
        assert.isAtLeast(at, oldest - Math.max(10 * second, 4 * far))
        assert.isAtMost(server.requests(), 60)
      })
    )
  }

  it.effect("a server that does not sort, and shows a page in the middle: at most a day more, or twice as far", () =>
    Effect.gen(function* () {
      const starts = hourly(1000)
      const oldest = Math.min(...starts)
      const server = open(rowsAt(starts), { sorting: false })
      const guess = starts[600] ?? 0
      const options = { size: 10, repeats: Effect.succeed(false), newestFirst: true }
      const { at = Infinity } = yield* Oldest.find(askOf(server), [guess], false, began, options)
      assert.isAtMost(at, oldest)
      assert.isAtLeast(at, guess - Math.max(day, 2 * (guess - oldest)))
    })
  )

  it.effect("bounds of another time zone, for which not even the calls that are known come: it ends soon", () =>
    Effect.gen(function* () {
      const starts = hourly(50)
      const server = open(rowsAt(starts), { zone: -5 * hour })
      const options = { size: 10, repeats: Effect.succeed(false), newestFirst: true }
      const { sure } = yield* Oldest.find(askOf(server), starts, false, began, options)
      assert.isFalse(sure)
      assert.isAtMost(server.requests(), 25)
    })
  )

  it.effect("a server that fails for wide ranges shows nothing of what is older, as one that refuses them", () =>
    Effect.gen(function* () {
      const starts = hourly(50)
      const server = open(rowsAt(starts), { span: { most: 7 * day, cut: "failure" } })
      const ask = Ask.make(Patience.make(server.client.list), {}, { size: 10, sort: Observe.unsorted })
      const options = { size: 10, repeats: Effect.succeed(false), newestFirst: true }
      const { at } = yield* Oldest.find(ask, starts, true, began, options)
      assert.strictEqual(at, Math.min(...starts))
    })
  )

  for (const [count, isCut] of [
    [30, true],
    [33, false]
  ] as const) {
    it.effect(
      `of a list of ${count}, where no range reaches far back: its last page is ${isCut ? "" : "not "}full`,
      () =>
        Effect.gen(function* () {
          const starts = hourly(count)
          const server = open(rowsAt(starts), { sorting: false, span: { most: 7 * day, cut: "empty" } })
          const options = { size: 10, repeats: Effect.succeed(false), newestFirst: true }
          const found = yield* Oldest.find(askOf(server), starts.slice(0, 10), false, began, options)
          assert.deepStrictEqual(found, { at: Math.min(...starts), sure: false, isListCut: isCut })
        })
    )
  }
})
