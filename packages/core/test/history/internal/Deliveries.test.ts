import type { Window } from "@callstream/core/history/Coverage"
import * as CallRows from "@callstream/core/model/Rows"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as NotedCounts from "../../../src/endpoint/internal/NotedCounts.ts"
import * as Deliveries from "../../../src/history/internal/Deliveries.ts"
import * as Windows from "../../../src/history/internal/Windows.ts"
import * as Sum from "../../../src/history/internal/Sum.ts"
import { askOf, began, control, day, hour, item, known, open, rowsAt, settingsOf } from "./FakeServer.ts"

const from = began - 10 * day
const to = began - 4 * day
const middle = began - 7 * day
const range = { from, to }

const starts = [from + hour, middle - hour, middle + hour, to - hour]
const server = () => open(rowsAt(starts))

const make = (at = server(), whole = false, fromOldest = false) => {
  const controls = starts.map((start, i) => control(`row-${i}`, start))
  const settings = settingsOf(at, { controls })
  return {
    settings,
    ledger: Deliveries.make(settings, range, () => known(), { whole, fromOldest, newestFirst: false })
  }
}

const window = (ids: ReadonlyArray<number>, from: number, to: number): Window =>
  Windows.make(
    ids.map((i) => item(`row-${i}`, starts[i] ?? 0)),
    { from, to, rejected: [], coverage: { _tag: "Proven" }, requests: 0, observedAt: began }
  )

/** All four calls were delivered, by a server that repeats a page beyond the end or does not. */
const delivered = Effect.fnUntraced(function* (repeats: boolean) {
  const settings = settingsOf(server(), { repeats: Effect.succeed(repeats) })
  const options = { whole: false, fromOldest: false, newestFirst: false }
  const ledger = Deliveries.make(settings, range, () => known(), options)
  yield* ledger.deliver(window([0, 1], from, middle))
  yield* ledger.deliver(window([2, 3], middle, to))
  return ledger
})

const idsOf = ({ rows }: Window) => CallRows.items(rows).map(({ id }) => id)

/** What an answer listed, and counted. */
const logOf = (shown: ReadonlyArray<readonly [string, number | undefined]>, counted?: NotedCounts.Counted): Ask.Log => {
  const log = Ask.makeLog()
  for (const [key, start] of shown) log.shown.set(key, start)
  if (counted !== undefined) NotedCounts.noteCount(log.counts, counted, counted.rows)
  return log
}

