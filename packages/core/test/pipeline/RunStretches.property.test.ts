import { describe, it } from "@effect/vitest"
import * as Histories from "./Histories.ts"
import * as Scenario from "./StretchScenario.ts"

const count = 500

describe("Pipeline.run in stretches", () => {
  it.live(
    `${count} histories from seed ${Histories.first}, each in runs that are killed, interrupted and fail: the calls and the verdict of one reading`,
    () => Histories.play(count, Scenario.run)
  )
})
