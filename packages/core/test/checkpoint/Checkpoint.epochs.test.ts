import { Checkpoint } from "@callstream/core/checkpoint/Checkpoint"
import * as Epoch from "@callstream/core/model/Epoch"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { assertLaterWins, type Store } from "./EpochLaws.ts"
import * as Runs from "./Runs.ts"
import { epochPath, errorOf, fingerprint, lockPath, path, stateOf } from "./Runs.ts"

const memory = Effect.map(Checkpoint, (checkpoint): Store => ({
  open: () => checkpoint.open("calls", fingerprint),
  freeze: (_, scope) => Scope.close(scope, Exit.void),
  thawed: "kept"
})).pipe(Effect.provide(Checkpoint.layerMemory))

const judgedGone = Effect.sync((): Store => {
  const runs = Runs.make()
  return {
    open: runs.open,
    freeze: (pid) => Effect.sync(() => void runs.ended.add(pid)),
    thawed: "kept"
  }
})

const removedByHand = Effect.sync((): Store => {
  const runs = Runs.make()
  return { open: runs.open, freeze: () => Effect.sync(() => runs.files.remove(lockPath)), thawed: "lost" }
})

describe("the epoch of a checkpoint", () => {
  it.effect.each([
    ["in memory", memory],
    ["in files, after a lock was taken over", judgedGone],
    ["in files, after a lock was removed by hand", removedByHand]
  ] as const)("%s: the later one wins, however runs interleave, and the earlier one saves nothing", ([, make]) =>
    Effect.gen(function* () {
      let fenced = 0
      for (let seed = 1; seed <= 25; seed++) fenced += yield* assertLaterWins(yield* make, seed)
      assert.isAbove(fenced, 25)
    })
  )

  it.effect("is higher than the one before, also when the clock was set back, and at least the time", () =>
    Effect.gen(function* () {
      const runs = Runs.make()
      const epoch = Effect.scoped(Effect.map(runs.open(1), (lease) => lease.epoch))
      assert.deepStrictEqual([yield* epoch, yield* epoch], [1, 2])
      yield* TestClock.setTime(5000)
      assert.deepStrictEqual([yield* epoch, yield* epoch], [5000, 5001])
      yield* TestClock.setTime(1000)
      assert.strictEqual(yield* epoch, 5002)
      yield* TestClock.setTime(9000)
      // A file that was removed, or damaged: the time is still higher than all before it.
      runs.files.remove(epochPath)
      assert.strictEqual(yield* epoch, 9000)
      runs.files.add(epochPath, "File", "90")
      assert.strictEqual(yield* epoch, 9000)
      for (const text of ["", "-1", "1e99", "9".repeat(20)]) {
        runs.files.add(epochPath, "File", text)
        assert.strictEqual(yield* epoch, 9000, text)
      }
      assert.strictEqual(Epoch.next(3, 2), 4)
    })
  )

  it.effect("is not raised by a run that is refused", () =>
    Effect.gen(function* () {
      const runs = Runs.make()
      yield* Effect.scoped(Effect.flatMap(runs.open(1), (lease) => lease.commit(stateOf(1))))
      const before = runs.files.text(epochPath)
      runs.files.add(path, "File", "{")
      assert.strictEqual((yield* errorOf(Effect.scoped(runs.open(2))))?.reason._tag, "Torn")
      assert.strictEqual(runs.files.text(epochPath), before)
    })
  )
})
