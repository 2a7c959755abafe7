/** How wide a range may be to be read as one, and where a wider one is cut. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import type { Work } from "../../../src/history/internal/RangeWork.ts"
import type { Settings } from "../../../src/history/internal/Settings.ts"
import { believedWidth } from "../../../src/history/internal/Settings.ts"
import { believe, isEnd, isTooWide, widen } from "../../../src/history/internal/TrustedWidth.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, control, day, known, open, rowsAt, second, settingsOf } from "./FakeServer.ts"

const range = { from: began - 61 * day, to: began - day }

interface Given {
  readonly starts: ReadonlyArray<number>
  readonly traits?: Partial<Adversary.Traits>
  /** Those of control rows. @default all */
  readonly controls?: ReadonlyArray<number>
  readonly settings?: Partial<Settings>
  readonly from?: number
  readonly expected?: number
  readonly width?: number
  readonly young?: boolean
}

const workOf = (one: Given) => {
  const { controls = one.starts, expected = 0, from = range.from, starts, traits, width = 0, young = false } = one
  const server = open(rowsAt(starts), traits)
  /** Requests that are under way. */
  const waiting = { now: 0, most: 0 }
  const list: Settings["list"] = (query, options) =>
    Effect.suspend(() => {
      waiting.most = Math.max(waiting.most, ++waiting.now)
      return Effect.ensuring(
        server.client.list(query, options),
        Effect.sync(() => waiting.now--)
      )
    })
  const known_ = [...controls]
    .sort((a, b) => a - b)
    .map((start, i) => {
      const at = one.starts.indexOf(start)
      return control(at === -1 ? `known-${i}` : `row-${at}`, start)
    })
  const settings = settingsOf(server, { list, controls: known_, ...one.settings })
  const seen = { order: "unknown", differs: false, deepest: Infinity, cut: false, whole: 0, worth: 0 } as const
  const work: Work = {
    settings,
    known: known({ width }),
    task: { from, to: range.to, expected },
    ask: Ask.make(list, {}, settings),
    share: undefined,
    came: () => Effect.void,
    young,
    beyond: { repeats: false },
    limit: 100,
    seen: { ...seen, once: undefined }
  }
  return { work, server, waiting }
}

const read = (one: Given) =>
  Effect.gen(function* () {
    const { server, waiting, work } = workOf(one)
    const { before, isNothing, parts } = yield* believe(work)
    const { cut } = work.seen
    return { before, isNothing, parts: parts?.length, cut, requests: server.requests(), together: waiting.most }
  })

const evenly = (rows: number, from = range.from) =>
  Array.from({ length: rows }, (_, i) => range.to - 2.2 * second - (i * (range.to - from - 4.4 * second)) / (rows - 1))

describe("isTooWide", () => {
  it.effect("a range that is wider than rows were seen to reach, if anything could be proven of it", () =>
    Effect.sync(() => {
      const starts = [began - 2 * day]
      const isWide = (one: Partial<Given>) => isTooWide(workOf({ starts, ...one }).work, range)
      assert.isTrue(isWide({}))
      assert.isFalse(isWide({ width: 60 * day }))
      assert.isFalse(isWide({ young: true }))
      assert.isFalse(isWide({ controls: [] }))
      assert.isFalse(isWide({ settings: { doubt: { _tag: "Provisional", reason: { _tag: "CallsMoved" } } } }))
    })
  )
})

describe("isEnd", () => {
  it.effect("no control row is as new, or as old, and the list shows its end there", () =>
    Effect.sync(() => {
      const at = (start: number, newest: boolean, oldest: boolean) =>
        isEnd(workOf({ starts: [start], settings: { ends: { newest, oldest } } }).work.settings, range)
      assert.deepStrictEqual([at(range.from - 1, true, false), at(range.from - 1, false, true)], [true, false])
      assert.deepStrictEqual([at(range.to, false, true), at(range.to, true, false)], [true, false])
      assert.deepStrictEqual([at(range.from, true, true), at(range.to - 1, true, true)], [false, false])
    })
  )
})

