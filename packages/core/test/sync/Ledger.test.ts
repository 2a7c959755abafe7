import { Ledger } from "@callstream/core/sync/Ledger"
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { assertAsked, assertHistory, assertLeases } from "./LedgerLaws.ts"

describe("Ledger, in memory", () => {
  it.effect("answers as a list of entries does, over 40 histories and several leases each", () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger
      for (let seed = 1; seed <= 40; seed++) yield* assertHistory(ledger.open, `history ${seed}`, seed)
    }).pipe(Effect.provide(Ledger.layerMemory))
  )

  it.effect("is held by one run at a time, and refused to another sync", () =>
    Effect.flatMap(Ledger, ({ open, view }) => assertLeases(open, view)).pipe(Effect.provide(Ledger.layerMemory))
  )

  it.effect("keeps ranges that were asked for", () =>
    Effect.flatMap(Ledger, (ledger) => assertAsked(ledger)).pipe(Effect.provide(Ledger.layerMemory))
  )
})
