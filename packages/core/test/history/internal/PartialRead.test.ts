/** What comes of a list with a record that fails each page it is on. */
import * as CallRows from "@callstream/core/model/Rows"
import type { Rejected } from "@callstream/core/model/Rejected"
import * as Version from "@callstream/core/model/Version"
import { AgniError, NotFound } from "@callstream/core/model/AgniError"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as ListedRows from "../../../src/endpoint/internal/ListedRows.ts"
import * as Patience from "../../../src/endpoint/internal/Patience.ts"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as PartialRead from "../../../src/history/internal/PartialRead.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, day, hour, open, rowsAt, second, settingsOf } from "./FakeServer.ts"

const error = new AgniError({ reason: new NotFound(), request: "GET", attempts: 1, elapsed: Duration.zero })
const range = { from: began - 10 * day, to: began - day }
const dated = rowsAt(Array.from({ length: 23 }, (_, i) => range.to - (i + 1) * hour))
const undatedAt = (id: string): Adversary.Row => ({ id, start: undefined, created: range.to - hour })
const undatedOf = (count: number) => Array.from({ length: count }, (_, i) => undatedAt(`undated-${i}`))
const undated = undatedOf(5)
const idsOf = (rows: ReadonlyArray<Adversary.Row>) => rows.map(({ id }) => id)
const come = (rows: CallRows.Rows) => CallRows.items(rows).map(({ id }) => id)

const serve = Effect.fnUntraced(function* (
  rows: ReadonlyArray<Adversary.Row>,
  poison: string,
  traits: Partial<Adversary.Traits> = {},
  step = 0
) {
  yield* TestClock.setTime(began / 1000)
  const server = open(rows, { poison, ...traits }, step)
  return { server, list: Patience.make(server.client.list) }
})

describe("PartialRead.page", () => {
  const read = Effect.fnUntraced(function* (poison: string, number: number, traits: Partial<Adversary.Traits> = {}) {
    const { list, server } = yield* serve(dated, poison, traits)
    const { observedAt, page, rows } = yield* PartialRead.page(list, {}, number, 10)
    assert.strictEqual(page, number)
    assert.strictEqual<number>(observedAt, began)
    return { ids: come(rows), requests: server.requests() }
  })

  it.effect("has the others of its place", () =>
    Effect.gen(function* () {
      for (const page of [1, 2, 3]) {
        const rows = idsOf(dated).slice((page - 1) * 10, page * 10)
        for (const poison of rows) {
          const { ids } = yield* read(poison, page)
          assert.deepStrictEqual(
            ids,
            rows.filter((id) => id !== poison),
            `${poison} on page ${page}`
          )
        }
      }
    })
  )

  it.effect("is asked for once where it does not fail", () =>
    Effect.gen(function* () {
      const { ids, requests } = yield* read("row-3", 2)
      assert.deepStrictEqual([ids, requests], [idsOf(dated).slice(10, 20), 1])
    })
  )

  it.effect("has what comes where the server does not go so deep by small pages", () =>
    Effect.gen(function* () {
      const { ids } = yield* read("row-17", 2, { depth: { most: 2, cut: "error" } })
      assert.deepStrictEqual(ids, idsOf(dated).slice(10, 16))
    })
  )
})

describe("PartialRead.read", () => {
  it.effect("brings the rows of its seconds that come, and counts the others as rows of the gap", () =>
    Effect.gen(function* () {
      const at = range.to - 5 * hour
      const rows = rowsAt([at - second, at, at + 1, at + 2, at + second, at + 3 * second])
      const { list } = yield* serve(rows, "row-2")
      const { lost, window } = yield* PartialRead.read(
        settingsOf(open([]), { list }),
        { from: at, to: at + second },
        error
      )
      assert.deepStrictEqual([come(window.rows), lost, window.extra], [["row-1", "row-3"], 1, 1])
      assert.strictEqual(window.coverage._tag, "Gap")
      assert.strictEqual<number>(window.observedAt, began)
      assert.isAbove(window.requests, 1)
    })
  )
})

