import * as History from "@callstream/core/history/History"
import { AgniError } from "@callstream/core/model/AgniError"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ListServer from "./ListServer.ts"

const second = 1_000_000
const idOf = (i: number) => `call-${i}`

const day = 86_400_000

/** The same calls, the last one so many days earlier. */
const agedBy = (days: number, rows: ReadonlyArray<ListServer.Row>): ReadonlyArray<ListServer.Row> =>
  rows.map(({ created, id, start }) => ({ id, start: start - days * day, created: created - days * day }))

/** Reads a whole history of which some records fail each page that they are on. */
const readWithout = Effect.fnUntraced(function* (
  rows: ReadonlyArray<ListServer.Row>,
  places: ReadonlyArray<number>,
  order?: NonNullable<ListServer.Traits["order"]>
) {
  const server = ListServer.make(rows, { poison: places.map(idOf), ...(order === undefined ? {} : { order }) })
  const result = yield* ListServer.run(server, History.windows({}, { keepGoing: true, concurrency: 4 }))
  const lost = new Set(places.map(idOf))
  assert.sameMembers(
    [...result.ids],
    rows.map(({ id }) => id).filter((id) => !lost.has(id))
  )
  const ranges = result.windows.filter(({ from, to }) => from < to)
  const gaps = ranges.filter(({ coverage }) => coverage._tag === "Gap")
  const old = ranges.filter(
    ({ coverage, to }) => coverage._tag !== "Gap" && to <= (ListServer.now - 2 * 3_600_000) * 1000
  )
  assert.deepStrictEqual([...new Set(old.map(({ coverage }) => coverage._tag))], ["Proven"])
  assert.strictEqual(result.windows.at(-1)?.coverage._tag, "Unprovable")
  return { ...result, gap: gaps.reduce((sum, { from, to }) => sum + to - from, 0) }
})

