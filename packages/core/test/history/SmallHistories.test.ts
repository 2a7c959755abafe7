import { assert, describe, it } from "@effect/vitest"
import { found } from "../torture/SmallFound.ts"
import * as Histories from "../torture/SmallHistories.ts"
import * as Reading from "../torture/SmallReading.ts"
import { shapes } from "../torture/SmallShapes.ts"

describe("what happens once or twice to a window of a few rows", () => {
  for (const { events, name, shape: of } of found)
    it(`${name}: no proof without a row that was there`, () => {
      const shape = shapes.get(of)
      assert.isDefined(shape, of)
      if (shape !== undefined) assert.deepStrictEqual(Reading.run({ shape, events }).wrong, [])
    })

  it("one thing at a time, in some of its places, then two: the same holds, and most windows are proven", () => {
    const tally = { histories: 0, windows: 0, proven: 0 }
    for (const history of Histories.all(Reading.requestsOf, { swap: 97, single: 2999 }, 1)) {
      const { proven, windows, wrong } = Reading.run(history)
      assert.deepStrictEqual(wrong, [], JSON.stringify({ shape: history.shape.name, events: history.events }))
      tally.histories++
      tally.windows += windows
      tally.proven += proven
    }
    assert.isAtLeast(tally.histories, 3000)
    assert.isAtLeast(tally.proven, 0.7 * tally.windows, JSON.stringify(tally))
  })
})
