import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as AllCame from "../../../src/history/internal/AllCame.ts"

/** What a reader does next, in any order among the others. */
const Steps = Schema.Array(
  Schema.Struct({ task: Schema.Int, step: Schema.Literals(["came", "read on", "done", "split"]) })
)

/** Tasks by hand: each waits for its next step. */
const open = (tasks: number) => {
  const told: Array<number> = []
  const all = AllCame.make((rows) => Effect.sync(() => void told.push(rows)))
  all.expect(tasks)
  return { all, told }
}

const rows = 7

const endOf = (parts: number) => () => ({ rows: parts > 0 ? 0 : rows, parts })

describe("AllCame", () => {
  it.effect("says so once, when nothing is left but counts, with the rows of all", () =>
    Effect.gen(function* () {
      const { all, told } = open(2)
      yield* all.reading((came) => came(rows), endOf(0))
      assert.deepStrictEqual(told, [], "the other one is not begun")
      yield* all.reading(
        (came) =>
          Effect.gen(function* () {
            yield* came(3)
            assert.deepStrictEqual(told, [rows + 3])
            yield* came(3)
            assert.isTrue(all.isStill())
          }),
        endOf(0)
      )
      assert.deepStrictEqual(told, [rows + 3])
      assert.isTrue(all.isStill())
    })
  )

  it.effect("says nothing where the last one ends without a count", () =>
    Effect.gen(function* () {
      const { all, told } = open(1)
      yield* all.reading(() => Effect.void, endOf(0))
      assert.deepStrictEqual(told, [])
      assert.isFalse(all.isStill())
    })
  )

  for (const [what, then] of [
    ["is read on", (came: AllCame.Came) => came(undefined)],
    ["is cut", () => Effect.void]
  ] as const)
    it.effect(`no longer holds where a task ${what} after all`, () =>
      Effect.gen(function* () {
        const { all, told } = open(1)
        yield* all.reading((came) => Effect.andThen(came(rows), then(came)), endOf(what === "is cut" ? 2 : 0))
        assert.deepStrictEqual(told, [rows])
        assert.isFalse(all.isStill())
      })
    )

  it.effect("no longer holds where more tasks come", () =>
    Effect.gen(function* () {
      const { all } = open(1)
      yield* all.reading((came) => came(rows), endOf(0))
      all.expect(1)
      assert.isFalse(all.isStill())
    })
  )

  it.effect("waits for a task that said so, and is read on after all", () =>
    Effect.gen(function* () {
      const { all, told } = open(2)
      yield* all.reading(
        (came) =>
          Effect.gen(function* () {
            yield* came(3)
            yield* came(undefined)
            yield* all.reading((other) => other(rows), endOf(0))
            assert.deepStrictEqual(told, [])
            yield* came(4)
            assert.deepStrictEqual(told, [rows + 4])
          }),
        endOf(0)
      )
    })
  )

  it.effect("still holds where no more tasks are expected", () =>
    Effect.gen(function* () {
      const { all } = open(1)
      yield* all.reading((came) => came(rows), endOf(0))
      all.expect(0)
      assert.isTrue(all.isStill())
    })
  )

  it.effect.prop("holds only where no task read after it was said", { steps: Steps }, ({ steps }) =>
    Effect.gen(function* () {
      const tasks = 3
      const { all, told } = open(tasks)
      const states = Array.from({ length: tasks }, (): "reads" | "counts" | "ended" => "reads")
      let read = false
      const resumes: Array<(exit: Effect.Effect<number>) => void> = []
      const cames: Array<AllCame.Came> = []
      for (let nth = 0; nth < tasks; nth++)
        yield* Effect.forkChild(
          all.reading(
            (came) => {
              cames[nth] = came
              return Effect.callback<number>((resume) => {
                resumes[nth] = resume
              })
            },
            (parts) => ({ rows: 0, parts })
          )
        )
      yield* Effect.yieldNow
      let outstanding = tasks
      for (const { step, task } of steps) {
        const nth = Math.abs(task) % tasks
        const came = cames[nth]
        if (came === undefined || states[nth] === "ended") continue
        const before = told.length
        if (step === "came") {
          states[nth] = "counts"
          yield* came(1)
        } else if (step === "read on") {
          states[nth] = "reads"
          read ||= told.length > 0
          yield* came(undefined)
        } else {
          const parts = step === "split" ? 2 : 0
          read ||= parts > 0 && told.length > 0
          states[nth] = "ended"
          outstanding += parts - 1
          resumes[nth]?.(Effect.succeed(parts))
          yield* Effect.yieldNow
        }
        const counting = states.filter((state) => state === "counts").length
        if (told.length > before) assert.strictEqual(counting, outstanding)
        if (before === 0 && counting > 0 && counting === outstanding) assert.lengthOf(told, 1)
        assert.strictEqual(all.isStill(), told.length > 0 && !read)
      }
      assert.isAtMost(told.length, 1)
    })
  )
})
