import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Ending from "../../../src/history/internal/Ending.ts"

/** An ending that counts how often it is run, and waits until it may end. */
const counted = <A>(result: Effect.Effect<A, string>) =>
  Effect.map(Deferred.make<void>(), (gate) => {
    const seen = { begun: 0, interrupted: 0 }
    const ending = Effect.suspend(() => {
      seen.begun++
      return Effect.andThen(Deferred.await(gate), result)
    }).pipe(Effect.onInterrupt(() => Effect.sync(() => seen.interrupted++)))
    return { ending, seen, open: Deferred.succeed(gate, undefined) }
  })

describe("Ending.make", () => {
  it.effect("waits for who asks where there is no scope to begin in", () =>
    Effect.gen(function* () {
      const { ending, open, seen } = yield* counted(Effect.succeed("last"))
      const { begin, outputs } = Ending.make(ending, undefined)
      assert.isUndefined(begin)
      yield* Effect.yieldNow
      assert.strictEqual(seen.begun, 0)
      yield* open
      assert.deepStrictEqual(yield* Stream.runCollect(outputs), ["last"])
      assert.strictEqual(seen.begun, 1)
    })
  )

  it.effect("begins by itself in a scope, once, and is waited for", () =>
    Effect.gen(function* () {
      const { ending, open, seen } = yield* counted(Effect.succeed("last"))
      const { begin, outputs } = Ending.make(ending, yield* Effect.scope)
      assert.isDefined(begin)
      yield* begin
      yield* Effect.yieldNow
      assert.strictEqual(seen.begun, 1)
      yield* open
      assert.deepStrictEqual(yield* Stream.runCollect(outputs), ["last"])
      assert.strictEqual(seen.begun, 1)
    }).pipe(Effect.scoped)
  )

  it.effect("is run when it is asked for, where it did not begin before", () =>
    Effect.gen(function* () {
      const { ending, open, seen } = yield* counted(Effect.succeed("last"))
      const { outputs } = Ending.make(ending, yield* Effect.scope)
      yield* open
      assert.deepStrictEqual(yield* Stream.runCollect(outputs), ["last"])
      assert.strictEqual(seen.begun, 1)
    }).pipe(Effect.scoped)
  )

  it.effect("may have no output", () =>
    Effect.gen(function* () {
      for (const scope of [undefined, yield* Effect.scope]) {
        const { begin = Effect.void, outputs } = Ending.make(Effect.undefined, scope)
        yield* begin
        assert.deepStrictEqual(yield* Stream.runCollect(outputs), [])
      }
    }).pipe(Effect.scoped)
  )

  it.effect("its error is one of who asks, and not of who began it", () =>
    Effect.gen(function* () {
      for (const scope of [undefined, yield* Effect.scope]) {
        const { begin = Effect.void, outputs } = Ending.make(Effect.fail("broken"), scope)
        yield* begin
        yield* Effect.yieldNow
        assert.strictEqual(yield* Effect.flip(Stream.runCollect(outputs)), "broken")
      }
    }).pipe(Effect.scoped)
  )

  it.effect("is interrupted with the scope in which it began", () =>
    Effect.gen(function* () {
      const { ending, seen } = yield* counted(Effect.succeed("last"))
      const scope = yield* Scope.make()
      yield* Ending.make(ending, scope).begin ?? Effect.void
      yield* Effect.yieldNow
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(seen, { begun: 1, interrupted: 1 })
    })
  )
})
