import { AgniError, Unavailable } from "@callstream/core/model/AgniError"
import { type CallSession, startInstant } from "@callstream/core/model/CallSession"
import * as EndpointProfile from "@callstream/core/endpoint/EndpointProfile"
import * as Instant from "@callstream/core/model/Instant"
import type { Rejected } from "@callstream/core/model/Rejected"
import * as CallSessions from "@callstream/core/CallSessions"
import { AgniSimulator } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Stream from "effect/Stream"
import { byHand, clientOf, collect, numbered, page, session, settle } from "./history/Walking.ts"

const idsIn = (calls: ReadonlyArray<CallSession>) => calls.map(({ id }) => id)

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
