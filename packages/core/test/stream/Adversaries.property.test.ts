import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Adversaries from "../torture/Adversaries.ts"
import * as Judge from "../torture/AdversaryJudge.ts"

const first = 4000
const count = 300

describe("History.windows on a server that shares no code with the simulator", () => {
  it.live(
    `${count} histories: nothing that was shown is missing where it is called proven`,
    () =>
      Effect.gen(function* () {
        const tally = { possible: 0, proven: 0, failed: 0 }
        for (let seed = first; seed < first + count; seed++) {
          const one = Adversaries.make(seed)
          const result = yield* Effect.result(Judge.run(one))
          if (result._tag === "Failure") {
            tally.failed++
            continue
          }
          assert.deepStrictEqual(result.success.wrong, [], `seed ${seed}: ${one.traits.join(", ")}`)
          if (!result.success.possible) continue
          tally.possible++
          if (result.success.provenToHorizon) tally.proven++
        }
        assert.isAtLeast(tally.proven, 0.98 * tally.possible, JSON.stringify(tally))
        assert.isAtMost(tally.failed, 0.03 * count, JSON.stringify(tally))
      }),
    { timeout: 120_000 }
  )
})
