/** What the comparison of answers and deliveries needs: without each of these rules something is lost, or a proof is. */
import type { Coverage, Window } from "@callstream/core/history/Coverage"
import * as CallRows from "@callstream/core/model/Rows"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as NotedCounts from "../../../src/endpoint/internal/NotedCounts.ts"
import * as Deliveries from "../../../src/history/internal/Deliveries.ts"
import type * as Shown from "../../../src/history/internal/Shown.ts"
import * as Windows from "../../../src/history/internal/Windows.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, control, day, hour, item, known, open, rowsAt, second, settingsOf } from "./FakeServer.ts"

const from = began - 10 * day
const to = began - 4 * day
const middle = began - 7 * day
const range = { from, to }
const starts = [from + hour, middle - hour, middle + hour, to - hour]

interface Given {
  readonly rows?: ReadonlyArray<Adversary.Row>
  readonly traits?: Partial<Adversary.Traits>
  readonly ends?: Partial<Shown.Ends>
  readonly repeats?: boolean
  /** The earliest clock. */
  readonly earliest?: number
}

const make = ({ earliest = began, ends = {}, repeats = false, rows = rowsAt(starts), traits = {} }: Given = {}) => {
  const server = open(rows, traits)
  const controls = starts.map((start, i) => control(`row-${i}`, start))
  const settings = settingsOf(server, { controls, repeats: Effect.succeed(repeats) })
  const ledger = Deliveries.make(settings, range, () => known({ earliest }), {
    whole: false,
    fromOldest: false,
    newestFirst: false,
    ...ends
  })
  return { ledger, server }
}

const proven: Coverage = { _tag: "Proven" }
const unprovable: Coverage = { _tag: "Unprovable", reason: { _tag: "NotBack" } }

const window = (ids: ReadonlyArray<number>, from: number, to: number, coverage: Coverage = proven): Window =>
  Windows.make(
    ids.map((i) => item(`row-${i}`, starts[i] ?? 0)),
    { from, to, rejected: [], coverage, requests: 0, observedAt: began }
  )

const older = (ids: ReadonlyArray<number>, coverage?: Coverage) => window(ids, from, middle, coverage)
const newer = (ids: ReadonlyArray<number>, coverage?: Coverage) => window(ids, middle, to, coverage)

const idsOf = ({ rows }: Window) => CallRows.items(rows).map(({ id }) => id)

const logOf = (...shown: ReadonlyArray<readonly [string, number | undefined]>): Ask.Log => {
  const log = Ask.makeLog()
  for (const [key, start] of shown) log.shown.set(key, start)
  return log
}

const logOfCount = (kind: "counts" | "places" | "sure", counted: NotedCounts.Counted): Ask.Log => {
  const log = Ask.makeLog()
  NotedCounts.noteCount(log[kind], counted, counted.rows)
  return log
}

const rowAt = (id: string, start: number): Adversary.Row => ({ id, start, created: start })

describe("a count that is greater than what came", () => {
  it.effect("takes back the proof of each window that its bounds reach into: the call may lie there", () =>
    Effect.gen(function* () {
      const reaches = { after: from, before: middle + 2 * second }
      const oneSecond = { after: middle - second, before: middle + 2 * second }
      for (const counted of [
        { ...reaches, rows: 3 },
        { ...oneSecond, rows: 1 }
      ]) {
        const { ledger } = make()
        yield* ledger.deliver(older([0, 1]))
        yield* ledger.deliver(newer([2, 3]))
        ledger.note({ log: logOfCount("counts", counted) })
        const revised = yield* ledger.revised(known())
        for (const window of [older([]), newer([])])
          assert.isTrue(
            revised.some((one) => one.from < window.to && one.to > window.from),
            JSON.stringify(counted)
          )
      }
    })
  )

  it.effect("shows by how many calls answers differ, for windows that were read once", () =>
    Effect.gen(function* () {
      const { ledger } = make()
      ledger.note({ log: logOf(), once: { from, to: middle } })
      yield* ledger.deliver(older([0, 1]))
      yield* ledger.deliver(newer([2, 3]))
      assert.isEmpty(yield* ledger.revised(known()))
      ledger.note({ log: logOfCount("counts", { after: middle + hour, before: to, rows: 4 }) })
      const revised = yield* ledger.revised(known())
      const ofOlder = revised.find((one) => one.from === from && one.to === middle)
      assert.deepStrictEqual(ofOlder?.coverage, Deliveries.differ(2))
    })
  )

  it.effect("speaks against no window that is not proven, and of no part that an earlier run counted", () =>
    Effect.gen(function* () {
      const count = logOfCount("counts", { after: from, before: middle - second, rows: 5 })
      const { ledger } = make()
      yield* ledger.deliver(older([0, 1], unprovable))
      yield* ledger.deliver(newer([2, 3]))
      ledger.note({ log: count })
      assert.isEmpty(yield* ledger.revised(known()))
      const restored = make().ledger
      restored.restore([{ evidence: undefined, counted: { from, to: middle, rows: 2, proven: true } }])
      restored.note({ log: count })
      assert.isEmpty(yield* restored.revised(known()))
      assert.isFalse(restored.isWhole())
      assert.isTrue(restored.proven())
      restored.restore([{ evidence: undefined, counted: { from: middle, to, rows: 2, proven: false } }])
      assert.isFalse(restored.proven())
    })
  )

  it.effect("before the first window is evidence also where younger calls may have come", () =>
    Effect.gen(function* () {
      for (const kind of ["counts", "places", "sure"] as const) {
        const { ledger } = make()
        ledger.begin([logOfCount(kind, { after: from, before: to, rows: 5 })])
        yield* ledger.deliver(older([0, 1]))
        yield* ledger.deliver(newer([2, 3]))
        const revised = yield* ledger.revised(known({ earliest: middle + 2 * hour }))
        assert.isTrue(
          revised.some(({ coverage, from }) => coverage._tag !== "Proven" && from < middle),
          kind
        )
      }
    })
  )
})

