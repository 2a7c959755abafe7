import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Rows from "../../../src/endpoint/internal/ListedRows.ts"
import * as MultiPassRead from "../../../src/history/internal/MultiPassRead.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import * as Histories from "../../torture/Histories.ts"
import { askOf, began, control, hour, open, rowsAt, second, settingsOf } from "./FakeServer.ts"

const range = { from: began - 20 * hour, to: began - 3 * hour }
const bounds = Ask.boundsOf(range)
const evenly = (rows: number) => Array.from({ length: rows }, (_, i) => range.to - (i + 1) * second)
const together = (rows: number) => Array.from({ length: rows }, () => range.to - hour)

const read = (
  rows: ReadonlyArray<Adversary.Row>,
  traits: Partial<Adversary.Traits> = {},
  before: ReadonlyArray<Rows.Row> = []
) =>
  Effect.gen(function* () {
    const server = open(rows, traits, 1000)
    const held = Rows.makeHeld()
    held.add(before)
    const options = { ...settingsOf(server), repeats: traits.beyond !== undefined && traits.beyond !== "empty" }
    const result = yield* MultiPassRead.read(askOf(server), bounds, held, options)
    return { tag: result._tag, held: held.size(), requests: server.requests() }
  })

/** Calls that start together, leave, come or hide: what is there throughout and is not among those of a reading that is complete. */
const readDrawn = (seed: number) =>
  Effect.gen(function* () {
    const { chance, next, pick } = Histories.random(seed)
    const count = pick(9, 11, 13, 25, 40)
    const tied = pick(0, 0.5, 1, 1)
    const last = pick(6, 8, 15, 40)
    const time = () => began + Math.floor(next() * last) * 1000 + 1
    const starts = evenly(count).map((start) => (chance(tied) ? range.to - hour : start))
    const moment = time()
    const when = () => pick(moment, time())
    const [leave, come] = [pick(0, 1, 1, 1, 3), pick(0, 0, 1, 2)]
    const rows = rowsAt(starts).map((row, i): Adversary.Row => {
      const place = (i * 7) % count
      return place < leave ? { ...row, gone: when() } : place < leave + come ? { ...row, seen: when() } : row
    })
    const every = pick(2, 3, 7)
    const hidden = chance(0.3)
      ? { ids: ["row-7"], when: { by: "number", every, for: pick(1, every - 1) } as const }
      : undefined
    const traits = {
      tieOrder: pick("id", "query", "random"),
      order: pick("start", "id"),
      beyond: pick("empty", "last"),
      hidden
    } as const
    const before = rows.filter(() => chance(pick(0, 0.9))).map(({ id, start }) => control(id, start ?? 0))
    const server = open(rows, traits, 1000)
    const held = Rows.makeHeld()
    held.add(before)
    const options = { ...settingsOf(server), repeats: traits.beyond === "last" }
    const { _tag: tag } = yield* MultiPassRead.read(askOf(server), bounds, held, options)
    // What hides is looked for among all that answers showed.
    const isSteady = ({ gone, id, seen }: Adversary.Row) => (gone ?? seen) === undefined && id !== hidden?.ids[0]
    return { tag, missing: tag === "Complete" ? rows.filter((row) => isSteady(row) && !held.rows.has(row.id)) : [] }
  })

/** A few calls that start together, in another order each time, one of which some answers lack. */
const readFew = (seed: number) =>
  Effect.gen(function* () {
    const { chance, next, pick } = Histories.random(seed)
    const starts = evenly(pick(4, 5, 6, 7)).map((start) => (chance(0.9) ? range.to - hour : start))
    const every = pick(2, 3, 4, 5, 6, 7, 8, 9)
    const rows = rowsAt(starts).map((row, i): Adversary.Row =>
      i === 1 && chance(0.3) ? { ...row, gone: began + Math.floor(next() * 12) * 1000 + 1 } : row
    )
    const hidden = chance(0.8) ? { ids: ["row-0"], when: { by: "number", every, for: 1 } as const } : undefined
    const traits: Partial<Adversary.Traits> = {
      cap: 4,
      tieOrder: pick("query", "random", "random"),
      beyond: pick("empty", "empty", "last"),
      hidden
    }
    const before = chance(0.5) ? [] : rows.filter(() => chance(0.7)).map(({ id, start }) => control(id, start ?? 0))
    const server = open(rows, traits, 1000)
    const held = Rows.makeHeld()
    held.add(before)
    const options = { ...settingsOf(server), size: 4, repeats: traits.beyond === "last" }
    const { _tag: tag } = yield* MultiPassRead.read(askOf(server, 4), bounds, held, options)
    const isSteady = ({ gone, id }: Adversary.Row) => gone === undefined && id !== hidden?.ids[0]
    return { tag, missing: tag === "Complete" ? rows.filter((row) => isSteady(row) && !held.rows.has(row.id)) : [] }
  })

