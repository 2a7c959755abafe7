import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { found } from "./FoundDeliveries.ts"
import * as Deliveries from "./SyncDeliveries.ts"

/** `pnpm torture:deliveries` plays others. */
const count = 3000

describe("Deliveries of a sync", () => {
  for (const [name, one] of Object.entries(found)) {
    it.effect(`found by torture: ${name}`, () =>
      Effect.gen(function* () {
        const { wrong } = yield* Deliveries.run(one, yield* Deliveries.known)
        assert.deepStrictEqual(wrong, [])
      })
    )
  }

  it.effect(
    `${count} short histories with kills at each step: each sink ends with the truth, and each version comes once`,
    () =>
      Effect.gen(function* () {
        const state = yield* Deliveries.known
        const sums = { kills: 0, failures: 0, events: 0, losses: 0, claims: 0 }
        for (let seed = 1; seed <= count; seed++) {
          const outcome = yield* Deliveries.run(Deliveries.make(seed), state)
          assert.deepStrictEqual(outcome.wrong, [], `seed ${seed}`)
          for (const name of ["kills", "failures", "events", "losses", "claims"] as const) sums[name] += outcome[name]
        }
        // Otherwise the histories would show nothing.
        assert.isAbove(sums.kills, 0.15 * count)
        assert.isAbove(sums.failures, 1.5 * count)
        assert.isAbove(sums.events, 1.5 * count)
        assert.isAbove(sums.losses, 0.08 * count)
        assert.isAbove(sums.claims, 1.5 * count)
      }),
    900_000
  )
})
