import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Ref from "effect/Ref"
import type { Connection } from "effect/sql/SqlConnection"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import * as HeldConnection from "../../src/platform/internal/HeldConnection.ts"

const lost = new SqlError({ reason: new ConnectionError({ cause: new Error("lost") }) })

/** A pool that notes how many connections are out, and how many it gave. */
const pool = Effect.gen(function* () {
  const out = yield* Ref.make(0)
  const given = yield* Ref.make(0)
  const never: Connection["execute"] = () => Effect.never
  const connection = { execute: never } as unknown as Connection
  const reserve = Effect.as(
    Effect.acquireRelease(
      Effect.andThen(
        Ref.update(given, (count) => count + 1),
        Ref.update(out, (count) => count + 1)
      ),
      () => Ref.update(out, (count) => count - 1)
    ),
    connection
  )
  return { out: Ref.get(out), given: Ref.get(given), reserve, connection }
})

describe("HeldConnection", () => {
  it.effect("is one connection until it is let go, and then another", () =>
    Effect.gen(function* () {
      const { connection, given, out, reserve } = yield* pool
      const held = HeldConnection.make(reserve)
      assert.isUndefined(held.current())
      assert.strictEqual(yield* held.connect, connection)
      yield* held.connect
      assert.strictEqual(held.current(), connection)
      assert.strictEqual(yield* given, 1)
      yield* held.letGo(() => Effect.void)
      assert.isUndefined(held.current())
      assert.strictEqual(yield* out, 0)
      yield* held.connect
      assert.strictEqual(yield* given, 2)
    })
  )

  it.effect("goes back also when its last statement fails, and has none when there is no connection", () =>
    Effect.gen(function* () {
      const { out, reserve } = yield* pool
      const held = HeldConnection.make(reserve)
      yield* held.letGo(() => Effect.die("there is no connection"))
      yield* held.connect
      yield* held.letGo(() => Effect.fail(lost))
      assert.strictEqual(yield* out, 0)
      yield* held.connect
      yield* held.letGo(() => Effect.die("a defect"))
      assert.strictEqual(yield* out, 0)
    })
  )

  it.effect("goes back when its last statement is interrupted", () =>
    Effect.gen(function* () {
      const { out, reserve } = yield* pool
      const held = HeldConnection.make(reserve)
      yield* held.connect
      const fiber = yield* Effect.forkChild(
        held.letGo(() => Effect.never),
        { startImmediately: true }
      )
      assert.strictEqual(yield* out, 1)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(yield* out, 0)
    })
  )

  it.effect("one that fails or is interrupted while it connects holds nothing", () =>
    Effect.gen(function* () {
      const { out, reserve } = yield* pool
      const failing = HeldConnection.make(Effect.andThen(reserve, Effect.fail(lost)))
      assert.strictEqual(yield* Effect.flip(failing.connect), lost)
      assert.isUndefined(failing.current())
      assert.strictEqual(yield* out, 0)

      const reserved = yield* Deferred.make<void>()
      const slow = HeldConnection.make(
        Effect.tap(reserve, () => Effect.andThen(Deferred.succeed(reserved, undefined), Effect.never))
      )
      const fiber = yield* Effect.forkChild(slow.connect)
      yield* Deferred.await(reserved)
      assert.strictEqual(yield* out, 1)
      yield* Fiber.interrupt(fiber)
      assert.isUndefined(slow.current())
      assert.strictEqual(yield* out, 0)
    })
  )
})