describe("MultiPassRead.read", () => {
  it.effect("two passes that agree are complete, also where the last or first page comes again beyond the end", () =>
    Effect.gen(function* () {
      for (const beyond of ["empty", "last", "first"] as const) {
        const { held, tag } = yield* read(rowsAt(evenly(57)), { beyond })
        assert.deepStrictEqual({ held, tag }, { held: 57, tag: "Complete" }, beyond)
      }
    })
  )

  it.effect("rows that start together have shown themselves when they are as many as were counted", () =>
    Effect.gen(function* () {
      const { held, tag } = yield* read(rowsAt(together(35)), { tieOrder: "query" })
      if (tag === "Complete") assert.strictEqual(held, 35)
      assert.deepInclude(yield* read(rowsAt(together(35))), { held: 35, tag: "Complete" })
    })
  )

  it.effect("what one page holds is complete, also where that page comes again in another order each time", () =>
    Effect.gen(function* () {
      for (const tieOrder of ["query", "random"] as const)
        assert.deepInclude(yield* read(rowsAt(together(10)), { tieOrder, beyond: "last" }), {
          held: 10,
          tag: "Complete"
        })
    })
  )

  it.effect("it is never complete without a row that is there throughout, whenever another one leaves", () =>
    Effect.gen(function* () {
      let complete = 0
      for (let at = 0; at < 30; at++) {
        const rows = rowsAt(evenly(40)).map((row) => (row.id === "row-2" ? { ...row, gone: began + at * 1000 } : row))
        const { held, tag } = yield* read(rows)
        if (tag !== "Complete") continue
        assert.isAtLeast(held, 39, `gone after request ${at}`)
        complete++
      }
      assert.isAbove(complete, 0)
    })
  )

  it.effect("nor where calls start together, leave, come and hide while it reads", () =>
    Effect.gen(function* () {
      let complete = 0
      for (let seed = 1; seed <= 2500; seed++) {
        const { missing, tag } = yield* readDrawn(seed)
        if (tag === "Complete") complete++
        assert.isEmpty(missing, `seed ${seed}`)
      }
      assert.isAbove(complete, 100)
    })
  )

  for (const { rule, seeds } of [
    { rule: "three passes in a row agree on the count", seeds: [3736, 4002, 4360] },
    { rule: "the last of them brings nothing new", seeds: [3598] },
    { rule: "each row was in one of the last two", seeds: [4394] },
    { rule: "pages of other lengths begin elsewhere", seeds: [3138, 3286] }
  ])
    it.effect(`${rule}: nothing is missing from what is complete`, () =>
      Effect.gen(function* () {
        for (const seed of seeds) assert.isEmpty((yield* readDrawn(seed)).missing, `seed ${seed}`)
      })
    )

  it.effect("a row that is held and does not come must have left: otherwise no pass saw all", () =>
    Effect.gen(function* () {
      const away = began - 30 * hour
      const held = [control("row-0", away)]
      assert.strictEqual((yield* read(rowsAt([away, ...evenly(20)]), {}, held)).tag, "Moved")
      assert.strictEqual((yield* read(rowsAt(evenly(20)).slice(1), {}, held)).tag, "Complete")
    })
  )

  for (const { rule, seeds } of [
    { rule: "no pass counted more than came", seeds: [141, 500] },
    { rule: "where ids are not as many as rows, three passes agree on the count, not two", seeds: [1667, 2089] },
    { rule: "of two passes that agree the first one listed no row twice, either", seeds: [10, 5641] }
  ])
    it.effect(`${rule}: nothing is missing from what is complete`, () =>
      Effect.gen(function* () {
        for (const seed of seeds) assert.isEmpty((yield* readFew(seed)).missing, `seed ${seed}`)
      })
    )

  it.effect("passes that miss the same row, each because of one that leaves, have not the same rows", () =>
    Effect.gen(function* () {
      // The fifty-first is behind the fifth page of ten, then behind the seventh page of seven.
      const gone: Readonly<Record<string, number>> = { "row-2": began + 5500, "row-3": began + 14_500 }
      const server = open(
        rowsAt(evenly(57)).map((row) => ({ ...row, gone: gone[row.id] })),
        {},
        1000
      )
      const held = Rows.makeHeld()
      yield* MultiPassRead.read(askOf(server), bounds, held, { ...settingsOf(server), repeats: false })
      assert.isTrue(held.rows.has("row-50"))
    })
  )

  it.effect("a row without a start time that does not come cannot be looked for: it has not left", () =>
    Effect.gen(function* () {
      const undated: Rows.Row = { key: "undated", start: undefined, item: undefined, rejected: undefined }
      assert.strictEqual((yield* read(rowsAt(evenly(20)), {}, [undated])).tag, "Moved")
    })
  )

  it.effect("of more than twenty rows that do not come none is looked for", () =>
    Effect.gen(function* () {
      const held = Array.from({ length: 30 }, (_, i) => control(`old-${i}`, began - 30 * hour))
      const { requests, tag } = yield* read(rowsAt(evenly(20)), {}, held)
      assert.strictEqual(tag, "Moved")
      assert.isAtMost(requests, 40)
    })
  )

  it.effect("pages that come again without an end that shows soon end it", () =>
    Effect.gen(function* () {
      for (const cut of ["first", "last"] as const) {
        const { requests, tag } = yield* read(rowsAt(evenly(57)), { depth: { most: 3, cut } })
        assert.strictEqual(tag, "Incomplete", cut)
        assert.isAtMost(requests, 25, cut)
      }
    })
  )

  it.effect("a limit on depth is an end that is none", () =>
    Effect.gen(function* () {
      const { tag } = yield* read(rowsAt(evenly(57)), { depth: { most: 3, cut: "error" } })
      assert.strictEqual(tag, "Incomplete")
    })
  )
})

