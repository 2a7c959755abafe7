import type { AgniError } from "@callstream/core/model/AgniError"
import { AgniError as Failure, type AgniErrorReason, Unavailable } from "@callstream/core/model/AgniError"
import * as PageWalk from "@callstream/core/history/PageWalk"
import { AgniSimulator } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { all, byHand, clientOf, collect, idsOf, numbered } from "./Walking.ts"

const minimal: AgniSimulator.Options = { sessions: 200, content: "minimal", undated: 0 }

const sorted = (ids: Iterable<string>) => [...ids].sort()

const trueIds = (simulator: AgniSimulator.AgniSimulator) => simulator.truth().map(({ id }) => id)

const failure = (reason: AgniErrorReason): AgniError =>
  new Failure({ reason, request: "test", attempts: 1, elapsed: Duration.zero })

const unavailable = failure(new Unavailable({ outage: { _tag: "Unreachable" } }))

describe("PageWalk.pages: births while it reads", () => {
  it.effect.each([1, 2, 3, 4, 5])(
    "newest-first, new calls only repeat records, and repeats are dropped: seed %i",
    (seed) =>
      Effect.gen(function* () {
        const simulator = yield* AgniSimulator.make({ ...minimal, seed, arrivalsPerHour: 20_000, latency: 500 })
        const before = trueIds(simulator)
        const { elements, error } = yield* all(simulator, PageWalk.pages({ pageSize: 10 }, { concurrency: 3 }))
        assert.isUndefined(error)
        const ids = idsOf(elements)
        const repeated = simulator.requests.flatMap((request) => request.ids)
        assert.isAbove(repeated.length - new Set(repeated).size, 10, "the simulator should have repeated some")
        assert.lengthOf(ids, new Set(ids).size)
        assert.isEmpty(
          before.filter((id) => !ids.includes(id)),
          `seed ${seed}`
        )
      })
  )

  it.effect("a whole page of repeats, from more births than a page between two requests, is no end", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ ...minimal, order: "created-desc" })
      const before = trueIds(simulator)
      const seen: Array<string> = []
      yield* PageWalk.pages({ pageSize: 20 }, { concurrency: 1 }).pipe(
        Stream.runForEachArray((pages) =>
          Effect.sync(() => {
            seen.push(...idsOf(pages))
            if (pages[0]?.page === 4) for (let i = 0; i < 25; i++) simulator.add()
          })
        ),
        clientOf(simulator)
      )
      const fifth = simulator.requests.find((request) => request.page === 5)
      assert.isEmpty(
        (fifth?.ids ?? [""]).filter((id) => !seen.slice(0, 80).includes(id)),
        "page 5 should have been all repeats"
      )
      assert.lengthOf(seen, new Set(seen).size)
      assert.deepStrictEqual(sorted(seen), sorted(before))
    })
  )
})

describe("PageWalk.pages: requests", () => {
  it.effect("begin at query.page, carry the query, and leave its page alone", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ ...minimal, order: "insertion" })
      const query = { page: 8, pageSize: 20, sortBy: "id", sortOrder: "asc" } as const
      const { elements } = yield* all(simulator, PageWalk.pages(query))
      assert.deepStrictEqual(
        elements.map((page) => page.page),
        [8, 9, 10]
      )
      assert.lengthOf(idsOf(elements), 60)
      for (const { params } of simulator.requests) {
        assert.deepStrictEqual({ ...params, page: "" }, { page: "", page_size: "20", sort_by: "id", sort_order: "asc" })
      }
      assert.strictEqual(Math.min(...simulator.requests.map((request) => request.page)), 8)
    })
  )

  it.effect.each([1, 2, 3, 4, 8])("go at most %i pages ahead of a slow consumer", (concurrency) =>
    Effect.gen(function* () {
      const made = byHand(({ page: number }) => numbered(1000, 20)(number))
      const ahead: Array<number> = []
      const fiber = yield* PageWalk.pages({}, { concurrency }).pipe(
        Stream.runForEachArray((pages) =>
          Effect.map(Effect.sleep("1 minute"), () => {
            ahead.push(Math.max(...made.pagesAsked()) - (pages.at(-1)?.page ?? 0))
          })
        ),
        Effect.provide(made.layer),
        Effect.forkChild
      )
      yield* settleMinutes(60)
      yield* Fiber.join(fiber)
      assert.isAtMost(Math.max(...ahead), concurrency)
      if (concurrency > 1) assert.strictEqual(ahead[10], concurrency, "the prefetch should be used")
    })
  )

  it.effect("are 4 at once by default", () =>
    Effect.gen(function* () {
      let most = 0
      const made = byHand(({ page: number }) =>
        Effect.suspend(() => {
          // Beyond the last page the empty one is asked for again, besides.
          if (number <= 20) most = Math.max(most, made.underway.now)
          return Effect.delay(Effect.succeed(numbered(400, 20)(number)), "1 second")
        })
      )
      const fiber = yield* Effect.forkChild(collect(PageWalk.pages()).pipe(Effect.provide(made.layer)))
      yield* settleMinutes(2)
      assert.lengthOf((yield* Fiber.join(fiber)).elements, 20)
      assert.strictEqual(most, 4)
    })
  )

  it.effect("are sent only when the stream runs, and again for each run", () =>
    Effect.gen(function* () {
      const made = byHand(({ page: number }) => numbered(50, 20)(number))
      const stream = PageWalk.pages()
      assert.isEmpty(made.asked)
      for (let run = 0; run < 2; run++) {
        const { elements } = yield* collect(stream).pipe(Effect.provide(made.layer))
        assert.lengthOf(idsOf(elements), 50, `run ${run}`)
      }
    })
  )

  it.effect.each([0, -1, 0.5, NaN, Infinity])("a concurrency of %d is refused before any request", (concurrency) =>
    Effect.gen(function* () {
      const made = byHand(() => Effect.fail(unavailable))
      const { error } = yield* collect(PageWalk.pages({}, { concurrency })).pipe(Effect.provide(made.layer))
      assert.strictEqual(error?.attempts, 0)
      assert.deepInclude(error?.reason, { _tag: "InvalidRequest", parameter: "concurrency" })
      assert.isEmpty(made.asked)
    })
  )
})

