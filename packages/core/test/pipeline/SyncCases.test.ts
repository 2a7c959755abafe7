/** What is embarrassing when it goes wrong, each case by its name. */
import type { AgniClient } from "@callstream/core/client/AgniClient"
import type { DeadLetter } from "@callstream/core/pipeline/DeadLetter"
import * as SyncPipeline from "@callstream/core/pipeline/SyncPipeline"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import { SinkError } from "@callstream/core/sink/SinkError"
import { Ledger } from "@callstream/core/sync/Ledger"
import * as Transform from "@callstream/core/transform/Transform"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as World from "./SyncDeliveryWorld.ts"
import * as Receivers from "./SyncReceivers.ts"

const { hour, minute, origin } = World
const day = 24 * hour

const letters = SessionSink.make<DeadLetter>({ name: "letters", delivery: "append", write: () => Effect.void })
const completed = Transform.where(Transform.sessions, "completed", ({ status }) => status === "completed")

/** A call every half hour of the last two days, and a sync into a table and a receiver. */
const make = (
  options: { readonly transform?: typeof Transform.sessions; readonly calls?: ReadonlyArray<World.Call> } = {}
) => {
  const usual = Array.from({ length: 96 }, (_, i) => {
    const call = World.newCall(500 + i, origin - (96 - i) * 30 * minute, true)
    return Object.assign(call, { status: "completed" as const, cost: "0.1" })
  })
  const world = World.make(origin, [...usual, ...(options.calls ?? [])])
  const judge: Receivers.Judge = { wrong: new Set(), contents: new Map() }
  const events: Array<{ readonly sink: string; readonly kind: string; readonly id: string; readonly at: number }> = []
  let fault: Receivers.At = () => Effect.void
  const at: Receivers.At = (sink, step) => Effect.suspend(() => fault(sink, step))
  const table = Receivers.table(at, judge)
  const receiver = Receivers.receiver(at, judge)
  const told = (sink: SessionSink.SessionSink<object>): SessionSink.SessionSink<object> => ({
    ...sink,
    open: (opening) =>
      Effect.map(sink.open(opening), (writer) => {
        const tell = (batch: SessionSink.Batch<object | null>) => {
          for (const { change, id } of batch.items) {
            events.push({ sink: sink.name, kind: change?.kind ?? "", id, at: world.now })
          }
        }
        return {
          ...writer,
          write: (batch) => Effect.tap(writer.write(batch), () => Effect.sync(() => tell(batch))),
          remove: (batch) =>
            Effect.tap(writer.remove?.(batch) ?? Effect.succeed([]), () => Effect.sync(() => tell(batch)))
        }
      })
  })
  const once = Effect.suspend(() =>
    SyncPipeline.run({
      name: "calls",
      from: "2026-07-01T00:00:00Z",
      transform: options.transform ?? Transform.sessions,
      sinks: [told(table.sink), told(receiver.sink)],
      deadLetters: letters,
      commitEvery: 0
    })
  )
  /** Passes, each so long after the one before it. */
  const passes = (count: number, every: number) =>
    Effect.forEach(
      Array.from({ length: count }),
      () =>
        Effect.andThen(
          Effect.sync(() => void (world.now += every)),
          once
        ),
      { discard: true }
    )
  /** Each sink holds the calls that pass, as they are now. */
  const assertTrue = (passing: (call: World.Call) => boolean = () => true) => {
    assert.deepStrictEqual([...judge.wrong], [])
    for (const { name, shown } of [table, receiver]) {
      for (const call of world.calls) {
        const expected = call.isListed && passing(call) ? World.recordOf(call) : null
        assert.strictEqual(Receivers.plain(shown().get(call.id)?.row ?? null), Receivers.plain(expected), name)
      }
    }
  }
  const kindsOf = (id: string, sink = "receiver") =>
    events.filter((event) => event.id === id && event.sink === sink).map(({ kind }) => kind)
  return {
    world,
    table,
    receiver,
    events,
    once,
    passes,
    assertTrue,
    kindsOf,
    setFault: (next: Receivers.At) => void (fault = next),
    play: <A, E>(effect: Effect.Effect<A, E, Ledger | AgniClient>) =>
      effect.pipe(Effect.provide([world.layer, Ledger.layerMemory]), Effect.provideService(Clock.Clock, world.clock))
  }
}

