import { assert, describe, it } from "@effect/vitest"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import type { Known } from "../../../src/history/internal/Known.ts"
import * as Settings from "../../../src/history/internal/Settings.ts"
import type * as Coverage from "@callstream/core/history/Coverage"
import { began, control, day, hour, known, open, rowsAt, settingsOf } from "./FakeServer.ts"

const server = open(rowsAt([]))
const controls = [control("row-0", began - 5 * day)]
const proven: Coverage.Coverage = { _tag: "Proven" }

const tagOf = (
  to: number,
  {
    coverage = proven,
    facts = {},
    log = {},
    settings = {}
  }: {
    readonly coverage?: Coverage.Coverage
    readonly facts?: Partial<Known>
    readonly log?: Partial<Ask.Log>
    readonly settings?: Partial<Settings.Settings>
  } = {}
) => {
  const made = { ...Ask.makeLog(), ...log }
  const of = settingsOf(server, { controls, ...settings })
  const found = Settings.temper(of, known(facts), made, { from: to - day, to }, coverage)
  return found._tag === "Proven" ? "Proven" : found.reason._tag
}

describe("Settings.temper", () => {
  it("the earliest of all clocks, less the horizon, decides what is too recent", () => {
    const times = [began, began - hour, began - 3 * hour]
    for (const now of times)
      for (const earliest of times)
        for (const observedAt of [undefined, ...times]) {
          const horizon = Math.min(now, earliest, observedAt ?? Infinity) - 2 * hour
          for (const to of [horizon - 1, horizon, horizon + 1])
            assert.strictEqual(
              tagOf(to, { settings: { now }, facts: { earliest }, log: { observedAt } }),
              to > horizon ? "TooRecent" : "Proven",
              JSON.stringify({ now: now - began, earliest: earliest - began, observedAt, to: to - horizon })
            )
        }
  })

  it("nothing is proven where no call was seen, where the filter changes with time, or out of a cache", () => {
    const to = began - day
    assert.strictEqual(tagOf(to), "Proven")
    assert.strictEqual(tagOf(to, { settings: { controls: [] } }), "NothingSeen")
    assert.strictEqual(tagOf(to, { settings: { doubt: Settings.doubtOf("completed", undefined) } }), "Changing")
    assert.strictEqual(tagOf(to, { settings: { doubt: Settings.doubtOf(undefined, "Ada") } }), "Changing")
    assert.strictEqual(tagOf(to, { settings: { doubt: Settings.doubtOf(undefined, undefined) } }), "Proven")
    assert.strictEqual(tagOf(to, { log: { cached: true } }), "FromCache")
  })

  it("a reason that is there already stays", () => {
    const coverage: Coverage.Coverage = { _tag: "Unprovable", reason: { _tag: "NotBack" } }
    for (const settings of [{}, { controls: [] }, { doubt: Settings.noBeginning }])
      assert.strictEqual(tagOf(began, { coverage, settings }), "NotBack")
  })
})
