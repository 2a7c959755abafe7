/** What the last window of a whole history asks, when it asks again, and what it makes of records that fail. */
import { AgniError, NotFound } from "@callstream/core/model/AgniError"
import type * as Coverage from "../../../src/history/Coverage.ts"
import * as Instant from "@callstream/core/model/Instant"
import type { Rejected } from "@callstream/core/model/Rejected"
import * as Version from "@callstream/core/model/Version"
import * as Duration from "effect/Duration"
import * as Windows from "../../../src/history/internal/Windows.ts"
import * as CallRows from "@callstream/core/model/Rows"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Patience from "../../../src/endpoint/internal/Patience.ts"
import * as Fresh from "../../../src/history/internal/Fresh.ts"
import { ask as askOf } from "../../../src/history/internal/Settings.ts"
import * as Front from "../../../src/history/internal/UndatedFront.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, day, hour, second } from "./FakeServer.ts"
import { dated, type Given, orders, range, read, step, undated, young } from "./LastWindow.ts"

const minute = 60 * second

/** A request failed while the server answers others. */
const failure = new AgniError({
  reason: new NotFound(),
  request: "GET",
  attempts: 1,
  elapsed: Duration.zero,
  alone: true
})

/** A server may list a record that could not be placed as one without a start. */
const unplaced = { id: "unplaced", start: undefined, created: young - hour }
const placed = { ...unplaced, start: young - 30 * minute }

const recentOf = (count: number): ReadonlyArray<Adversary.Row> =>
  Array.from({ length: count }, (_, i) => {
    const start = began - (30 + i) * minute
    return { id: `recent-${i}`, start, created: start }
  })

const requests = (given: Given) => Effect.map(read(given), ({ requests, tag }) => [tag, requests])

const noting =
  (...keys: ReadonlyArray<string>): NonNullable<Given["before"]> =>
  (ledger) =>
    Effect.sync(() => {
      const log = Ask.makeLog()
      for (const key of keys) log.shown.set(key, undefined)
      ledger.note({ log })
    })

describe("on a server on which nothing happens", () => {
  it.effect("it takes few requests", () =>
    Effect.gen(function* () {
      const all = [...dated, ...undated]
      const recent = recentOf(25)
      const early: Given["early"] = (settings) => Front.early(settings, range, dated.length)
      const cases: Record<string, Given> = {
        "no call without a start time": { rows: dated },
        "four of them in front": { rows: all },
        "four of them in front, as is known": { rows: all, before: noting("undated-0") },
        "four of them at the end": { rows: all, traits: { undatedFirst: false } },
        "four of them anywhere": { rows: all, traits: { order: "id" } },
        "recent calls on more than a page": { rows: [...dated, ...recent], recent },
        "the first look was made before": { rows: dated, early },
        "two calls that began since": { rows: [...dated, ...recent.slice(0, 2)] },
        "two calls that began since, and four without a start time": { rows: [...all, ...recent.slice(0, 2)] },
        "the same, at the end": { rows: [...all, ...recent.slice(0, 2)], traits: { undatedFirst: false } },
        "a call that began before many that came": {
          rows: [...dated, ...recent, { id: "came", start: began - 2 * hour, created: young }],
          recent
        },
        "windows that are not proven": { rows: all, unproven: true },
        "one call in front that is gone": { rows: all, before: noting("gone") },
        "one call anywhere that is gone": { rows: all, traits: { order: "id" }, before: noting("gone") },
        "a list that is too deep to be counted": { rows: all, traits: { depth: { most: 1, cut: "error" } } },
        "a part": { rows: all, inPart: true },
        "a part, while calls begin": { rows: [...all, ...recent.slice(0, 2)], inPart: true },
        "four of them at the end, and the last page again": {
          rows: all,
          traits: { undatedFirst: false, beyond: "last" }
        },
        "four of them at the end, and the first page again": {
          rows: all,
          traits: { undatedFirst: false, beyond: "first" }
        },
        "a part, while calls begin, at the end": {
          rows: [...all, ...recent.slice(0, 2)],
          traits: { undatedFirst: false },
          inPart: true
        },
        "a part, at the end": { rows: all, traits: { undatedFirst: false }, inPart: true },
        "a part, with recent calls": { rows: [...dated, ...recent], recent, inPart: true }
      }
      const took: Record<string, unknown> = {}
      for (const [name, given] of Object.entries(cases)) took[name] = yield* requests(given)
      assert.deepStrictEqual(took, {
        "no call without a start time": ["Proven", 4],
        "four of them in front": ["Proven", 8],
        "four of them in front, as is known": ["Proven", 7],
        "four of them at the end": ["Proven", 13],
        "four of them anywhere": ["Proven", 14],
        "recent calls on more than a page": ["Proven", 4],
        "the first look was made before": ["Proven", 5],
        "two calls that began since": ["Proven", 5],
        "two calls that began since, and four without a start time": ["Proven", 8],
        "the same, at the end": ["Proven", 27],
        "a call that began before many that came": ["Proven", 9],
        "windows that are not proven": ["Provisional", 8],
        "one call in front that is gone": ["Provisional", 35],
        "one call anywhere that is gone": ["Provisional", 14],
        "a list that is too deep to be counted": ["Provisional", 13],
        "a part": ["Provisional", 8],
        "a part, while calls begin": ["Provisional", 8],
        "four of them at the end, and the last page again": ["Proven", 33],
        "four of them at the end, and the first page again": ["Proven", 33],
        "a part, while calls begin, at the end": ["Provisional", 13],
        "a part, at the end": ["Provisional", 13],
        "a part, with recent calls": ["Provisional", 5]
      })
    })
  )
})

