/** Two parts of a range, each read by a process of its own, and what a third one makes of both. */
import { type Window } from "@callstream/core/history/Coverage"
import { assert, describe, it } from "@effect/vitest"
import { AgniError, NotFound } from "@callstream/core/model/AgniError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as NotedCounts from "../../../src/endpoint/internal/NotedCounts.ts"
import * as Deliveries from "../../../src/history/internal/Deliveries.ts"
import * as PartEvidence from "../../../src/history/internal/PartEvidence.ts"
import type { Known } from "../../../src/history/internal/Known.ts"
import * as Shown from "../../../src/history/internal/Shown.ts"
import * as Sum from "../../../src/history/internal/Sum.ts"
import * as Windows from "../../../src/history/internal/Windows.ts"
import { askOf, began, control, day, hour, item, known, open, rowsAt, settingsOf } from "./FakeServer.ts"

const range = { from: began - 10 * day, to: began - 4 * day }
const middle = began - 7 * day
const [left, right] = [
  { from: range.from, to: middle },
  { from: middle, to: range.to }
]
const starts = [range.from + hour, middle - hour, middle + hour, range.to - hour]
const ends = { whole: false, fromOldest: false, newestFirst: false }
const settings = settingsOf(open(rowsAt(starts)), {
  controls: starts.map((start, i) => control(`row-${i}`, start))
})
const Json = Schema.fromJsonString(Schema.toCodecJson(PartEvidence.Evidence))
const passed = (evidence: PartEvidence.Evidence) => Schema.decodeUnknownSync(Json)(Schema.encodeSync(Json)(evidence))

const window = (ids: ReadonlyArray<number>, { from, to }: typeof range): Window =>
  Windows.make(
    ids.map((i) => item(`row-${i}`, starts[i] ?? 0)),
    { from, to, rejected: [], coverage: { _tag: "Proven" }, requests: 0, observedAt: began }
  )

interface Part {
  readonly of: typeof range
  readonly ids: ReadonlyArray<number>
  readonly log?: Ask.Log
  readonly once?: boolean
}

const read = Effect.fnUntraced(function* ({ ids, log = Ask.makeLog(), of, once = false }: Part) {
  const ledger = Deliveries.make(settings, of, () => known(), ends)
  yield* ledger.deliver(window(ids, of))
  ledger.note({ log, ...(once ? { once: of } : {}) })
  return passed(ledger.evidence(known()))
})

/** What the process of the ending knows. */
const together = Effect.fnUntraced(function* (...parts: ReadonlyArray<Part>) {
  const ledger = Deliveries.make(settings, range, () => known(), ends)
  const all = yield* Effect.forEach(parts, read)
  ledger.restore(all.map((evidence) => ({ evidence, counted: undefined })))
  return ledger
})

const listing = (...shown: ReadonlyArray<number>): Ask.Log => {
  const log = Ask.makeLog()
  for (const i of shown) log.shown.set(`row-${i}`, starts[i])
  return log
}

const placedLog = (key: string): Ask.Log => {
  const log = Ask.makeLog()
  log.placed.set(key, starts[0] ?? 0)
  return log
}

