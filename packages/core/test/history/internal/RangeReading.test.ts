import { AgniClient } from "@callstream/core/client/AgniClient"
import type { Window } from "@callstream/core/history/Coverage"
import * as Instant from "@callstream/core/model/Instant"
import * as CallRows from "@callstream/core/model/Rows"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { Asked } from "../../../src/history/internal/Asked.ts"
import * as RangeReading from "../../../src/history/internal/RangeReading.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, day, hour, open, rowsAt, second } from "./FakeServer.ts"

const [from, to] = [began - 20 * day, began - 2 * day]

/** An hour apart, the oldest 25 days ago, the newest a day ago; and three without a start time, each created in another week. */
const calls = rowsAt(Array.from({ length: 24 * 24 + 1 }, (_, i) => began - day - i * hour))
const undated = [3, 10, 24].map((days, i): Adversary.Row => ({
  id: `undated-${i}`,
  start: undefined,
  created: began - days * day
}))

const asked = (range: { readonly [K in "from" | "to" | "end" | "resume"]?: number }): Asked => {
  const instant = (at: number | undefined) => (at === undefined ? undefined : Instant.of(at))
  return {
    from: instant(range.from),
    to: instant(range.to),
    end: instant(range.end),
    resume: instant(range.resume),
    cuts: []
  }
}

const idsOf = (windows: ReadonlyArray<Window>) =>
  windows.flatMap(({ rows }) => CallRows.items(rows).map(({ id }) => id)).sort()

const namesIn = (rows: ReadonlyArray<Adversary.Row>, after: number, before: number) =>
  rows.flatMap(({ created, id }) => (created >= after && created < before ? [id] : [])).sort()

interface Given {
  readonly options?: RangeReading.Options
  readonly beside?: RangeReading.Beside
  readonly traits?: Partial<Adversary.Traits>
  readonly rows?: ReadonlyArray<Adversary.Row>
  /** Where the reading of each stretch begins. @default where the stretch does */
  readonly at?: (nth: number) => number | undefined
  readonly cuts?: ReadonlyArray<number>
}

const read = Effect.fnUntraced(function* (
  range: Parameters<typeof asked>[0],
  { at = () => undefined, beside, cuts = [], options = {}, rows = [...calls, ...undated], traits = {} }: Given = {}
) {
  yield* TestClock.setTime(began / 1000)
  const server = open(rows, { cap: 100, ...traits })
  const client = AgniClient.of({ list: server.client.list })
  return yield* Effect.gen(function* () {
    const { closing, evidence, stretches, windows } = yield* RangeReading.open(
      asked(range),
      { pageSize: 20, ...options },
      beside
    )
    const before = server.requests()
    const parts = yield* Effect.forEach(stretches, (_, nth) => Stream.runCollect(windows(nth, { from: at(nth), cuts })))
    const last = yield* Stream.runCollect(closing)
    return { stretches, parts, last, before, evidence: evidence(), windows: parts.flat(), requests: server.requests() }
  }).pipe(Effect.provideService(AgniClient, client))
}, Effect.scoped)

/** Windows that follow one another from here to there. */
const assertTile = (windows: ReadonlyArray<Window>, from: number, to: number) => {
  assert.deepStrictEqual<ReadonlyArray<number>>(
    windows.map((window) => window.from),
    [from, ...windows.map((window) => window.to)].slice(0, -1)
  )
  assert.strictEqual<number | undefined>(windows.at(-1)?.to, to)
}

