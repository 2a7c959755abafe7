/** What was delivered against the server's own counts, and each case in which a count must not be believed. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as NotedCounts from "../../../src/endpoint/internal/NotedCounts.ts"
import * as Deliveries from "../../../src/history/internal/Deliveries.ts"
import * as Rows from "../../../src/endpoint/internal/ListedRows.ts"
import * as Patience from "../../../src/endpoint/internal/Patience.ts"
import type { Settings } from "../../../src/history/internal/Settings.ts"
import * as Sum from "../../../src/history/internal/Sum.ts"
import * as Windows from "../../../src/history/internal/Windows.ts"
import { pageBeyondAll } from "../../../src/model/Limits.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { askOf, began, control, day, hour, item, known, open, rowsAt, second, settingsOf } from "./FakeServer.ts"

const from = began - 10 * day
const to = began - 4 * day
const middle = began - 7 * day
const range = { from, to }
/** Each half of the range is a part that is counted. */
const facts = known({ width: 4 * day })
/** Its last days only are answered of a range that is wider than its half. */
const narrow = { span: { most: 4 * day, cut: "last" } } as const

const starts = [from + hour, middle - hour, middle + hour, to - hour]
const calls = rowsAt(starts)

interface Given {
  /** Those of the server. @default those that came */
  readonly rows?: ReadonlyArray<Adversary.Row>
  readonly traits?: Partial<Adversary.Traits>
  readonly came?: ReadonlyArray<Adversary.Row>
  readonly settings?: Partial<Settings>
  readonly step?: number
}

const given = Effect.fnUntraced(function* ({ came = calls, rows = came, settings: rest, step = 0, traits }: Given) {
  const server = open(rows, traits, step)
  const controls = calls.map(({ id, start = 0 }) => control(id, start))
  const list = Patience.make(server.client.list)
  const settings = settingsOf(server, { list, controls, ...rest })
  const ends = { whole: false, fromOldest: false, newestFirst: false }
  const ledger = Deliveries.make(settings, range, () => known(), ends)
  const items = came.map(({ id, start = 0 }) => item(id, start)).sort((a, b) => (a.start ?? 0) - (b.start ?? 0))
  const rejected: [] = []
  yield* ledger.deliver(
    Windows.make(items, { ...range, rejected, coverage: { _tag: "Proven" }, requests: 0, observedAt: began })
  )
  return { server, settings, ledger, ask: Ask.make(list, {}, settings) }
})

const dated = (one: Given, { distant = false, later = [] }: Partial<Sum.Expected> = {}) =>
  Effect.flatMap(given(one), ({ ask, ledger, settings }) =>
    Sum.dated(settings, facts, ledger, range, { distant, later }, ask)
  )

const without = (place: number) => calls.filter((_, i) => i !== place)
const beside = (at: number): Adversary.Row => ({ id: "beside", start: at, created: at })