/** Fails alone for each page with a call, unless the request is made with all patience and that is enough. */
const failingFor =
  (id: string, isPatienceEnough = false): NonNullable<Given["settings"]> =>
  ({ client: { list } }) => ({
    list: (query, how) =>
      Effect.flatMap(list(query), (page) =>
        (isPatienceEnough && how === Patience.last) || !CallRows.items(page.rows).some((item) => item.id === id)
          ? Effect.succeed(page)
          : Effect.fail(failure)
      )
  })

const rejected = (id: string): Rejected => ({
  stage: "decode",
  reason: "not a call",
  raw: { id },
  page: 1,
  index: 0,
  observedAt: Version.of(Instant.of(began))
})

const deliver =
  (...windows: ReadonlyArray<Coverage.Window>): NonNullable<Given["before"]> =>
  (ledger) =>
    Effect.forEach(windows, ledger.deliver, { discard: true })

const instant = { from: young, to: young, rejected: [], requests: 0, observedAt: began }

describe("where a page fails on a record", () => {
  const rows = [...dated, ...undated]
  const others = ["undated-0", "undated-2", "undated-3"]

  it.effect("it fails, or the others come as a gap", () =>
    Effect.gen(function* () {
      const given = { rows, settings: failingFor("undated-1") }
      assert.strictEqual((yield* Effect.exit(read(given)))._tag, "Failure")
      const { ids, tag } = yield* read({ ...given, keepGoing: true })
      assert.deepStrictEqual([tag, ids.toSorted()], ["Gap", others])
    })
  )

  it.effect("unless all patience brings it", () =>
    Effect.gen(function* () {
      const given = { rows, settings: failingFor("undated-1", true), keepGoing: true }
      const { ids, tag } = yield* read(given)
      assert.deepStrictEqual([tag, ids.length], ["Proven", 4])
    })
  )

  it.effect("that a window lacks, the sum lacks it too", () =>
    Effect.gen(function* () {
      const lost = { id: "lost", start: young - hour / 2, created: young - hour }
      const coverage = { _tag: "Gap", reason: { _tag: "Unreadable", problem: "fails" }, error: failure } as const
      const { ids, window } = yield* read({
        rows: [...rows, lost],
        settings: failingFor("lost"),
        before: deliver({ ...Windows.make([], { ...instant, coverage }), extra: 1 })
      })
      assert.deepStrictEqual(window.coverage, {
        _tag: "Unprovable",
        reason: { _tag: "CountDiffers", read: 27, counted: 28 }
      })
      assert.lengthOf(ids, 4)
    })
  )

  it.effect("calls of windows do not come again, and those of the distant future come", () =>
    Effect.gen(function* () {
      const recent = recentOf(1)
      const distant = { id: "distant", start: range.to + day, created: young }
      const { ids } = yield* read({
        // A replica that lags shows it without its start.
        rows: [...rows, { id: "recent-0", start: undefined, created: young }, unplaced, distant],
        recent,
        settings: failingFor("undated-1"),
        before: deliver(
          Windows.make([], { ...instant, rejected: [rejected("unplaced")], coverage: { _tag: "Proven" } })
        ),
        keepGoing: true
      })
      assert.deepStrictEqual(ids.toSorted(), ["distant", ...others])
    })
  )
})

