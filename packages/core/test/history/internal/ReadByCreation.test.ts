import { assert, describe, it } from "@effect/vitest"
import { AgniError, InvalidRequest } from "@callstream/core/model/AgniError"
import * as Instant from "@callstream/core/model/Instant"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import type * as Rows from "../../../src/endpoint/internal/ListedRows.ts"
import { readByCreation } from "../../../src/history/internal/ReadByCreation.ts"
import { began, day, item, open, settingsOf } from "./FakeServer.ts"

const range = { from: began - 6 * day, to: began - 3 * day }

/** A row for each place in the list, by when it was created; those with `?` have no start. */
const rowsOf = (places: ReadonlyArray<string>): ReadonlyArray<Rows.Row> => {
  const away = new Map([
    ["newer", range.to + day],
    ["older", range.from]
  ])
  const edges = new Map([
    ["later", range.to],
    ["from", range.from],
    ["earlier", range.from - 1]
  ])
  return places.map((place, i) => {
    const [when = "", loose] = place.split("?")
    const created = Instant.of(edges.get(when) ?? (away.get(when) ?? range.to - 1_000_000) - 1 - i)
    const key = `row-${i}`
    const start = loose === undefined ? created : undefined
    return { key, start, item: { ...item(key, created), row: { id: key }, start, created }, rejected: undefined }
  })
}

const refusal = new AgniError({ reason: new InvalidRequest({}), request: "GET", attempts: 1, elapsed: Duration.zero })

interface Traits {
  /** @default 10 */
  readonly size?: number
  /** Pages that the server has, and what comes instead of others. */
  readonly depth?: number
  readonly cut?: "empty" | "error" | "last"
  /** Sizes below ten are this one. */
  readonly least?: number
  /** Whether the oldest come first where that is asked for. @default true */
  readonly turns?: boolean
  /** The number of a row that pages from the oldest on have not. */
  readonly lacks?: number
  /** So many come in front with each answer. */
  readonly come?: number
  /** None come before so many answers. @default 0 */
  readonly quiet?: number
  /** When calls without a start time that other answers listed were created. */
  readonly listed?: ReadonlyArray<number>
}

const isLoose = ({ start }: Rows.Row) => start === undefined

const read = (
  places: ReadonlyArray<string>,
  { come = 0, cut, depth = Infinity, lacks, least, listed = [], quiet = 0, size: most = 10, turns = true }: Traits = {},
  rounds = false
) => {
  const newestFirst = [...rowsOf(places)]
  const oldestFirst = () => newestFirst.toReversed().filter(({ key }) => key !== `row-${lacks}`)
  let requests = 0
  const ask: Ask.Ask = Object.assign(
    (asked: number, _: Ask.Bounds, options: Parameters<Ask.Ask>[2] = {}) =>
      Effect.suspend(() => {
        requests++
        const [newest] = newestFirst
        for (let i = 0; i < come && requests > quiet && newest?.item !== undefined; i++) {
          const created = Instant.of((newestFirst[0]?.item?.created ?? 0) + 1)
          const { item } = newest
          newestFirst.unshift({ ...newest, key: `come-${requests}-${i}`, item: { ...item, row: item.row, created } })
        }
        if (asked > depth && cut === "error") return Effect.fail(refusal)
        const page = asked > depth && cut === "last" ? depth : asked
        const wanted = options.size ?? most
        const rows = turns && options.sort?.order === "asc" ? oldestFirst() : newestFirst
        const size = least !== undefined && wanted < 10 ? least : wanted
        const found = asked > depth && cut === "empty" ? [] : rows.slice((page - 1) * size, page * size)
        return Effect.succeed({ rows: found, observedAt: began, edition: undefined, characters: 0 })
      }),
    { log: { ...Ask.makeLog(), rounds } }
  )
  return Effect.map(
    readByCreation(
      settingsOf(open([]), { size: most }),
      ask,
      range,
      isLoose,
      () => new Map(listed.map((created, i) => [`listed-${i}`, created]))
    ),
    (found) => ({
      tag: found?.coverage._tag,
      loose: found?.rows.filter(({ start }) => start === undefined).length,
      requests
    })
  )
}

const times = (count: number, place: string) => Array.from({ length: count }, () => place)

