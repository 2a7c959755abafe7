/** Whatever fails in a whole run, and when: a clear error or success, never a wrong file, and the next run ends it. */
import { CheckpointError } from "@callstream/core/checkpoint/CheckpointError"
import { AgniError } from "@callstream/core/model/AgniError"
import { SinkError } from "@callstream/core/sink/SinkError"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { inTime } from "../sink/webhook/run.ts"
import * as Whole from "./Whole.ts"

const world = Effect.gen(function* () {
  let thrown = ""
  const whole = yield* Whole.make({
    simulator: { sessions: 14, undated: 0.1, span: "2 days", age: "1 day", seed: 3 },
    throws: ({ id }) => id === thrown,
    history: { pageSize: 5, pagesPerWindow: 1, concurrency: 1 },
    webhook: { batchSize: 4 },
    commitEvery: 0,
    retry: { tries: 3, base: "10 millis" }
  })
  const ids = whole.simulator.truth().map(({ id }) => id)
  thrown = ids[3] ?? ""
  const refused = ids[11] ?? ""
  whole.receiver.answer(({ events }) => (events.some(({ sessionId }) => sessionId === refused) ? 422 : 204))
  const good = ids.filter((id) => id !== thrown).sort()
  const lettered = [`${thrown} picky`, `${refused} sink`].sort()
  return { ...whole, good, taken: good.filter((id) => id !== refused), lettered }
})

type World = Effect.Success<typeof world>

const run = (one: World) => inTime(Effect.exit(one.run), "1 second")

/** What is under the name is whole, whatever happened. */
const assertNothingWrong = (one: World, where: string) => {
  const ids = one.fileIds()
  if (ids !== undefined) assert.deepStrictEqual(ids.toSorted(), one.good, where)
  for (const id of one.receiver.state().keys()) assert.include(one.taken, id, where)
}

const assertAllThere = (one: World, where: string) => {
  assert.deepStrictEqual(one.fileIds()?.toSorted(), one.good, where)
  assert.deepStrictEqual([...one.receiver.state().keys()].sort(), one.taken, where)
  assert.deepStrictEqual([...new Set(one.letters())].sort(), one.lettered, where)
  assert.deepStrictEqual(one.files.names(), [Whole.path, Whole.lettersPath, Whole.epochPath, Whole.statePath], where)
}

const errors = [AgniError, SinkError, CheckpointError]

const assertTold = (cause: Cause.Cause<unknown>, where: string) => {
  const error = Cause.squash(cause)
  assert.isTrue(
    errors.some((known) => error instanceof known),
    `${where}: ${Cause.pretty(cause)}`
  )
  assert.match(error instanceof Error ? error.message : "", /\w+ \w+/, where)
}

describe("a whole run", () => {
  const modes = ["once", "from then on"] as const
  it.effect.each(modes)(
    "in which any operation fails %s ends well or says why, and the next one brings all of it",
    (mode) =>
      Effect.gen(function* () {
        const quiet = yield* world
        assert.isTrue(Exit.isSuccess(yield* run(quiet)))
        assertAllThere(quiet, "undisturbed")
        const operations = quiet.operations.length
        const commits = quiet.operations.filter(({ what }) => what === `rename ${Whole.statePath}`).length
        assert.isAbove(commits, 4)
        let told = 0
        let resumed = 0
        // Each operation in one of the two ways, in turn.
        for (let number = mode === "once" ? 1 : 2; number <= operations; number += 2) {
          const one = yield* world
          let where = ""
          one.intercept((operation) => {
            if (mode === "once" ? operation.number !== number : operation.number < number) return false
            where ||= `${mode}, operation ${number}: ${operation.what}`
            return true
          })
          const first = yield* run(one)
          assert.notStrictEqual(where, "", `operation ${number} did not come`)
          assertNothingWrong(one, where)
          if (Exit.isFailure(first)) {
            told++
            assertTold(first.cause, where)
          }
          const kept = one.files.text(Whole.statePath)
          one.intercept(() => false)
          const next = yield* run(one)
          assert.isTrue(Exit.isSuccess(next), `${where}: ${String(next)}`)
          if (Exit.isFailure(first) && kept !== undefined) resumed++
          assertAllThere(one, where)
        }
        assert.isAbove(told, mode === "once" ? 2 : operations / 4)
        assert.isAbove(resumed, 2)
      })
  )
})