describe("PartEvidence", () => {
  it.effect("what came is known as if one process had read it", () =>
    Effect.gen(function* () {
      const ledger = yield* together(
        { of: left, ids: [0, 1], log: listing(2) },
        { of: right, ids: [2, 3], log: listing(1) }
      )
      assert.strictEqual(ledger.rows(), 4)
      assert.deepStrictEqual(ledger.between({ after: starts[0], before: starts[3] }), { within: 2, at: 2 })
      assert.isTrue(["row-0", "row-1", "row-2", "row-3"].every(ledger.has))
      assert.isFalse(ledger.has("row-4"))
      assert.isTrue(ledger.proven())
      assert.lengthOf(yield* ledger.late, 0)
      assert.lengthOf(yield* ledger.revised(known()), 0)
    })
  )

  it.effect(
    "a call that an answer for one part listed, and the other part lacks, comes at the end, and takes the proof back",
    () =>
      Effect.gen(function* () {
        const ledger = yield* together({ of: left, ids: [0, 1], log: listing(2) }, { of: right, ids: [3] })
        assert.deepStrictEqual(
          (yield* ledger.late).map(({ key }) => key),
          ["row-2"]
        )
        const start = starts[2] ?? 0
        assert.isTrue((yield* ledger.revised(known())).some(({ from, to }) => from <= start && to > start))
      })
  )

  it.effect(
    "a call without a start time that is placed by its creation is in the counts, if it did not come with a start",
    () =>
      Effect.gen(function* () {
        const log = Ask.makeLog()
        log.placed.set("busy", (starts[1] ?? 0) - 1).set("row-0", starts[0] ?? 0)
        const ledger = yield* together({ of: left, ids: [0, 1], log }, { of: right, ids: [2, 3] })
        assert.deepStrictEqual([...ledger.placed.keys()], ["busy"])
        assert.strictEqual(ledger.rows(), 5)
        assert.deepStrictEqual(ledger.between({ after: starts[0], before: starts[3] }), { within: 3, at: 2 })
        // The call connected since.
        const evidence = yield* read({ of: left, ids: [1], log: placedLog("row-0") })
        const again = Deliveries.make(settings, range, () => known(), ends)
        again.restore([
          { evidence: yield* read({ of: right, ids: [0, 2] }), counted: undefined },
          { evidence, counted: undefined }
        ])
        assert.strictEqual(again.placed.size, 0)
      })
  )

  it.effect("one part that is not proven, known by its evidence or its number, leaves the whole unproven", () =>
    Effect.gen(function* () {
      const evidence = yield* read({ of: right, ids: [2, 3] })
      for (const proven of [true, false]) {
        const number = Deliveries.make(settings, range, () => known(), ends)
        number.restore([
          { evidence: undefined, counted: { ...left, rows: 2, proven } },
          { evidence, counted: undefined }
        ])
        assert.strictEqual(number.proven(), proven)
        const each = Deliveries.make(settings, range, () => known(), ends)
        each.restore([
          { evidence: { ...evidence, proven }, counted: undefined },
          { evidence: yield* read({ of: left, ids: [0, 1] }), counted: undefined }
        ])
        assert.strictEqual(each.proven(), proven)
      }
    })
  )

  it.effect("an id that two parts have is of an unknown window: nothing is proven", () =>
    Effect.gen(function* () {
      const ledger = yield* together({ of: left, ids: [0, 1] }, { of: right, ids: [1, 2, 3] })
      assert.isTrue((yield* ledger.revised(known())).some(({ from, to }) => from === range.from && to === range.to))
    })
  )

  it.effect("a count that is greater than what came, and calls that only some answers have, take proofs back", () =>
    Effect.gen(function* () {
      const log = Ask.makeLog()
      NotedCounts.noteCount(log.counts, { after: left.from, before: left.to }, 3)
      const parts = [
        { of: left, ids: [0, 1], log },
        { of: right, ids: [2, 3], once: true }
      ]
      const revised = yield* Effect.flatMap(together(...parts), (ledger) => ledger.revised(known()))
      assert.isTrue(revised.some(({ from }) => from < middle))
      // The other part was read once, so the same may be true of it.
      assert.isTrue(revised.some(({ from }) => from === middle))
    })
  )

  it.effect("calls without a start time, and those that were created when, are those of all parts", () =>
    Effect.gen(function* () {
      const log = Ask.makeLog()
      log.shown.set("row-9", undefined)
      log.created.set("row-9", began)
      const ledger = yield* together({ of: left, ids: [0, 1], log }, { of: right, ids: [2, 3] })
      assert.deepStrictEqual([...ledger.withoutStart], ["row-9"])
      assert.deepStrictEqual([...ledger.created], [["row-9", began]])
    })
  )

  it.effect("a record without an id, known by its content only, is not passed on", () =>
    Effect.gen(function* () {
      const log = Ask.makeLog()
      log.shown.set(`={"callerNumber":"+4930"}`, undefined)
      log.shown.set(`={"callerNumber":"+4931"}`, starts[2])
      const evidence = yield* read({ of: left, ids: [0, 1], log })
      assert.notInclude(JSON.stringify([[...evidence.listed], [...evidence.withoutStart]]), "callerNumber")
    })
  )

  it.effect("of a part whose number is all that is known, bounds are not counted one by one", () =>
    Effect.gen(function* () {
      const evidence = yield* read({ of: right, ids: [2, 3] })
      // The server answers less for wide bounds, and what came could only be compared in parts.
      for (const [rows, isSummed] of [
        [undefined, true],
        [2, false]
      ] as const) {
        const ledger = Deliveries.make(settings, range, () => known(), ends)
        const counted = rows === undefined ? undefined : { ...left, rows, proven: true }
        const first = rows === undefined ? yield* read({ of: left, ids: [0, 1] }) : undefined
        ledger.restore([
          { evidence: first, counted },
          { evidence, counted: undefined }
        ])
        assert.strictEqual(ledger.rows(), 4)
        assert.strictEqual(ledger.isWhole(), isSummed)
        const narrow = open(rowsAt(starts), { span: { most: 4 * day, cut: "last" } })
        const at = settingsOf(narrow, { controls: settings.controls })
        const ask = askOf(narrow)
        const besides = { later: [], distant: false }
        assert.strictEqual(yield* Sum.dated(at, known(), ledger, range, besides, ask), isSummed)
      }
    })
  )
})

