import { describe, it } from "@effect/vitest"
import * as Histories from "./Histories.ts"
import * as Scenario from "./Scenario.ts"

const count = 1000

describe("Pipeline.run", () => {
  it.live(
    `${count} histories from seed ${Histories.first}, each in runs that are killed, interrupted and fail: what the guarantee says`,
    () => Histories.play(count, Scenario.run)
  )
})