describe("readByCreation", () => {
  it.effect("has those from the beginning of the range on, among others", () =>
    Effect.gen(function* () {
      const places = [...times(3, "later"), "later?", "in?", ...times(3, "in"), "from?", "from", "earlier?", "earlier"]
      assert.deepInclude(yield* read(places), { tag: "Proven", loose: 4 })
      for (const cut of ["later", "in", "earlier"] as const)
        assert.deepInclude(yield* read([...times(23, cut === "earlier" ? "in" : cut), "in?", ...times(3, "earlier")]), {
          tag: "Proven",
          loose: 1
        })
    })
  )

  it.effect("begins with the last page that is later, wherever that is", () =>
    Effect.gen(function* () {
      for (let later = 0; later <= 120; later++) {
        const places = [...times(later, "later"), "in?", ...times(4, "in"), "in?", ...times(15, "earlier")]
        assert.deepInclude(yield* read(places), { tag: "Proven", loose: 2 }, `${later} are later`)
      }
      assert.isAtMost((yield* read([...times(800, "later"), "in?", "in", "earlier"])).requests, 16)
    })
  )

  it.effect("is nothing where a page is in another order, the first one or a later one", () =>
    Effect.gen(function* () {
      const first = ["in?", "earlier", ...times(3, "in"), "in?"]
      assert.isUndefined((yield* read(first)).tag)
      // Those behind the earlier one would be missing.
      const second = ["in", "in?", ...times(10, "in"), "earlier", ...times(15, "in"), "in?", "in"]
      assert.isUndefined((yield* read(second)).tag)
    })
  )

  it.effect("is nothing where none is among others, or pages do not go so deep", () =>
    Effect.gen(function* () {
      assert.isUndefined((yield* read([...times(5, "in"), "earlier"])).tag)
      assert.isUndefined((yield* read(times(5, "in?"))).tag)
      for (const cut of ["empty", "error"] as const) {
        const places = ["in", "in?", ...times(40, "in"), "in?", "in"]
        assert.isUndefined((yield* read(places, { depth: 2, cut })).tag, cut)
      }
      assert.isUndefined((yield* read([])).tag)
    })
  )

  it.effect("reads page after page where sizes are rounded", () =>
    Effect.gen(function* () {
      const places = ["in", "in?", ...times(30, "in"), "in?", ...times(4, "in"), "earlier"]
      assert.deepInclude(yield* read(places, { least: 5 }, true), { tag: "Proven", loose: 2 })
      assert.notStrictEqual((yield* read(places, { least: 5 })).tag, "Proven")
    })
  )

  it.effect("proves there what both orders of creation have, whatever they have outside of the range", () =>
    Effect.gen(function* () {
      const places = [...times(3, "later"), "in", "in?", ...times(30, "in"), "in?", ...times(4, "in"), "earlier"]
      for (const [lacks, tag] of [
        [0, "Proven"],
        [4, "Provisional"],
        [9, "Provisional"],
        [places.length - 1, "Proven"]
      ] as const)
        assert.deepInclude(yield* read(places, { least: 5, lacks }, true), { tag, loose: 2 }, `without row ${lacks}`)
      assert.deepInclude(yield* read(places, { least: 5, turns: false }, true), { tag: "Provisional", loose: 2 })
      // Pages of another size are the same ones there.
      assert.strictEqual((yield* read(places, { least: 10, turns: false }, true)).tag, "Provisional")
    })
  )

  it.effect("ends where the same page comes again and again", () =>
    Effect.gen(function* () {
      const places = ["in", "in?", ...times(57, "in")]
      const { requests, tag } = yield* read(places, { depth: 2, cut: "last" })
      assert.isUndefined(tag)
      assert.isAtMost(requests, 10)
    })
  )

  it.effect("reads on where pages of every size end, as those of three, four and five do after 60 rows", () =>
    Effect.gen(function* () {
      for (let size = 2; size <= 8; size++) {
        for (let length = 1; length <= 130; length += size === 5 ? 1 : 7) {
          const places = ["later", "in?", "in", ...times(length, "in"), "in?", "in"]
          const told = `${length} rows, ${size} a page`
          assert.deepInclude(yield* read([...places, "earlier"], { size }), { tag: "Proven", loose: 2 }, told)
          assert.deepInclude(yield* read([...places, "earlier"], { size, turns: false }), { tag: "Proven", loose: 2 })
          // One that only one of the two walks has.
          const lacks = 62
          const { tag } = yield* read([...places, "earlier"], { size, lacks })
          if (size === 5 && length > 60) assert.strictEqual(tag, "Provisional", told)
        }
      }
    })
  )

  it.effect("reads a range of more calls than a function takes as arguments", () =>
    Effect.gen(function* () {
      const places = ["in", "in?", ...times(200_000, "in"), "earlier"]
      assert.deepInclude(yield* read(places, { size: 2000 }, true), { tag: "Proven", loose: 1 })
    })
  )

  it.effect("takes an empty page for the end where the other order of creation shows the same", () =>
    Effect.gen(function* () {
      const places = ["later", "in?", ...times(57, "in"), "in?"]
      assert.deepInclude(yield* read(places, { size: 5 }), { tag: "Proven", loose: 2 })
      assert.deepInclude(yield* read(["in", ...places.slice(1)], { size: 5 }), { tag: "Proven", loose: 2 })
      assert.deepInclude(yield* read(places, { least: 10 }, true), { tag: "Proven", loose: 2 })
      assert.deepInclude(yield* read([...times(28, "later"), "later?", "later"], {}, true), { tag: "Proven", loose: 1 })
      // So deep the server does not go, or not from both ends.
      assert.isUndefined((yield* read(places, { depth: 3, cut: "empty" }, true)).tag)
      // Both together have all.
      assert.deepInclude(yield* read(places, { depth: 5, cut: "empty" }, true), { tag: "Provisional", loose: 2 })
      const [newer, older] = [
        [...times(25, "later"), "later?"],
        ["earlier?", ...times(25, "earlier")]
      ]
      const hidden = [...newer, ...times(9, "later"), ...times(20, "in"), ...times(9, "earlier"), ...older]
      assert.isUndefined((yield* read(hidden, { depth: 3, cut: "empty" }, true)).tag)
    })
  )

  it.effect("understands the order by those that fill whole pages among others", () =>
    Effect.gen(function* () {
      for (let size = 2; size <= 5; size++) {
        for (let begin = 1; begin <= 12; begin++) {
          const places = [...times(begin, "in"), ...times(2 * size, "in?"), ...times(7, "in"), "earlier"]
          const told = `${size} a page, from row ${begin}`
          assert.deepInclude(yield* read(places, { size }), { tag: "Proven", loose: 2 * size }, told)
        }
      }
      // Each page is in order, and the whole is not.
      assert.isUndefined((yield* read([...times(10, "from?"), ...times(15, "in"), "earlier"])).tag)
      assert.isUndefined((yield* read([...times(15, "in"), ...times(4, "older"), "in", ...times(10, "in?")])).tag)
    })
  )

  it.effect(
    "understands it by a call that lies elsewhere: on the pages before the range, or on one that has a listed one",
    () =>
      Effect.gen(function* () {
        const before = ["newer", "newer?", ...times(40, "newer"), ...times(5, "in"), ...times(9, "older")]
        assert.strictEqual((yield* read(before)).tag, "Proven")
        const behind = (rows: number) => [...times(5, "in"), ...times(rows, "older"), "older?", ...times(60, "older")]
        const older = (row: number) => range.from - 1 - row
        for (let rows = 12; rows <= 90; rows++) {
          const { requests, tag } = yield* read(behind(rows), { listed: [older(5 + rows)] })
          assert.strictEqual(tag, "Proven", `${rows} rows`)
          assert.isAtMost(requests, 6)
        }
        // Nobody looks for one of the range, because all of that was read, nor for one that is farther away.
        const far = [...behind(50), ...times(900, "older")]
        const several = yield* read(far, { listed: [older(900), range.to - 1, older(55)] })
        assert.deepInclude(several, { tag: "Proven", requests: 3 })
        // Those of a page may have been created together.
        const together = [...times(5, "in"), ...times(35, "earlier"), ...times(15, "older"), "older?", "older"]
        assert.strictEqual((yield* read(together, { listed: [older(55)] })).tag, "Proven")
        const block = [...times(5, "in"), ...times(35, "older"), ...times(10, "older?"), ...times(15, "older")]
        assert.strictEqual((yield* read(block, { listed: [older(44)] })).tag, "Proven")
        // Where it is not where it should be, the order is another one.
        const last = [...times(5, "in"), ...times(60, "older"), "older?"]
        assert.isUndefined((yield* read(last)).tag)
        const places = [...times(5, "newer"), ...times(25, "in"), ...times(900, "older")]
        const walk = (yield* read(places)).requests
        for (const [listed, most] of [
          [older(905), walk + 4],
          [range.to + day - 3, walk + 1],
          [older(39.5), walk + 2]
        ] as const) {
          const { requests, tag } = yield* read(places, { listed: [listed] })
          assert.isUndefined(tag)
          assert.isAtMost(requests, most, `${listed}`)
        }
      })
  )

  it.effect("reads on where calls come while it reads, and gives up where they come faster than pages", () =>
    Effect.gen(function* () {
      const places = (rows: number) => ["later", ...times(5, "in"), "in?", ...times(rows, "in"), "in?", "in", "earlier"]
      for (const come of [1, 2, 3])
        assert.deepInclude(yield* read(places(40), { come, size: 5, turns: false }), { tag: "Provisional", loose: 2 })
      // Nothing is proven any more, so no second walk is needed.
      assert.isAtMost((yield* read(places(40), { come: 1 })).requests, 9)
      for (const first of ["later", "in"]) {
        const open = [first, ...places(70).slice(1)]
        assert.isAtMost((yield* read(open, { come: 6, size: 5 })).requests, 400)
        assert.isAtMost((yield* read(open, { come: 20, size: 5, turns: false })).requests, 400)
      }
      const list = [...times(3, "in"), "in?", ...times(56, "in"), ...times(3, "earlier")]
      const { requests, tag } = yield* read(list, { come: 6, size: 5, quiet: 35 })
      assert.strictEqual(tag, "Proven")
      assert.isAtMost(requests, 120)
    })
  )
})