describe("one record of 900 that fails each page that it is on", () => {
  for (const shape of ["same", "queued"] as const) {
    // 49 is the last one of the first window.
    for (const place of [0, 1, 49, 50, 450, 898, 899]) {
      for (const days of shape === "same" ? [1, 330] : [330]) {
        it.effect(`${shape}, number ${place}, ${days} days ago: a gap of seconds, at most 150 requests and 30 s`, () =>
          Effect.gen(function* () {
            const result = yield* readWithout(agedBy(days, ListServer.rowsOf(900, shape)), [place])
            assert.isAtMost(result.requests, 150)
            assert.isAtMost(result.seconds, 30)
            assert.isAtMost(result.gap, 8 * second)
          })
        )
      }
    }
  }

  for (const places of [
    [0, 1],
    [450, 451],
    [898, 899],
    [0, 899],
    [100, 700]
  ]) {
    it.effect(`two of them, numbers ${places.join(" and ")}: at most 200 requests and 30 s`, () =>
      Effect.gen(function* () {
        const result = yield* readWithout(agedBy(330, ListServer.rowsOf(900, "same")), places)
        assert.isAtMost(result.requests, 200)
        assert.isAtMost(result.seconds, 30)
        assert.isAtMost(result.gap, 16 * second)
      })
    )
  }

  for (const places of [[450], [0], [0, 899], [3, 400, 880]]) {
    it.effect(
      `numbers ${places.join(", ")} of a server that repeats its last page: at most 270 requests and 30 s`,
      () =>
        Effect.gen(function* () {
          const traits: ListServer.Traits = { poison: places.map(idOf), repeats: true }
          const server = ListServer.make(ListServer.rowsOf(900, "same"), traits)
          const { ids, requests, seconds } = yield* ListServer.run(server, History.windows({}, { keepGoing: true }))
          assert.lengthOf(ids, 900 - places.length)
          assert.isAtMost(requests, 270)
          assert.isAtMost(seconds, 30)
        })
    )
  }

  for (const places of [[0], [0, 1, 2]]) {
    it.effect(`numbers ${places.join(", ")} of 400 days, on such a server: at most 150 requests and 30 s`, () =>
      Effect.gen(function* () {
        const traits: ListServer.Traits = { poison: places.map(idOf), repeats: true }
        const server = ListServer.make(ListServer.rowsOf(900, "same", (400 * day) / 900), traits)
        const { ids, requests, seconds } = yield* ListServer.run(server, History.windows({}, { keepGoing: true }))
        assert.lengthOf(ids, 900 - places.length)
        assert.isAtMost(requests, 150)
        assert.isAtMost(seconds, 30)
      })
    )
  }

  it.effect("three of them: at most 250 requests and 30 s", () =>
    Effect.gen(function* () {
      const result = yield* readWithout(agedBy(20, ListServer.rowsOf(900, "same", 1_900_000)), [3, 400, 880])
      assert.isAtMost(result.requests, 250)
      assert.isAtMost(result.seconds, 30)
    })
  )

  for (const heals of [false, true]) {
    it.effect(
      `calls without a start time, one of which ${heals ? "heals" : "fails"}: at most 150 requests and 30 s`,
      () =>
        Effect.gen(function* () {
          const withoutStart = [10, 110, 210, 310].map(idOf)
          // It is tried while the last window is read.
          const traits = { withoutStart, poison: [idOf(110)], ...(heals ? { healsAt: 75 } : {}) }
          const server = ListServer.make(ListServer.rowsOf(900, "same"), traits)
          const { ids, requests, seconds } = yield* ListServer.run(server, History.windows({}, { keepGoing: true }))
          assert.lengthOf(ids, heals ? 900 : 899)
          assert.isAtMost(requests, 150)
          assert.isAtMost(seconds, 30)
        })
    )
  }

  it.effect("five in a row: each is located once", () =>
    Effect.gen(function* () {
      const result = yield* readWithout(agedBy(30, ListServer.rowsOf(900, "same", 60_000)), [450, 451, 452, 453, 454])
      assert.isAtMost(result.requests, 250)
      assert.isAtMost(result.gap, 5 * 8 * second)
    })
  )

  for (const [order, most] of [
    ["oldest", 150],
    ["created", 170],
    ["scrambled", 350]
  ] as const) {
    for (const place of [0, 450, 899]) {
      it.effect(`${order} first, whatever is asked for, number ${place}: at most ${most} requests`, () =>
        Effect.gen(function* () {
          const result = yield* readWithout(ListServer.rowsOf(900, "same"), [place], order)
          assert.isAtMost(result.requests, most)
        })
      )
    }
  }

  it.effect("at both sides of a window's edge in a longer history: as many requests more", () =>
    Effect.gen(function* () {
      const rows = agedBy(60, ListServer.rowsOf(5000, "same"))
      const plain = yield* ListServer.run(ListServer.make(rows), History.windows({}, { concurrency: 4 }))
      const edge = plain.windows.filter(({ rows }) => rows.length > 0)[2]?.from ?? 0
      const place = rows.findIndex(({ start }) => start * 1000 >= edge)
      assert.isAbove(place, 500)
      for (const victim of [place - 1, place]) {
        const result = yield* readWithout(rows, [victim])
        assert.isAtMost(result.requests, plain.requests + 110)
        assert.isAtMost(result.gap, 8 * second)
      }
    })
  )

  it.effect("without keepGoing: what is older, then the error, which names its seconds and that it fails alone", () =>
    Effect.gen(function* () {
      const rows = ListServer.rowsOf(900, "same")
      const server = ListServer.make(rows, { poison: [idOf(450)] })
      const { error, ids, seconds } = yield* ListServer.run(server, History.windows())
      assert.deepStrictEqual(
        ids,
        rows.slice(0, 450).map(({ id }) => id)
      )
      if (!(error instanceof AgniError)) return assert.fail("no error")
      // All tries of the policy.
      assert.deepInclude(error, { attempts: 8, alone: true })
      assert.include(error.message, "other requests were answered")
      assert.isAtMost(seconds, 30)
      const at = Math.floor((rows[450]?.start ?? 0) / 60_000) * 60_000
      assert.include(decodeURIComponent(error.request), new Date(at).toISOString().slice(0, 16))
    })
  )

  it.effect("a response of each kind of failure is the same", () =>
    Effect.forEach([500, 502, 504], (poisonStatus) =>
      Effect.gen(function* () {
        const server = ListServer.make(ListServer.rowsOf(300, "same"), { poison: [idOf(150)], poisonStatus })
        const { ids } = yield* ListServer.run(server, History.windows({}, { keepGoing: true }))
        assert.lengthOf(ids, 299)
      })
    )
  )

  it.effect("in no order of time it is found by halving time, and what lies beside is proven", () =>
    Effect.gen(function* () {
      const rows = ListServer.rowsOf(500, "same", 60_000)
      const server = ListServer.make(rows, { poison: [idOf(123)], order: "scrambled" })
      const range = { from: new Date(rows[0]?.start ?? 0), to: new Date((rows.at(-1)?.start ?? 0) + 1000) }
      const { ids, windows } = yield* ListServer.run(server, History.windows(range, { keepGoing: true }))
      assert.lengthOf(ids, 499)
      const at = (rows[123]?.start ?? 0) * 1000
      const gaps = windows.filter(({ coverage }) => coverage._tag === "Gap")
      assert.isTrue(gaps.some(({ from, to }) => from <= at && at < to))
      assert.isAtMost(
        gaps.reduce((sum, { from, to }) => sum + to - from, 0),
        20 * second
      )
      const rest = windows.filter(({ coverage, from, to }) => coverage._tag !== "Gap" && from < to)
      assert.deepStrictEqual([...new Set(rest.map(({ coverage }) => coverage._tag))], ["Proven"])
    })
  )

  for (const place of [450, 880]) {
    it.effect(`where the server refuses deep pages, number ${place}: the calls without a start time are a gap`, () =>
      Effect.gen(function* () {
        const rows = agedBy(1, ListServer.rowsOf(900, "same"))
        const server = ListServer.make(rows, { poison: [idOf(place)], depth: 5, beyond: "error" })
        const { error, ids, windows } = yield* ListServer.run(server, History.windows({}, { keepGoing: true }))
        assert.isUndefined(error)
        assert.lengthOf(ids, 899)
        assert.strictEqual(windows.at(-1)?.coverage._tag, "Gap")
      })
    )
  }

  it.effect("with a filter after paging nothing is proven", () =>
    Effect.gen(function* () {
      const rows = ListServer.rowsOf(300, "same")
      const server = ListServer.make(rows, { poison: [idOf(150)], filterAfterPaging: true })
      const range = { from: new Date(rows[20]?.start ?? 0), to: new Date(rows[280]?.start ?? 0) }
      const { ids, windows } = yield* ListServer.run(server, History.windows(range, { keepGoing: true }))
      assert.notInclude(
        windows.map(({ coverage }) => coverage._tag),
        "Proven"
      )
      assert.lengthOf(ids, 259)
    })
  )

  it.effect("with a filter after paging, where the server refuses deep pages: the pages beside it come", () =>
    Effect.gen(function* () {
      const traits: ListServer.Traits = { poison: [idOf(839)], filterAfterPaging: true, depth: 10, beyond: "error" }
      const server = ListServer.make(ListServer.rowsOf(900, "same"), traits)
      const { error, ids, windows } = yield* ListServer.run(server, History.windows({}, { keepGoing: true }))
      assert.isUndefined(error)
      assert.isAtLeast(ids.length, 830)
      assert.strictEqual(windows.at(-1)?.coverage._tag, "Gap")
    })
  )

  it.effect("one that heals while it is looked for leaves no gap", () =>
    Effect.gen(function* () {
      // Located after some forty requests, it is tried for seconds.
      const server = ListServer.make(ListServer.rowsOf(300, "same"), { poison: [idOf(150)], healsAt: 30 })
      const { ids, windows } = yield* ListServer.run(server, History.windows({}, { keepGoing: true }))
      assert.lengthOf(ids, 300)
      assert.notInclude(
        windows.map(({ coverage }) => coverage._tag),
        "Gap"
      )
    })
  )
})

describe("an API that is down", () => {
  for (const downFrom of [1, 2, 12, 25]) {
    it.effect(`from request ${downFrom} on: the error reports its own attempts, and the time that passed`, () =>
      Effect.gen(function* () {
        const server = ListServer.make(ListServer.rowsOf(2000, "same"), { downFrom })
        const { error, seconds } = yield* ListServer.run(server, History.windows({}, { keepGoing: true }))
        if (!(error instanceof AgniError)) return assert.fail("no error")
        assert.strictEqual(error.attempts, 8)
        assert.isUndefined(error.alone)
        const elapsed = Duration.toSeconds(error.elapsed)
        assert.isAtLeast(elapsed, 5)
        // What was answered before takes no time here.
        assert.isAtMost(seconds, elapsed + 1)
      })
    )
  }

  it.effect("for a while: it is waited for, and nothing is lost", () =>
    Effect.gen(function* () {
      const rows = ListServer.rowsOf(2000, "same")
      const server = ListServer.make(rows, { downFrom: 12, downTo: 17 })
      const { error, ids } = yield* ListServer.run(server, History.windows())
      assert.isUndefined(error)
      assert.lengthOf(ids, 2000)
    })
  )
})
