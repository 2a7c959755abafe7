/** The counts that the calls without a start time are held against, and the last look at those. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Patience from "../../../src/endpoint/internal/Patience.ts"
import * as Deliveries from "../../../src/history/internal/Deliveries.ts"
import type { Settings } from "../../../src/history/internal/Settings.ts"
import * as Counts from "../../../src/history/internal/UndatedCounts.ts"
import * as Found from "../../../src/history/internal/UndatedFound.ts"
import * as Front from "../../../src/history/internal/UndatedFront.ts"
import * as Windows from "../../../src/history/internal/Windows.ts"
import { earliestStart } from "../../../src/model/Limits.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, control, day, hour, item, known, open, rowsAt, second, settingsOf } from "./FakeServer.ts"

const range = { from: began - 10 * day, to: began + day }
const starts = Array.from({ length: 23 }, (_, i) => began - (i + 4) * hour)
const dated = rowsAt(starts)
const undatedOf = (name: string, rest: Partial<Adversary.Row> = {}): Adversary.Row => ({
  id: name,
  start: undefined,
  created: began - 5 * hour,
  ...rest
})
const undated = ["busy", "failed", "no answer"].map((name) => undatedOf(name))
const distant: Adversary.Row = { id: "distant", start: range.to + day, created: began - 5 * hour }

interface Given {
  readonly rows?: ReadonlyArray<Adversary.Row>
  readonly traits?: Partial<Adversary.Traits>
  readonly settings?: Partial<Settings>
  readonly repeats?: boolean
  /** Those that the windows brought. @default all with a start */
  readonly came?: ReadonlyArray<Adversary.Row>
  /** How long after the beginning the last look is. */
  readonly later?: number
}

/** What a first look at the front knows. */
const given = Effect.fnUntraced(function* ({ came = dated, repeats = false, ...one }: Given) {
  const { later = 0, rows = [...dated, ...undated], traits } = one
  const server = open(rows, traits)
  const list = Patience.make(server.client.list)
  const settings = settingsOf(server, {
    list,
    controls: starts.map((start, i) => control(`row-${i}`, start)).reverse(),
    ...one.settings
  })
  const ledger = Deliveries.make(settings, range, () => known(), { whole: true, fromOldest: true, newestFirst: false })
  const items = came.map(({ id, start = 0 }) => item(id, start)).reverse()
  const coverage = { _tag: "Proven" } as const
  yield* ledger.deliver(Windows.make(items, { ...range, rejected: [], coverage, requests: 0, observedAt: began }))
  const found = Found.make(range, began + hour, ledger)
  const ask = Ask.make(list, {}, settings)
  const work: Counts.Work = {
    settings,
    range,
    about: { ledger, early: Effect.undefined, inPart: false, known: () => known({ width: 20 * day }) },
    ask,
    repeats,
    found,
    limit: () => Infinity
  }
  const pages = yield* Front.read(settings, ask, work.limit, range.to)
  for (const page of pages) Found.note(found, page)
  server.wait(began + later)
  return { found, pages, requests: server.requests(), server, work }
})

describe("the bounds of all starts that are credible", () => {
  it("reach from the earliest one to a second beyond the range, in whole seconds", () => {
    for (const to of [range.to, range.to - 1, range.to - second + 1])
      assert.deepStrictEqual(Counts.startsOf({ from: range.from, to }), {
        after: earliestStart,
        before: range.to + second
      })
  })
})

describe("UndatedCounts.countAll", () => {
  it.effect("counts calls with and without a start time, in one request where as many were found", () =>
    Effect.gen(function* () {
      for (const repeats of [false, true]) {
        const one = yield* given({ repeats, traits: { beyond: repeats ? "last" : "empty" } })
        assert.strictEqual(yield* Counts.countAll(one.work), 26)
        if (!repeats) assert.strictEqual(one.server.requests() - one.requests, 1)
      }
    })
  )

  it.effect("begins with the first page where nothing was found, and counts nothing in one request", () =>
    Effect.gen(function* () {
      const { requests, server, work } = yield* given({ rows: [], came: [] })
      assert.strictEqual(yield* Counts.countAll(work), 0)
      assert.strictEqual(server.requests() - requests, 1)
    })
  )

  it.effect("fails where a record does, because such pages are read next; a count of the range is unknown", () =>
    Effect.gen(function* () {
      const { work } = yield* given({ traits: { poison: "row-22" } })
      assert.isTrue(Ask.isPoison(yield* Effect.flip(Counts.countAll(work))))
      assert.isUndefined(yield* Counts.measure(work))
    })
  )
})

describe("UndatedCounts.measure", () => {
  it.effect("counts what starts up to the end of the range, also in front of it", () =>
    Effect.gen(function* () {
      const old = { id: "old", start: range.from - day, created: range.from }
      for (const repeats of [false, true]) {
        const traits = { beyond: repeats ? "last" : "empty" } as const
        const one = yield* given({ rows: [...dated, ...undated, old, distant], repeats, traits })
        assert.strictEqual(yield* Counts.measure(one.work), 24)
        if (!repeats) assert.strictEqual(one.server.requests() - one.requests, 1)
      }
    })
  )

  it.effect("takes one request where nothing came, and nothing is there", () =>
    Effect.gen(function* () {
      const { requests, server, work } = yield* given({ rows: undated, came: [] })
      assert.strictEqual(yield* Counts.measure(work), 0)
      assert.strictEqual(server.requests() - requests, 1)
    })
  )
})

