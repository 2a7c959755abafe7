/** What may go wrong, at every place where it can. */
import * as Position from "@callstream/core/model/Position"
import type { Writer } from "@callstream/core/sink/SessionSink"
import { SinkError } from "@callstream/core/sink/SinkError"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { failed } from "../file/MemoryFileSystem.ts"
import * as Disk from "./Disk.ts"
import * as Receiver from "./Receiver.ts"
import { batch, ids, inTime, item, observedAt, run, settle } from "./run.ts"

const world = () => ({ receiver: Receiver.make(), disk: Disk.make() })
type World = ReturnType<typeof world>

const all = ids(12)
const options = { batchSize: 5, concurrency: 2, giveUpAfter: "5 minutes" } as const

/** One window, written and flushed. The ids of what was refused. */
const window = (world: World, at = observedAt) =>
  run(world, (writer) => Effect.tap(writer.write(batch(all, at)), () => writer.flush(Position.of(at))), options).pipe(
    Effect.map((refused) => refused.map(({ id }) => id))
  )

/** The window again, later, with nothing in its way. */
const again = (world: World) => {
  world.disk.intercept(() => Effect.void)
  world.receiver.answer(() => 204)
  return inTime(window(world, observedAt + 1))
}

const assertDelivered = ({ disk, receiver }: World, without: ReadonlyArray<string> = [], hint = "") => {
  assert.deepStrictEqual([...receiver.state().keys()].sort(), all.filter((id) => !without.includes(id)).sort(), hint)
  assert.deepStrictEqual(disk.names(), [], hint)
  assertIdsMeanBytes(receiver)
  assertOrdered(receiver, hint)
}

const assertIdsMeanBytes = (receiver: Receiver.Receiver) => {
  const bodies = new Map<string, string>()
  for (const { body, id } of receiver.messages) {
    assert.strictEqual(bodies.get(id) ?? body, body)
    bodies.set(id, body)
  }
}

/** No event of a session arrives after a later one. */
const assertOrdered = (receiver: Receiver.Receiver, hint = "") => {
  const newest = new Map<string, number>()
  for (const { sequence, sessionId } of receiver.events()) {
    assert.isAtLeast(sequence, newest.get(sessionId) ?? 0, hint)
    newest.set(sessionId, sequence)
  }
}

describe("WebhookSink, killed", () => {
  it.effect.each([true, false])("at any call to the disk, loses nothing (power failure: %s)", (powerFailure) =>
    Effect.gen(function* () {
      const calls = yield* Effect.gen(function* () {
        const healthy = world()
        yield* window(healthy)
        return healthy.disk.calls
      })
      assert.isAbove(calls.length, 20)
      for (const { method, number } of calls) {
        const killed = world()
        killed.disk.intercept((call) => (call.number === number ? Effect.never : Effect.void))
        const fiber = yield* Effect.forkChild(window(killed))
        for (let times = 0; times < 20; times++) yield* settle
        yield* Fiber.interrupt(fiber)
        if (powerFailure) killed.disk.powerFailure()
        const taken = killed.receiver.taken.length
        yield* again(killed)
        const hint = `${method}, call ${number}, after ${taken} messages`
        assert.isAtLeast(killed.receiver.taken.length - taken, 3, hint)
        assertDelivered(killed, [], hint)
      }
    })
  )

  it.effect("between the answer and the removal of what was sent, sends it again, byte for byte", () =>
    Effect.gen(function* () {
      const killed = world()
      const [removal] = yield* Effect.gen(function* () {
        const healthy = world()
        yield* window(healthy)
        return healthy.disk.calls.filter(({ method, path }) => method === "remove" && path.endsWith(".json"))
      })
      killed.disk.intercept((call) => (call.number === removal?.number ? Effect.never : Effect.void))
      const fiber = yield* Effect.forkChild(window(killed))
      for (let times = 0; times < 20; times++) yield* settle
      yield* Fiber.interrupt(fiber)
      killed.disk.powerFailure()
      const waiting = killed.disk.names()
      assert.isNotEmpty(waiting)
      const before = killed.receiver.messages.length
      yield* again(killed)
      const [first] = killed.receiver.messages.slice(before)
      const same = killed.receiver.messages.slice(0, before).filter(({ id }) => id === first?.id)
      assert.isNotEmpty(same)
      assert.deepStrictEqual(
        same.map(({ body }) => body),
        same.map(() => first?.body)
      )
      assertDelivered(killed)
    })
  )

  it.effect("while it waits for an answer, first sends the unanswered messages", () =>
    Effect.gen(function* () {
      const killed = world()
      killed.receiver.answer(() => "hang")
      const fiber = yield* Effect.forkChild(window(killed))
      for (let times = 0; times < 20; times++) yield* settle
      yield* Fiber.interrupt(fiber)
      const waiting = killed.receiver.messages.map(({ body }) => body).sort()
      assert.lengthOf(waiting, 2)
      assert.deepStrictEqual(killed.disk.texts().sort(), waiting)
      killed.receiver.answer(() => 204)
      // Opening is enough.
      yield* run(killed, () => Effect.void)
      assert.deepStrictEqual(killed.receiver.taken.map(({ body }) => body).sort(), waiting)
      assert.deepStrictEqual(killed.disk.names(), [])
    })
  )
})

