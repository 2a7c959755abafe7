import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Progress from "../../src/run/Progress.ts"

const totals = {
  committed: undefined,
  stage: "reading",
  written: 40,
  safe: 0,
  inFlight: 10,
  read: 60,
  delivered: 30,
  filtered: 0,
  rejected: 0,
  dead: 0,
  earliest: undefined,
  latest: undefined,
  last: undefined
} as const

describe("Progress", () => {
  it.effect("has a state to resume from also where only a later stretch is saved", () =>
    Effect.gen(function* () {
      const before = yield* Progress.make
      const stopped = (safe: number) => Progress.after({ _tag: "Stopped", totals: { ...totals, safe } })(before)
      assert.deepInclude(stopped(0), { committed: false, stage: "reading", sessions: 30, written: 40, inFlight: 10 })
      assert.deepInclude(stopped(20), { committed: true, safe: 20 })
    })
  )
})
