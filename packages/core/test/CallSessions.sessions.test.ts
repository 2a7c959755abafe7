import { AgniError, Unavailable } from "@callstream/core/model/AgniError"
import { type CallSession, startInstant } from "@callstream/core/model/CallSession"
import * as EndpointProfile from "@callstream/core/endpoint/EndpointProfile"
import * as Instant from "@callstream/core/model/Instant"
import type { Rejected } from "@callstream/core/model/Rejected"
import * as CallSessions from "@callstream/core/CallSessions"
import { AgniSimulator } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import {
  all,
  between,
  byHand,
  clientOf,
  collect,
  idsOf,
  json,
  numbered,
  page,
  session,
  settle
} from "./history/Walking.ts"

const idsIn = (calls: ReadonlyArray<CallSession>) => calls.map(({ id }) => id)

const sorted = (ids: Iterable<string>) => [...ids].sort()

describe("CallSessions.selectedPages: the range is exact", () => {
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
        const { elements, error } = yield* all(simulator, CallSessions.selectedPages(selection))
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
        CallSessions.selectedPages({ from: "2026-07-31T07:16:10.000001Z", to: "2026-07-31T08:00:00.000001Z" })
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
      yield* collect(CallSessions.selectedPages({ ...filters, concurrency: 1 })).pipe(Effect.provide(made.layer))
      assert.deepStrictEqual(made.asked[0], { ...filters, pageSize: 100, page: 1 })
    })
  )

  it.effect("takes text in any zone, a date alone, and a DateTime", () =>
    Effect.gen(function* () {
      const made = byHand(({ page: number }) =>
        page(number, number === 1 ? [session("in", { startedAt: "2026-07-31T00:00:00Z" })] : [])
      )
      for (const from of ["2026-07-31", "2026-07-31T02:00:00+02:00", DateTime.makeUnsafe("2026-07-31T00:00:00Z")]) {
        const { elements } = yield* collect(CallSessions.selectedPages({ from })).pipe(Effect.provide(made.layer))
        assert.deepStrictEqual(idsOf(elements), ["in"])
      }
      for (const to of ["2026-07-31", "2026-07-31T02:00:00+02:00"]) {
        const { elements } = yield* collect(CallSessions.selectedPages({ to })).pipe(Effect.provide(made.layer))
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
      const { elements, error } = yield* all(simulator, CallSessions.selectedPages(range))
      assert.isUndefined(error)
      assert.deepStrictEqual(
        sorted(idsOf(elements)),
        sorted(simulator.truth({ from: "1970-01-01" }).map(({ id }) => id))
      )
    })
  )
})

describe("CallSessions.selectedPages: calls without a start time", () => {
  it.effect("come only when neither bound is given", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 80, undated: 0.4, content: "minimal" })
      const count = Effect.fnUntraced(function* (selection: CallSessions.Selection) {
        const { elements } = yield* all(simulator, CallSessions.selectedPages(selection))
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
      const { elements } = yield* collect(CallSessions.selectedPages({ from: "2026-07-31" })).pipe(
        Effect.provide(made.layer)
      )
      assert.deepStrictEqual(idsOf(elements), ["in", "odd"])
      assert.deepStrictEqual(
        elements.flatMap((page) => page.rejected.map(({ stage }) => stage)),
        ["decode"]
      )
      const whole = yield* collect(CallSessions.selectedPages()).pipe(Effect.provide(made.layer))
      assert.deepStrictEqual(idsOf(whole.elements), ["in", "odd", "blank", "none", "zero"])
      assert.lengthOf(
        whole.elements.flatMap((page) => page.rejected),
        1
      )
    })
  )
})

describe("CallSessions.selectedPages: bad input", () => {
  it.effect.each<[CallSessions.Selection, string]>([
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
      for (const stream of [CallSessions.selectedPages(selection), CallSessions.sessions(selection)]) {
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

  it.effect.each<[CallSessions.Selection, string]>([
    [{ pageSize: 0 }, "pageSize"],
    [{ agentId: "42" }, "agentId"],
    [{ callerNumber: "911" }, "callerNumber"],
    [{ status: " " }, "status"]
  ])("%j is refused by the client's own check", ([selection, parameter]) =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 10 })
      const { error } = yield* all(simulator, CallSessions.sessions(selection))
      assert.deepInclude(error?.reason, { _tag: "InvalidRequest", parameter })
      assert.isEmpty(simulator.requests)
    })
  )
})