describe("RangeReading.open in one piece", () => {
  it.effect("reads a range in windows that tile it, and the calls without a start time that were created in it", () =>
    Effect.gen(function* () {
      const { evidence, last, stretches, windows } = yield* read({ from, to })
      assert.deepStrictEqual(stretches, [{ from, to }])
      assertTile(windows, from, to)
      assert.deepStrictEqual(idsOf(windows), namesIn(calls, from, to))
      assert.deepStrictEqual(idsOf(last), namesIn(undated, from, to))
      assert.deepStrictEqual<unknown>(
        last.map((window) => [window.from, window.to, window.coverage._tag]),
        [[to, to, "Proven"]]
      )
      for (const { coverage } of windows) assert.strictEqual(coverage._tag, "Proven")
      assert.isDefined(evidence)
    })
  )

  it.effect("reads a whole history, with all calls without a start time", () =>
    Effect.gen(function* () {
      const { last, windows } = yield* read({})
      assert.deepStrictEqual(
        [...idsOf(windows), ...idsOf(last)].sort(),
        [...calls, ...undated].map(({ id }) => id).sort()
      )
      assert.deepStrictEqual(idsOf(last), undated.map(({ id }) => id).sort())
      assertTile(windows, began - 25 * day, began + day)
    })
  )

  it.effect("leaves calls without a start time out where that is asked for", () =>
    Effect.gen(function* () {
      const { last, windows } = yield* read({ from, to }, { options: { withoutStart: "skip" } })
      assert.deepStrictEqual([idsOf(last), idsOf(windows)], [[], namesIn(calls, from, to)])
    })
  )

  it.effect("no window spans an instant at which it must be cut", () =>
    Effect.gen(function* () {
      const cuts = [from + 5 * day + 7, from + 5 * day + 8]
      const { windows } = yield* read({ from, to }, { cuts })
      assertTile(windows, from, to)
      for (const cut of cuts) assert.isTrue(windows.some((window) => window.to === cut))
    })
  )

  it.effect("comes newest first where that is asked for", () =>
    Effect.gen(function* () {
      const { windows } = yield* read({ from, to }, { options: { order: "newest", pagesPerWindow: 4 } })
      assert.isAbove(windows.length, 1)
      assertTile(windows.toReversed(), from, to)
      assert.deepStrictEqual(idsOf(windows), namesIn(calls, from, to))
    })
  )

  it.effect("reads what is left of a run that resumes, and nothing where nothing is", () =>
    Effect.gen(function* () {
      const at = from + 10 * day
      const rest = yield* read({ from, to, resume: at }, { at: () => at })
      assertTile(rest.windows, at, to)
      assert.deepStrictEqual(idsOf(rest.windows), namesIn(calls, at, to))
      // Those without a start time are of the whole range, and come at the end.
      assert.deepStrictEqual(idsOf(rest.last), namesIn(undated, from, to))
      const none = yield* read({ from, to, resume: to }, { at: () => to })
      assert.deepStrictEqual(none.windows, [])
      assert.deepStrictEqual(idsOf(none.last), namesIn(undated, from, to))
    })
  )

  it.effect("a range that begins after its end may still have calls, and takes no request of its own", () =>
    Effect.gen(function* () {
      for (const later of [began + day, began + 2 * day]) {
        const { before, evidence, last, requests, stretches, windows } = yield* read({ from: later })
        assert.deepStrictEqual<unknown>(
          windows.map((window) => [window.from, window.to, window.coverage, window.rows.length]),
          [[later, later, { _tag: "Provisional", reason: { _tag: "AfterNow" } }, 0]]
        )
        assert.deepStrictEqual([stretches, last, evidence], [[{ from: later, to: later }], [], undefined])
        assert.strictEqual(requests, before)
      }
      const { windows } = yield* read({ from: began + day - second })
      assert.deepStrictEqual<unknown>([windows.at(-1)?.from, windows.at(-1)?.to], [began + day - second, began + day])
    })
  )
})

describe("RangeReading.open in stretches", () => {
  const stretches = [
    { from, to: from + 6 * day },
    { from: from + 6 * day, to: from + 12 * day },
    { from: from + 12 * day, to }
  ]

  it.effect("reads those of an earlier run, each in windows that tile it, and the others at the end", () =>
    Effect.gen(function* () {
      const found = yield* read({ from, to }, { beside: { sideBySide: 2, size: undefined, stretches } })
      assert.deepStrictEqual(found.stretches, stretches)
      for (const [nth, { from, to }] of stretches.entries()) {
        const windows = found.parts[nth] ?? []
        assertTile(windows, from, to)
        assert.deepStrictEqual(idsOf(windows), namesIn(calls, from, to))
        for (const { coverage } of windows) assert.strictEqual(coverage._tag, "Proven")
      }
      assert.deepStrictEqual(idsOf(found.last), namesIn(undated, from, to))
    })
  )

  it.effect("each resumes where it stopped; one that finished has no window", () =>
    Effect.gen(function* () {
      const begun = stretches.map((stretch, nth) => ({ ...stretch, at: [stretch.to, stretch.from + day][nth] }))
      const found = yield* read(
        { from, to },
        { beside: { sideBySide: 2, size: undefined, stretches: begun }, at: (nth) => begun[nth]?.at }
      )
      assert.deepStrictEqual(found.parts[0], [])
      assertTile(found.parts[1] ?? [], from + 7 * day, from + 12 * day)
      assertTile(found.parts[2] ?? [], from + 12 * day, to)
      assert.deepStrictEqual(idsOf(found.windows), namesIn(calls, from + 7 * day, to))
    })
  )
})

describe("RangeReading.open where bounds do not work", () => {
  const traits = { zone: 9 * hour } as const

  it.effect("reads all pages, and proves nothing", () =>
    Effect.gen(function* () {
      const { evidence, last, windows } = yield* read({ from, to }, { traits })
      assert.deepStrictEqual([last, evidence], [[], undefined])
      for (const { coverage } of windows) assert.strictEqual(coverage._tag, "Unprovable")
      assert.deepStrictEqual(idsOf(windows), [...namesIn(calls, from, to), ...namesIn(undated, from, to)].sort())
      assert.deepStrictEqual<unknown>([windows.at(-1)?.from, windows.at(-1)?.to], [from, to])
      const without = yield* read({ from, to }, { traits, options: { withoutStart: "skip" } })
      assert.deepStrictEqual(idsOf(without.windows), namesIn(calls, from, to))
      const whole = yield* read({}, { traits })
      assert.deepStrictEqual(idsOf(whole.windows), [...calls, ...undated].map(({ id }) => id).sort())
    })
  )

  it.effect("in stretches the last one has the calls without a start time", () =>
    Effect.gen(function* () {
      const stretches = [
        { from, to: from + 9 * day },
        { from: from + 9 * day, to }
      ]
      const { parts } = yield* read({ from, to }, { traits, beside: { sideBySide: 2, size: undefined, stretches } })
      assert.deepStrictEqual(parts.map(idsOf), [
        namesIn(calls, from, from + 9 * day),
        [...namesIn(calls, from + 9 * day, to), ...namesIn(undated, from, to)].sort()
      ])
    })
  )
})
