/** Calls without a start in a bounded range, against a small server that shows which they are in one way, or in none. */
import { AgniClient } from "@callstream/core/client/AgniClient"
import { AgniError, Unavailable } from "@callstream/core/model/AgniError"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Instant from "@callstream/core/model/Instant"
import * as Rows from "@callstream/core/model/Rows"
import type * as Coverage from "@callstream/core/history/Coverage"
import * as History from "@callstream/core/history/History"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"

const minute = 60_000_000
const day = 1440 * minute
const began = Instant.parse("2026-11-28T12:00:00Z") ?? Instant.of(0)

interface Row {
  readonly id: string
  readonly start: number | undefined
  readonly created: number | undefined
}

interface Traits {
  /** Where calls without a start are in an order by start. */
  readonly nulls: "first" | "last"
  /** Whether `sort_by=created_at` changes the order. */
  readonly sortsByCreation: boolean
  /** The order when none is asked for. */
  readonly order?: "start" | "created"
  /** In µs between two bounds: a wider range is answered with its last part. */
  readonly span?: number
  /** Rows of one list that can be had, and what comes beyond them: nothing, or the last of them again. */
  readonly offset?: { readonly most: number; readonly beyond: "empty" | "last" }
  /** From that request on some answers are without the row. */
  readonly hidden?: { readonly from: number; readonly id: string }
  /** A page that holds it fails. */
  readonly poison?: string
  /** From that request on the row is there. */
  readonly arrival?: { readonly at: number; readonly row: Row }
}

const bound = (text: unknown): number | undefined => (typeof text === "string" ? Instant.parse(text) : undefined)

const sessionOf = ({ created, id, start }: Row): CallSession => ({
  id,
  ...(created === undefined ? {} : { createdAt: Instant.format(Instant.of(created)) }),
  ...(start === undefined ? {} : { startedAt: Instant.format(Instant.of(start)) })
})

const failure = new AgniError({
  reason: new Unavailable({ outage: { _tag: "Status", status: 500, quote: "cannot render" } }),
  request: "GET",
  attempts: 1,
  elapsed: Duration.zero
})

/** Requests, and calls that were listed without a start time. */
const served = { requests: 0, undated: new Set<string>() }

const serve = (rows: ReadonlyArray<Row>, traits: Traits): AgniClient["Service"] => {
  served.requests = 0
  served.undated = new Set()
  const keyOf = ({ created = 0, start }: Row, by: string | undefined) =>
    by === "created" ? created : (start ?? (traits.nulls === "first" ? Infinity : -Infinity))
  return AgniClient.of({
    list: ({ page = 1, pageSize = 20, sortBy, sortOrder, startedAfter, startedBefore }) =>
      Effect.suspend(() => {
        const requests = ++served.requests
        const before = bound(startedBefore)
        const asked = bound(startedAfter)
        const { arrival, order = "start", span = Infinity } = traits
        const after = asked === undefined || before === undefined ? asked : Math.max(asked, before - span)
        const { hidden } = traits
        const all = arrival === undefined || requests < arrival.at ? rows : [...rows, arrival.row]
        const there = hidden === undefined || requests < hidden.from ? all : all.filter(({ id }) => id !== hidden.id)
        const by =
          sortBy === "started_at" ? "start" : sortBy === "created_at" && traits.sortsByCreation ? "created" : order
        const sign = sortOrder === "asc" ? 1 : -1
        const fitting = there
          .filter(({ start }) =>
            after === undefined && before === undefined
              ? true
              : start !== undefined && start >= (after ?? -Infinity) && start <= (before ?? Infinity)
          )
          .map((row) => ({ row, key: keyOf(row, by) }))
          .sort((a, b) => (a.key === b.key ? (a.row.id < b.row.id ? -1 : 1) : a.key < b.key ? -sign : sign))
        const size = Math.min(pageSize, 20)
        const { most, beyond } = traits.offset ?? { most: Infinity, beyond: "empty" }
        const isBeyond = page * size > most
        const end = isBeyond && beyond === "last" ? most : page * size
        const found = isBeyond && beyond === "empty" ? [] : fitting.slice(end - size, end)
        const brought = found.map(({ row }) => row)
        if (brought.some(({ id }) => id === traits.poison)) return Effect.fail(failure)
        for (const { id, start } of brought) if (start === undefined) served.undated.add(id)
        return Effect.succeed({
          page,
          rows: Rows.ofSessions(brought.map(sessionOf), began),
          rejected: [],
          total: undefined,
          observedAt: began,
          age: 0,
          edition: "camelCase" as const
        })
      })
  })
}