describe("a call that an answer listed, and its window lacks", () => {
  it.effect("is looked for in its own window alone", () =>
    Effect.gen(function* () {
      // The one at the end of a window belongs to the next one.
      for (const [key, start] of [
        ["row-2", starts[2]],
        ["edge", middle]
      ] as const) {
        const { ledger } = make()
        ledger.note({ log: logOf([key, start]) })
        assert.strictEqual((yield* ledger.deliver(older([0, 1]))).coverage._tag, "Proven")
        assert.strictEqual((yield* ledger.deliver(newer([3]))).coverage._tag, "Provisional")
      }
      const newestFirst = make({ ends: { newestFirst: true } }).ledger
      newestFirst.note({ log: logOf(["row-1", starts[1]]) })
      assert.strictEqual((yield* newestFirst.deliver(newer([2, 3]))).coverage._tag, "Proven")
    })
  )

  it.effect("is not looked for if it came in another window, with another start", () =>
    Effect.gen(function* () {
      const { ledger, server } = make()
      ledger.note({ log: logOf(["row-1", starts[3]]) })
      yield* ledger.deliver(older([0, 1]))
      ledger.note({ log: logOf(["row-1", starts[3]]) })
      assert.strictEqual((yield* ledger.deliver(newer([2, 3]))).coverage._tag, "Proven")
      assert.strictEqual(server.requests(), 0)
    })
  )

  it.effect("is not delivered where it has another start by now", () =>
    Effect.gen(function* () {
      const second = Ask.floorSecond(middle)
      for (const [listed, there, window] of [
        [second - 1, second, older([0])],
        [second, second - 1, newer([2, 3])]
      ] as const) {
        const { ledger } = make({ rows: [rowAt("moves", there)] })
        ledger.note({ log: logOf(["moves", listed]) })
        const done = yield* ledger.deliver(window)
        assert.notInclude(idsOf(done), "moves")
        assert.strictEqual(done.coverage._tag, "Provisional")
        assert.isFalse(ledger.has("moves"))
      }
    })
  )

  it.effect("is lacking where the server refuses its own second", () =>
    Effect.gen(function* () {
      const { ledger } = make({ traits: { results: { most: 0, cut: "error" } } })
      ledger.note({ log: logOf(["row-1", starts[1]]) })
      assert.strictEqual((yield* ledger.deliver(older([0]))).coverage._tag, "Provisional")
    })
  )

  it.effect("makes nothing provisional that is worse", () =>
    Effect.gen(function* () {
      const { ledger } = make()
      ledger.note({ log: logOf(["row-1", starts[1]]) })
      const done = yield* ledger.deliver(older([0], unprovable))
      assert.strictEqual(done.coverage._tag, "Unprovable")
      assert.deepStrictEqual(idsOf(done), ["row-0", "row-1"])
    })
  )

  it.effect("is one of too many to be looked for one by one", () =>
    Effect.gen(function* () {
      const many = Array.from({ length: 60 }, (_, i) => rowAt(`many-${i}`, from + (i + 1) * hour))
      const { ledger, server } = make({ rows: many })
      ledger.note({ log: logOf(...many.map(({ id, start }) => [id, start] as const)) })
      const done = yield* ledger.deliver(older([]))
      assert.lengthOf(idsOf(done), 50)
      assert.strictEqual(server.requests(), 50)
      assert.deepStrictEqual(done.coverage, Deliveries.differ(60))
      const late = make({ rows: many })
      yield* late.ledger.deliver(older([]))
      late.ledger.note({ log: logOf(...many.map(({ id, start }) => [id, start] as const)) })
      assert.lengthOf(yield* late.ledger.late, 50)
      assert.strictEqual(late.server.requests(), 50)
      assert.lengthOf(yield* late.ledger.revised(known()), 60)
    })
  )

  it.effect("takes back what was read once, unless it is so young that it may have come since", () =>
    Effect.gen(function* () {
      for (const isLate of [false, true])
        for (const isOld of [false, true]) {
          const { ledger } = make({ earliest: isOld ? began : middle + 2 * hour })
          ledger.note({ log: logOf(), once: { from, to: middle } })
          yield* ledger.deliver(older([0, 1]))
          if (isLate) yield* ledger.deliver(newer([3]))
          ledger.note({ log: logOf(["row-2", starts[2]]) })
          if (!isLate) yield* ledger.deliver(newer([3]))
          yield* ledger.late
          const revised = yield* ledger.revised(known())
          assert.strictEqual(
            revised.some((one) => one.from === from),
            isOld,
            JSON.stringify({ isLate, isOld })
          )
        }
    })
  )

  it.effect("counts a call once, however often it is missed", () =>
    Effect.gen(function* () {
      const { ledger } = make({ rows: rowsAt(starts).filter(({ id }) => id !== "row-2") })
      const missed = logOf(["row-2", starts[2]])
      ledger.note({ log: missed, once: { from, to: middle } })
      yield* ledger.deliver(older([0, 1]))
      yield* ledger.deliver(newer([3]))
      ledger.note({ log: missed })
      yield* ledger.late
      ledger.differ(1)
      const revised = yield* ledger.revised(known())
      assert.deepStrictEqual(revised.find((one) => one.from === from)?.coverage, Deliveries.differ(1))
    })
  )

  it.effect("takes back what was read once beside a call that seemed to have left, and comes again", () =>
    Effect.gen(function* () {
      for (const isBack of [false, true]) {
        const { ledger } = make({ rows: rowsAt(starts).filter(({ id }) => isBack || id !== "row-2") })
        const log = logOf()
        log.gone.set("row-2", starts[2] ?? 0)
        ledger.note({ log, once: { from, to: middle } })
        yield* ledger.deliver(older([0, 1]))
        yield* ledger.deliver(newer([2, 3]))
        yield* ledger.late
        const revised = yield* ledger.revised(known())
        assert.strictEqual(
          revised.some((one) => one.from === from),
          isBack
        )
      }
    })
  )

  it.effect("brings the others that the answer shows which looked for it", () =>
    Effect.gen(function* () {
      // One in the same second, and one of the window beside it.
      const others = [rowAt("same", (starts[1] ?? 0) + 1), rowAt("beside", middle)]
      const edge = rowAt("edge", middle - 1)
      const { ledger } = make({ rows: [...rowsAt(starts), edge, ...others] })
      yield* ledger.deliver(newer([2, 3]))
      ledger.note({ log: logOf(["row-1", starts[1]], ["edge", edge.start]) })
      yield* ledger.deliver(older([0]))
      assert.deepStrictEqual(
        (yield* ledger.late).map(({ key }) => key),
        ["same", "beside"]
      )
      const again = make({ rows: [...rowsAt(starts), edge, ...others] }).ledger
      yield* again.deliver(older([0, 1]))
      yield* again.deliver(newer([2, 3]))
      again.note({ log: logOf(["edge", edge.start]) })
      assert.deepStrictEqual(
        (yield* again.late).map(({ key }) => key),
        ["edge", "beside"]
      )
      assert.isTrue(again.has("edge") && again.has("beside"))
      assert.isTrue((yield* again.revised(known())).some(({ from, to }) => from <= middle && to > middle))
    })
  )

  it.effect("does not come at the end if it came since, or is outside the range by now", () =>
    Effect.gen(function* () {
      const outside = make({ rows: [rowAt("moves", to)] }).ledger
      yield* outside.deliver(newer([2, 3]))
      outside.note({ log: logOf(["moves", to - 1]) })
      assert.isEmpty(yield* outside.late)
      assert.lengthOf(yield* outside.revised(known()), 1)
      const came = make()
      yield* came.ledger.deliver(older([0]))
      came.ledger.note({ log: logOf(["row-3", starts[1]]) })
      yield* came.ledger.deliver(newer([2, 3]))
      assert.isEmpty(yield* came.ledger.late)
      assert.strictEqual(came.server.requests(), 0)
      assert.isEmpty(yield* came.ledger.revised(known()))
    })
  )
})
