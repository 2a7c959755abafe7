import { AgniClient } from "@callstream/core/client/AgniClient"
import { AgniError, Unavailable } from "@callstream/core/model/AgniError"
import type { CallSession } from "@callstream/core/model/CallSession"
import type { Change } from "@callstream/core/model/Change"
import type { DeadLetter } from "@callstream/core/pipeline/DeadLetter"
import * as SyncPipeline from "@callstream/core/pipeline/SyncPipeline"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import { SinkError } from "@callstream/core/sink/SinkError"
import { Ledger } from "@callstream/core/sync/Ledger"
import * as Transform from "@callstream/core/transform/Transform"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { random } from "../sync/SyncRandom.ts"
import * as World from "../sync/SyncWorld.ts"

/** What a consumer holds: the table that its changes make, and all of them in order. */
class Holder {
  readonly table = new Map<string, { readonly row: object; readonly sequence: number }>()
  readonly log: Array<Change> = []
  readonly epochs: Array<number | undefined> = []
  /** Fails the next so many calls of it. */
  failing = 0
  /** What survives a process, up to the last flush. */
  private safe: ReadonlyArray<readonly [string, { readonly row: object; readonly sequence: number }]> = []
  readonly name: string
  constructor(name: string) {
    this.name = name
  }

  private readonly take = (batch: SessionSink.Batch<object | null>) =>
    Effect.suspend(() => {
      if (this.failing > 0) {
        this.failing--
        const reason = { _tag: "Other", description: "it is down" } as const
        return Effect.fail(new SinkError({ sink: this.name, operation: "write", retryable: false, reason }))
      }
      for (const { change, id, row } of batch.items) {
        assert(change !== undefined)
        assert.strictEqual(change.kind === "left" || change.kind === "removed", row === null)
        const before = this.table.get(id)
        assert(before === undefined || before.sequence <= change.sequence, `the sequence of ${id} falls`)
        this.log.push(change)
        if (row === null) this.table.delete(id)
        else this.table.set(id, { row, sequence: change.sequence })
      }
      return Effect.void
    })

  private readonly keep = Effect.sync(() => {
    this.safe = [...this.table]
  })

  get sink(): SessionSink.SessionSink<object> {
    return SessionSink.make<object>({
      name: this.name,
      delivery: "idempotent",
      keeps: "latest",
      open: ({ epoch }) =>
        Effect.sync(() => {
          this.epochs.push(epoch)
          this.table.clear()
          for (const [id, held] of this.safe) this.table.set(id, held)
          return { write: this.take, remove: this.take, flush: () => this.keep }
        })
    })
  }
}

const letters = SessionSink.make<DeadLetter>({ name: "letters", delivery: "append", write: () => Effect.void })

const isCompleted = (session: CallSession) => session.status === "completed"
const completed = Transform.where(Transform.sessions, "completed", isCompleted)

interface Run {
  readonly sinks: readonly [Holder, ...ReadonlyArray<Holder>]
  readonly filters?: boolean
  readonly restart?: boolean
}

const pass = (world: World.World, { filters = false, restart, sinks }: Run) => {
  const [first, ...rest] = sinks.map(({ sink }) => sink)
  assert(first !== undefined)
  return SyncPipeline.run({
    name: "calls",
    from: "2026-07-01T00:00:00Z",
    transform: filters ? completed : Transform.sessions,
    sinks: [first, ...rest],
    deadLetters: letters,
    restart
  }).pipe(Effect.provide(world.layer))
}

/** The calls as they are now. */
const truth = (world: World.World, filters = false) =>
  new Map(
    world.lives.flatMap((life) => {
      const record = world.record(life)
      const start = world.startOf(life)
      return record === undefined || (start ?? life.created) < World.origin || (filters && !isCompleted(record))
        ? []
        : [[life.id, record] as const]
    })
  )

/** Signed links differ in each answer. */
const plain = (row: object) =>
  JSON.stringify(row, (key, value: unknown) =>
    key === "recordingUrl" && typeof value === "string" ? value.replace(/\?.*/, "") : value
  )

const assertHolds = (world: World.World, holder: Holder, filters = false) => {
  const expected = truth(world, filters)
  assert.deepStrictEqual([...holder.table.keys()].sort(), [...expected.keys()].sort(), holder.name)
  for (const [id, row] of expected) assert.strictEqual(plain(holder.table.get(id)?.row ?? {}), plain(row), id)
}

const inWorld = (options: World.Options, play: (world: World.World) => Effect.Effect<void, unknown, Ledger>) => {
  const world = World.make(options)
  return play(world).pipe(Effect.provide(Ledger.layerMemory), Effect.provideService(Clock.Clock, world.clock))
}