describe("PageWalk.pages: interruption", () => {
  it.effect.each([0, 700, 1000, 1500, 2500, 3333, 4999])("at %i ms stops every request", (millis) =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ ...minimal, latency: 1000, sessions: 1000 })
      const fiber = yield* Effect.forkChild(
        clientOf(simulator)(collect(PageWalk.pages({ pageSize: 10 }, { concurrency: 4 })))
      )
      for (let at = 0; at < millis; at += 100) yield* TestClock.adjust(Math.min(100, millis - at))
      yield* Fiber.interrupt(fiber)
      const asked = simulator.requests.length
      yield* TestClock.adjust("1 hour")
      yield* TestClock.adjust("1 hour")
      assert.lengthOf(simulator.requests, asked)
      assert.isBelow(asked, 30)
    })
  )

  it.effect("interrupts the requests in flight, even those ahead", () =>
    Effect.gen(function* () {
      const started = yield* Deferred.make<void>()
      const made = byHand(({ page: number }) =>
        number === 1
          ? numbered(1000, 20)(number)
          : Effect.andThen(number === 5 ? Deferred.succeed(started, undefined) : Effect.void, Effect.never)
      )
      const fiber = yield* Effect.forkChild(collect(PageWalk.pages()).pipe(Effect.provide(made.layer)))
      yield* Deferred.await(started)
      assert.strictEqual(made.underway.now, 4)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(made.underway.now, 0)
      assert.strictEqual(made.underway.interrupted, 4)
    })
  )

  it.effect("taking the first page is the end of all requests", () =>
    Effect.gen(function* () {
      const made = byHand(({ page: number }) => (number === 1 ? numbered(1000, 20)(number) : Effect.never))
      const { elements } = yield* collect(Stream.take(PageWalk.pages(), 1)).pipe(Effect.provide(made.layer))
      assert.lengthOf(elements, 1)
      assert.strictEqual(made.underway.now, 0)
    })
  )
})

const settleMinutes = Effect.fnUntraced(function* (minutes: number) {
  for (let minute = 0; minute < minutes * 4; minute++) yield* TestClock.adjust("15 seconds")
})

/** What the documentation of `pages` says cannot be helped: the walk over page numbers can miss sessions. */
describe("PageWalk.pages: what it misses", () => {
  const missedOver = Effect.fnUntraced(function* (seeds: number, options: AgniSimulator.Options) {
    let missed = 0
    let all_ = 0
    for (let seed = 1; seed <= seeds; seed++) {
      const simulator = yield* AgniSimulator.make({ ...minimal, ...options, seed })
      const { elements, error } = yield* all(simulator, PageWalk.pages({ pageSize: 20 }, { concurrency: 1 }))
      assert.isUndefined(error, `seed ${seed}`)
      missed += simulator.missed(idsOf(elements)).length
      all_ += simulator.truth().length
    }
    return { missed, all: all_ }
  })

  it.effect("nothing of a quiet set", () =>
    Effect.gen(function* () {
      const { all: there, missed } = yield* missedOver(5, { latency: "10 seconds" })
      assert.strictEqual(missed, 0)
      assert.strictEqual(there, 1000)
    })
  )

  it.effect("some when sessions leave while it reads", () =>
    Effect.gen(function* () {
      const { missed } = yield* missedOver(5, { departuresPerHour: 2, latency: "10 seconds" })
      assert.isAbove(missed, 5)
    })
  )

  it.effect.each(["query", "random"] as const)("some when ties are ordered anew by each %s", (tieOrder) =>
    Effect.gen(function* () {
      const { missed } = yield* missedOver(5, { tieOrder, ties: { share: 0.8, ways: 40 } })
      assert.isAbove(missed, 5)
    })
  )

  it.effect("nothing when the server cuts the page size but not the offset", () =>
    Effect.gen(function* () {
      const { missed } = yield* missedOver(2, { maxPageSize: 5, offsetFrom: "asked" })
      assert.strictEqual(missed, 0)
    })
  )
})
