import { AgniError } from "@callstream/core/model/AgniError"
import * as Instant from "@callstream/core/model/Instant"
import * as CallSessions from "@callstream/core/CallSessions"
import * as PageWalk from "@callstream/core/history/PageWalk"
import { AgniSimulator } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { all, between, byHand, collect, idsOf, json, page, session } from "./Walking.ts"

const sorted = (ids: Iterable<string>) => [...ids].sort()

describe("PageWalk.selectedPages: the range is exact", () => {
  it.effect.prop(
    "whatever the endpoint makes of its bounds",
    {
      seed: between(1, 1_000_000),
      sessions: between(0, 150),
      granularity: Schema.Literals(["micro", "milli", "second"]),
      timestamps: Schema.Literals(["micros", "go"]),
      order: Schema.Literals(["start-desc", "start-asc", "created-desc", "id-asc"]),
      after: Schema.Literals(["inclusive", "exclusive"]),
      before: Schema.Literals(["inclusive", "exclusive"]),
      truncate: Schema.Literals(["none", "second"]),
      ignored: Schema.Literals(["none", "fraction", "all"]),
      undated: Schema.Literals(["none", "before"]),
      undatedAs: Schema.Literals(["null", "absent", "empty", "zero"]),
      tied: Schema.Boolean,
      pageSize: between(1, 40),
      sides: Schema.Literals(["both", "both", "both", "from", "to", "none"]),
      // The borders are at a session's start, give or take a microsecond.
      first: between(0, 1000),
      last: between(0, 1000),
      firstOff: between(-1, 1),
      lastOff: between(-1, 1)
    },
    (chosen) =>
      Effect.gen(function* () {
        const { after, before, ignored, truncate, undated } = chosen
        const simulator = yield* AgniSimulator.make({
          seed: chosen.seed,
          sessions: chosen.sessions,
          granularity: chosen.granularity,
          timestamps: chosen.timestamps,
          order: chosen.order,
          bounds: { after, before, ignored, truncate, undated },
          undatedAs: chosen.undatedAs,
          undated: 0.1,
          content: "minimal",
          ...(chosen.tied ? { ties: { share: 0.5, ways: 5 } } : {})
        })
        const about = json(chosen)
        const starts = simulator
          .truth()
          .flatMap(({ startedAt }) => (startedAt === undefined ? [] : [startedAt]))
          .sort((left, right) => left - right)
        const at = (index: number, off: number) =>
          (starts[Math.floor((index / 1001) * starts.length)] ?? simulator.now()) + off
        const [from, to] = [at(chosen.first, chosen.firstOff), at(chosen.last, chosen.lastOff)].sort((a, b) => a - b)
        if (from === undefined || to === undefined || from === to) return
        const range = {
          ...(chosen.sides === "both" || chosen.sides === "from" ? { from } : {}),
          ...(chosen.sides === "both" || chosen.sides === "to" ? { to } : {})
        }
        const selection = {
          pageSize: chosen.pageSize,
          ...(range.from === undefined ? {} : { from: Instant.format(Instant.of(range.from)) }),
          ...(range.to === undefined ? {} : { to: Instant.format(Instant.of(range.to)) })
        }
        const { elements, error } = yield* all(simulator, PageWalk.selectedPages(selection))
        assert.isUndefined(error, about)
        const expected = simulator.truth(selection).map(({ id }) => id)
        assert.deepStrictEqual(sorted(idsOf(elements)), sorted(expected), about)
        assert.isEmpty(
          elements.flatMap(({ rejected }) => rejected),
          about
        )
        assert.isTrue(
          elements.every(({ rows }) => rows.sessions().length > 0),
          about
        )
      }),
    { arbitrary: { runs: 120 } }
  )

  it.effect("asks a second wider on both sides, in whole seconds", () =>
    Effect.gen(function* () {
      const made = byHand(({ page: number }) => page(number, []))
      yield* collect(
        PageWalk.selectedPages({ from: "2026-07-31T07:16:10.000001Z", to: "2026-07-31T08:00:00.000001Z" })
      ).pipe(Effect.provide(made.layer))
      const [first] = made.asked
      assert.strictEqual(first?.startedAfter, "2026-07-31T07:16:09Z")
      assert.strictEqual(first?.startedBefore, "2026-07-31T08:00:02Z")
    })
  )

  it.effect("has no bound where none is given, and passes the filters on", () =>
    Effect.gen(function* () {
      const made = byHand(({ page: number }) => page(number, []))
      const filters = {
        agentId: "0d5cf1a2-0c8e-4f3a-9d1e-7b6f2f1c3a44",
        status: "completed",
        channel: "voice",
        callerNumber: "+14155550123",
        search: "refund"
      }
      yield* collect(PageWalk.selectedPages({ ...filters, concurrency: 1 })).pipe(Effect.provide(made.layer))
      assert.deepStrictEqual(made.asked[0], { ...filters, pageSize: 100, page: 1 })
    })
  )

  it.effect("takes text in any zone, a date alone, and a DateTime", () =>
    Effect.gen(function* () {
      const made = byHand(({ page: number }) =>
        page(number, number === 1 ? [session("in", { startedAt: "2026-07-31T00:00:00Z" })] : [])
      )
      for (const from of ["2026-07-31", "2026-07-31T02:00:00+02:00", DateTime.makeUnsafe("2026-07-31T00:00:00Z")]) {
        const { elements } = yield* collect(PageWalk.selectedPages({ from })).pipe(Effect.provide(made.layer))
        assert.deepStrictEqual(idsOf(elements), ["in"])
      }
      for (const to of ["2026-07-31", "2026-07-31T02:00:00+02:00"]) {
        const { elements } = yield* collect(PageWalk.selectedPages({ to })).pipe(Effect.provide(made.layer))
        assert.deepStrictEqual(idsOf(elements), [])
      }
    })
  )

  it.effect.each([
    { from: "0000-01-01" },
    { to: "9999-12-31T23:59:59Z" },
    { from: "0000-01-01T00:00:00Z", to: "9999-12-31T23:59:59.999999Z" }
  ])("%j is no bound worth asking for", (range) =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 30, content: "minimal" })
      const { elements, error } = yield* all(simulator, PageWalk.selectedPages(range))
      assert.isUndefined(error)
      assert.deepStrictEqual(
        sorted(idsOf(elements)),
        sorted(simulator.truth({ from: "1970-01-01" }).map(({ id }) => id))
      )
    })
  )
})

