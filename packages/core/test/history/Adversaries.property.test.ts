import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Adversaries from "../torture/Adversaries.ts"
import * as Judge from "../torture/AdversaryJudge.ts"
import { found } from "../torture/FoundAdversaries.ts"

const first = 4000
const count = 300

describe("History.windows on a server that shares no code with the simulator", () => {
  for (const [name, one] of found)
    it.live(`is not misled by ${name}`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual((yield* Judge.run(one)).wrong, [])
      })
    )

  it.live(
    `${count} histories from seed ${first}: nothing that was shown is missing where it is called proven, and what can be proven is`,
    () =>
      Effect.gen(function* () {
        const tally = { possible: 0, proven: 0, failed: 0 }
        for (let seed = first; seed < first + count; seed++) {
          const one = Adversaries.make(seed)
          const result = yield* Effect.result(Judge.run(one))
          if (result._tag === "Failure") {
            // A record that fails each page may be the only one, or the first of a list that filters after paging.
            assert.isTrue(one.server.poison !== undefined, `seed ${seed}: ${result.failure.message}`)
            tally.failed++
            continue
          }
          assert.deepStrictEqual(result.success.wrong, [], `seed ${seed}: ${one.traits.join(", ")}`)
          if (!result.success.possible) continue
          tally.possible++
          if (result.success.provenToHorizon) tally.proven++
        }
        const told = JSON.stringify(tally)
        assert.isAtLeast(tally.possible, 0.4 * count, told)
        assert.isAtLeast(tally.proven, 0.98 * tally.possible, told)
        assert.isAtMost(tally.failed, 0.02 * count, told)
      })
  )
})