describe("Deliveries", () => {
  it.effect("a call that some answer listed, and its window lacks, is asked for at its own instant", () =>
    Effect.gen(function* () {
      const { ledger } = make()
      ledger.note({ log: logOf([["row-1", starts[1]]]) })
      const done = yield* ledger.deliver(window([0], from, middle))
      assert.deepStrictEqual(idsOf(done), ["row-0", "row-1"])
      assert.strictEqual(done.coverage._tag, "Provisional")
    })
  )

  it.effect("one that is shown when its window is gone comes at the end, and takes the proof back", () =>
    Effect.gen(function* () {
      const { ledger } = make()
      yield* ledger.deliver(window([0], from, middle))
      yield* ledger.deliver(window([2, 3], middle, to))
      ledger.note({ log: logOf([["row-1", starts[1]]]) })
      assert.deepStrictEqual(
        (yield* ledger.late).map(({ key }) => key),
        ["row-1"]
      )
      const revised = yield* ledger.revised(known())
      assert.isTrue(revised.some(({ from, to }) => from <= (starts[1] ?? 0) && to > (starts[1] ?? 0)))
    })
  )

  it.effect("an id comes once; met again, what was said of its windows does not hold", () =>
    Effect.gen(function* () {
      const { ledger } = make()
      const [before, after] = [window([0, 1], from, middle), window([1, 2, 3], middle, to)]
      assert.deepStrictEqual(idsOf(yield* ledger.deliver(before)), ["row-0", "row-1"])
      const again = yield* ledger.deliver(after)
      assert.deepStrictEqual(idsOf(again), ["row-2", "row-3"])
      assert.strictEqual(again.coverage._tag, "Provisional")
      assert.isTrue((yield* ledger.revised(known())).some((one) => one.from === from && one.to === middle))
      assert.strictEqual(ledger.moved(), 1)
    })
  )

  it.effect("one that was placed by its creation and comes with a start later is one row", () =>
    Effect.gen(function* () {
      const { ledger } = make()
      const log = logOf([["row-1", undefined]])
      log.placed.set("row-1", starts[1] ?? 0)
      ledger.note({ log })
      assert.strictEqual(ledger.rows(), 1)
      yield* ledger.deliver(window([0, 1], from, middle))
      assert.strictEqual(ledger.rows(), 2)
      // An answer from before may come late.
      ledger.note({ log })
      assert.strictEqual(ledger.rows(), 2)
    })
  )

  it.effect("a count that is greater than what came takes the proof of its range back", () =>
    Effect.gen(function* () {
      for (const rows of [4, 5]) {
        const { ledger } = make()
        yield* ledger.deliver(window([0, 1], from, middle))
        yield* ledger.deliver(window([2, 3], middle, to))
        ledger.note({ log: logOf([], { ...Ask.boundsOf(range), rows, after: from, before: to }) })
        assert.lengthOf(yield* ledger.revised(known()), rows - 4, `${rows} counted`)
      }
    })
  )

  it.effect("the place of a row is a count only where nothing comes again beyond the end", () =>
    Effect.gen(function* () {
      for (const repeats of [true, false]) {
        const ledger = yield* delivered(repeats)
        const log = Ask.makeLog()
        NotedCounts.noteCount(log.places, { after: from, before: to }, 5)
        ledger.note({ log })
        assert.lengthOf(yield* ledger.revised(known()), repeats ? 0 : 1)
        assert.strictEqual(yield* ledger.isExplained({ starts: [], withoutStart: 0 }), repeats)
        // Unless the page was in its own place for sure.
        NotedCounts.noteCount(log.sure, { after: from, before: to }, 5)
        ledger.note({ log })
        assert.isNotEmpty(yield* ledger.revised(known()))
        assert.isFalse(yield* ledger.isExplained({ starts: [], withoutStart: 0 }))
      }
    })
  )

  it.effect(
    "a page as long as neither the last nor the first one is not beyond the end, unless a limit cut the list",
    () =>
      Effect.gen(function* () {
        // Of four rows the last page of three has one, and the first one three.
        for (const { counted = 0, isFirst = true, length, wrong } of [
          { length: 1, wrong: 0 },
          { length: 2, wrong: 1 },
          { length: 3, wrong: 0 },
          { length: 3, isFirst: false, wrong: 1 },
          { length: 2, counted: 2, wrong: 0 },
          { length: 2, counted: 3, wrong: 1 }
        ]) {
          const ledger = yield* delivered(true)
          const log = Ask.makeLog()
          const page = { after: from, before: to, rows: 3 + length, size: 3, length, isFirst }
          NotedCounts.noteCount(log.places, page, page.rows)
          NotedCounts.notePage(log.lengths, page)
          NotedCounts.noteCount(log.counts, page, counted)
          ledger.note({ log })
          const about = JSON.stringify({ counted, isFirst, length })
          assert.lengthOf(ledger.unrepeated(), wrong, about)
          assert.lengthOf(yield* ledger.revised(known()), wrong, about)
        }
      })
  )

  it.effect("the number of a page beyond the end says nothing of how many calls are missing, its length does", () =>
    Effect.gen(function* () {
      for (let length = 1; length <= 5; length++)
        for (const number of [2, 7, 1000, 90_000_001]) {
          const ledger = yield* delivered(true)
          const log = Ask.makeLog()
          const page = { after: from, before: to, rows: 5 * (number - 1) + length, size: 5, length, isFirst: true }
          NotedCounts.noteCount(log.places, page, page.rows)
          NotedCounts.notePage(log.lengths, page)
          ledger.note({ log })
          // Four came, on one page: one of five rows is of a list with one more, one of three of a list with one less.
          const least = Math.min(Math.abs(length - 4), 5 - Math.abs(length - 4))
          const said = (yield* ledger.revised(known())).map(({ coverage }) => coverage)
          const wanted = least === 0 ? [] : [Deliveries.differ(least)]
          assert.deepStrictEqual(said, wanted, `page ${number} with ${length} rows`)
          assert.isTrue(ledger.unrepeated().every(({ rows }) => rows < 10))
        }
    })
  )

  it.effect("a record that failed must come, or fail again: else nothing is proven between the rows beside it", () =>
    Effect.gen(function* () {
      const [after = 0, , , before = 0] = starts
      for (const what of ["comes", "fails again", "vanishes"]) {
        const { ledger } = make()
        const lost = window(what === "comes" ? [1, 2] : [1], middle - 2 * hour, middle + 2 * hour)
        yield* ledger.deliver(window([0], from, lost.from))
        yield* ledger.deliver(what === "fails again" ? { ...lost, extra: 1 } : lost)
        yield* ledger.deliver(window([3], lost.to, to))
        const log = Ask.makeLog()
        NotedCounts.noteCount(log.failing, { after, before }, 4)
        ledger.note({ log })
        const isKept = what !== "vanishes"
        assert.deepStrictEqual(
          (yield* ledger.revised(known())).map(({ coverage, from, to }) => [from, to, coverage._tag]),
          isKept ? [] : [[after, before + 1, "Provisional"]],
          what
        )
        assert.strictEqual(yield* ledger.isExplained({ starts: [], withoutStart: 0 }), isKept, what)
      }
    })
  )

  it.effect("a count without bounds is one of a whole history alone", () =>
    Effect.gen(function* () {
      for (const whole of [true, false]) {
        const { ledger } = make(server(), whole)
        yield* ledger.deliver(window([0, 1], from, middle))
        yield* ledger.deliver(window([2, 3], middle, to))
        ledger.note({ log: logOf([], { after: -Infinity, before: Infinity, rows: 6 }) })
        assert.strictEqual(yield* ledger.isExplained({ starts: [], withoutStart: 1 }), !whole)
        assert.isTrue(yield* ledger.isExplained({ starts: [to + hour], withoutStart: 1 }))
      }
    })
  )

  it.effect("a range that begins where calls do is not proven where an older one was listed", () =>
    Effect.gen(function* () {
      for (const fromOldest of [true, false]) {
        const { ledger } = make(server(), false, fromOldest)
        ledger.note({ log: logOf([["older", from - day]]) })
        yield* ledger.deliver(window([0, 1], from, middle))
        assert.lengthOf(yield* ledger.revised(known()), fromOldest ? 1 : 0)
      }
    })
  )

  it.effect("a clock that turns out to be behind takes the proof back of what it makes too recent", () =>
    Effect.gen(function* () {
      const { ledger } = make()
      yield* ledger.deliver(window([0, 1], from, middle))
      yield* ledger.deliver(window([2, 3], middle, to))
      const revised = (horizon: number) =>
        Effect.map(ledger.revised(known({ earliest: horizon + 2 * hour })), (all) =>
          all.map(({ coverage, from, to }) => [from, to, coverage._tag])
        )
      assert.deepStrictEqual(yield* revised(to), [])
      assert.deepStrictEqual(yield* revised(to - hour), [[to - hour, to, "Provisional"]])
      assert.deepStrictEqual(yield* revised(middle), [[middle, to, "Provisional"]])
      // The earlier window is as a whole as old as its end.
      assert.deepStrictEqual(yield* revised(from), [
        [from, middle, "Provisional"],
        [middle, to, "Provisional"]
      ])
    })
  )

  it.effect("once answers differ, windows that were read once are not proven any more", () =>
    Effect.gen(function* () {
      const { ledger } = make()
      ledger.note({ once: { from, to: middle }, log: logOf([]) })
      yield* ledger.deliver(window([0, 1], from, middle))
      ledger.note({ log: logOf([["row-3", starts[3]]]) })
      yield* ledger.deliver(window([2], middle, to))
      assert.isTrue((yield* ledger.revised(known())).some((one) => one.from === from))
    })
  )
})

describe("Sum.check", () => {
  it.effect("counts a range in trusted parts, and finds the one with more calls than came", () =>
    Effect.gen(function* () {
      for (const lacks of [false, true]) {
        const at = server()
        const { ledger, settings } = make(at)
        yield* ledger.deliver(window([0, 1], from, middle))
        yield* ledger.deliver(window(lacks ? [2] : [2, 3], middle, to))
        const difference = yield* Sum.check(settings, known({ width: 4 * day }), ledger, range, askOf(at))
        assert.strictEqual(difference !== undefined, lacks)
        if (difference === undefined) continue
        assert.isTrue(difference.from <= (starts[3] ?? 0) && difference.to > (starts[3] ?? 0))
        assert.strictEqual(difference.counted, difference.delivered + 1)
      }
    })
  )
})
