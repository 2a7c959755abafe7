import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as ReadAhead from "../../src/sync/internal/ReadAhead.ts"

/** How many windows of so many calls are read while the first one is not done with, of 100. */
const readBehind = Effect.fnUntraced(function* (calls: number, maxRequests?: number) {
  let read = 0
  const taken = yield* Deferred.make<void>()
  const windows = Stream.range(1, 100).pipe(
    Stream.rechunk(1),
    Stream.map(() => {
      read++
      return { rows: { length: calls } }
    })
  )
  const all = yield* Effect.forkChild(
    Stream.runForEach(ReadAhead.windows(windows, { maxRequests }), () => Deferred.await(taken))
  )
  yield* Effect.repeat(Effect.yieldNow, { times: 2000 })
  const behind = read - 1
  yield* Deferred.succeed(taken, undefined)
  yield* Fiber.join(all)
  assert.strictEqual(read, 100)
  return behind
})

describe("ReadAhead", () => {
  it.effect("few calls wait, and few windows", () =>
    Effect.gen(function* () {
      // One more is read, and waits for its place.
      assert.strictEqual(yield* readBehind(4000), 5 + 1)
      assert.strictEqual(yield* readBehind(1), 80 + 1)
      assert.strictEqual(yield* readBehind(1_000_000), 1 + 1)
    })
  )

  it.effect("none where requests are limited", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* readBehind(1, 1000), 0)
    })
  )
})