describe("the calls without a start time beside such a record", () => {
  const read = Effect.fnUntraced(function* (
    rows: ReadonlyArray<Adversary.Row>,
    poison: string,
    {
      delivered = 23,
      isDistant = () => false,
      isKnown = () => false,
      lost = 0,
      repeats = false,
      step = 0,
      ...traits
    }: Partial<Adversary.Traits> & {
      readonly delivered?: number
      readonly lost?: number
      /** How long a request takes, in µs. */
      readonly step?: number
      readonly repeats?: boolean
      readonly isKnown?: (key: string) => boolean
      readonly isDistant?: (row: { readonly key: string }) => boolean
    } = {}
  ) {
    const { list, server } = yield* serve(rows, poison, traits, step)
    const settings = settingsOf(server, { list, repeats: Effect.succeed(repeats) })
    const starts: Ask.Between = { after: range.from - day, before: began + day }
    const about = { rows: delivered, lost, isKnown, isDistant }
    const window = yield* PartialRead.undated(settings, range, starts, about, error)
    return { ids: come(window.rows).sort(), tag: window.coverage._tag, requests: server.requests(), window }
  })

  it.effect("all but the one that fails come, wherever the list has them, and there is a gap", () =>
    Effect.gen(function* () {
      for (const [traits, most] of [
        [{}, 24],
        [{ undatedFirst: false }, 24],
        [{ order: "id", newestFirst: false }, 24],
        [{ beyond: "last", repeats: true }, 28],
        [{ undatedFirst: false, beyond: "last", repeats: true }, 43],
        [{ undatedFirst: false, beyond: "first", repeats: true }, 29],
        [{ beyond: "not found" }, 24]
      ] as const)
        for (const { id: poison } of undated) {
          const { ids, requests, tag } = yield* read([...dated, ...undated], poison, traits)
          const about = `${poison} ${JSON.stringify(traits)}`
          assert.deepStrictEqual(
            ids,
            idsOf(undated).filter((id) => id !== poison),
            about
          )
          assert.strictEqual(tag, "Gap", about)
          assert.isAtMost(requests, most, about)
        }
    })
  )

  it.effect("those that a window has are left out, and those of the distant future come", () =>
    Effect.gen(function* () {
      const distant = { id: "distant", start: began + 9000 * day, created: began }
      const { ids } = yield* read([...dated, ...undated, distant], "undated-2", {
        isKnown: (key) => key === "undated-1",
        isDistant: ({ key }) => key === "distant"
      })
      assert.deepStrictEqual(ids, ["distant", "undated-0", "undated-3", "undated-4"])
    })
  )

  it.effect("a call that leaves while they are counted ends it no earlier", () =>
    Effect.gen(function* () {
      // By id the last one is alone on its page.
      const rows = [...rowsAt(Array.from({ length: 24 }, (_, i) => range.to - (i + 1) * hour)), ...undatedOf(8)]
      for (const traits of [{}, { order: "id", newestFirst: false }] as const)
        for (let at = 0; at < 40; at++) {
          const leaving = rows.map((row) => (row.id === "row-4" ? { ...row, gone: began + at * 1000 + 1 } : row))
          const { ids } = yield* read(leaving, "row-5", { ...traits, step: 1000, delivered: 24 })
          assert.lengthOf(ids, 8, JSON.stringify({ traits, at }))
        }
    })
  )

  it.effect("in front of the list the rest of it is not read, also where a call that has a start fails", () =>
    Effect.gen(function* () {
      const many = rowsAt(Array.from({ length: 400 }, (_, i) => range.to - (i + 1) * 10 * second))
      for (const [poison, most] of [
        ["row-7", 40],
        ["undated-9", 80]
      ] as const) {
        const { ids, requests } = yield* read([...many, ...undated], poison, { delivered: 400 })
        assert.deepStrictEqual(ids, idsOf(undated))
        assert.isAtMost(requests, most)
      }
    })
  )

  it.effect("where all of them came, it is the windows that lack what the server counts besides", () =>
    Effect.gen(function* () {
      // One that fails is counted, also as the last of the list.
      for (const poison of ["row-3", "row-22"]) {
        const rows = [...dated, ...undated]
        assert.strictEqual((yield* read(rows, poison)).tag, "Gap")
        for (const short of [{ delivered: 20 }, { lost: 3 }]) {
          const { coverage } = (yield* read(rows, poison, short)).window
          assert.deepStrictEqual(coverage, {
            _tag: "Unprovable",
            reason: { _tag: "CountDiffers", read: 25, counted: 28 }
          })
        }
      }
    })
  )

  it.effect("a server that does not go so deep shows those of the pages that it has", () =>
    Effect.gen(function* () {
      for (const cut of ["error", "empty"] as const) {
        const { ids, tag } = yield* read([...dated, ...undated], "row-22", { offset: { most: 10, cut } })
        assert.deepStrictEqual([ids, tag], [idsOf(undated), "Gap"], cut)
      }
    })
  )

  it.effect("where the page of the record comes again beyond the end, nothing has an end, and it is soon left", () =>
    Effect.gen(function* () {
      const rows = [...dated, ...undated]
      const { ids, requests } = yield* read(rows, "undated-4", { undatedFirst: false, beyond: "last", repeats: true })
      assert.deepStrictEqual(ids, idsOf(undated).slice(0, -1))
      assert.isAtMost(requests, 37)
    })
  )
})

