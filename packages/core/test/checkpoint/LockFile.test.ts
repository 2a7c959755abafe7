/** Who may hold a checkpoint, with processes that look, act and end between any two steps of each other. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as MemoryFileSystem from "../sink/file/MemoryFileSystem.ts"
import * as Runs from "./Runs.ts"
import { errorOf, folder, lockPath, path, stateOf } from "./Runs.ts"

/** Leaves the lock of a process that has ended. */
const leave = Effect.fnUntraced(function* (runs: Runs.Runs, pid = 100) {
  yield* Effect.provideService(runs.open(pid), Scope.Scope, yield* Scope.make())
  runs.ended.add(pid)
})

const noLinks = (code: string) => (call: MemoryFileSystem.Call) =>
  call.method === "link" ? Effect.fail(MemoryFileSystem.failed("link", call.path, code)) : Effect.void

describe("the lock of a checkpoint", () => {
  it.effect("names the process that holds it, on this host and on another, and goes with the scope", () =>
    Effect.gen(function* () {
      const runs = Runs.make()
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* runs.open(11)
          assert.strictEqual(runs.files.node(lockPath)?.mode, 0o600)
          assert.isTrue(runs.files.node(lockPath)?.synced)
          const here = yield* errorOf(runs.open(12))
          assert.strictEqual(here?.reason._tag, "Held")
          assert.match(here?.message ?? "", /process 11 on here, since 1970-01-01 00:00:00 UTC$/)
          assert.match((yield* errorOf(runs.open(11)))?.message ?? "", /in this process/)
          runs.ended.add(11)
          const there = yield* errorOf(runs.open(12, { host: "there" }))
          assert.strictEqual(there?.reason._tag, "Held")
          assert.match(there?.message ?? "", /process 11 on here/)
          const held = there?.reason._tag === "Held" ? there.reason.held : undefined
          assert.deepInclude(held, { _tag: "Elsewhere", place: { _tag: "File", path: lockPath } })
          assert.deepStrictEqual(runs.names(), [lockPath])
        })
      )
      assert.isEmpty(runs.names())
      yield* Effect.scoped(runs.open(12, { host: "there" }))
    })
  )

  it.effect("one that cannot be read is not taken over", () =>
    Effect.gen(function* () {
      const runs = Runs.make()
      yield* leave(runs)
      const whole = runs.files.text(lockPath) ?? ""
      for (const text of [
        "",
        whole.slice(0, 30),
        "{}",
        whole.replace(/"id": "[^"]+"/, `"id": "../../../x"`),
        whole.replace("100", "0")
      ]) {
        runs.files.add(lockPath, "File", text)
        const error = yield* errorOf(Effect.scoped(runs.open(1)))
        assert.strictEqual(error?.reason._tag, "Held", text)
        assert.include(error?.message, "is locked by /d/state/calls.lock, which does not say by whom")
        assert.strictEqual(runs.files.text(lockPath), text)
      }
    })
  )

  it.effect.each(["EPERM", "ENOTSUP", "EIO"])("works without links (%s), also to take over", (code) =>
    Effect.gen(function* () {
      const runs = Runs.make()
      runs.files.intercept(noLinks(code))
      yield* leave(runs)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const lease = yield* runs.open(1)
          assert.strictEqual((yield* errorOf(runs.open(2)))?.reason._tag, "Held")
          yield* lease.commit(stateOf(1))
          assert.deepStrictEqual(runs.names(), [path, lockPath])
        })
      )
      assert.deepStrictEqual(runs.names(), [path])
    })
  )

  it.effect("a run whose lock was removed saves nothing more, and leaves the other's lock alone", () =>
    Effect.gen(function* () {
      const runs = Runs.make()
      yield* Effect.scoped(
        Effect.gen(function* () {
          const second = yield* Scope.make()
          yield* Effect.scoped(
            Effect.gen(function* () {
              const lease = yield* runs.open(1)
              yield* lease.commit(stateOf(1))
              runs.files.remove(lockPath)
              const removed = yield* errorOf(lease.commit(stateOf(2)))
              assert.strictEqual(removed?.reason._tag, "Held")
              assert.match(removed?.message ?? "", /lost its lock/)
              const other = yield* Effect.provideService(runs.open(2), Scope.Scope, second)
              yield* other.commit(stateOf(3))
              const held = yield* errorOf(lease.commit(stateOf(4)))
              assert.strictEqual(held?.reason._tag, "Fenced")
              assert.match(held?.message ?? "", /process 2 on here/)
            })
          )
          assert.deepStrictEqual(runs.names(), [path, lockPath])
          assert.include(runs.files.text(path), `"at": 3`)
          yield* Scope.close(second, Exit.void)
          assert.deepStrictEqual(runs.names(), [path])
        })
      )
    })
  )

  it.effect("a lease that was given back keeps nothing more", () =>
    Effect.gen(function* () {
      const runs = Runs.make()
      const lease = yield* Effect.scoped(runs.open(1))
      assert.strictEqual((yield* errorOf(lease.commit(stateOf(1))))?.reason._tag, "Held")
      assert.isEmpty(runs.names())
    })
  )

  it.effect("leaves files alone that are not its own leftovers", () =>
    Effect.gen(function* () {
      const runs = Runs.make()
      yield* leave(runs)
      const id = "0".repeat(8) + "-0000-4000-8000-000000000000"
      const left = [
        `calls.json.${id}.1.tmp`,
        `calls.epoch.${id}.0.tmp`,
        `calls.lock.${id}.0.tmp`,
        `calls.lock.${id}.next`
      ]
      const others = ["calls.json.bak", "calls.lock.old", `calls2.json.${id}.1.tmp`, `xcalls.json.${id}.1.tmp`]
      for (const name of [...left, ...others]) runs.files.add(`${folder}/${name}`, "File")
      yield* Effect.scoped(runs.open(1))
      assert.deepStrictEqual(runs.names(), others.map((name) => `${folder}/${name}`).sort())
    })
  )

  it.effect.each([true, false])("is never held by two, however they interleave and end (links: %s)", (links) =>
    Effect.gen(function* () {
      let taken = 0
      let crashed = 0
      for (let seed = 1; seed <= 170; seed++) {
        const random = randomOf(seed)
        const runs = Runs.make()
        if (random(3) > 0) yield* leave(runs)
        runs.files.intercept(
          Effect.fnUntraced(function* (call) {
            // Mostly a little, and at times long enough for another one to do everything.
            yield* pause(random(6) === 0 ? 60 : random(3))
            const life = yield* Life
            if (life.steps-- <= 0) {
              // As a process ends: nothing of it goes on, not even what clears up.
              crashed++
              runs.ended.add(life.pid)
              yield* Deferred.succeed(life.over, undefined)
              return yield* Effect.never
            }
            if (!links) yield* noLinks("EPERM")(call)
          })
        )
        const holders = new Set<number>()
        const assertAlone = () =>
          assert.isAtMost([...holders].filter((pid) => !runs.ended.has(pid)).length, 1, `seed ${seed}`)
        const contend = Effect.fnUntraced(function* (pid: number) {
          const lease = yield* runs.open(pid)
          holders.add(pid)
          taken++
          assertAlone()
          if (random(2) === 0) yield* lease.commit(stateOf(pid))
          yield* pause(random(80))
          assertAlone()
          holders.delete(pid)
        })
        yield* Effect.forEach(
          [1, 2, 3, 4, 5],
          Effect.fnUntraced(function* (pid) {
            const over = yield* Deferred.make<void>()
            const fiber = yield* contend(pid).pipe(
              Effect.scoped,
              Effect.catchIf(
                (error) => error.reason._tag === "Held",
                () => Effect.void
              ),
              Effect.provideService(Life, { pid, steps: random(3) === 0 ? random(60) : Infinity, over }),
              Effect.forkDetach
            )
            yield* Effect.raceFirst(Fiber.join(fiber), Deferred.await(over))
          }),
          { concurrency: "unbounded" }
        )
      }
      assert.isAbove(taken, 150)
      assert.isAbove(crashed, 50)
    })
  )
})

/** The process that a fiber belongs to, and how many calls it makes before it ends. */
const Life = Context.Reference<{ readonly pid: number; steps: number; readonly over: Deferred.Deferred<void> }>(
  "test/Life",
  { defaultValue: () => ({ pid: 0, steps: Infinity, over: Deferred.makeUnsafe<void>() }) }
)

const pause = Effect.fnUntraced(function* (turns: number) {
  for (let turn = 0; turn < turns; turn++) yield* Effect.yieldNow
})

const randomOf = (seed: number) => {
  let state = seed * 2654435761
  return (below: number) => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 0x9e3779b9) | 0
    return ((state ^ (state >>> 13)) >>> 0) % below
  }
}