describe("WebhookSink, failing", () => {
  const outcome = (failing: World) =>
    inTime(Effect.result(window(failing))).pipe(
      Effect.tap((result) =>
        Effect.sync(() => {
          if (result._tag === "Failure") {
            assert.instanceOf(result.failure, SinkError)
            assert.notStrictEqual(result.failure.reason._tag, "Other")
          }
        })
      )
    )

  it.effect("at any call to the disk, once or from then on, fails clearly or delivers", () =>
    Effect.gen(function* () {
      const healthy = world()
      yield* window(healthy)
      let failures = 0
      for (const { method, number } of healthy.disk.calls) {
        for (const lasting of [false, true]) {
          for (const code of ["ENOSPC", "EACCES"]) {
            const failing = world()
            failing.disk.intercept((call) =>
              call.number === number || (lasting && call.number > number)
                ? Effect.fail(failed(call.method, call.path, code))
                : Effect.void
            )
            const result = yield* outcome(failing)
            if (result._tag === "Failure") {
              failures++
              assert.include(result.failure.message, code)
              assert.strictEqual(result.failure.retryable, code === "ENOSPC")
            }
            yield* again(failing)
            assertDelivered(failing, [], `${method}, call ${number}, ${code}, lasting: ${lasting}`)
          }
        }
      }
      assert.isAbove(failures, healthy.disk.calls.length)
    })
  )

  it.effect("at any request, once or from then on, fails clearly or delivers", () =>
    Effect.gen(function* () {
      const replies: ReadonlyArray<Receiver.Reply> = ["reset", "lost", "hang", 500, 429, 302, 401, 410, 413, 422]
      let failures = 0
      for (const number of [1, 2, 3]) {
        for (const lasting of [false, true]) {
          for (const reply of replies) {
            const failing = world()
            failing.receiver.answer((message) =>
              message.number === number || (lasting && message.number > number) ? reply : 204
            )
            const hint = `request ${number}, ${JSON.stringify(reply)}, lasting: ${lasting}`
            const result = yield* outcome(failing)
            if (result._tag === "Failure") failures++
            // A piece of several events is tried in halves.
            else if (!lasting) assertDelivered(failing, result.success, hint)
            else assert.sameMembers([...failing.receiver.state().keys(), ...result.success], [...all], hint)
            yield* again(failing)
            assertDelivered(failing, [], hint)
          }
        }
      }
      assert.isAbove(failures, 3 * 3)
    })
  )

  it.effect("gives up in time with a retryable error, and sends the waiting messages on the retry", () =>
    Effect.gen(function* () {
      const failing = world()
      failing.receiver.answer(() => 503)
      const statuses: Array<string> = []
      const writes: Array<unknown> = []
      const write = (writer: Writer<unknown>) => inTime(Effect.result(writer.write(batch(all))), "1 second")
      yield* run(
        failing,
        Effect.fnUntraced(function* (writer) {
          const first = yield* write(writer)
          assert.strictEqual(first._tag, "Failure")
          if (first._tag === "Failure") {
            assert.isTrue(first.failure.retryable)
            assert.match(first.failure.message, /answered 503.*within 5m/)
          }
          assert.lengthOf(failing.disk.names(), 2)
          failing.receiver.answer(() => 204)
          yield* TestClock.adjust("1 minute")
          writes.push(yield* write(writer))
        }),
        { ...options, onStatus: (status) => Effect.sync(() => statuses.push(status._tag)) }
      )
      assertDelivered(failing)
      assert.deepStrictEqual(statuses, ["Waiting", "Back"])
    })
  )

  it.effect("removes a damaged file and sends nothing of it", () =>
    Effect.gen(function* () {
      const damaged = world()
      damaged.receiver.answer(() => "hang")
      const fiber = yield* Effect.forkChild(window(damaged))
      for (let times = 0; times < 20; times++) yield* settle
      yield* Fiber.interrupt(fiber)
      const [name = ""] = damaged.disk.names()
      damaged.disk.put(name, damaged.disk.text(name).replace("completed", "changed"))
      const before = damaged.receiver.messages.length
      yield* again(damaged)
      for (const { body } of damaged.receiver.messages.slice(before)) assert.notInclude(body, "changed")
      assertDelivered(damaged)
    })
  )

  it.effect("another receiver, or another organization, never gets what waits for this one", () =>
    Effect.gen(function* () {
      const { disk, receiver } = world()
      receiver.answer(() => 410)
      yield* Effect.flip(run({ disk, receiver }, (writer) => writer.write(batch(all))))
      assert.isNotEmpty(disk.names())
      for (const more of [{ url: "https://hooks.example.com/other" }, { organization: "globex" }]) {
        const other = Receiver.make()
        yield* run({ disk, receiver: other }, (writer) => writer.flush(Position.of(0)), more)
        assert.isEmpty(other.messages)
      }
    })
  )

  it.effect("keeps unsent messages private", () =>
    Effect.gen(function* () {
      const { disk, receiver } = world()
      receiver.answer(() => 410)
      yield* Effect.flip(run({ disk, receiver }, (writer) => writer.write(batch(all))))
      assert.deepStrictEqual(disk.modes(), [0o600])
      assert.deepStrictEqual(
        disk.folders().map(([, mode]) => mode),
        [0o700]
      )
    })
  )
})

