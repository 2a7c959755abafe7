/** What a ledger says of its sinks: those that a run leaves out, and tables that were lost, as soon as a run sees it. */
import { AgniClient } from "@callstream/core/client/AgniClient"
import { AgniError, Unavailable } from "@callstream/core/model/AgniError"
import * as Position from "@callstream/core/model/Position"
import type { DeadLetter } from "@callstream/core/pipeline/DeadLetter"
import * as SyncPipeline from "@callstream/core/pipeline/SyncPipeline"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import { SinkError } from "@callstream/core/sink/SinkError"
import { Ledger } from "@callstream/core/sync/Ledger"
import * as Verdict from "@callstream/core/sync/Verdict"
import * as Transform from "@callstream/core/transform/Transform"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as World from "../sync/SyncWorld.ts"
import * as Deliveries from "./SyncDeliveryWorld.ts"
import * as Receivers from "./SyncReceivers.ts"

const letters = SessionSink.make<DeadLetter>({ name: "letters", delivery: "append", write: () => Effect.void })

/** A table that keeps its position beside its rows; `lost`: both are gone. */
const table = (name: string) => {
  const kept = { at: Option.none<number>(), calls: 0 }
  const take = (batch: SessionSink.Batch<object | null>) => Effect.sync(() => void (kept.calls += batch.items.length))
  return {
    kept,
    lost: () => Object.assign(kept, { at: Option.none(), calls: 0 }),
    sink: SessionSink.make<object>({
      name,
      delivery: "transactional",
      keeps: "latest",
      open: () =>
        Effect.succeed({
          committed: Option.map(kept.at, (at) => ({ at: Position.of(at), note: null })),
          write: take,
          remove: take,
          flush: (cursor: Position.Cursor) =>
            Effect.sync(() => void (kept.at = Option.some(cursor === "end" ? 0 : cursor)))
        })
    })
  }
}

const outage = Effect.suspend(() => {
  const reason = new Unavailable({ outage: { _tag: "Status", status: 503 } })
  return Effect.fail(new AgniError({ reason, request: "GET", attempts: 8, elapsed: Duration.zero }))
})

const verdict = Effect.flatMap(Ledger, (ledger) =>
  Effect.scoped(
    Effect.gen(function* () {
      const view = yield* ledger.view("calls")
      assert(view !== undefined)
      return yield* Verdict.of(view)
    })
  )
)

const why = (id: string) =>
  Effect.flatMap(Ledger, (ledger) =>
    Effect.scoped(
      Effect.gen(function* () {
        const view = yield* ledger.view("calls")
        assert(view !== undefined)
        const explained = yield* Verdict.explain(view, id)
        assert(explained !== undefined)
        return explained
      })
    )
  )

type Sink = Pick<ReturnType<typeof table>, "sink">

/** A pass; `answers`: how many requests are answered before the API is away. */
const pass = (
  world: Pick<World.World, "layer">,
  sinks: readonly [Sink, ...ReadonlyArray<Sink>],
  answers = Infinity
) => {
  let left = answers
  const layer = Layer.effect(
    AgniClient,
    Effect.map(AgniClient, (client) => ({ ...client, list: (query) => (left-- > 0 ? client.list(query) : outage) }))
  ).pipe(Layer.provide(world.layer))
  const [first, ...rest] = sinks
  return SyncPipeline.run({
    name: "calls",
    from: "2026-07-01T00:00:00Z",
    transform: Transform.sessions,
    sinks: [first.sink, ...rest.map(({ sink }) => sink)],
    deadLetters: letters
  }).pipe(Effect.provide(layer))
}

const inWorld = (play: (world: World.World) => Effect.Effect<void, unknown, Ledger>) => {
  const world = World.make({ seed: 31, calls: 60, days: 1, undated: "created" })
  world.now += World.day
  return play(world).pipe(Effect.provide(Ledger.layerMemory), Effect.provideService(Clock.Clock, world.clock))
}