describe("MultiPassRead.isStillThere", () => {
  const isStillThere = (rows: ReadonlyArray<Adversary.Row>) =>
    Effect.gen(function* () {
      const server = open(rows, {}, 1000)
      const held = Rows.makeHeld()
      held.add((yield* askOf(server, 1000)(1, bounds)).rows)
      for (let page = 2; page <= 6; page++) held.add((yield* askOf(server)(page, bounds)).rows)
      const sizes: Array<number | undefined> = []
      const plain = askOf(server)
      const ask = Object.assign(
        (...question: Parameters<Ask.Ask>) => {
          sizes.push(question[2]?.size)
          return plain(...question)
        },
        { log: plain.log }
      )
      const there = yield* MultiPassRead.isStillThere(ask, bounds, held, { size: 10, repeats: false })
      return { there, sizes }
    })

  it.effect("each row must be there again, and no other", () =>
    Effect.gen(function* () {
      const rows = rowsAt(evenly(57))
      assert.isTrue((yield* isStillThere(rows)).there)
      const [goes, comes] = [{ gone: began + 6500 }, { seen: began + 6500 }]
      const changes: ReadonlyArray<Readonly<Record<string, Partial<Adversary.Row>>>> = [
        { "row-30": goes },
        { "row-30": comes },
        // As many as before.
        { "row-30": goes, "row-31": comes }
      ]
      for (const change of changes)
        assert.isFalse((yield* isStillThere(rows.map((row) => ({ ...row, ...change[row.id] })))).there)
    })
  )

  it.effect("in pages of another length, which no cache has, up to the first one that is not full", () =>
    Effect.gen(function* () {
      const { sizes } = yield* isStillThere(rowsAt(evenly(57)))
      assert.deepStrictEqual(
        sizes,
        Array.from({ length: 7 }, () => 9)
      )
    })
  )
})

describe("MultiPassRead.read, where pages of one size only show all", () => {
  it.effect("one order follows the other, also where pages of another size came to nothing between them", () =>
    Effect.gen(function* () {
      const server = open(rowsAt(evenly(16)), { offset: { most: 20, cut: "error" } })
      const passes: Array<string> = []
      const ask = askOf(server)
      const noting: typeof ask = Object.assign(
        (...[page, bounds, options = {}]: Parameters<typeof ask>) => {
          if (page === 1 && options.size === 10) passes.push(options.sort?.order ?? "")
          return ask(page, bounds, options)
        },
        { log: ask.log }
      )
      const options = { ...settingsOf(server), repeats: false }
      const result = yield* MultiPassRead.read(noting, bounds, Rows.makeHeld(), options)
      assert.strictEqual(result._tag, "Complete")
      assert.isTrue(
        passes.every((order, i) => i === 0 || order !== passes[i - 1]),
        passes.join(" ")
      )
    })
  )
})