describe("Sum.dated", () => {
  it.effect("as many as came, counted at once, or in parts where so wide a range is not answered in full", () =>
    Effect.gen(function* () {
      assert.isTrue(yield* dated({}))
      assert.isTrue(yield* dated({ traits: narrow }))
    })
  )

  it.effect("neither one more nor one less than came, in any part", () =>
    Effect.gen(function* () {
      for (const place of starts.keys()) {
        assert.isFalse(yield* dated({ rows: calls, came: without(place) }), `${place} did not come`)
        for (const traits of [{}, narrow])
          assert.isFalse(yield* dated({ rows: without(place), came: calls, traits }), `${place} left`)
      }
      // The count of the whole lacks more calls than did not come.
      const late = [...calls, beside(to - 2 * hour)]
      const old = { id: "old", start: from + 2 * hour, created: from }
      assert.isFalse(yield* dated({ rows: [...late, old], came: [...calls, old], traits: narrow }))
    })
  )

  it.effect("one that is older than all known calls is in no part, and in the count of the whole", () =>
    Effect.gen(function* () {
      const settings = { ends: { newest: false, oldest: true } }
      assert.isFalse(yield* dated({ rows: [...calls, beside(from + second)], came: calls, settings }))
    })
  )

  it.effect(
    "one that began since then is expected besides, and is in the last part, though no known call is as new",
    () =>
      Effect.gen(function* () {
        const settings = { ends: { newest: true, oldest: false } }
        const later = [to - second]
        for (const traits of [{}, narrow]) {
          assert.isTrue(
            yield* dated({ rows: [...calls, beside(to - second)], came: calls, traits, settings }, { later })
          )
          assert.isFalse(yield* dated({ traits, settings }, { later }))
        }
      })
  )

  it.effect("a call in the distant future is not counted, however close to the end of the range", () =>
    Effect.gen(function* () {
      const one = { rows: [...calls, beside(to + second / 2)], came: calls }
      assert.isTrue(yield* dated(one, { distant: true }))
      assert.isFalse(yield* dated(one))
    })
  )

  it.effect("a call at the edge of a part is in the bounds of both, or of one, or of none", () =>
    Effect.gen(function* () {
      const edge = beside(middle + 2 * second)
      for (const after of [true, false])
        for (const before of [true, false]) {
          const traits = { ...narrow, includes: { after, before } }
          assert.isTrue(yield* dated({ came: [...calls, edge], traits }))
          assert.isTrue(yield* dated({ rows: [...calls, edge], came: calls, traits }, { later: [middle + 2 * second] }))
        }
    })
  )

  it.effect("without control rows no part proves anything", () =>
    Effect.gen(function* () {
      assert.isFalse(yield* dated({ traits: narrow, settings: { controls: [] } }))
    })
  )

  it.effect("of a part that was read before its number is enough, where one that is counted holds all of it", () =>
    Effect.gen(function* () {
      for (const [to, isRight] of [
        [middle - hour / 2, true],
        [middle + 2 * hour, false]
      ] as const)
        for (const left of [undefined, 0, 3]) {
          const rows = left === undefined ? calls : without(left)
          const came = calls.filter(({ start = 0 }) => start >= to)
          const { ask, ledger, settings } = yield* given({ rows, came, traits: narrow })
          const counted = { from, to, rows: calls.length - came.length, proven: true }
          ledger.restore([{ evidence: undefined, counted }])
          const found = yield* Sum.dated(settings, facts, ledger, range, { distant: false, later: [] }, ask)
          assert.strictEqual(found, isRight && left === undefined, `to ${to}, ${left} left`)
        }
    })
  )
})

describe("Sum.check", () => {
  const check = (one: Given, all = range, about = facts) =>
    Effect.gen(function* () {
      const { ask, ledger, server, settings } = yield* given(one)
      return { difference: yield* Sum.check(settings, about, ledger, all, ask), requests: server.requests() }
    })

  it.effect("a call at the edge of what is counted is in the count, or is not", () =>
    Effect.gen(function* () {
      const edge = beside(middle + 2 * second)
      for (const before of [true, false]) {
        const includes = { after: before, before }
        assert.isUndefined((yield* check({ came: [...calls, edge], traits: { includes } })).difference)
      }
    })
  )

  it.effect("counts on both sides of all known calls, unless the list shows that none is there", () =>
    Effect.gen(function* () {
      for (const [at, ends] of [
        [from + second, { newest: true, oldest: false }],
        [to - second, { newest: false, oldest: true }]
      ] as const) {
        const one = { rows: [...calls, beside(at)], came: calls, settings: { ends } }
        assert.strictEqual((yield* check(one)).difference?.counted, 3)
      }
    })
  )

  it.effect("years on either side, where the list shows that none is there, are not counted", () =>
    Effect.gen(function* () {
      const years = { from: from - 4000 * day, to }
      const oldest = { ends: { newest: false, oldest: true } }
      assert.isAtMost((yield* check({ settings: oldest }, years)).requests, 8)
      const recent = { horizon: -4000 * day, ends: { newest: true, oldest: false } }
      assert.isAtMost((yield* check({ settings: recent }, { from, to: to + 3000 * day })).requests, 8)
    })
  )

  it.effect("each part that was read is counted, and none where no call is known", () =>
    Effect.gen(function* () {
      const all = (one: Given) =>
        Effect.gen(function* () {
          const { ask, ledger, server, settings } = yield* given(one)
          return [(yield* Sum.checkAll(settings, facts, ledger, ask))?.counted, server.requests() > 0]
        })
      assert.deepStrictEqual(yield* all({}), [undefined, true])
      assert.deepStrictEqual(yield* all({ rows: calls, came: without(3) }), [2, true])
      assert.deepStrictEqual(yield* all({ rows: calls, came: without(3), settings: { controls: [] } }), [
        undefined,
        false
      ])
    })
  )

  it.effect("a call that started after the horizon may have come since its window was read", () =>
    Effect.gen(function* () {
      const young = { from: began - 10 * day, to: began }
      const rows = [...calls, beside(began - hour)]
      assert.isUndefined((yield* check({ rows, came: calls }, young)).difference)
      const settings = { horizon: 0 }
      assert.strictEqual((yield* check({ rows, came: calls, settings }, young)).difference?.counted, 1)
    })
  )
})