/** A call each ten minutes for four days, of which each ninth has no start and each thirty-first one in the year 9999. */
const distant = Instant.parse("9999-12-31T00:00:00Z") ?? Instant.of(0)
const rows = Array.from({ length: 4 * 144 }, (_, i): Row => {
  const created = began - 4 * day + i * 10 * minute
  const start = i % 9 === 4 ? undefined : i % 31 === 7 ? distant + i : created + (i % 3) * minute
  return { id: `call-${String(i).padStart(4, "0")}`, start, created }
})

const isLoose = ({ start }: Row) => start === undefined || start >= distant

interface Range {
  readonly from?: Instant.Instant
  readonly to?: Instant.Instant
}

const read = (all: ReadonlyArray<Row>, traits: Traits, range: Range, options: History.Options = {}) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(began / 1000)
    const clock = yield* Clock.Clock
    return yield* History.windows(range, options).pipe(
      Stream.provideService(AgniClient, serve(all, traits)),
      Stream.provideService(Clock.Clock, clock),
      Stream.runCollect
    )
  })

const idsOf = (windows: ReadonlyArray<Coverage.Window>) =>
  windows.flatMap((window) => Rows.items(window.rows).map(({ id }) => id)).sort()

const tagsOf = (windows: ReadonlyArray<Coverage.Window>) => [...new Set(windows.map(({ coverage }) => coverage._tag))]

const range = { from: Instant.of(began - 3 * day), to: Instant.of(began - day) }
const isIn = (
  at: number | undefined,
  { from = -Infinity, to = Infinity }: { readonly from?: number; readonly to?: number }
) => at !== undefined && at >= from && at < to
/** Those that started in a range, and those without a start that were created in it. */
const expected = (all: ReadonlyArray<Row>, of: Range) =>
  all.filter((row) => isIn(isLoose(row) ? row.created : row.start, of)).map(({ id }) => id)

const shown: ReadonlyArray<[string, Traits]> = [
  ["by the order of creation", { nulls: "last", sortsByCreation: true }],
  [
    "by the order of creation, which is also that of the list",
    { nulls: "last", sortsByCreation: false, order: "created" }
  ],
  ["in front of the list", { nulls: "first", sortsByCreation: false }]
]