describe("The sinks of a sync, in its verdict", () => {
  it.effect("a table that was lost lacks everything, though the run that sees it gets no answer", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const one = table("one")
        yield* pass(world, [one])
        const before = yield* verdict
        assert.isDefined(before.completeUpTo)
        one.lost()
        world.now += World.hour
        assert.isTrue(Exit.isFailure(yield* Effect.exit(pass(world, [one], 0))))
        const after = yield* verdict
        assert.isUndefined(after.completeUpTo)
        assert.isAbove(after.consumers["one"]?.lacks ?? 0, 50)
        yield* pass(world, [one])
        assert.isDefined((yield* verdict).completeUpTo)
        assert.isAtLeast(one.kept.calls, before.calls)
      })
    )
  )

  it.effect("a sink that is new lacks everything, though the run that adds it gets no answer", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const [one, other] = [table("one"), table("other")]
        yield* pass(world, [one])
        world.now += World.hour
        yield* Effect.exit(pass(world, [one, other], 0))
        assert.isUndefined((yield* verdict).completeUpTo)
      })
    )
  )

  it.effect("one that a run leaves out is still known to have lost what it acknowledged", () =>
    inWorld((world) =>
      Effect.gen(function* () {
        const [one, other] = [table("one"), table("other")]
        yield* pass(world, [one, other])
        const id = world.lives.find((life) => world.record(life) !== undefined)?.id ?? ""
        assert.deepStrictEqual((yield* why(id)).has, ["one", "other"])
        other.lost()
        world.now += World.hour
        yield* Effect.exit(pass(world, [one, other], 0))
        world.now += World.hour
        yield* pass(world, [one])
        const { completeUpTo, consumers } = yield* verdict
        assert.isDefined(completeUpTo)
        assert.include(consumers["other"], { isUsed: false })
        assert.isAbove(consumers["other"]?.lacks ?? 0, 50)
        assert.strictEqual(consumers["one"]?.lacks, 0)
        const { has, lacks } = yield* why(id)
        assert.deepStrictEqual([has, lacks], [["one"], ["other"]])
        world.now += World.hour
        yield* pass(world, [one, other])
        assert.isTrue(Object.values((yield* verdict).consumers).every(({ isUsed, lacks }) => isUsed && lacks === 0))
      })
    )
  )

  it.effect("a call that was never given is lacking, also once others were acknowledged behind it", () => {
    const { minute, newCall, origin } = Deliveries
    const usual = Array.from({ length: 40 }, (_, i) => newCall(500 + i, origin - (41 - i) * 10 * minute, true))
    for (const one of usual) one.status = "completed"
    const call = newCall(1, origin + minute, true)
    call.status = "completed"
    const world = Deliveries.make(origin, usual)
    const judge: Receivers.Judge = { wrong: new Set(), contents: new Map() }
    let isDown = false
    const error = { operation: "write", retryable: true, reason: { _tag: "Other", description: "it is down" } } as const
    const one = Receivers.table(
      (sink) => Effect.suspend(() => (isDown ? Effect.fail(new SinkError({ sink, ...error })) : Effect.void)),
      judge
    )
    const other = Receivers.receiver(() => Effect.void, judge)
    /** Whether the table has the call, and whether the verdict says so, after a pass. */
    const after = Effect.fnUntraced(function* (wait: number, down: boolean) {
      world.now += wait
      isDown = down
      yield* pass(world, [one, other])
      const { watermark = 0 } = (yield* verdict).consumers["table"] ?? {}
      return [one.shown().has(call.id), watermark > (call.start ?? Infinity)]
    })
    return Effect.gen(function* () {
      yield* after(minute, false)
      world.calls.push(call)
      assert.deepStrictEqual(yield* after(3 * minute, true), [false, false])
      // What is read again for the table is doubted, and a call behind it is given.
      call.status = "in_progress"
      world.calls.push(newCall(2, world.now, true))
      assert.deepStrictEqual(yield* after(minute, false), [false, false])
      call.status = "completed"
      assert.deepStrictEqual(yield* after(5 * World.hour, true), [false, false])
      assert.deepStrictEqual(yield* after(11 * minute, false), [true, true])
      assert.deepStrictEqual([...judge.wrong], [])
    }).pipe(Effect.provide(Ledger.layerMemory), Effect.provideService(Clock.Clock, world.clock))
  })
})
