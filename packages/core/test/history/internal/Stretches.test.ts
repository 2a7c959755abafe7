/** A range in stretches: what is refused, how they tile it, and a part that an earlier reading committed. */
import { AgniClient } from "@callstream/core/client/AgniClient"
import type { AgniError } from "@callstream/core/model/AgniError"
import type * as Coverage from "@callstream/core/history/Coverage"
import type * as History from "@callstream/core/history/History"
import * as Instant from "@callstream/core/model/Instant"
import * as Rows from "@callstream/core/model/Rows"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type * as PartEvidence from "../../../src/history/internal/PartEvidence.ts"
import * as Stretches from "../../../src/history/internal/Stretches.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, day, hour, open, rowsAt } from "./FakeServer.ts"

/** 240 calls, one every half hour. */
const starts = Array.from({ length: 240 }, (_, i) => began - 6 * day + i * (hour / 2) + hour / 4)
const range = { from: Instant.of(began - 6 * day), to: Instant.of(began - day) }
const inRange = starts.filter((start) => start < range.to).length
const options = { pageSize: 10, pagesPerWindow: 2, concurrency: 2, sideBySide: 2, stretchSize: 60 }

const using = (server: Adversary.Server) => Effect.provideService(AgniClient, server.client)

const opened = Effect.fnUntraced(function* (
  server: Adversary.Server,
  rest: Partial<History.SideBySideOptions> & { readonly order?: "newest" } = {},
  resumed?: PartEvidence.Evidence,
  of: History.OpenRange = range
) {
  yield* TestClock.setTime(began / 1000)
  return yield* Stretches.open(of, { ...options, ...rest }, resumed).pipe(using(server))
})

type Reading = Effect.Success<ReturnType<typeof Stretches.open>>

const windowsOf = (server: Adversary.Server, { windows }: Reading, nth: number, from?: number) =>
  Stream.runCollect(windows(nth, { from, cuts: [] })).pipe(using(server))

const idsOf = (windows: ReadonlyArray<Coverage.Window>) =>
  windows.flatMap(({ rows }) => Rows.items(rows).map(({ id }) => id))

const refused = (range: History.OpenRange, rest: Partial<History.SideBySideOptions> = {}) =>
  Effect.gen(function* () {
    const server = open([])
    const error: AgniError = yield* Effect.flip(opened(server, rest, undefined, range))
    assert.strictEqual(server.requests(), 0)
    return error.reason._tag === "InvalidRequest" ? error.reason.parameter : error.reason._tag
  })

describe("Stretches.open", () => {
  it.effect("refuses a wrong option, a bound that is no time, and a beginning behind the end, before a request", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* refused({}, { concurrency: 0 }), "concurrency")
      for (const sideBySide of [0, -1, 1.5, NaN]) assert.strictEqual(yield* refused({}, { sideBySide }), "sideBySide")
      for (const stretchSize of [0, -1, NaN]) assert.strictEqual(yield* refused({}, { stretchSize }), "stretchSize")
      assert.strictEqual(yield* refused({}, { end: "soon" }), "end")
      assert.strictEqual(yield* refused({ to: "soon" }), "to")
      assert.strictEqual(yield* refused({ from: range.to, to: range.from }), "from")
    })
  )

  it.effect("stretches tile the range and are read ascending, whatever order is asked for; each call comes once", () =>
    Effect.gen(function* () {
      const server = open(rowsAt(starts))
      const reading = yield* opened(server, { order: "newest" })
      const { stretches } = reading
      assert.isAtLeast(stretches.length, 3)
      assert.strictEqual(stretches[0]?.from, range.from)
      assert.isTrue(stretches.every(({ to }, i) => to === (stretches[i + 1]?.from ?? range.to)))
      const all: Array<Coverage.Window> = []
      for (const nth of stretches.keys()) {
        const windows = yield* windowsOf(server, reading, nth)
        assert.strictEqual(windows[0]?.from, stretches[nth]?.from)
        assert.isTrue(windows.every(({ to }, i) => to === (windows[i + 1]?.from ?? stretches[nth]?.to)))
        all.push(...windows)
      }
      all.push(...(yield* Stream.runCollect(reading.closing).pipe(using(server))))
      assert.deepStrictEqual([idsOf(all).length, new Set(idsOf(all)).size], [inRange, inRange])
      assert.isTrue(all.every(({ coverage, revised = [] }) => coverage._tag === "Proven" && revised.length === 0))
    })
  )

  it.effect("the given ones are not cut again, and one of which nothing is left has no window", () =>
    Effect.gen(function* () {
      const middle = Instant.of(began - 3 * day)
      const server = open(rowsAt(starts))
      const given = [
        { from: range.from, to: middle, at: middle },
        { from: middle, to: range.to }
      ]
      const reading = yield* opened(server, { stretches: given })
      assert.deepStrictEqual(
        reading.stretches.map(({ from, to }) => ({ from, to })),
        [
          { from: range.from, to: middle },
          { from: middle, to: range.to }
        ]
      )
      assert.lengthOf(yield* windowsOf(server, reading, 0, middle), 0)
      const came = idsOf(yield* windowsOf(server, reading, 1))
      assert.lengthOf(came, starts.filter((start) => start >= middle && start < range.to).length)
      assert.strictEqual(reading.rows(), came.length)
    })
  )

  it.effect("a reading that resumes with what was committed counts that too, and proves the sum of both", () =>
    Effect.gen(function* () {
      const server = open(rowsAt(starts))
      const first = yield* opened(server, {}, undefined, {})
      const [one] = first.stretches
      const before = idsOf(yield* windowsOf(server, first, 0))
      assert.isDefined(one)
      if (one === undefined) return
      const evidence = first.evidence({ parts: [one], listed: "probes" })
      const stretches = first.stretches.map(({ from, to }, i) => ({
        from: Instant.of(from),
        to: Instant.of(to),
        at: i === 0 ? Instant.of(to) : undefined
      }))
      for (const known of [evidence, undefined]) {
        const other = open(rowsAt(starts))
        const reading = yield* opened(other, { stretches }, known, {})
        const came = new Set(before)
        for (const nth of stretches.keys())
          for (const id of idsOf(yield* windowsOf(other, reading, nth, stretches[nth]?.at))) came.add(id)
        const closing = yield* Stream.runCollect(reading.closing).pipe(using(other))
        assert.strictEqual(came.size, starts.length)
        assert.strictEqual(reading.rows(), starts.length - (known === undefined ? before.length : 0))
        assert.deepStrictEqual(
          closing.at(-1)?.coverage,
          known === undefined ? { _tag: "Provisional", reason: { _tag: "Resumed" } } : { _tag: "Proven" }
        )
      }
    })
  )
})