it.effect("months without a call are counted at once, although bounds are only trusted for a day", () =>
  Effect.gen(function* () {
    const { ask, ledger, server, settings } = yield* given({})
    const far = { from: began - 300 * day, to }
    const controls = [control("first", far.from + hour), ...settings.controls]
    const all = { ...settings, controls }
    const before = server.requests()
    assert.isUndefined(yield* Sum.check(all, known(), ledger, far, ask))
    assert.isAtMost(server.requests() - before, 12)
    // What came was not, so the number of all is not enough.
    assert.isTrue(yield* Sum.dated(all, known(), ledger, far, { distant: false, later: [] }, ask))
    const other = yield* given({ rows: [...calls, beside(began - 100 * day)] })
    const found = yield* Sum.check({ ...other.settings, controls }, known(), other.ledger, far, other.ask)
    assert.strictEqual(found?.counted, 1)
  })
)

describe("Sum.recount", () => {
  const recount = Effect.fnUntraced(function* (one: Given, counted: number) {
    const { ask, ledger, server, settings } = yield* given(one)
    const log = Ask.makeLog()
    NotedCounts.noteCount(log.counts, Ask.boundsOf(range), counted)
    ledger.note({ log })
    return [yield* Sum.recount(settings, ledger, ask), server.requests()]
  })

  it.effect("a count of as many as came is not made again", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* recount({}, 4), [0, 0])
    })
  )

  it.effect("a limit gives the same number each time, and calls that came since make it right", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* recount({ traits: { results: { most: 3, cut: "first" } } }, 3))[0], 0)
      assert.strictEqual((yield* recount({}, 3))[0], 0)
    })
  )

  it.effect("answers that alternate give two numbers, and so do those that lack calls for a while", () =>
    Effect.gen(function* () {
      const ids = ["row-1", "row-2"]
      for (const when of [
        { by: "number", every: 2, for: 1 },
        { by: "time", from: 2 * second, to: 9 * second }
      ] as const)
        assert.strictEqual((yield* recount({ traits: { hidden: { ids, when } }, step: second }, 2))[0], 2, when.by)
    })
  )

  it.effect("a count that cannot be had again says nothing", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* recount({ traits: { poison: "row-3" } }, 3))[0], 0)
    })
  )
})

describe("Sum.isSteady", () => {
  const isSteady = Effect.fnUntraced(function* (one: Given, counted: number) {
    const { ask, ledger, settings } = yield* given(one)
    NotedCounts.noteCount(ask.log.counts, { after: from, before: to }, counted)
    ledger.note({ log: ask.log })
    return yield* Sum.isSteady(settings, ledger, ask)
  })

  it.effect("a count that was less than what came is the same again, as a limit cuts it, or cannot be had", () =>
    Effect.gen(function* () {
      assert.isTrue(yield* isSteady({}, 4))
      assert.isFalse(yield* isSteady({}, 3))
      assert.isTrue(yield* isSteady({ traits: { results: { most: 3, cut: "first" } } }, 3))
      assert.isFalse(yield* isSteady({ traits: { results: { most: 2, cut: "first" } } }, 3))
      assert.isTrue(yield* isSteady({ traits: { poison: "row-3" } }, 3))
    })
  )
})

