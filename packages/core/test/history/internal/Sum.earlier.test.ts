/** Calls without a start time that lie before a range, because the server places them by their creation: the count of all has them. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Deliveries from "../../../src/history/internal/Deliveries.ts"
import * as Sum from "../../../src/history/internal/Sum.ts"
import * as Windows from "../../../src/history/internal/Windows.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, control, day, hour, item, known, open, rowsAt, settingsOf } from "./FakeServer.ts"

const range = { from: began - 10 * day, to: began - 4 * day }
const calls = rowsAt([range.from, range.from + hour, range.to - hour])
const earlier = [1, 2, 3].map((i): Adversary.Row => ({
  id: `earlier-${i}`,
  start: undefined,
  created: range.from - i * hour
}))

const dated = Effect.fnUntraced(function* (
  rows: ReadonlyArray<Adversary.Row>,
  found: ReadonlyArray<Adversary.Row>,
  traits: Partial<Adversary.Traits> = { coalesces: true }
) {
  const server = open(rows, traits)
  const settings = settingsOf(server, { controls: calls.map(({ id, start = 0 }) => control(id, start)) })
  const ledger = Deliveries.make(settings, range, () => known(), { whole: true, fromOldest: true, newestFirst: false })
  const about = { rejected: [], coverage: { _tag: "Proven" }, requests: 0, observedAt: began } as const
  yield* ledger.deliver(
    Windows.make(
      calls.map(({ id, start = 0 }) => item(id, start)),
      { ...range, ...about }
    )
  )
  const expected = { later: [], distant: false, earlier: found.map(({ created }) => created) }
  return yield* Sum.dated(settings, known(), ledger, range, expected, Ask.make(settings.list, {}, settings))
})

describe("Sum.dated with calls that lie before the range", () => {
  it.effect("they are in the count of all, and in one of what lies before the range", () =>
    Effect.gen(function* () {
      for (const after of [true, false])
        for (const before of [true, false])
          assert.isTrue(yield* dated([...calls, ...earlier], earlier, { coalesces: true, includes: { after, before } }))
    })
  )

  it.effect("one that was not found does not take the place of a call that left", () =>
    Effect.gen(function* () {
      assert.isFalse(yield* dated([...calls, ...earlier], earlier.slice(1)))
      assert.isFalse(yield* dated([...calls.slice(0, 2), ...earlier], earlier.slice(1)))
      const other = { id: "other", start: undefined, created: range.from - 4 * hour }
      assert.isFalse(yield* dated([...calls.slice(0, 2), ...earlier, other], earlier))
    })
  )

  it.effect("a call that came meanwhile does not take the place of one of them", () =>
    Effect.gen(function* () {
      const other = { id: "other", start: range.to - 2 * hour, created: range.from }
      assert.isFalse(yield* dated([...calls, ...earlier.slice(1), other], earlier))
      assert.isFalse(yield* dated([...calls, ...earlier, other], earlier))
    })
  )
})
