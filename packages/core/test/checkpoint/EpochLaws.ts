/** Runs that take a checkpoint from each other: one that was thought dead saves nothing more, once another one took over. */
import type { Lease, State } from "@callstream/core/checkpoint/Checkpoint"
import type { CheckpointError } from "@callstream/core/checkpoint/CheckpointError"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { random } from "../sync/SyncRandom.ts"
import { stateOf } from "./Runs.ts"

export interface Store {
  /** Opens the checkpoint in the process `pid`. */
  readonly open: (pid: number) => Effect.Effect<Lease, CheckpointError, Scope.Scope>
  /** From now on others take it for ended, though it is not. */
  readonly freeze: (pid: number, scope: Scope.Closeable) => Effect.Effect<void>
  /** What a commit of a frozen process does that nobody took over from: it is kept, takes the lock back, or fails. */
  readonly thawed: "kept" | "back" | "lost"
}

interface Holder {
  readonly pid: number
  readonly lease: Lease
  readonly scope: Scope.Closeable
  frozen: boolean
}

/** How many commits were refused. */
export const assertLaterWins = Effect.fnUntraced(function* (store: Store, seed: number) {
  const source = random(seed)
  /** All that still run, the frozen ones too. */
  const holders: Array<Holder> = []
  let latest: Holder | undefined
  let stored: State | undefined
  let [highest, pids, commits, fenced] = [0, 0, 0, 0]
  const where = () => `seed ${seed}, after ${commits} commits of ${pids} processes`

  const open = Effect.gen(function* () {
    const scope = yield* Scope.make()
    const pid = ++pids
    const opened = yield* Effect.result(Scope.provide(store.open(pid), scope))
    if (latest?.frozen === false) {
      assert.strictEqual(opened._tag === "Failure" ? opened.failure.reason._tag : "", "Held", where())
      return yield* Scope.close(scope, Exit.void)
    }
    if (opened._tag === "Failure") return yield* opened.failure
    const lease = opened.success
    assert.isTrue(Number.isSafeInteger(lease.epoch) && lease.epoch > highest, where())
    assert.deepStrictEqual(Option.getOrUndefined(lease.state), stored, where())
    highest = lease.epoch
    latest = { pid, lease, scope, frozen: false }
    holders.push(latest)
  })
  const freeze = Effect.suspend(() => {
    if (latest === undefined || latest.frozen) return Effect.void
    latest.frozen = true
    return store.freeze(latest.pid, latest.scope)
  })
  const commit = Effect.fnUntraced(function* (holder: Holder) {
    const state = stateOf(++commits)
    const error = yield* Effect.match(holder.lease.commit(state), {
      onSuccess: () => undefined,
      onFailure: (error) => error
    })
    if (holder !== latest) {
      fenced++
      assert.strictEqual(error?.reason._tag, "Fenced", where())
      assert.match(error?.message ?? "", /^another run took over the pipeline calls/)
    } else if (holder.frozen && store.thawed === "lost") {
      assert.strictEqual(error?.reason._tag, "Held", where())
    } else {
      assert.isUndefined(error, where())
      stored = state
      if (store.thawed === "back") holder.frozen = false
    }
  })
  const close = Effect.suspend(() => {
    if (latest === undefined || latest.frozen) return Effect.void
    const { scope } = latest
    holders.splice(holders.indexOf(latest), 1)
    latest = undefined
    return Scope.close(scope, Exit.void)
  })

  for (let step = 0; step < 30; step++) {
    const holder = holders[source.below(holders.length)]
    const what = source.below(10)
    if (holder === undefined || what < 3) yield* open
    else if (what < 7) yield* commit(holder)
    else yield* what < 9 ? freeze : close
  }
  yield* freeze
  yield* open
  for (const { scope } of holders) yield* Scope.close(scope, Exit.void)
  return fenced
})
