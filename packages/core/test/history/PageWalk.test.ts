import type { AgniError } from "@callstream/core/model/AgniError"
import {
  AgniError as Failure,
  type AgniErrorReason,
  InvalidRequest,
  InvalidResponse,
  NotFound,
  Unavailable
} from "@callstream/core/model/AgniError"
import * as PageWalk from "@callstream/core/history/PageWalk"
import { AgniSimulator, Fault } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { all, byHand, collect, idsOf, numbered, page, session } from "./Walking.ts"

const minimal: AgniSimulator.Options = { sessions: 200, content: "minimal", undated: 0 }

const sorted = (ids: Iterable<string>) => [...ids].sort()

const trueIds = (simulator: AgniSimulator.AgniSimulator) => simulator.truth().map(({ id }) => id)

const failure = (reason: AgniErrorReason): AgniError =>
  new Failure({ reason, request: "test", attempts: 1, elapsed: Duration.zero })

const unavailable = failure(new Unavailable({ outage: { _tag: "Unreachable" } }))

/** What servers answer behind their last page, other than an empty list. */
const pastEnd = {
  404: failure(new NotFound({})),
  400: failure(new InvalidRequest({ status: 400, quote: "page is out of range" })),
  204: failure(new InvalidResponse({ problem: { _tag: "NoContent" } }))
}

describe("PageWalk.pages: errors", () => {
  it.effect.each([1, 2, 4, 8])("pages before an error come before the error, with %i at once", (concurrency) =>
    Effect.gen(function* () {
      // In insertion order row 105 is on page 6 of 20 each, and the five before it must come.
      const simulator = yield* AgniSimulator.make({ ...minimal, order: "insertion", poison: [105] })
      // So slow a reader that page 6 has failed for good while pages before it wait for their turn.
      const slowly = Stream.mapEffect(PageWalk.pages({ pageSize: 20 }, { concurrency }), (page) =>
        Effect.delay(Effect.succeed(page), "5 minutes")
      )
      const { elements, error } = yield* all(simulator, slowly)
      assert.deepStrictEqual(
        elements.map((page) => page.page),
        [1, 2, 3, 4, 5]
      )
      assert.lengthOf(idsOf(elements), 100)
      assert.strictEqual(error?.reason._tag, "Unavailable")
      assert.include(error?.request ?? "", "page=6")
      assert.strictEqual(error?.attempts, 8)
    })
  )

  it.effect("an error is not overtaken, nor overtakes, when it is the fastest", () =>
    Effect.gen(function* () {
      const made = byHand(({ page: number }) =>
        number === 6
          ? Effect.fail(unavailable)
          : Effect.delay(Effect.succeed(numbered(200, 20)(number)), 1000 - number * 100)
      )
      const fiber = yield* Effect.forkChild(
        collect(PageWalk.pages({}, { concurrency: 8 })).pipe(Effect.provide(made.layer))
      )
      yield* TestClock.adjust("1 minute")
      yield* TestClock.adjust("1 minute")
      const { elements, error } = yield* Fiber.join(fiber)
      assert.deepStrictEqual(
        elements.map((page) => page.page),
        [1, 2, 3, 4, 5]
      )
      assert.strictEqual(error, unavailable)
    })
  )
})

