import * as Instant from "../../src/model/Instant.ts"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { AgniSimulator } from "../../src/testing/index.ts"
import { get, ids, list, walk } from "./Asking.ts"

const hour = 3600e6

describe("the life of sessions", () => {
  it.effect("a call waits, talks, ends, and becomes final", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({
        missing: "null",
        undatedAs: "null",
        sessions: 0,
        content: "plain",
        settlesWithin: "10 minutes"
      })
      const now = simulator.now()
      simulator.add({ startedAt: now + 600e6, endedAt: now + 900e6 })
      const shown = Effect.map(list(simulator), ([record]) => record)
      assert.deepInclude(yield* shown, {
        status: "pending",
        startedAt: null,
        endedAt: null,
        durationSec: null,
        costTotal: null
      })
      yield* TestClock.adjust("11 minutes")
      assert.deepInclude(yield* shown, {
        status: "in_progress",
        startedAt: "2026-06-01T00:10:00.000000Z",
        endedAt: null
      })
      yield* TestClock.adjust("4 minutes")
      assert.deepInclude(yield* shown, {
        status: "completed",
        endedAt: "2026-06-01T00:15:00.000000Z",
        durationSec: 300,
        costTotal: null
      })
      yield* TestClock.adjust("10 minutes")
      const settled = yield* shown
      assert.match(settled?.costTotal ?? "", /^0\.\d{4}$/)
      assert.isString(settled?.summary)
    })
  )

  it.effect("new calls are born over server time", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 50, arrivalsPerHour: 60, departuresPerHour: 0 })
      const before = yield* walk(simulator)
      yield* TestClock.adjust("1 hour")
      const after = yield* walk(simulator)
      assert.approximately(after.length - before.length, 60, 25)
      assert.includeMembers(after, before)
      assert.strictEqual(after.length, simulator.count())
      const twin = yield* AgniSimulator.make({ sessions: 50, arrivalsPerHour: 60 })
      for (let i = 0; i < 60; i++) {
        yield* ids(twin)
        twin.advance("1 minute")
      }
      // However often it is asked, the same calls come at the same times.
      assert.deepStrictEqual(twin.truth(), simulator.truth())
    })
  )

  it.effect("rows leave, by rate and by hand, and are not missed then", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 400, departuresPerHour: 0.5 })
      const before = yield* walk(simulator)
      yield* TestClock.adjust("1 hour")
      const after = yield* walk(simulator)
      assert.approximately(after.length, 400 * Math.exp(-0.5), 45)
      assert.includeMembers(before, after)
      assert.deepStrictEqual(simulator.missed(after), [])
      const [first = ""] = after
      assert.isTrue(simulator.remove(first))
      assert.notInclude(yield* ids(simulator, { page_size: 100 }), first)
    })
  )

  it.effect("a page walk that is slower than departures skips rows", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({
        sessions: 600,
        departuresPerHour: 1,
        order: "start-asc",
        latency: "20 seconds"
      })
      const walking = yield* Effect.forkChild(walk(simulator))
      yield* TestClock.adjust("1 hour")
      const found = walking.pollUnsafe()
      assert.strictEqual(found?._tag, "Success")
      if (found?._tag === "Success") assert.isAbove(simulator.missed(found.value).length, 0)
    })
  )

  it.effect("visible when created, started or ended, or later than that", () =>
    Effect.gen(function* () {
      const truth = (options: AgniSimulator.Options) =>
        Effect.map(
          AgniSimulator.make({ sessions: 200, undated: 0, age: 0, span: "1 hour", ...options }),
          (simulator) => [simulator.count(), simulator.count({ at: Instant.of(simulator.now() + 10 * hour) })] as const
        )
      const [created, all] = yield* truth({})
      const [started] = yield* truth({ visible: "started" })
      const [ended, finally_] = yield* truth({ visible: "ended" })
      const [lagged] = yield* truth({ visible: "ended", visibleLag: "30 minutes" })
      assert.deepStrictEqual([created, all, finally_], [200, 200, 200])
      assert.isBelow(started, created)
      assert.isBelow(ended, started)
      assert.isBelow(lagged, ended)
    })
  )

  it.effect("a change of status moves a row out of its filter", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 0, content: "plain" })
      const id = simulator.add()
      assert.deepStrictEqual(yield* ids(simulator, { status: "in_progress" }), [id])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* ids(simulator, { status: "in_progress" }), [])
      assert.deepStrictEqual(yield* ids(simulator, { status: "completed" }), [id])
      assert.deepStrictEqual(simulator.missed([], { status: "completed" }), [])
      assert.deepStrictEqual(simulator.missed([]), [id])
    })
  )

  it.effect("a queued call moves in the order when it starts", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 0, undatedOrder: "last" })
      const now = simulator.now()
      const queued = simulator.add({ createdAt: now, startedAt: now + 100e6 })
      const other = simulator.add({ createdAt: now, startedAt: now })
      assert.deepStrictEqual(yield* ids(simulator), [other, queued])
      assert.deepStrictEqual(yield* ids(simulator, { started_after: "2026-01-01" }), [other])
      yield* TestClock.adjust("100 seconds")
      assert.deepStrictEqual(yield* ids(simulator), [queued, other])
    })
  )

  it.effect("some calls stay in progress for ever", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 100, stuck: 1, undated: 0, content: "plain" })
      assert.strictEqual((yield* walk(simulator, { status: "in_progress" })).length, 100)
    })
  )

  it.effect("a replica lags behind", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 20, replicas: { count: 2, lag: "10 seconds" } })
      simulator.add()
      const sizes = new Set<number>()
      for (let i = 0; i < 20; i++) sizes.add((yield* ids(simulator, { page_size: 100 })).length)
      assert.deepStrictEqual(
        [...sizes].sort((a, b) => a - b),
        [20, 21]
      )
      yield* TestClock.adjust("10 seconds")
      for (let i = 0; i < 20; i++) assert.strictEqual((yield* ids(simulator, { page_size: 100 })).length, 21)
    })
  )

  it.effect("truth and missed within a range of starts", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 300, undated: 0.1 })
      const [from, to] = [simulator.now() - 240 * hour, simulator.now() - 120 * hour]
      const range = { from: Instant.of(from), to: Instant.of(to) }
      const inside = simulator.truth(range)
      assert.isTrue(inside.every(({ startedAt = 0 }) => from <= startedAt && startedAt < to))
      assert.isAbove(inside.length, 20)
      yield* get(simulator)
      assert.strictEqual(simulator.missed([], range).length, inside.length)
      assert.strictEqual(simulator.missed([]).length, 300)
    })
  )

  const busy = (options: AgniSimulator.Options = {}) =>
    AgniSimulator.makeUnsafe(
      {
        sessions: 6000,
        span: "10 days",
        age: 0,
        startAt: "2026-06-01T00:00:00Z",
        content: "minimal",
        life: {},
        ...options
      },
      () => 0
    )

  it("a usual organization has agents that differ, long tails, and calls that never connect", () => {
    const simulator = busy()
    const lives = simulator.lives()
    const [first = "", , , slow = "", , bare = "", late = ""] = simulator.agentIds
    simulator.advance("20 days")
    const shown = new Map(
      simulator.truth().map(({ agentId, createdAt, id, startedAt }) => [id, { agentId, createdAt, startedAt }])
    )
    /** Of calls of an agent that connected: how many changes each has after the end is known, and when the last one came. */
    const of = (agent: string) =>
      lives.flatMap(({ changesAt, createdAt, id }) => {
        const { agentId, startedAt } = shown.get(id) ?? {}
        return agentId === agent && startedAt !== undefined
          ? [{ changes: changesAt.length, createdAt, took: ((changesAt.at(-1) ?? 0) - createdAt) / hour }]
          : []
      })
    const mean = (values: ReadonlyArray<number>) => values.reduce((sum, value) => sum + value, 0) / values.length
    const changes = (agent: string) => mean(of(agent).map(({ changes }) => changes))
    assert.approximately(lives.filter(({ startedAt }) => startedAt === undefined).length / lives.length, 0.15, 0.02)
    assert.isAbove(changes(first), changes(bare) + 1.5)
    const median = (agent: string) =>
      of(agent)
        .map(({ took }) => took)
        .toSorted((a, b) => a - b)[Math.floor(of(agent).length / 2)] ?? 0
    assert.isAbove(median(slow), 2 * median(first))
    assert.isBelow(median(first), 1.5)
    assert.isAbove(Math.max(...of(first).map(({ took }) => took)), 10)
    // It begins to analyse on its sixth day.
    const middle = simulator.now() - 25 * 24 * hour
    const parts = [false, true].map((isAfter) =>
      mean(of(late).flatMap(({ changes, createdAt }) => (createdAt >= middle === isAfter ? [changes] : [])))
    )
    assert.isAbove((parts[1] ?? 0) - (parts[0] ?? 0), 0.6)
  })

  it("rare things happen as often as they are meant to, and a call differs exactly when its life says so", () => {
    const simulator = busy({ sessions: 0, arrivalsPerHour: 60, life: { rare: 20 } })
    const seen = new Map<string, { readonly text: string; readonly at: number }>()
    const read = () =>
      new Map(
        Array.from({ length: 4 }, (_, page) => {
          const request = {
            method: "GET",
            origin: "https://api.ravan.ai",
            path: AgniSimulator.endpointPath,
            search: "",
            params: { page: String(page + 1), page_size: "100", sort_by: "created_at", sort_order: "asc" },
            headers: { "x-api-key": simulator.apiKey }
          }
          const body: { readonly data: { readonly callSessions: ReadonlyArray<{ readonly id: string }> } } = JSON.parse(
            simulator.handle(request, simulator.now() / 1000).body
          )
          return body.data.callSessions
        })
          .flat()
          .map((record) => [record.id, JSON.stringify(record).replace(/token=[^"]*/, "")])
      )
    let changes = 0
    for (let step = 0; step < 400; step++) {
      const now = simulator.now()
      const lives = new Map(simulator.lives().map((life) => [life.id, life]))
      const records = read()
      for (const [id, text] of records) {
        const before = seen.get(id)
        const at = lives.get(id)?.changesAt ?? []
        const isDue = at.some((instant) => instant > (before?.at ?? -Infinity) && instant <= now)
        assert.strictEqual(isDue, before?.text !== text, `${id} at ${now}: ${before?.text} ${text} ${at.join()}`)
        if (isDue) changes++
        seen.set(id, { text, at: now })
      }
      for (const { id, leavesAt } of lives.values()) {
        if (!seen.has(id) || records.has(id) || seen.size > 390) continue
        assert.isAtMost(leavesAt, now)
      }
      if (seen.size > 390) break
      simulator.advance("3 minutes")
    }
    assert.isAbove(changes, 800)
    assert.isAbove(simulator.lives().filter(({ leavesAt }) => leavesAt < Infinity).length, 2)
  })

  it("by day come more calls than at night, and a storm takes many at once", () => {
    const simulator = busy({ sessions: 0, arrivalsPerHour: 150, life: { storms: { perDay: 1, calls: 0.1 } } })
    simulator.advance("4 days")
    const lives = simulator.lives()
    const at = (hours: ReadonlyArray<number>) =>
      lives.filter(({ createdAt }) => hours.includes(Math.floor(createdAt / hour) % 24)).length
    assert.approximately(lives.length, 4 * 24 * 150, 500)
    assert.isAbove(at([9, 10, 11]), 40 * at([1, 2, 3]))
    const together = new Map<number, number>()
    for (const { leavesAt } of lives) {
      if (leavesAt < simulator.now()) together.set(leavesAt, (together.get(leavesAt) ?? 0) + 1)
    }
    const storms = [...together.values()].filter((calls) => calls > 50)
    assert.isAtLeast(storms.length, 2)
    assert.isAtMost(storms.length, 4)
  })
})