describe("SyncPipeline", () => {
  it.effect("keeps several sinks equal to the calls that pass, over their whole life", () =>
    inWorld({ seed: 3, calls: 150, days: 2 }, (world) =>
      Effect.gen(function* () {
        const one = new Holder("one")
        const two = new Holder("two")
        for (; world.now < World.origin + 11 * World.day; world.now += 5 * World.hour) {
          yield* pass(world, { sinks: [one, two], filters: true })
        }
        assertHolds(world, one, true)
        assert.deepStrictEqual([...two.table], [...one.table])
        // A call is seen before it has ended, and does not pass then.
        const created = one.log.filter(({ kind }) => kind === "created")
        assert.isAbove(created.length, 50)
        assert.isTrue(created.every(({ previous }) => previous === null))
        const first = new Map(one.log.toReversed().map((change) => [change.id, change.kind]))
        assert.isTrue([...first.values()].every((kind) => kind === "created"))
        const versions = one.log.map(({ id, sequence }) => `${id} ${sequence}`)
        assert.strictEqual(new Set(versions).size, versions.length)
      })
    )
  )

  it.effect("opens its sinks with the epoch of the ledger's lease", () =>
    inWorld({ seed: 3, calls: 3, days: 1 }, (world) =>
      Effect.gen(function* () {
        const one = new Holder("one")
        yield* pass(world, { sinks: [one] })
        const between = yield* Effect.scoped(Ledger.use((ledger) => ledger.open("calls", undefined)))
        yield* pass(world, { sinks: [one] })
        const { epoch = 0 } = between
        const [first = epoch, second] = one.epochs
        assert.isBelow(first, epoch)
        assert.strictEqual(second, epoch + 1)
      })
    )
  )

  it.effect("a sink that is down does not hold up the others, and is given later what it lacks", () =>
    inWorld({ seed: 5, calls: 80, days: 1 }, (world) =>
      Effect.gen(function* () {
        const one = new Holder("one")
        const two = new Holder("two")
        world.now += World.day / 2
        yield* pass(world, { sinks: [one, two] })
        world.now += World.hour
        two.failing = 1
        const { sinks } = yield* pass(world, { sinks: [one, two] })
        assert.deepStrictEqual(
          sinks.map(({ failure }) => failure?.description),
          [undefined, "it is down"]
        )
        assert.notStrictEqual(one.table.size, two.table.size)
        world.now += World.hour
        yield* pass(world, { sinks: [one, two] })
        assert.deepStrictEqual([...two.table.keys()].sort(), [...one.table.keys()].sort())
        const [last] = two.log.slice(-1)
        assert.isDefined(last)
      })
    )
  )

  it.effect("a sink that was down while calls left is given that they left", () =>
    inWorld({ seed: 5, calls: 300, days: 1 }, (world) =>
      Effect.gen(function* () {
        const one = new Holder("one")
        const two = new Holder("two")
        const withoutCost = Transform.where(Transform.sessions, "no cost", ({ costTotal }) => costTotal === undefined)
        const once = SyncPipeline.run({
          name: "calls",
          from: "2026-07-01T00:00:00Z",
          transform: withoutCost,
          sinks: [one.sink, two.sink],
          deadLetters: letters
        }).pipe(Effect.provide(world.layer))
        world.now += World.hour * 6
        yield* once
        const before = new Set(two.table.keys())
        world.now += World.hour
        two.failing = 1
        yield* once
        const left = [...before].filter((id) => !one.table.has(id))
        assert.isAbove(left.length, 0)
        assert.isTrue(left.every((id) => two.table.has(id)))
        world.now += 2 * World.minute
        yield* once
        assert.isTrue(left.every((id) => !two.table.has(id)))
        assert.deepStrictEqual([...two.table.keys()].sort(), [...one.table.keys()].sort())
      })
    )
  )

  it.effect("fails when all sinks are down, and continues in the next run", () =>
    inWorld({ seed: 6, calls: 60, days: 1 }, (world) =>
      Effect.gen(function* () {
        const one = new Holder("one")
        world.now += World.day
        one.failing = 1
        const error = yield* Effect.flip(pass(world, { sinks: [one] }))
        assert.instanceOf(error, SinkError)
        assert.notInstanceOf(error, AgniError)
        assert.strictEqual(one.table.size, 0)
        world.now += World.hour
        yield* pass(world, { sinks: [one] })
        assert.strictEqual(one.table.size, truth(world).size)
      })
    )
  )

  it.effect("gives a sink that is added later every call", () =>
    inWorld({ seed: 7, calls: 60, days: 1 }, (world) =>
      Effect.gen(function* () {
        const one = new Holder("one")
        const two = new Holder("two")
        world.now += World.day
        yield* pass(world, { sinks: [one] })
        const before = one.log.length
        yield* pass(world, { sinks: [one, two] })
        assert.deepStrictEqual([...two.table.keys()].sort(), [...one.table.keys()].sort())
        assert.isTrue(two.log.every(({ kind, previous }) => kind === "created" && previous === null))
        assert.isBelow(one.log.length - before, 10)
      })
    )
  )

  it.effect("a filter that changes is refused; a restart takes it over, and calls leave", () =>
    inWorld({ seed: 8, calls: 60, days: 1 }, (world) =>
      Effect.gen(function* () {
        const one = new Holder("one")
        world.now += World.day
        yield* pass(world, { sinks: [one] })
        const refused = yield* Effect.flip(pass(world, { sinks: [one], filters: true }))
        assert.include(String(refused), "transforms differs")
        const { changes } = yield* pass(world, { sinks: [one], filters: true, restart: true })
        assert.isAbove(changes.left, 0)
        assert.isTrue([...one.table.values()].every(({ row }) => "status" in row && row.status === "completed"))
        // From now on it is the sync of this filter.
        yield* pass(world, { sinks: [one], filters: true })
      })
    )
  )

  it.effect("follows over an outage of the API, until it is interrupted, and has acknowledged what it delivered", () =>
    inWorld({ seed: 10, calls: 60, days: 1 }, (world) =>
      Effect.gen(function* () {
        const one = new Holder("one")
        world.now += World.day
        let [passes, failing, failures, after, summed] = [0, 0, 0, Infinity, 0]
        const outage = Effect.suspend(() => {
          failures++
          const reason = new Unavailable({ outage: { _tag: "Status", status: 503 } })
          return Effect.fail(new AgniError({ reason, request: "GET", attempts: 8, elapsed: Duration.zero }))
        })
        const layer = Layer.effect(
          AgniClient,
          Effect.map(AgniClient, (client) => ({
            ...client,
            list: (query) => (failing-- > 0 || (passes === 3 && after-- === 0) ? outage : client.list(query))
          }))
        ).pipe(Layer.provide(world.layer))
        const stopped = yield* Effect.exit(
          SyncPipeline.run({
            name: "calls",
            from: "2026-07-01T00:00:00Z",
            transform: Transform.sessions,
            sinks: [one.sink],
            deadLetters: letters,
            every: "1 minute",
            onPass: ({ changes }) =>
              Effect.suspend(() => {
                passes++
                world.now += World.hour
                failing = passes === 2 ? 3 : 0
                // A pass that delivers some changes, and ends by the outage then.
                after = passes === 3 ? 12 : Infinity
                if (passes === 3) world.now += World.day
                for (const count of Object.values(changes)) summed += count
                assert.strictEqual(summed, one.log.length)
                return passes === 5 ? Effect.interrupt : Effect.void
              })
          }).pipe(Effect.provide(layer))
        )
        assert.isTrue(Exit.hasInterrupts(stopped))
        assert.deepStrictEqual([passes, failures], [5, 4])
        const before = one.log.length
        yield* pass(world, { sinks: [one] })
        assert.isBelow(one.log.length - before, 10)
      })
    )
  )

  it.effect("refuses a sink that cannot take out a call, before it reads", () =>
    inWorld({ seed: 9, calls: 10, days: 1 }, (world) =>
      Effect.gen(function* () {
        const sink = SessionSink.make<object>({ name: "file", delivery: "append", write: () => Effect.void })
        const run = SyncPipeline.run({
          name: "calls",
          from: "2026-07-01T00:00:00Z",
          transform: Transform.sessions,
          sinks: [sink],
          deadLetters: letters
        }).pipe(Effect.provide(world.layer))
        const error = yield* Effect.flip(run)
        assert.deepInclude(error, { _tag: "SinkError", sink: "file" })
        assert.strictEqual(world.requests, 0)
      })
    )
  )

  it.effect("is equal after kills at any step, with a sink that fails now and then", () =>
    inWorld({ seed: 11, calls: 120, days: 2 }, (world) =>
      Effect.gen(function* () {
        const source = random(12)
        const one = new Holder("one")
        const two = new Holder("two")
        let kills = 0
        for (; world.now < World.origin + 11 * World.day; world.now += 4 * World.hour) {
          if (source.chance(0.3)) two.failing = 1
          const isKilled = source.chance(0.4)
          const steps = source.below(12)
          let seen = 0
          const killed = SyncPipeline.run({
            name: "calls",
            from: "2026-07-01T00:00:00Z",
            transform: completed,
            sinks: [one.sink, two.sink],
            deadLetters: letters,
            commitEvery: source.chance(0.5) ? 0 : "1 hour",
            // As a kill does it: nothing is acknowledged any more.
            onDelivered: () => (isKilled && ++seen > steps ? Effect.die("killed") : Effect.void)
          }).pipe(Effect.provide(world.layer))
          const exit = yield* Effect.exit(killed)
          if (exit._tag === "Failure") kills++
        }
        two.failing = 0
        world.lag = 0
        yield* pass(world, { sinks: [one, two], filters: true })
        assert.isAbove(kills, 5)
        assertHolds(world, one, true)
        assertHolds(world, two, true)
      })
    )
  )
})