const down: Receivers.At = (sink, step) =>
  sink === "receiver" && step !== "open"
    ? Effect.fail(
        new SinkError({ sink, operation: "write", retryable: false, reason: { _tag: "Other", description: "down" } })
      )
    : Effect.void

describe("A sync is right", () => {
  it.effect("when a start that was null is known behind the watermark", () => {
    const call = World.newCall(1, origin - hour, false)
    const { assertTrue, passes, play, world } = make({ calls: [call] })
    return play(
      Effect.gen(function* () {
        yield* passes(8, hour)
        call.start = call.created + 2_000_000
        world.now += minute
        yield* passes(3, hour)
        assertTrue()
      })
    )
  })

  it.effect("when a start moves by five hours while both places are read", () =>
    Effect.gen(function* () {
      for (let at = 1; at <= 12; at++) {
        for (const by of [-5 * hour, 5 * hour]) {
          const call = World.newCall(1, origin - 8 * hour, true)
          const { assertTrue, kindsOf, passes, play, world } = make({ calls: [call] })
          yield* play(
            Effect.gen(function* () {
              yield* passes(2, hour)
              let requests = 0
              world.onRequest = () => {
                if (++requests === at) call.start = (call.start ?? 0) + by
              }
              yield* passes(6, hour)
              assert.notInclude(kindsOf(call.id), "removed", `at request ${at}`)
              assertTrue()
            })
          )
        }
      }
    })
  )

  it.effect("when a call appears and another one is deleted in one range between two counts", () => {
    const late = Object.assign(World.newCall(1, origin - 5 * hour, true), { isListed: false })
    const { assertTrue, kindsOf, passes, play, world } = make({ calls: [late] })
    const deleted = world.calls[86]
    assert.isDefined(deleted)
    return play(
      Effect.gen(function* () {
        yield* passes(2, hour)
        late.isListed = true
        deleted.isListed = false
        // The audits are at most 12 hours late.
        yield* passes(44, hour)
        assert.deepStrictEqual(kindsOf(late.id), ["created"])
        assert.deepStrictEqual(kindsOf(deleted.id), ["created", "removed"])
        assertTrue()
      })
    )
  })

  it.effect(
    "when a run is killed after a webhook answered 2xx, before the commit, and the call is filtered out then",
    () => {
      const call = Object.assign(World.newCall(1, origin, true), { status: "completed" as const, isListed: false })
      const { assertTrue, kindsOf, once, passes, play, setFault, world } = make({ transform: completed, calls: [call] })
      return play(
        Effect.gen(function* () {
          yield* passes(1, hour)
          call.isListed = true
          world.now += hour
          setFault((sink, step) => (sink === "receiver" && step === "flush" ? Effect.die("killed") : Effect.void))
          assert.strictEqual((yield* Effect.exit(once))._tag, "Failure")
          assert.deepStrictEqual(kindsOf(call.id), ["created"])
          setFault(() => Effect.void)
          Object.assign(call, { status: "in_progress" })
          // A step back is believed ten minutes later.
          yield* passes(3, hour)
          assert.deepStrictEqual(kindsOf(call.id), ["created", "left"])
          assertTrue(({ status }) => status === "completed")
        })
      )
    }
  )

  it.effect("with 120 calls of a campaign that have one creation time and no start", () => {
    const campaign = Array.from({ length: 120 }, (_, i) =>
      Object.assign(World.newCall(1000 + i, origin + 30 * minute, false), { isListed: false })
    )
    const { assertTrue, kindsOf, passes, play } = make({ calls: campaign })
    return play(
      Effect.gen(function* () {
        yield* passes(2, 10 * minute)
        for (const call of campaign) call.isListed = true
        yield* passes(3, hour)
        assertTrue()
        for (const call of campaign) Object.assign(call, { status: "completed", cost: "0.2" })
        // A later change of one without a start comes with an audit.
        yield* passes(36, hour)
        assertTrue()
        assert.isTrue(campaign.every(({ id }) => kindsOf(id)[0] === "created" && kindsOf(id).length === 2))
      })
    )
  })

  it.effect("when an agent begins to analyse its calls on day ten", () => {
    const { assertTrue, passes, play, world } = make()
    return play(
      Effect.gen(function* () {
        for (let at = 0; at < 12 * 24; at++) {
          const call = World.newCall(2000 + at, world.now, true)
          world.calls.push(Object.assign(call, { status: "completed", cost: "0.1" }))
          const begun = world.calls.findLast(({ created }) => created < world.now - 1.5 * hour)
          if (at >= 10 * 24 && begun !== undefined) begun.analysis = "yes"
          yield* passes(1, hour)
        }
        // What is no longer waited for comes with the first audit.
        yield* passes(3, 12 * hour)
        assertTrue()
        assert.isAbove(world.calls.filter(({ analysis }) => analysis !== undefined).length, 40)
      })
    )
  })

  it.effect("when an id leaves and comes back", () => {
    const call = World.newCall(1, origin - 3 * hour, true)
    const { assertTrue, kindsOf, passes, play } = make({ calls: [call] })
    return play(
      Effect.gen(function* () {
        yield* passes(2, hour)
        call.isListed = false
        yield* passes(4, hour)
        call.isListed = true
        yield* passes(3, hour)
        assert.deepStrictEqual(kindsOf(call.id), ["created", "removed", "created"])
        assertTrue()
      })
    )
  })

  it.effect("when a call goes from A to B to A while a sink is down", () => {
    const call = Object.assign(World.newCall(1, origin + 100 * minute, true), { isListed: false })
    const { assertTrue, kindsOf, passes, play, receiver, setFault, table } = make({ calls: [call] })
    return play(
      Effect.gen(function* () {
        yield* passes(1, hour)
        call.isListed = true
        yield* passes(1, hour)
        setFault(down)
        for (const crm of ["b", "a"]) {
          const before = kindsOf(call.id, "table").length
          call.crm = crm
          // Nothing is expected of it: an audit sees it at last.
          for (let i = 0; i < 100 && kindsOf(call.id, "table").length === before; i++) yield* passes(1, hour)
        }
        assert.deepStrictEqual(kindsOf(call.id, "table"), ["created", "updated", "updated"])
        assert.deepStrictEqual(kindsOf(call.id), ["created"])
        setFault(() => Effect.void)
        yield* passes(2, hour)
        // One event stands for all that it missed.
        assert.deepStrictEqual(kindsOf(call.id), ["created", "updated"])
        assert.strictEqual(receiver.shown().get(call.id)?.sequence, table.shown().get(call.id)?.sequence)
        assertTrue()
      })
    )
  })

  it.effect("with a cache of a minute over lists and counts", () => {
    const calls = Array.from({ length: 40 }, (_, i) =>
      Object.assign(World.newCall(1 + i, origin + i * minute, true), { isListed: false })
    )
    const { assertTrue, events, passes, play, world } = make({ calls })
    world.cachedFor = minute
    return play(
      Effect.gen(function* () {
        for (const call of calls) {
          call.isListed = true
          yield* passes(3, 20_000_000)
          Object.assign(call, { status: "completed", cost: "0.1" })
        }
        yield* passes(4, hour)
        assertTrue()
        assert.notInclude(
          events.map(({ kind }) => kind),
          "removed"
        )
      })
    )
  })

  it.effect(
    "with 6,000 deletions at once: none is accepted within a day, all are within two",
    () => {
      const calls = Array.from({ length: 6_000 }, (_, i) =>
        Object.assign(World.newCall(10_000 + i, origin - 2 * day + i * 26_000_000, true), {
          status: "completed" as const
        })
      )
      const { events, passes, play, world } = make({ calls })
      world.isStill = true
      return play(
        Effect.gen(function* () {
          yield* passes(2, hour)
          for (const call of calls) call.isListed = false
          const left = world.now
          yield* passes(8, 6 * hour)
          const removed = events.filter(({ kind, sink }) => kind === "removed" && sink === "table")
          assert.strictEqual(new Set(removed.map(({ id }) => id)).size, 6_000)
          assert.isAtLeast(Math.min(...removed.map(({ at }) => at)) - left, day)
        })
      )
    },
    60_000
  )

  it.effect("with a filter by a status that flaps", () => {
    const call = Object.assign(World.newCall(1, origin - hour, true), { status: "completed" as const })
    const { assertTrue, kindsOf, passes, play } = make({ transform: completed, calls: [call] })
    return play(
      Effect.gen(function* () {
        yield* passes(2, hour)
        for (let i = 0; i < 20; i++) {
          Object.assign(call, { status: i % 2 === 0 ? "in_progress" : "completed" })
          yield* passes(4, minute)
        }
        assert.deepStrictEqual(kindsOf(call.id), ["created"])
        assertTrue(({ status }) => status === "completed")
      })
    )
  })
})
