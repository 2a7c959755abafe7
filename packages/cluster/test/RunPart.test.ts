import { CheckpointError } from "@callstream/core/checkpoint/CheckpointError"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Ref from "effect/Ref"
import * as References from "effect/References"
import type { SqlClient } from "effect/sql/SqlClient"
import { type Job, JobError, type JobReason } from "../src/Jobs.ts"
import * as RunPart from "../src/internal/RunPart.ts"

interface Case {
  readonly open?: JobReason
  readonly claims?: number
  readonly isFenced?: boolean
  readonly work: Effect.Effect<void, JobError>
}

const loaded = { run: { id: "1", name: "one" }, spec: null, cut: undefined }

const failure = (retryable: boolean) =>
  Effect.fail(new JobError({ reason: { _tag: "Failed", message: "no", retryable } }))

const paused = Effect.fail(new JobError({ reason: { _tag: "Paused" } }))

const never = Effect.die("not called")
const job: Job = { cut: () => never, stretch: () => never, ending: () => never, requests: never, isWaiting: never }

/** What comes of a part, and what was done to it, in order. */
const play = Effect.fnUntraced(function* ({ claims = 1, isFenced = false, open, work }: Case) {
  const done: Array<string> = []
  const held: RunPart.Held = {
    claims,
    fail: (reason) => Effect.sync(() => void done.push(JSON.stringify(reason))),
    release: Effect.sync(() => void done.push("released")),
    isFenced: Effect.succeed(isFenced)
  }
  const worker = {
    // Nothing here asks the database.
    sql: undefined as unknown as SqlClient,
    name: "w",
    jobs: { open: () => (open === undefined ? Effect.succeed(job) : Effect.fail(new JobError({ reason: open }))) }
  }
  const take = Effect.sync(() => {
    done.push("taken")
    return held
  })
  const outcome = yield* RunPart.run(worker, loaded, take, () => work).pipe(
    Effect.provideService(References.MinimumLogLevel, "None")
  )
  return { outcome, done }
})

const failed = (message: string) => JSON.stringify({ _tag: "Failed", message })

const cases: ReadonlyArray<readonly [what: string, one: Case, outcome: RunPart.Outcome, done: ReadonlyArray<string>]> =
  [
    ["succeeds", { work: Effect.void }, "Ended", ["taken"]],
    ["fails permanently", { work: failure(false) }, "Ended", ["taken", failed("no")]],
    ["may succeed later", { work: failure(true) }, "Again", ["taken"]],
    ["failed four times before", { claims: 5, work: failure(true) }, "Ended", ["taken", failed("no")]],
    ["waits for its API", { claims: 5, work: paused }, "Again", ["taken", "released"]],
    ["waits for its API before it begins", { open: { _tag: "Paused" }, work: Effect.die("not called") }, "Again", []],
    ["has a bug", { work: Effect.die(new Error("bug")) }, "Again", ["taken"]],
    ["belongs to another worker now", { isFenced: true, work: failure(false) }, "Ended", ["taken"]],
    [
      "killed five workers",
      { claims: 6, work: Effect.die("not called") },
      "Ended",
      ["taken", JSON.stringify({ _tag: "Crashed", attempts: 5 })]
    ],
    [
      "needs what this worker lacks",
      { open: { _tag: "Missing", names: ["KEY"] }, work: Effect.void },
      "Ended",
      ["taken", JSON.stringify({ _tag: "Missing", names: ["KEY"], worker: "w" })]
    ],
    [
      "is of another version",
      { open: { _tag: "OtherVersion", spec: "2", worker: "1" }, work: Effect.void },
      "Elsewhere",
      []
    ]
  ]

describe("a part of a run", () => {
  it.effect.each(cases)("that %s", ([, one, outcome, done]) =>
    Effect.map(play(one), (result) => assert.deepStrictEqual(result, { outcome, done: [...done] }))
  )

  it.effect("that is interrupted is given back", () =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const released: Array<string> = []
      const worker = {
        sql: undefined as unknown as SqlClient,
        name: "w",
        jobs: { open: () => Effect.succeed(job) }
      }
      const held: RunPart.Held = {
        claims: 1,
        fail: () => Effect.sync(() => void released.push("failed")),
        release: Effect.sync(() => void released.push("released")),
        isFenced: Effect.succeed(false)
      }
      const work = Effect.andThen(Deferred.succeed(begun, undefined), Effect.never)
      const fiber = yield* Effect.forkChild(RunPart.run(worker, loaded, Effect.succeed(held), () => work))
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(released, ["released"])
    })
  )

  it.effect("whose sink noticed first that another worker has it is left to that one", () =>
    Effect.gen(function* () {
      const lost = yield* Ref.make(false)
      const fenced = new CheckpointError({ reason: { _tag: "Fenced", pipeline: "p" } })
      const held: RunPart.Held = {
        claims: 1,
        fail: () => Effect.andThen(Ref.set(lost, true), Effect.fail(fenced)),
        release: Effect.void,
        isFenced: Ref.get(lost)
      }
      const worker = {
        sql: undefined as unknown as SqlClient,
        name: "w",
        jobs: { open: () => Effect.succeed(job) }
      }
      const outcome = yield* RunPart.run(worker, loaded, Effect.succeed(held), () => Effect.fail(fenced)).pipe(
        Effect.provideService(References.MinimumLogLevel, "None")
      )
      assert.strictEqual(outcome, "Ended")
    })
  )
})