describe("the width that is trusted", () => {
  it.effect("rows from end to end: the range is read as one, and their number is known", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* read({ starts: evenly(31) }), { parts: undefined, before: 31, cut: false })
    })
  )

  it.effect("control rows at one end do not come where the server answers a part of the range, and it is cut", () =>
    Effect.gen(function* () {
      for (const cut of ["first", "last"] as const) {
        const found = yield* read({ starts: evenly(31), traits: { span: { most: 7 * day, cut } } })
        assert.isTrue(found.cut, cut)
        assert.isAtLeast(found.parts ?? 0, 2, cut)
      }
      // Rows beside the range, or so near that bounds may leave them out, are not missed.
      const beside = [range.from + second, ...evenly(31), range.to - second, range.from - day, range.to + day]
      assert.isFalse((yield* read({ starts: evenly(31), controls: beside })).cut)
      // So are those that a clock puts there that is a little off.
      const off = { starts: [...evenly(31), range.from - second], traits: { zone: 1.5 * second } }
      assert.isFalse((yield* read(off)).cut)
    })
  )

  it.effect("a range that is empty is not cut, unless a row of it is known", () =>
    Effect.gen(function* () {
      const outside = [range.from - day]
      assert.deepInclude(yield* read({ starts: outside }), { parts: undefined, before: 0, isNothing: false })
      const span = { most: 7 * day, cut: "empty" } as const
      assert.isAtLeast((yield* read({ starts: evenly(3), traits: { span } })).parts ?? 0, 2)
    })
  )

  it.effect(
    "a range of which a row beside it came, and control rows in it left, is not cut before others prove it empty",
    () =>
      Effect.gen(function* () {
        const [left, there] = [range.to - 20 * day, range.from - 1]
        const rows = [there]
        const found = yield* read({ starts: rows, controls: [there, left] })
        assert.deepInclude(found, { parts: undefined, before: 1 })
        assert.isAtLeast((yield* read({ starts: [...rows, left] })).parts ?? 0, 2)
      })
  )

  it.effect("a control row at an end that left shows no limit: the next one is tried", () =>
    Effect.gen(function* () {
      const starts = [range.from + day, range.to - 2 * day]
      const { work } = workOf({ starts, controls: [...starts, range.to - day] })
      const { newest = control("", 0) } = { newest: work.settings.controls.at(-1) }
      const limited = yield* widen(work)
      assert.isBelow(limited, 3 * day)
      const other = workOf({ starts, controls: [...starts, range.to - day] }).work
      other.ask.log.gone.set(newest.key, newest.start)
      assert.isAbove(yield* widen(other), 20 * day)
    })
  )

  it.effect("a range is empty where up to three known calls of it left; of more that is not tried", () =>
    Effect.gen(function* () {
      for (const [left, isEmpty] of [
        [0, true],
        [1, true],
        [3, true],
        [4, false],
        [5, false]
      ] as const) {
        const gone = Array.from({ length: left }, (_, i) => range.from + (10 + i) * day)
        const beside = range.to + day
        const found = yield* believe(workOf({ starts: [beside], controls: [...gone, beside] }).work)
        assert.strictEqual(found.isEmpty, isEmpty, `${left}`)
      }
      // One that is there comes at its own second, though a limit hides it from wider bounds.
      const span = { most: 7 * day, cut: "empty" } as const
      const { work } = workOf({ starts: [range.from + 30 * day], traits: { span } })
      assert.isFalse((yield* believe(work)).isEmpty)
    })
  )

  it.effect("one with more rows than a window is cut by their number, if they reach over most of it", () =>
    Effect.gen(function* () {
      assert.isUndefined((yield* read({ starts: evenly(200, range.from + 15 * day) })).parts)
      assert.isAtLeast((yield* read({ starts: evenly(200, range.from + 45 * day) })).parts ?? 0, 2)
    })
  )

  it.effect("where all rows are known it is cut beside them, and otherwise by width", () =>
    Effect.gen(function* () {
      const span = (rows: number) => evenly(rows, range.to - 2 * day).map((start) => start - 20 * day)
      assert.strictEqual((yield* read({ starts: span(3) })).parts, 3)
      assert.isAtLeast((yield* read({ starts: span(15) })).parts ?? 0, 30)
    })
  )

  it.effect("years are cut beside the rows that came, however many there are", () =>
    Effect.gen(function* () {
      const from = began - 3000 * day
      assert.strictEqual((yield* read({ starts: evenly(25, range.to - 2 * day), from })).parts, 2)
    })
  )

  it.effect("years of which nothing came but a row beside them are not read", () =>
    Effect.gen(function* () {
      const from = began - 3000 * day
      const beside = range.to + second
      assert.isTrue((yield* read({ starts: [beside], from })).isNothing)
      assert.isFalse((yield* read({ starts: [beside] })).isNothing)
      assert.isFalse((yield* read({ starts: [beside, range.to - day], from })).isNothing)
      // A limit answers with nothing, though a row is known.
      const span = { most: 7 * day, cut: "empty" } as const
      assert.isFalse((yield* read({ starts: [range.to - day], from, traits: { span } })).isNothing)
    })
  )

  it.effect("bounds that are refused are halved: it may be for a limit that lets most of them pass", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        (yield* read({ starts: evenly(31), traits: { span: { most: 50 * day, cut: "error" } } })).parts,
        3
      )
    })
  )

  it.effect("many are counted while the first page comes; a server that repeats itself needs that page first", () =>
    Effect.gen(function* () {
      const starts = evenly(405)
      assert.deepInclude(yield* read({ starts, expected: 405 }), { requests: 2, together: 2 })
      assert.deepInclude(yield* read({ starts: evenly(45), expected: 45 }), { requests: 2, together: 1 })
      const repeating = { traits: { beyond: "last" }, settings: { repeats: Effect.succeed(true) } } as const
      const [many, few] = [yield* read({ starts, expected: 405, ...repeating }), yield* read({ starts, ...repeating })]
      assert.strictEqual(many.together, 1)
      assert.isBelow(many.requests, few.requests)
    })
  )
})