describe("UndatedCounts.countAgain", () => {
  interface Again extends Given {
    /** The count that was made beside the first one of all. @default none */
    readonly first?: number | undefined
    readonly inFront?: boolean
    readonly still?: boolean
  }

  const again = Effect.fnUntraced(function* ({ first, inFront = true, still = true, ...one }: Again) {
    const { found, pages, requests, server, work } = yield* given(one)
    const read = { total: 26, still }
    const [isRight, total] = yield* Counts.countAgain(work, range.to, { pages, dated: first, inFront, read })
    return { found, isRight, ...total, requests: server.requests() - requests }
  })

  it.effect("where all is at the front: those with a start are as many, those without are there again", () =>
    Effect.gen(function* () {
      // Two pages of the front, all, and those with a start.
      const counted = yield* again({})
      assert.deepInclude(counted, { isRight: true, total: 26, still: true, requests: 4 })
      // The count that was made before is made again.
      assert.deepInclude(yield* again({ first: 23 }), { isRight: true, total: 26, still: true, requests: 4 })
    })
  )

  it.effect("a call with a start that no window brought, or one that left, makes the count of those wrong", () =>
    Effect.gen(function* () {
      for (const first of [undefined, 22, 23, 24]) {
        const more = { rows: [...dated, ...undated], came: dated.slice(1), first }
        assert.isFalse((yield* again(more)).isRight, `${first}`)
        const fewer = { rows: [...dated.slice(1), ...undated], came: dated, first }
        assert.isFalse((yield* again(fewer)).isRight, `${first}`)
      }
    })
  )

  it.effect("one that was found and left since is missed, wherever it is", () =>
    Effect.gen(function* () {
      for (const id of ["busy", "failed", "no answer"])
        for (const first of [undefined, 23]) {
          const rows = [...dated, ...undated].map((row) => (row.id === id ? { ...row, gone: began + hour } : row))
          const { still, total } = yield* again({ rows, later: 2 * hour, first })
          assert.deepStrictEqual([still, total], [false, 25])
        }
    })
  )

  it.effect("one in the distant future is looked for, too, and is in no count of the range", () =>
    Effect.gen(function* () {
      for (const there of [undated, []])
        for (const gone of [undefined, began + hour])
          for (const first of [undefined, 23]) {
            const rows = [...dated, ...there, { ...distant, gone }]
            const counted = yield* again({ rows, later: 2 * hour, first })
            const total = 23 + there.length + (gone === undefined ? 1 : 0)
            assert.deepInclude(counted, { isRight: true, still: gone === undefined, total }, `${there.length} ${gone}`)
          }
    })
  )

  it.effect("one right behind the range is not counted with those in it", () =>
    Effect.gen(function* () {
      const rows = [...dated, { ...distant, start: range.to + second / 2 }]
      for (const first of [undefined, 23]) assert.isTrue((yield* again({ rows, first })).isRight)
      // Nobody has seen that one: it may start in the range.
      const comes = { id: "comes", start: range.to + second / 2, created: began, seen: began + hour }
      for (const first of [undefined, 23])
        assert.isFalse((yield* again({ rows: [...dated, comes], later: 2 * hour, first })).isRight)
    })
  )

  it.effect("one that comes since is found", () =>
    Effect.gen(function* () {
      const comes = undatedOf("comes", { seen: began + hour })
      const { found, still, total } = yield* again({ rows: [...dated, ...undated, comes], later: 2 * hour })
      assert.isTrue(found.undated.rows.has("comes"))
      assert.deepStrictEqual([still, total], [true, 27])
    })
  )

  it.effect("where nothing is at the front it is not read again", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* again({ rows: dated }), { isRight: true, total: 23, still: true, requests: 2 })
      const comes = undatedOf("comes", { seen: began + hour })
      const { total } = yield* again({ rows: [...dated, comes], later: 2 * hour })
      assert.strictEqual(total, 24)
    })
  )

  it.effect("where all pages were read only the counts are made again, and what they showed remains", () =>
    Effect.gen(function* () {
      for (const still of [true, false])
        for (const first of [undefined, 23]) {
          const counted = yield* again({ inFront: false, still, first })
          assert.deepInclude(counted, { isRight: true, total: 26, still, requests: 2 })
        }
    })
  )

  it.effect("without control rows nothing is proven, so nothing is looked for", () =>
    Effect.gen(function* () {
      for (const still of [true, false]) {
        const counted = yield* again({ settings: { controls: [] }, still })
        assert.deepInclude(counted, { total: 26, still, requests: 1 })
      }
    })
  )

  it.effect("the count of those with a start is made beside the last look, or before it", () =>
    Effect.gen(function* () {
      const order = (first: number | undefined, inFront: boolean) =>
        Effect.gen(function* () {
          const { pages, work } = yield* given({})
          const asked: Array<string> = []
          const ask: Ask.Ask = Object.assign(
            (...[page, bounds, options]: Parameters<Ask.Ask>) =>
              Effect.suspend(() => {
                asked.push(bounds.before === undefined ? "all" : "dated")
                return Effect.tap(work.ask(page, bounds, options), () => Effect.sync(() => asked.push("answer")))
              }),
            { log: work.ask.log }
          )
          const read = { total: 26, still: true }
          yield* Counts.countAgain({ ...work, ask }, range.to, { pages, dated: first, inFront, read })
          return asked
        })
      assert.deepStrictEqual((yield* order(undefined, true)).slice(0, 2), ["dated", "answer"])
      assert.deepStrictEqual((yield* order(23, true)).slice(0, 3).toSorted(), ["all", "all", "dated"])
      // The first count of all was made after that of those with a start: so the second one of those is before the second one of all.
      assert.deepStrictEqual((yield* order(23, false)).slice(0, 2), ["dated", "answer"])
    })
  )
})