describe("calls without a start time of a bounded range", () => {
  for (const [name, traits] of shown) {
    it.effect(
      `${name}: those created in it come, one with a start in the year 9999 too, and the rest are counted`,
      () =>
        Effect.gen(function* () {
          const windows = yield* read(rows, traits, range)
          assert.deepStrictEqual(idsOf(windows), expected(rows, range))
          assert.deepStrictEqual([...new Set(windows.map(({ coverage }) => coverage._tag))], ["Proven"])
          const last = windows.at(-1)
          const loose = rows.filter(isLoose)
          const outside = loose.filter(({ created }) => !isIn(created, range)).length
          assert.deepStrictEqual(last?.outside, { created: outside, unassigned: 0 })
          assert.deepStrictEqual([last?.from, last?.to], [range.to, range.to])
          const items = last === undefined ? [] : Rows.items(last.rows)
          assert.isAbove(items.filter(({ row }) => row.startedAt?.startsWith("9999") === true).length, 0)
          for (const { created, row, start } of items) {
            assert.isUndefined(start, "such a start is none")
            assert.strictEqual(created, Instant.parse(row.createdAt ?? ""))
          }
        })
    )

    it.effect(`${name}: of a range without a beginning, or without an end`, () =>
      Effect.gen(function* () {
        // One was created a day before the first call that has a start.
        const all = [{ id: "before", start: undefined, created: began - 5 * day }, ...rows]
        for (const open of [{ to: range.to }, { from: range.from }]) {
          assert.deepStrictEqual(idsOf(yield* read(all, traits, open)), expected(all, open).sort())
        }
      })
    )

    it.effect(`${name}: they are left out where that is asked for`, () =>
      Effect.gen(function* () {
        const windows = yield* read(rows, traits, range, { withoutStart: "skip" })
        const dated = rows.filter((row) => !isLoose(row))
        assert.deepStrictEqual(idsOf(windows), expected(dated, range))
        assert.isTrue(windows.every(({ outside }) => outside === undefined))
      })
    )
  }

  it.effect("nowhere to be seen: the range is proven without them, and they are counted", () =>
    Effect.gen(function* () {
      const windows = yield* read(rows, { nulls: "last", sortsByCreation: false }, range)
      const dated = rows.filter((row) => !isLoose(row))
      const undated = rows.filter(({ start }) => start === undefined)
      assert.deepStrictEqual(idsOf(windows), expected(dated, range).sort())
      assert.deepStrictEqual([...new Set(windows.map(({ coverage }) => coverage._tag))], ["Proven"])
      assert.deepStrictEqual(windows.at(-1)?.outside, { created: 0, unassigned: rows.length - dated.length })
      assert.isAbove(undated.length, 0)
    })
  )

  it.effect("one that does not say when it was created is not assigned to the range", () =>
    Effect.gen(function* () {
      const all = [...rows, { id: "never", start: undefined, created: undefined }]
      const windows = yield* read(all, { nulls: "first", sortsByCreation: false }, range)
      assert.deepStrictEqual(idsOf(windows), expected(rows, range))
      assert.strictEqual(windows.at(-1)?.outside?.unassigned, 1)
    })
  )

  it.effect("one that comes while they are read by creation: they are read again", () =>
    Effect.gen(function* () {
      const row = { id: "late", start: undefined, created: began - minute }
      const traits = { nulls: "last", sortsByCreation: true } as const
      yield* read(rows, traits, range)
      const total = served.requests
      for (let at = total - 25; at <= total; at++) {
        const windows = yield* read(rows, { ...traits, arrival: { at, row } }, range)
        const last = windows.at(-1)
        assert.deepStrictEqual(idsOf(windows), expected(rows, range))
        assert.strictEqual(last?.coverage._tag, "Proven", `from request ${at} on`)
      }
    })
  )

  it.effect(
    "one that comes while they are read in front of the list: the others come, and it is known which they are",
    () =>
      Effect.gen(function* () {
        const row = { id: "late", start: undefined, created: began - minute }
        const traits = { nulls: "first", sortsByCreation: false } as const
        yield* read(rows, traits, range)
        const total = served.requests
        for (let at = total - 8; at <= total; at++) {
          const windows = yield* read(rows, { ...traits, arrival: { at, row } }, range)
          assert.deepStrictEqual(idsOf(windows), expected(rows, range), `from request ${at} on`)
          assert.strictEqual(windows.at(-1)?.outside?.unassigned, 0, `from request ${at} on`)
          assert.deepStrictEqual(tagsOf(windows), ["Proven"], `from request ${at} on`)
        }
      })
  )

  it.effect("one that only the first answers show: it is not said that all of them came", () =>
    Effect.gen(function* () {
      const id = "call-0148"
      const row = rows.find((row) => row.id === id)
      assert.isTrue(row !== undefined && isLoose(row) && isIn(row.created, range))
      for (const sortsByCreation of [true, false]) {
        const traits = { nulls: "first", sortsByCreation } as const
        let hidden = 0
        for (let from = 2; from < 12; from++) {
          const windows = yield* read(rows, { ...traits, hidden: { from, id } }, range)
          if (idsOf(windows).includes(id)) continue
          assert.strictEqual(windows.at(-1)?.coverage._tag, "Provisional", `from request ${from} on`)
          hidden++
        }
        assert.isAbove(hidden, 0)
      }
    })
  )

  it.effect("one that hides, beside one that does not say when it was created, is missed nevertheless", () =>
    Effect.gen(function* () {
      const dated = rows.filter((row) => !isLoose(row))
      const hides = { id: "hides", start: undefined, created: range.from + minute }
      const all = [...dated, hides, { id: "never", start: undefined, created: undefined }]
      let missed = 0
      for (let from = 2; from < 40; from++) {
        const traits = { nulls: "first", sortsByCreation: false, hidden: { from, id: "hides" } } as const
        const windows = yield* read(all, traits, range)
        if (!served.undated.has("hides") || idsOf(windows).includes("hides")) continue
        assert.strictEqual(windows.at(-1)?.coverage._tag, "Provisional", `from request ${from} on`)
        missed++
      }
      assert.isAbove(missed, 0)
    })
  )

  it.effect("by the order of creation of a server that answers a day at most: they come, and are not counted", () =>
    Effect.gen(function* () {
      const windows = yield* read(rows, { nulls: "last", sortsByCreation: true, span: day }, range)
      assert.deepStrictEqual(idsOf(windows), expected(rows, range))
      assert.isUndefined(windows.at(-1)?.outside)
    })
  )

  it.effect(
    "of a server that answers a day at most, and does not sort by creation: those that answers listed are reported",
    () =>
      Effect.gen(function* () {
        const traits = { nulls: "first", sortsByCreation: false, span: day } as const
        const windows = yield* read(rows, traits, range)
        const outside = windows.at(-1)?.outside
        assert.isAbove(outside?.unassigned ?? 0, 0)
        assert.isAtMost(outside?.unassigned ?? 0, rows.filter(({ start }) => start === undefined).length)
        assert.deepStrictEqual([...new Set(windows.map(({ coverage }) => coverage._tag))], ["Proven"])
      })
  )

  it.effect("where a limit cuts the list, there are at least as many as answers listed", () =>
    Effect.gen(function* () {
      const plain = rows.filter(({ start = 0 }) => start < distant)
      const short = { from: Instant.of(began - 80 * 60 * minute), to: Instant.of(began - 72 * 60 * minute) }
      for (const beyond of ["empty", "last"] as const)
        for (const most of [200, 300, 500]) {
          const traits = { nulls: "last", sortsByCreation: false, offset: { most, beyond } } as const
          const last = (yield* read(plain, traits, short)).at(-1)
          const { created = 0, unassigned = 0 } = last?.outside ?? {}
          assert.isAbove(served.undated.size, 0)
          assert.isAtLeast(created + unassigned, served.undated.size, JSON.stringify({ beyond, most }))
          assert.strictEqual(last?.coverage._tag, "Proven")
        }
    })
  )

  it.effect("a start beyond tomorrow that lies in the range is a start", () =>
    Effect.gen(function* () {
      const ahead = { id: "ahead", start: began + 30 * day, created: began - 2 * day }
      const windows = yield* read(
        [...rows, ahead],
        { nulls: "first", sortsByCreation: true },
        { ...range, to: Instant.of(began + 60 * day) }
      )
      assert.strictEqual(idsOf(windows).filter((id) => id === "ahead").length, 1)
      assert.isTrue(windows.some((window) => window.from < window.to && idsOf([window]).includes("ahead")))
    })
  )

  it.effect(
    "a page of them that fails each time: all calls with a start come, and the verdict says what is missing",
    () =>
      Effect.gen(function* () {
        const poison = rows.find((row) => isLoose(row) && isIn(row.created, range))?.id ?? ""
        const windows = yield* read(rows, { nulls: "last", sortsByCreation: true, poison }, range)
        const started = rows.filter((row) => !isLoose(row) && isIn(row.start, range)).map(({ id }) => id)
        assert.deepStrictEqual(idsOf(windows), started)
        assert.deepStrictEqual(tagsOf(windows.slice(0, -1)), ["Proven"])
        assert.deepStrictEqual(tagsOf(windows.slice(-1)), ["Gap"])
      })
  )
})