describe("records that cannot be decoded", () => {
  /** The server's list, in which these records are not what they should be. */
  const breaking =
    (list: Patience.List, ...broken: ReadonlyArray<string>): Patience.List =>
    (query) =>
      Effect.map(list(query), (page) => {
        const items = CallRows.items(page.rows)
        const rejected = items.flatMap(({ id }, index) =>
          broken.includes(id)
            ? {
                stage: "decode" as const,
                reason: "it is broken",
                raw: { id },
                page: page.page,
                index,
                observedAt: Version.of(page.observedAt)
              }
            : []
        )
        const rest = items.filter(({ id }) => !broken.includes(id))
        return { ...page, rows: CallRows.make(rest, page.observedAt), rejected }
      })

  it.effect("come beside one that fails, and hold a place of their own", () =>
    Effect.gen(function* () {
      const { list, server } = yield* serve([...dated, ...undated], "undated-3")
      const broken = breaking(list, "undated-1", "row-2")
      const keys = (records: ReadonlyArray<Rejected>) => records.map(ListedRows.keyOf)
      const page = yield* PartialRead.page(broken, {}, 1, 10)
      assert.deepStrictEqual(come(page.rows), [
        "undated-0",
        "undated-2",
        "undated-4",
        "row-0",
        "row-1",
        "row-3",
        "row-4"
      ])
      assert.deepStrictEqual(keys(page.rejected), ["undated-1", "row-2"])
      const settings = settingsOf(server, { list: broken })
      const starts = { after: range.from - day, before: began + day }
      const about = { rows: 23, lost: 0, isKnown: () => false, isDistant: () => false }
      const window = yield* PartialRead.undated(settings, range, starts, about, error)
      assert.deepStrictEqual(come(window.rows), ["undated-0", "undated-2", "undated-4"])
      assert.deepStrictEqual(keys(window.rejected), ["undated-1", "row-2"])
      const at = range.to - 4 * hour
      const found = yield* PartialRead.read(settings, { from: at, to: at + 2 * hour }, error)
      assert.deepStrictEqual([come(found.window.rows), keys(found.window.rejected)], [["row-3"], ["row-2"]])
    })
  )
})