describe("what else is found", () => {
  it.effect("records that came with a window are in the sum, and come once", () =>
    Effect.gen(function* () {
      for (const traits of orders) {
        const { ids, tag } = yield* read({
          rows: [...dated, ...undated, placed],
          traits,
          before: (ledger) =>
            Effect.andThen(
              ledger.deliver(
                Windows.make([], { ...instant, rejected: [rejected("unplaced")], coverage: { _tag: "Proven" } })
              ),
              noting("unplaced")(ledger)
            )
        })
        assert.deepStrictEqual([tag, ids.toSorted()], ["Proven", undated.map(({ id }) => id)], JSON.stringify(traits))
      }
    })
  )

  it.effect("calls of the distant future, and those that began since their window was read", () =>
    Effect.gen(function* () {
      const distant = { id: "distant", start: range.to, created: young }
      const began = recentOf(2)
      for (const traits of orders)
        for (const there of [[], undated]) {
          const rows = [...dated, ...there, distant, ...began]
          const { ids, tag } = yield* read({ rows, traits })
          const all = [distant, ...began, ...there].map(({ id }) => id).toSorted()
          assert.deepStrictEqual([tag, ids.toSorted()], ["Proven", all], JSON.stringify(traits))
        }
    })
  )

  it.effect("nothing is final where calls began after the end of the range: more of them may be added", () =>
    Effect.gen(function* () {
      const late =
        (by: number): NonNullable<Given["settings"]> =>
        ({ client: { list } }) => ({
          list: (query) =>
            Effect.map(list(query), (page) => ({ ...page, observedAt: Instant.of(page.observedAt + by) }))
        })
      const starts = [1, 2, 3].map((i) => range.to + i * hour)
      const rows = [...dated, ...starts.map((start, i) => ({ id: `after-${i}`, start, created: start }))]
      const settings = late(range.to - began + day)
      const { window } = yield* read({ rows, settings })
      assert.deepStrictEqual(window.coverage, { _tag: "Provisional", reason: { _tag: "TooRecent" } })
      // A clock alone may be wrong, and so may a start.
      assert.strictEqual((yield* read({ rows: dated, settings })).tag, "Proven")
      assert.strictEqual((yield* read({ rows, settings: late(range.to - began - hour) })).tag, "Proven")
    })
  )

  it.effect("a call that was once listed without a start time must be among them", () =>
    Effect.gen(function* () {
      for (const traits of orders) {
        const before = noting("undated-0", "gone")
        assert.strictEqual((yield* read({ rows: [...dated, ...undated], traits, before })).tag, "Provisional")
        const came = { rows: [...dated, ...undated], traits, before: noting("undated-0", "row-3") }
        assert.strictEqual((yield* read(came)).tag, "Proven")
      }
    })
  )

  it.effect("where no call was ever seen nothing is proven, and few questions are asked", () =>
    Effect.gen(function* () {
      const given = { rows: [], delivered: [], settings: () => ({ controls: [] }) }
      const { requests, tag } = yield* read(given)
      assert.deepStrictEqual([tag, requests], ["Provisional", 3])
    })
  )
})

describe("the first look, where it was made before", () => {
  const early: NonNullable<Given["early"]> = (settings) => Front.early(settings, range, dated.length)

  it.effect("is not used again once calls came since", () =>
    Effect.gen(function* () {
      for (const traits of orders)
        for (let after = 2; after <= 3; after++) {
          const comes = { id: "comes", start: undefined, created: young, seen: began + after * step + 1 }
          const { ids, tag } = yield* read({ rows: [...dated, comes], traits, early })
          assert.deepStrictEqual([tag, ids], ["Proven", ["comes"]], JSON.stringify({ traits, after }))
        }
    })
  )

  it.effect("hides none that no answer lists where another one leaves or comes while it is counted", () =>
    Effect.gen(function* () {
      // By their ids it is on the second page: the front is on the first one, and counts look at the last one.
      const between = { id: "row-2x", start: undefined, created: young - hour }
      for (let after = 0; after <= 7; after++)
        for (const change of ["leaves", "comes"] as const) {
          const at = began + after * step + 1
          const rows = dated.map((row, i) =>
            i !== 7 ? row : change === "leaves" ? { ...row, gone: at } : { ...row, seen: at }
          )
          const { ids, tag } = yield* read({ rows: [...rows, between], traits: { order: "id" }, early })
          assert.isTrue(
            tag !== "Proven" || ids.includes(between.id),
            `one ${change} after ${after} requests: ${tag}, ${ids.join(" ")}`
          )
        }
    })
  )

  it.effect("is of one time with what is asked then", () =>
    Effect.gen(function* () {
      const newer: NonNullable<Given["early"]> = (settings) =>
        Effect.map(early(settings), (look) =>
          look === undefined ? undefined : { ...look, fresh: Fresh.make(askOf(settings), began + hour) }
        )
      assert.deepStrictEqual(yield* requests({ rows: dated, early }), ["Proven", 5])
      // All answers are older than that look: each is asked for three times, and then all is looked for again.
      assert.deepStrictEqual(yield* requests({ rows: dated, early: newer }), ["Proven", 13])
    })
  )
})
