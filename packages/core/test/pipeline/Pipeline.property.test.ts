import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Scenario from "./Scenario.ts"

const count = 1000
const first = Number(process.env["SEED"] ?? 1)

describe("Pipeline.run", () => {
  it.live(
    `${count} histories from seed ${first}, each in runs that are killed, interrupted and fail: what the guarantee says`,
    () =>
      Effect.gen(function* () {
        let processes = 0
        for (let seed = first; seed < first + count; seed++) {
          const result = yield* Scenario.run(seed)
          assert.deepStrictEqual(result.wrong, [], result.told)
          processes += result.processes
        }
        console.log(JSON.stringify({ first, count, processes }))
      })
  )
})