describe("PageWalk.pages: the end", () => {
  it.effect.each([404, 400, 204] as const)("a %i behind the last page is the end, when it comes twice", (status) =>
    Effect.gen(function* () {
      const made = byHand(({ page }) => (page > 3 ? Effect.fail(pastEnd[status]) : numbered(60, 20)(page)))
      const { elements, error } = yield* collect(PageWalk.pages({}, { concurrency: 1 })).pipe(
        Effect.provide(made.layer)
      )
      assert.isUndefined(error)
      assert.lengthOf(idsOf(elements), 60)
      assert.deepStrictEqual(made.pagesAsked().slice(-3), [3, 4, 4])
    })
  )

  it.effect.each([404, 400, 204] as const)("a %i that comes once, in passing, is no end", (status) =>
    Effect.gen(function* () {
      let failed = false
      const made = byHand(({ page }) => {
        if (page !== 2 || failed) return numbered(60, 20)(page)
        failed = true
        return Effect.fail(pastEnd[status])
      })
      const { elements, error } = yield* collect(PageWalk.pages()).pipe(Effect.provide(made.layer))
      assert.isUndefined(error)
      assert.lengthOf(idsOf(elements), 60)
    })
  )

  it.effect.each([404, 400, 204] as const)("a %i to the first page is an error", (status) =>
    Effect.gen(function* () {
      const made = byHand(() => Effect.fail(pastEnd[status]))
      const { elements, error } = yield* collect(PageWalk.pages()).pipe(Effect.provide(made.layer))
      assert.lengthOf(elements, 0)
      assert.strictEqual(error, pastEnd[status])
    })
  )

  it.effect.each([1, 3, 7, 10])("an empty answer on page %i that is not true loses nothing", (number) =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({
        ...minimal,
        script: [{ on: { page: number }, fault: Fault.emptyAnswer }]
      })
      const { elements, error } = yield* all(simulator, PageWalk.pages({ pageSize: 20 }))
      assert.isUndefined(error)
      assert.lengthOf(idsOf(elements), 200)
      assert.deepStrictEqual(sorted(idsOf(elements)), sorted(trueIds(simulator)))
    })
  )

  it.effect("an empty answer on every page, once each, loses nothing", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({
        ...minimal,
        script: Array.from({ length: 11 }, (_, index) => ({ on: { page: index + 1 }, fault: Fault.emptyAnswer }))
      })
      const { elements } = yield* all(simulator, PageWalk.pages({ pageSize: 20 }))
      assert.deepStrictEqual(sorted(idsOf(elements)), sorted(trueIds(simulator)))
    })
  )

  it.effect("no sessions at all are no pages, after three requests with one at a time", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 0 })
      const { elements, error } = yield* all(simulator, PageWalk.pages({}, { concurrency: 1 }))
      assert.isUndefined(error)
      assert.isEmpty(elements)
      assert.deepStrictEqual(
        simulator.requests.map((request) => request.page),
        [1, 1, 2]
      )
    })
  )

  it.effect("a rare status that is filtered after paging, with pages left empty, loses nothing", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 3000, filterAfterPaging: "filters" })
      for (const status of ["busy", "failed", "no_answer"]) {
        const { elements, error } = yield* all(simulator, PageWalk.pages({ status, pageSize: 100 }))
        assert.isUndefined(error)
        assert.isEmpty(simulator.missed(idsOf(elements), { status }), status)
      }
    })
  )

  it.effect.each(["last", "first"] as const)("the %s page answered for ever ends the walk", (beyondLast) =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ ...minimal, beyondLast })
      const { elements, error } = yield* all(simulator, PageWalk.pages({ pageSize: 30 }, { concurrency: 1 }))
      assert.isUndefined(error)
      assert.lengthOf(idsOf(elements), 200)
      assert.lengthOf(elements, 7)
      // Seven pages, and two without a new id.
      assert.lengthOf(simulator.requests, 9)
    })
  )

  it.effect("shorter pages than asked are no end: a clamp", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ ...minimal, maxPageSize: 7 })
      const { elements } = yield* all(simulator, PageWalk.pages({ pageSize: 500 }))
      assert.isTrue(elements.every((page) => page.rows.sessions().length <= 7))
      assert.deepStrictEqual(sorted(idsOf(elements)), sorted(trueIds(simulator)))
    })
  )

  it.effect("shorter pages than asked are no end: a filter after paging", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ ...minimal, filterAfterPaging: "filters" })
      const completed = simulator.truth({ status: "completed" }).map(({ id }) => id)
      const { elements } = yield* all(simulator, PageWalk.pages({ pageSize: 20, status: "completed" }))
      assert.isAbove(new Set(elements.map((page) => page.rows.sessions().length)).size, 1)
      assert.isBelow(completed.length, 200)
      assert.deepStrictEqual(sorted(idsOf(elements)), sorted(completed))
    })
  )

  it.effect("rejected records without an id, answered again for ever, end the walk", () =>
    Effect.gen(function* () {
      const made = byHand(({ page: number }) => page(number, [], [{ status: "completed", page: Math.min(3, number) }]))
      const { elements, error } = yield* collect(PageWalk.pages()).pipe(Effect.provide(made.layer))
      assert.isUndefined(error)
      assert.lengthOf(
        elements.flatMap(({ rejected }) => rejected),
        3
      )
    })
  )

  it.effect.each(["recordingUrl", "recording_url"])("they end it although their %s is signed anew each time", (field) =>
    Effect.gen(function* () {
      let signature = 0
      const made = byHand(({ page: number }) => {
        const raw = {
          status: "completed",
          page: Math.min(3, number),
          [field]: `https://x.example/?token=${signature++}`
        }
        return number > 50 ? Effect.fail(unavailable) : page(number, [], [raw])
      })
      const { elements, error } = yield* collect(PageWalk.pages()).pipe(Effect.provide(made.layer))
      assert.isUndefined(error)
      assert.lengthOf(
        elements.flatMap(({ rejected }) => rejected),
        3
      )
    })
  )

  it.effect("pages of nothing but rejected records do not end it", () =>
    Effect.gen(function* () {
      const made = byHand(({ page: number }) =>
        number <= 5
          ? page(number, [], [{ id: `bad ${number}` }])
          : number <= 9
            ? page(number, [session(String(number))])
            : page(number, [])
      )
      const { elements } = yield* collect(PageWalk.pages()).pipe(Effect.provide(made.layer))
      assert.lengthOf(elements, 9)
      assert.deepStrictEqual(idsOf(elements), ["6", "7", "8", "9"])
    })
  )

  it.effect.each(["last", "first"] as const)("pages of 25,000 and the %s for ever end as well", (beyond) =>
    Effect.gen(function* () {
      const size = 25_000
      const made = byHand(({ page: number }) =>
        number > 12
          ? Effect.fail(unavailable)
          : number <= 2
            ? numbered(2 * size, size)(number)
            : { ...numbered(2 * size, size)(beyond === "last" ? 2 : 1), page: number }
      )
      const { elements, error } = yield* collect(PageWalk.pages({}, { concurrency: 1 })).pipe(
        Effect.provide(made.layer)
      )
      assert.isUndefined(error)
      assert.strictEqual(idsOf(elements).length, 2 * size)
      assert.lengthOf(made.asked, 5)
    })
  )
})
