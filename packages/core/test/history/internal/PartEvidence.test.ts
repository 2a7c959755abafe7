/** Two parts of a range, each read by a process of its own, and what a third one makes of both. */
import { type Window } from "@callstream/core/history/Coverage"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as NotedCounts from "../../../src/endpoint/internal/NotedCounts.ts"
import * as Deliveries from "../../../src/history/internal/Deliveries.ts"
import * as PartEvidence from "../../../src/history/internal/PartEvidence.ts"
import * as ReadBefore from "../../../src/history/internal/ReadBefore.ts"
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

const entry = (of: typeof range, verdict: "proven" | "provisional") => ({
  range: { from: of.from as never, to: of.to as never },
  verdict,
  requests: 0,
  asOf: 0 as never
})

describe("ReadBefore", () => {
  const horizon = range.to
  const proof = (of: typeof range, rest: Partial<ReadBefore.Proof> = {}): ReadBefore.Proof => ({
    ...of,
    evidence: undefined,
    entries: [entry(of, "proven")],
    calls: 2,
    ...rest
  })

  it.effect(
    "a stretch without evidence counts by the number of its calls; one that is young, or not read, leaves the sum open",
    () =>
      Effect.gen(function* () {
        const evidence = yield* read({ of: right, ids: [2, 3] })
        const both = [proof(left), proof(right, { evidence })]
        const { before, inPart, parts } = ReadBefore.of(both, range, horizon)
        assert.deepStrictEqual(before[0]?.counted, { ...left, rows: 2, proven: true })
        assert.isUndefined(before[1]?.counted)
        assert.deepStrictEqual(parts, [right])
        assert.isFalse(inPart)
        assert.isTrue(ReadBefore.of(both, range, middle - 1).inPart)
        assert.isTrue(
          ReadBefore.of([proof(left, { calls: undefined }), proof(right, { evidence })], range, horizon).inPart
        )
        assert.isTrue(ReadBefore.of([proof(right, { evidence })], range, horizon).inPart)
        const weak = proof(left, { entries: [entry(left, "provisional")] })
        assert.isFalse(ReadBefore.of([weak, proof(right, { evidence })], range, horizon).before[0]?.counted?.proven)
      })
  )

  it.effect("evidence that ends elsewhere than the commit is not of it", () =>
    Effect.gen(function* () {
      const evidence = yield* read({ of: left, ids: [0, 1] })
      assert.strictEqual(ReadBefore.resumed(middle, evidence), evidence)
      assert.isUndefined(ReadBefore.resumed(middle - 1, evidence))
      assert.isUndefined(ReadBefore.resumed(undefined, evidence))
    })
  )
})