describe("CallSessions.sessions", () => {
  const secret = "+49 170 SECRET"
  const withRejected = () =>
    byHand(({ page: number }) =>
      number <= 2
        ? page(number, [session(`a${number}`), session(`b${number}`)], [{ callerNumber: secret, number }, { number }])
        : number === 3
          ? page(number, [session("c3")])
          : page(number, [])
    )

  it.effect("gives rejected records to onRejected, a page's at a time, before the page's sessions", () =>
    Effect.gen(function* () {
      const events: Array<string> = []
      const onRejected = (rejected: ReadonlyArray<Rejected>) =>
        Effect.sync(() => {
          events.push(`rejected ${rejected.map((one) => `${one.page}.${one.index}`).join(" ")}`)
        })
      yield* CallSessions.sessions({ onRejected }).pipe(
        Stream.runForEachArray((sessions) => Effect.sync(() => events.push(sessions.map(({ id }) => id).join(" ")))),
        Effect.provide(withRejected().layer)
      )
      assert.deepStrictEqual(events, ["rejected 1.0 1.1", "a1 b1", "rejected 2.0 2.1", "a2 b2", "c3"])
    })
  )

  it.effect("logs a warning without what the records say, when nobody takes them", () =>
    Effect.gen(function* () {
      const logged: Array<{ level: string; text: string }> = []
      const logger = Logger.make(({ logLevel, message }) => {
        logged.push({ level: logLevel, text: JSON.stringify(message) })
      })
      const { elements } = yield* collect(CallSessions.sessions()).pipe(
        Effect.provide(Layer.merge(withRejected().layer, Logger.layer([logger])))
      )
      assert.lengthOf(elements, 5)
      assert.isTrue(logged.every(({ level }) => level === "Warn"))
      // None has a start, so nothing can be proven of them, which is told once, at the end.
      assert.include(logged.pop()?.text, "not proven complete")
      assert.lengthOf(logged, 2)
      for (const { text } of logged) {
        assert.include(text, "2 record(s)")
        assert.include(text, "id is missing")
        assert.notInclude(text, "SECRET")
      }
    })
  )

  it.effect("logs no more than three reasons", () =>
    Effect.gen(function* () {
      const logged: Array<string> = []
      const made = byHand(({ page: number }) => {
        const empty = page(number, [], number === 1 ? Array.from({ length: 50 }, (_, index) => ({ index })) : [])
        return { ...empty, rejected: empty.rejected.map((one) => ({ ...one, reason: `<${one.index}>` })) }
      })
      yield* collect(CallSessions.sessions()).pipe(
        Effect.provide(
          Layer.merge(made.layer, Logger.layer([Logger.make(({ message }) => logged.push(JSON.stringify(message)))]))
        )
      )
      assert.lengthOf(logged, 2)
      assert.lengthOf([...(logged[0] ?? "").matchAll(/<\d+>/g)], 3)
    })
  )

  it.effect("keeps a page's sessions together in one array", () =>
    Effect.gen(function* () {
      const made = byHand(({ page: number }) => numbered(105, 20)(number))
      const { elements } = yield* collect(Stream.chunks(CallSessions.sessions())).pipe(Effect.provide(made.layer))
      assert.deepStrictEqual(
        elements.map(({ length }) => length),
        [20, 20, 20, 20, 20, 5]
      )
    })
  )

  it.effect("fails with what the client fails with, after the sessions that came before", () =>
    Effect.gen(function* () {
      const gone = new AgniError({
        reason: new Unavailable({ outage: { _tag: "Unreachable" } }),
        request: "test",
        attempts: 1,
        elapsed: Duration.zero
      })
      const made = byHand(({ page: number }) => (number === 3 ? Effect.fail(gone) : numbered(100, 10)(number)))
      const { elements, error } = yield* collect(CallSessions.sessions()).pipe(Effect.provide(made.layer))
      assert.lengthOf(elements, 20)
      assert.deepStrictEqual(
        [error?.reason, error?.request, error?.attempts],
        [gone.reason, gone.request, gone.attempts]
      )
    })
  )
  it.effect("makes fewer requests with an endpoint profile", () =>
    Effect.gen(function* () {
      const make = AgniSimulator.make({ sessions: 300, content: "minimal" })
      const profile = yield* settle(clientOf(yield* make)(EndpointProfile.examine()))
      const [plain, saving] = [yield* make, yield* make]
      const range = { from: Instant.of(plain.now() - 20 * 86_400_000_000), to: plain.now() }
      const all = yield* settle(clientOf(plain)(collect(CallSessions.sessions(range))))
      const same = yield* settle(
        clientOf(saving)(collect(CallSessions.sessions({ ...range, profile: profile.profile })))
      )
      assert.deepStrictEqual(idsIn(same.elements), idsIn(all.elements))
      assert.isBelow(saving.requests.length, plain.requests.length)
    })
  )

  it.effect("gives the newest call first where it is asked to, and those without a start time at the end", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 900, content: "minimal", undated: 0.05 })
      const { elements } = yield* settle(clientOf(simulator)(collect(CallSessions.sessions({ order: "newest" }))))
      const starts = elements.map((call) => startInstant(call))
      const dated = starts.filter((start) => start !== undefined)
      assert.isBelow(dated.length, starts.length)
      assert.deepStrictEqual(
        starts.slice(0, dated.length),
        dated.toSorted((a, b) => b - a)
      )
      assert.isEmpty(simulator.missed(idsIn(elements)))
      const first = yield* settle(
        clientOf(simulator)(collect(CallSessions.sessions({ order: "newest" }).pipe(Stream.take(3))))
      )
      assert.deepStrictEqual(idsIn(first.elements), idsIn(elements).slice(0, 3))
    })
  )
})
