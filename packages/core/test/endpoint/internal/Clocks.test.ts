import { assert, describe, it } from "@effect/vitest"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Clocks from "../../../src/endpoint/internal/Clocks.ts"
import { began, day, hour, second } from "../../history/internal/FakeServer.ts"

const minute = 60 * second

describe("Clocks", () => {
  it("the earliest clock decides what is old enough, the latest credible one where an open range ends", () => {
    const behind = Clocks.make(began, { observedAt: began - 3 * hour, latest: began + minute })
    assert.strictEqual(behind.earliest, began - 3 * hour)
    assert.strictEqual(behind.latest, began + minute)
    assert.strictEqual(Clocks.openEnd(behind), began + minute + day)
    assert.isAbove(behind.apart, Clocks.notable)
  })

  it("a server's clock more than five minutes ahead is ignored", () => {
    const at = (ahead: number) => Clocks.make(began, { observedAt: began, latest: began + ahead }).latest
    assert.strictEqual(at(5 * minute), began + 5 * minute)
    assert.strictEqual(at(5 * minute + 1), began)
    assert.strictEqual(at(25 * hour), began)
  })

  it("an answer that a cache held is old, and its server's clock is not apart", () => {
    const log = Ask.makeLog()
    for (const age of [600, 0, 3600]) Ask.noteTime(log, { age, observedAt: began - age * second })
    const clocks = Clocks.make(began, log)
    assert.deepInclude(clocks, { earliest: began - hour, latest: began, apart: 0 })
    assert.isTrue(log.cached)
  })

  it("a machine without a clock takes the server's", () => {
    const clocks = Clocks.make(0, { observedAt: began, latest: began + second })
    assert.deepStrictEqual([clocks.earliest, clocks.latest], [began, began + second])
  })

  it("an end is a whole second", () => {
    assert.strictEqual(
      Clocks.openEnd(Clocks.make(began + 1, { observedAt: began, latest: began })),
      began + second + day
    )
  })
})
