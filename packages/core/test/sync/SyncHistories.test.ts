import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { found } from "./FoundSyncHistories.ts"
import * as Histories from "./SyncHistories.ts"

/** `pnpm torture:sync` plays as many as there is time for. */
const count = 80

describe("Histories of a sync", () => {
  for (const [name, one] of Object.entries(found)) {
    it.effect(`found by torture: ${name}`, () =>
      Effect.map(Histories.run(one), ({ wrong }) => assert.deepStrictEqual(wrong, []))
    )
  }

  it.effect(`${count} short ones with kills: each promise holds in all of them`, () =>
    Effect.gen(function* () {
      const sums = { kills: 0, repeats: 0, removed: 0, changes: 0 }
      for (let seed = 1; seed <= count; seed++) {
        const outcome = yield* Histories.run(Histories.make(seed))
        assert.deepStrictEqual(outcome.wrong, [], `seed ${seed}`)
        for (const name of ["kills", "repeats", "removed", "changes"] as const) sums[name] += outcome[name]
      }
      // Otherwise the histories would show nothing.
      assert.isAbove(sums.kills, 120)
      assert.isAbove(sums.repeats, 100)
      assert.isAbove(sums.removed, 100)
    })
  )
})