describe("Sum.recountPages", () => {
  interface Noted {
    readonly length?: number
    readonly number?: number
    readonly size?: number
    readonly repeats?: boolean
    /** Requests from before. */
    readonly before?: number
  }

  /** How many pages that are not the last one of what came are left without an explanation. */
  const recountPages = Effect.fnUntraced(function* (one: Given, noted: Noted = {}) {
    const { before = 0, length = 3, number = 2, repeats = true, size = 3 } = noted
    const { ask, ledger, server, settings } = yield* given({ ...one, settings: { repeats: Effect.succeed(repeats) } })
    const log = Ask.makeLog()
    const rows = size * (number - 1) + length
    NotedCounts.notePage(log.lengths, { ...Ask.boundsOf(range), rows, size, length, isFirst: false })
    ledger.note({ log })
    assert.lengthOf(ledger.unrepeated(), 1)
    for (let request = 0; request < before; request++) yield* ask(1, {})
    yield* Sum.recountPages(settings, ledger, ask)
    const left = ledger.unrepeated().length
    ledger.note({ log: ask.log })
    return { left, noted: ledger.unrepeated().length, requests: server.requests() - before }
  })
  const again = { beyond: "last", depth: { most: 1, cut: "last" } } as const

  it.effect("a page that a limit on the depth repeats is explained by it, where all that came is counted", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* recountPages({ traits: again })).left, 0)
    })
  )

  it.effect("it is not if there are more calls, or a number that cannot be had", () =>
    Effect.gen(function* () {
      const more = [...calls, beside(middle)]
      assert.strictEqual((yield* recountPages({ traits: again, rows: more, came: calls })).left, 1)
      assert.strictEqual((yield* recountPages({ traits: { ...again, poison: "row-0" } })).left, 1)
    })
  )

  it.effect("a limit that cuts the count explains it, where what lies in front of the page before it came", () =>
    Effect.gen(function* () {
      const fewer = { traits: again, rows: without(0), came: calls }
      assert.strictEqual((yield* recountPages(fewer)).left, 0)
      assert.strictEqual((yield* recountPages(fewer, { number: 9 })).left, 1)
    })
  )

  it.effect("what the count saw is forgotten with it", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* recountPages({ traits: again })).noted, 0)
    })
  )

  it.effect("it is not if it was of another length, or comes only once", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* recountPages({ traits: again }, { length: 2 })).left, 1)
      assert.strictEqual((yield* recountPages({ traits: { beyond: "last" } })).left, 1)
    })
  )

  it.effect("nor if it is another one than the page before it, though calls were away while they were counted", () =>
    Effect.gen(function* () {
      const two = [beside(middle), { ...beside(middle + second), id: "besides" }]
      const rows = [...calls, ...two]
      const hidden = { ids: two.map(({ id }) => id), when: { by: "time", from: 0, to: 3.5 * second } } as const
      for (const beyond of ["last", "first"] as const) {
        const found = yield* recountPages({ rows, came: calls, traits: { beyond, hidden }, step: second })
        assert.deepStrictEqual(found, { left: 1, noted: 1, requests: 6 }, beyond)
      }
    })
  )

  it.effect("two pages of calls that start together may be alike: one far beyond must be, too", () =>
    Effect.gen(function* () {
      const when = { by: "time", from: 0, to: 3.5 * second } as const
      let tried = 0
      for (let nth = 0; nth < 60; nth++) {
        const rows = ["a", "b", "c", "d"].map((id) => ({ id: `${id}-${nth}`, start: middle, created: middle }))
        const traits = { beyond: "last", tieOrder: "query", hidden: { ids: [`d-${nth}`], when } } as const
        const ask = askOf(open(rows, { ...traits, hidden: undefined }))
        const pages = [1, 2, pageBeyondAll].map((page) => ask(page, Ask.boundsOf(range), { size: 2 }))
        const [first = [], ...others] = (yield* Effect.all(pages)).map(({ rows }) => rows)
        if (!others.every((rows, i) => Rows.sameRows(first, rows) === (i === 0))) continue
        tried++
        const one = { rows, came: rows.slice(0, 3), traits, step: second }
        assert.strictEqual((yield* recountPages(one, { size: 2, length: 2 })).left, 1, `${nth}`)
      }
      assert.isAbove(tried, 0)
    })
  )

  it.effect("no page is before the first one, and a server that does not repeat itself is not asked", () =>
    Effect.gen(function* () {
      const first = yield* recountPages({ traits: again }, { number: 1, size: 10, length: 5 })
      assert.deepInclude(first, { left: 1, requests: 3 })
      assert.deepInclude(yield* recountPages({ traits: again }, { repeats: false }), { left: 1, requests: 0 })
    })
  )
})