describe("widen", () => {
  const starts = [began - 400 * day, began - 2 * day]
  const from = began - 401 * day
  const widened = (one: Partial<Given> = {}) =>
    Effect.gen(function* () {
      const controls = [control("row-0", began - 400 * day), control("row-1", began - 2 * day)]
      const { server, work } = workOf({ starts, from, settings: { controls }, ...one })
      return { days: (yield* widen(work)) / day, requests: server.requests(), refused: work.ask.log.refused / day }
    })
  const days = believedWidth(0) / day

  for (const cut of ["last", "first", "empty", "error"] as const)
    it.effect(`beyond a limit on the width of a range, where ${cut} comes, nothing is trusted`, () =>
      Effect.gen(function* () {
        for (const most of [2, 7, 31]) {
          const { days, refused, requests } = yield* widened({ traits: { span: { most: most * day, cut } } })
          assert.isAtMost(days, most + 0.01, `${most}`)
          assert.isAtLeast(days, most / 1.6, `${most}`)
          // Each part would find the same.
          assert.isAbove(refused, most - 0.01)
          assert.isAtMost(refused, 2 * most)
          assert.isAtMost(requests, 14)
        }
      })
    )

  it.effect("without a limit nearly all of the range is", () =>
    Effect.gen(function* () {
      assert.isAtLeast((yield* widened()).days, 400 / 1.6)
    })
  )

  it.effect("a few parts are not worth it, nor a range to which calls may still come, or without a control row", () =>
    Effect.gen(function* () {
      for (const one of [{ from: range.to - 3 * day }, { young: true }, { settings: { controls: [] } }])
        assert.deepInclude(yield* widened(one), { days, requests: 0 })
    })
  )

  it.effect("where bounds are ignored, the control rows come with others", () =>
    Effect.gen(function* () {
      const ignores = { by: "chance", share: 2 } as const
      assert.strictEqual((yield* widened({ traits: { ignores } })).days, days)
    })
  )
})
