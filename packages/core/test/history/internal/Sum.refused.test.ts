/** Months without a call, on a server that takes too long for a wide range, or refuses it: no count of them together can be had. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Patience from "../../../src/endpoint/internal/Patience.ts"
import * as Deliveries from "../../../src/history/internal/Deliveries.ts"
import * as Sum from "../../../src/history/internal/Sum.ts"
import * as Windows from "../../../src/history/internal/Windows.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, control, day, hour, item, known, open, rowsAt, settingsOf } from "./FakeServer.ts"

const range = { from: began - 60 * day, to: began - 4 * day }
const calls = rowsAt([range.from + hour, range.to - hour])
const empty = began - 30 * day

interface Given {
  readonly rows?: ReadonlyArray<Adversary.Row>
  readonly cut?: Adversary.Limit["cut"]
  /** The least width that was refused before. */
  readonly refused?: number
  /** Bounds that are trusted. */
  readonly width?: number
}

const dated = Effect.fnUntraced(function* ({ cut = "failure", refused = Infinity, rows = calls, width = 0 }: Given) {
  const server = open(rows, { span: { most: 2 * day, cut } })
  const controls = calls.map(({ id, start = 0 }) => control(id, start))
  const settings = settingsOf(server, { list: Patience.make(server.client.list), controls })
  const ledger = Deliveries.make(settings, range, () => known(), { whole: true, fromOldest: true, newestFirst: false })
  const about = { rejected: [], coverage: { _tag: "Proven" }, requests: 0, observedAt: began } as const
  yield* ledger.deliver(
    Windows.make(
      calls.map(({ id, start = 0 }) => item(id, start)),
      { ...range, ...about }
    )
  )
  const expected = { later: [], distant: false }
  const ask = Ask.make(settings.list, {}, settings)
  const isRight = yield* Sum.dated(settings, known({ refused, width }), ledger, range, expected, ask)
  return { isRight, requests: ask.log.requests }
})

describe("Sum.dated where a wide range is not answered", () => {
  it.effect("parts without a call are counted in halves, down to those that are answered", () =>
    Effect.gen(function* () {
      for (const cut of ["failure", "error"] as const) assert.isTrue((yield* dated({ cut })).isRight, cut)
    })
  )

  it.effect("a call that is in none of the windows, or left, is seen there", () =>
    Effect.gen(function* () {
      for (const cut of ["failure", "error"] as const) {
        const beside = { id: "beside", start: empty, created: empty }
        assert.isFalse((yield* dated({ cut, rows: [...calls, beside] })).isRight, cut)
        for (const left of calls)
          assert.isFalse((yield* dated({ cut, rows: calls.filter((row) => row !== left) })).isRight, cut)
      }
    })
  )

  it.effect("parts without a call are not counted where one with calls differs, nor more of them where one does", () =>
    Effect.gen(function* () {
      const all = (yield* dated({ refused: 2.1 * day })).requests
      for (const left of calls) {
        const rows = calls.filter((row) => row !== left)
        assert.isAtMost((yield* dated({ refused: 2.1 * day, rows })).requests, 8)
      }
      const rows = [...calls, { id: "beside", start: empty, created: empty }]
      assert.isBelow((yield* dated({ refused: 2.1 * day, rows })).requests, 0.7 * all)
    })
  )

  it.effect("a part with calls that cannot be counted proves nothing", () =>
    Effect.gen(function* () {
      assert.isFalse((yield* dated({ width: 4 * day })).isRight)
    })
  )

  it.effect("a width that was refused before is not asked for", () =>
    Effect.gen(function* () {
      const [blind, informed] = [yield* dated({}), yield* dated({ refused: 2.1 * day })]
      assert.isTrue(informed.isRight)
      assert.isBelow(informed.requests, blind.requests - 20)
    })
  )
})