describe("WebhookSink, through a life of faults", () => {
  /** Numbers from 0 to 1, the same for the same seed. */
  const randoms = (seed: number) => {
    let state = seed
    return () => {
      state = (state + 0x6d2b79f5) | 0
      let t = Math.imul(state ^ (state >>> 15), 1 | state)
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296
    }
  }

  it.effect.each(Array.from({ length: 15 }, (_, at) => at + 1))(
    "delivers the last state of each session, seed %i",
    (seed) =>
      Effect.gen(function* () {
        const random = randoms(seed)
        const { disk, receiver } = world()
        const faults: ReadonlyArray<Receiver.Reply> = ["reset", "lost", "hang", 500, 503, 429, 413]
        const windows = [0, 1, 2, 3].map((w) => Array.from({ length: 15 }, (_, at) => `w${w}-${at}`))
        const written = new Map<string, unknown>()
        let committed = 0
        let now = observedAt
        let healthy = false

        receiver.answer(({ events }) => {
          if (healthy || random() > 0.4) return 204
          const fault = faults[Math.floor(random() * faults.length)] ?? 500
          return fault === 413 && events.length === 1 ? 204 : fault
        })
        const life = run(
          { disk, receiver },
          Effect.fnUntraced(function* (writer) {
            while (committed < windows.length) {
              const at = (now += 1 + Math.floor(random() * 1000))
              // What was not committed is read again, and may have changed since.
              const items = (windows[committed] ?? []).map((id) => item(id, { id, state: Math.floor(random() * 3) }))
              for (const { id, row } of items) written.set(id, row)
              yield* writer.write(batch(items, at))
              yield* writer.flush(Position.of(at))
              committed++
            }
          }),
          { batchSize: 4, concurrency: 3, giveUpAfter: "10 minutes" }
        )
        for (let lives = 0; committed < windows.length; lives++) {
          healthy = lives >= 12
          disk.intercept(({ method, path }) =>
            !healthy && random() < 0.01 ? Effect.fail(failed(method, path, "EIO")) : Effect.void
          )
          const fiber = yield* Effect.forkChild(Effect.result(life))
          const steps = healthy ? 5000 : Math.floor(random() * 30)
          for (let step = 0; step < steps && fiber.pollUnsafe() === undefined; step++) {
            yield* settle
            yield* TestClock.adjust(healthy ? "10 seconds" : "700 millis")
          }
          yield* Fiber.interrupt(fiber)
          if (!healthy && random() < 0.5) disk.powerFailure()
          assert.isBelow(lives, 20, `seed ${seed}`)
        }
        assert.deepStrictEqual(receiver.state(), written as ReturnType<typeof receiver.state>, `seed ${seed}`)
        assert.deepStrictEqual(disk.names(), [], `seed ${seed}`)
        assertIdsMeanBytes(receiver)
        assertOrdered(receiver, `seed ${seed}`)
      })
  )
})