describe("PageWalk.selectedPages: calls without a start time", () => {
  it.effect("come only when neither bound is given", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 80, undated: 0.4, content: "minimal" })
      const count = Effect.fnUntraced(function* (selection: PageWalk.Selection) {
        const { elements } = yield* all(simulator, PageWalk.selectedPages(selection))
        return idsOf(elements).length
      })
      const dated = simulator.count({ from: "1970-01-01" })
      assert.isBelow(dated, 70)
      assert.strictEqual(yield* count({}), 80)
      assert.strictEqual(yield* count({ from: "2000-01-01" }), dated)
      assert.strictEqual(yield* count({ to: "2100-01-01" }), dated)
    })
  )

  it.effect("come with any range when startedAt is text but no time: what it means only the server knows", () =>
    Effect.gen(function* () {
      const odd = session("odd", { startedAt: "last Tuesday" })
      const sessions = [
        session("in", { startedAt: "2026-07-31T07:00:00Z" }),
        odd,
        session("blank", { startedAt: "  " }),
        session("none"),
        session("zero", { startedAt: "0001-01-01T00:00:00Z" })
      ]
      const made = byHand(({ page: number }) => ({
        ...page(number, number === 1 ? sessions : [], number === 1 ? [{ id: "bad" }] : [], 5),
        observedAt: Instant.of(5)
      }))
      const { elements } = yield* collect(PageWalk.selectedPages({ from: "2026-07-31" })).pipe(
        Effect.provide(made.layer)
      )
      assert.deepStrictEqual(idsOf(elements), ["in", "odd"])
      assert.deepStrictEqual(
        elements.flatMap((page) => page.rejected.map(({ stage }) => stage)),
        ["decode"]
      )
      const whole = yield* collect(PageWalk.selectedPages()).pipe(Effect.provide(made.layer))
      assert.deepStrictEqual(idsOf(whole.elements), ["in", "odd", "blank", "none", "zero"])
      assert.lengthOf(
        whole.elements.flatMap((page) => page.rejected),
        1
      )
    })
  )
})

describe("PageWalk.selectedPages: bad input", () => {
  it.effect.each<[PageWalk.Selection, string]>([
    [{ from: "yesterday" }, "from"],
    [{ from: "" }, "from"],
    [{ to: "2026-13-01" }, "to"],
    [{ from: "2026-07-31", to: "June 1 2025" }, "to"],
    [{ from: "2026-07-31", to: "2026-07-31" }, "from"],
    [{ from: "2026-08-01", to: "2026-07-31" }, "from"],
    [{ concurrency: 0 }, "concurrency"]
  ])("%j is refused before any request", ([selection, parameter]) =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 10 })
      for (const stream of [PageWalk.selectedPages(selection), CallSessions.sessions(selection)]) {
        const { elements, error } = yield* all<unknown, AgniError>(simulator, stream)
        assert.isEmpty(elements)
        assert.instanceOf(error, AgniError)
        assert.strictEqual(error?.attempts, 0)
        assert.deepInclude(error?.reason, { _tag: "InvalidRequest", parameter })
        assert.match(error?.reason.message ?? "", new RegExp(`^${parameter} `))
      }
      assert.isEmpty(simulator.requests)
    })
  )

  it.effect.each<[PageWalk.Selection, string]>([
    [{ pageSize: 0 }, "pageSize"],
    [{ agentId: "42" }, "agentId"],
    [{ callerNumber: "911" }, "callerNumber"],
    [{ status: " " }, "status"]
  ])("%j is refused by the client's own check", ([selection, parameter]) =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 10 })
      for (const stream of [PageWalk.selectedPages(selection), CallSessions.sessions(selection)]) {
        const { error } = yield* all<unknown, AgniError>(simulator, stream)
        assert.deepInclude(error?.reason, { _tag: "InvalidRequest", parameter })
      }
      assert.isEmpty(simulator.requests)
    })
  )
})