describe("save and restore", () => {
  const error = new AgniError({ reason: new NotFound(), request: "GET", attempts: 1, elapsed: Duration.zero })

  /** Everything that a reading may have seen, each once for each number. */
  const full = (of: typeof range, nth: number): Shown.Shown => {
    const shown = Shown.make([of])
    const counted = { after: of.from, before: of.to, rows: nth + 1 }
    for (const window of [
      { from: of.from, to: of.from + day },
      { from: of.from + day, to: of.to }
    ])
      shown.delivered.put(
        {
          ...window,
          proven: true,
          calls: 1,
          rows: 1,
          starts: Float64Array.of(window.from + nth),
          extra: 0,
          inside: 0
        },
        new Uint32Array()
      )
    shown.ids.add(`row-${nth}`)
    shown.withoutStart.add(`undated-${nth}`)
    shown.recent.add(`recent-${nth}`)
    shown.unplaced.add(`unplaced-${nth}`)
    shown.moved.add(`moved-${nth}`)
    shown.created.set(`undated-${nth}`, began)
    shown.readOnce.add(of.from)
    for (const name of ["counts", "places", "sure", "failing"] as const)
      NotedCounts.noteCount(shown[name], counted, counted.rows)
    NotedCounts.notePage(shown.lengths, { ...counted, size: 10, length: nth + 1, isFirst: false })
    shown.revisions.push(
      { ...of, coverage: { _tag: "Proven" } },
      { ...of, coverage: { _tag: "Provisional", reason: { _tag: "CallsMoved" } } },
      { ...of, coverage: { _tag: "Unprovable", reason: { _tag: "OutsideBounds" } } },
      { ...of, coverage: { _tag: "Gap", reason: { _tag: "Unreadable", problem: "it failed" }, error } }
    )
    shown.lost = { rows: nth, error }
    shown.later = nth
    shown.differing = nth
    return shown
  }

  const restored = (...all: ReadonlyArray<readonly [typeof range, Shown.Shown]>) => {
    const shown = Shown.make([range])
    for (const [of, one] of all) PartEvidence.restore(shown, passed(PartEvidence.save(of, known(), one)))
    return shown
  }

  it("what each part saw is known of all of them", () => {
    const shown = restored([left, full(left, 1)], [right, full(right, 2)])
    for (const name of ["withoutStart", "recent", "unplaced", "moved"] as const)
      assert.lengthOf([...shown[name]], 2, name)
    for (const name of ["counts", "places", "sure", "failing", "lengths"] as const)
      assert.deepStrictEqual(
        [...shown[name].values()].map(({ rows }) => rows),
        [2, 3],
        name
      )
    assert.deepStrictEqual([...shown.created.keys()], ["undated-1", "undated-2"])
    assert.deepStrictEqual([...shown.readOnce], [left.from, right.from])
    assert.deepStrictEqual([shown.later, shown.differing, shown.lost?.rows], [3, 3, 3])
    assert.instanceOf(shown.lost?.error, AgniError)
    assert.deepStrictEqual(shown.reached, [range])
    // Each start is of its own window.
    assert.deepStrictEqual(
      shown.delivered.stretches.map(({ from, starts }) => [...starts].map((start) => start - from)),
      [[1], [1], [2], [2]]
    )
  })

  it("what was taken back stays so, and a gap is unprovable for those who did not read it", () => {
    const { revisions } = restored([left, full(left, 1)])
    assert.deepStrictEqual(
      revisions.map(({ coverage }) => coverage._tag),
      ["Provisional", "Unprovable", "Unprovable"]
    )
  })

  it("one part that saw an older call is enough", () => {
    for (const which of [0, 1, 2]) {
      const parts = [left, right].map((of, i) => [of, { ...Shown.make([of]), older: i === which }] as const)
      assert.strictEqual(restored(...parts).older, which < 2, `part ${which}`)
    }
  })
})

describe("foldKnown", () => {
  const fold = (one: Partial<Known>, other: Partial<Known>) => PartEvidence.foldKnown(known(one), known(other))
  const either = (one: Partial<Known>, other: Partial<Known>) => {
    assert.deepStrictEqual(fold(one, other), fold(other, one))
    return fold(one, other)
  }

  it("an order that any process saw to be another one is no order by start", () => {
    assert.strictEqual(either({ order: "start" }, { order: "other" }).order, "other")
    assert.strictEqual(either({ order: "start" }, {}).order, "start")
    assert.strictEqual(either({ order: "other" }, {}).order, "other")
  })

  it("bounds are trusted as far as any saw them answered, and limits are the least that any met", () => {
    const one = { width: 5, refused: 7, earliest: began - 1, deepest: 30, whole: 4, requests: 2, worth: 3 }
    const other = { width: 6, refused: 8, earliest: began, deepest: 40, whole: 5, requests: 3, worth: 4 }
    assert.deepInclude(either(one, other), {
      width: 6,
      refused: 7,
      earliest: began - 1,
      deepest: 30,
      whole: 5,
      requests: 5,
      worth: 7
    })
  })

  it("what one of them saw holds for all", () => {
    assert.isTrue(either({ differs: true }, {}).differs)
    assert.isFalse(either({}, {}).differs)
    assert.isTrue(either({ cut: true }, {}).cut)
    assert.isFalse(either({}, {}).cut)
    assert.strictEqual(either({ span: day }, {}).span, day)
    assert.isUndefined(either({}, {}).span)
  })
})
