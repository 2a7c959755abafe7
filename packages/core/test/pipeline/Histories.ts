/** Histories of random seeds, each of which must end as the guarantee says. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"

interface Result {
  readonly wrong: ReadonlyArray<unknown>
  readonly told: string
  readonly processes: number
}

export const first = Number(process.env["SEED"] ?? 1)

/** So many of them, from the seed of the environment on. */
export const play = <E, R>(count: number, run: (seed: number) => Effect.Effect<Result, E, R>) =>
  Effect.gen(function* () {
    let processes = 0
    for (let seed = first; seed < first + count; seed++) {
      const result = yield* run(seed)
      assert.deepStrictEqual(result.wrong, [], result.told)
      processes += result.processes
    }
    console.log(JSON.stringify({ first, count, processes }))
  })
