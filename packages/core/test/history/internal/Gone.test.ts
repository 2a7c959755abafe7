import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Struct from "effect/Struct"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Patience from "../../../src/endpoint/internal/Patience.ts"
import * as Gone from "../../../src/history/internal/Gone.ts"
import * as Shown from "../../../src/history/internal/Shown.ts"
import { refusal } from "../../endpoint/internal/BoundedList.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { askOf, began, control, day, hour, open, rowsAt, settingsOf } from "./FakeServer.ts"

const starts = [began - 30 * day, began - 20 * day, began - 10 * day]
const [oldest, middle, newest] = starts.map((start, i) => control(`row-${i}`, start))

const looking = (traits: Partial<Adversary.Traits>, rows = rowsAt(starts)) =>
  Effect.gen(function* () {
    const server = open(rows, traits)
    const ask = Ask.make(Patience.make(server.client.list), {}, settingsOf(server))
    const found = yield* Gone.look(
      ask,
      [oldest, middle].flatMap((row) => row ?? []),
      10
    )
    return { found, gone: [...ask.log.gone], requests: server.requests() }
  })

describe("control rows that left", () => {
  it.effect("are those that do not come back for their own seconds, again and again", () =>
    Effect.gen(function* () {
      const all = yield* looking({})
      assert.deepStrictEqual([[...all.found.there], all.found.left, all.requests], [["row-0", "row-1"], false, 2])
      const { found, gone, requests } = yield* looking({}, rowsAt(starts).slice(1))
      assert.deepStrictEqual([[...found.there], found.left, requests], [["row-1"], true, 4])
      assert.deepStrictEqual(gone, [["row-0", starts[0]]])
    })
  )

  it.effect("are not those that a replica lacks, which answers each second request or over one connection", () =>
    Effect.gen(function* () {
      for (const when of [
        { by: "number", every: 2, for: 1 },
        { by: "connection", of: 4 }
      ] as const) {
        const { found, gone } = yield* looking({ hidden: { ids: ["row-0"], when } })
        assert.deepStrictEqual([found.left, gone], [false, []])
      }
    })
  )

  it.effect("are not those on whose pages a record fails", () =>
    Effect.gen(function* () {
      const { found, gone } = yield* looking({ poison: "row-0" })
      assert.deepStrictEqual([[...found.there], found.left, gone], [["row-1"], false, []])
    })
  )
})

describe("where the row at the end of the list left", () => {
  const ends = (side: "newest" | "oldest", traits: Partial<Adversary.Traits> = {}, more: ReadonlyArray<number> = []) =>
    Effect.gen(function* () {
      const row = side === "newest" ? newest : oldest
      const server = open(rowsAt([...starts, ...more]), traits)
      return row !== undefined && (yield* Gone.endsBeside(askOf(server), 10, side, row))
    })

  it.effect("the list shows whether it ends with the next one", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual([yield* ends("newest"), yield* ends("oldest")], [true, true])
      assert.isFalse(yield* ends("newest", {}, [began - 9 * day]))
      assert.isFalse(yield* ends("oldest", {}, [began - 31 * day]))
    })
  )

  it.effect("a list of one page in another order shows it; an empty list or none does not", () =>
    Effect.gen(function* () {
      const other = { order: "id", sorting: false } as const
      for (const side of ["newest", "oldest"] as const) {
        const first = { order: "start", newestFirst: side === "newest", sorting: false } as const
        assert.isTrue(yield* ends(side, first), side)
        // In the turned order the first row of the list is another one, and the page is all.
        assert.isFalse(
          yield* ends(side, { ...first, newestFirst: side !== "newest" }, [began - 9 * day, began - 31 * day])
        )
        for (const rows of [[], rowsAt([0, 1]).map((row) => ({ ...row, start: undefined }))]) {
          const row = side === "newest" ? newest : oldest
          assert.isFalse(row !== undefined && (yield* Gone.endsBeside(askOf(open(rows)), 10, side, row)))
        }
        assert.isFalse(
          yield* ends(side, { poison: side === "newest" ? "row-2" : "row-0" }).pipe(
            Effect.catch(() => Effect.succeed(false))
          )
        )
      }
      // Few rows are all of them, in any order.
      assert.isTrue(yield* ends("newest", { ...other, newestFirst: false }))
    })
  )

  it.effect("a full page in no order of time shows nothing", () =>
    Effect.gen(function* () {
      const more = Array.from({ length: 20 }, (_, i) => began - 15 * day - i * hour)
      assert.deepStrictEqual([yield* ends("newest", {}, more), yield* ends("oldest", {}, more)], [true, true])
      for (const side of ["newest", "oldest"] as const)
        assert.isFalse(yield* ends(side, { order: "id", sorting: false }, more), side)
    })
  )
})

describe("what is left of rows that may be gone", () => {
  const rows = starts.map((start, i) => control(`row-${i}`, start))
  const [below = control("", 0), , above = control("", 0)] = rows
  const gone = (...keys: ReadonlyArray<string>) => new Map(keys.map((key) => [key, began] as const))

  it("are those that are not known to be", () => {
    assert.deepStrictEqual(Gone.without(rows, undefined), rows)
    assert.deepStrictEqual(Gone.without(rows, gone()), rows)
    assert.deepStrictEqual(Gone.without(rows, gone("row-1")), rows.toSpliced(1, 1))
    assert.deepStrictEqual(Gone.without(rows, gone("row-0", "row-1", "row-2", "row-3")), [])
  })

  it("on both sides of a range", () => {
    const of = (beside: Parameters<typeof Gone.besidesWithout>[0], ...keys: ReadonlyArray<string>) =>
      Gone.besidesWithout(beside, { ...Ask.makeLog(), gone: gone(...keys) })
    const beside = { below, above }
    assert.deepStrictEqual(of(beside), beside)
    assert.deepStrictEqual(of(beside, "row-0"), { below: undefined, above })
    assert.deepStrictEqual(of(beside, "row-2"), { below, above: undefined })
    assert.deepStrictEqual(of({ below: undefined, above }), { below: undefined, above })
    assert.deepStrictEqual(of(undefined), { below: undefined, above: undefined })
  })

  it("a row that is not back, or hidden, or on a page that fails, is no problem of the bounds", () => {
    for (const found of [undefined, "fails", Ask.notBack, Ask.hidden] as const) assert.isFalse(Gone.isProblem(found))
    assert.isTrue(Gone.isProblem({ _tag: "OutsideBounds" }))
  })
})

describe("a row that is looked for", () => {
  /** An answer for each time that its second is asked for: with it, without it, or with one from elsewhere. */
  const look = (...answers: ReadonlyArray<"there" | "not" | "elsewhere" | "refused">) =>
    Effect.gen(function* () {
      let nth = 0
      const [own, other] = [open(rowsAt(starts)), open(rowsAt(starts).slice(1))]
      const ask = Ask.make(
        (query) => {
          const answer = answers[Math.min(nth++, answers.length - 1)]
          if (answer === "refused") return Effect.fail(refusal)
          const whole = Struct.omit(query, ["startedAfter", "startedBefore"])
          return (answer === "not" ? other : own).client.list(answer === "elsewhere" ? whole : query)
        },
        {},
        settingsOf(own)
      )
      const { left, problem, there } = yield* Gone.look(
        ask,
        [oldest].flatMap((row) => row ?? []),
        10
      )
      return { there: there.size, left, problem: problem?._tag, gone: ask.log.gone.size }
    })

  it.effect("is gone if three answers lack it, and there if one of them has it", () =>
    Effect.gen(function* () {
      const back = { there: 1, left: false, problem: undefined, gone: 0 }
      assert.deepStrictEqual(yield* look("there"), back)
      assert.deepStrictEqual(yield* look("not", "there"), back)
      assert.deepStrictEqual(yield* look("not", "not", "there"), back)
      assert.deepStrictEqual(yield* look("not", "there", "not"), back)
      assert.deepStrictEqual(yield* look("not"), { there: 0, left: true, problem: undefined, gone: 1 })
    })
  )

  it.effect("that comes with others from elsewhere shows that bounds are not understood, whichever answer does", () =>
    Effect.gen(function* () {
      const found = { there: 0, left: false, problem: "OutsideBounds", gone: 0 } as const
      assert.deepStrictEqual(yield* look("elsewhere"), found)
      assert.deepStrictEqual(yield* look("not", "not", "elsewhere"), found)
      assert.deepStrictEqual(yield* look("not", "elsewhere"), found)
      // A refusal says nothing of it.
      const refused = { ...found, problem: undefined }
      assert.deepStrictEqual(yield* look("refused"), refused)
      assert.deepStrictEqual(yield* look("not", "refused"), refused)
    })
  )
})

describe("calls that left after they were delivered", () => {
  const doubts = (left: number, delivered: (nth: number) => boolean, isBack: (nth: number) => boolean) =>
    Effect.gen(function* () {
      const shown = Shown.make([{ from: began - 40 * day, to: began }])
      const looked: Array<number> = []
      for (let nth = 0; nth < left; nth++) {
        shown.gone.set(`gone-${nth}`, began - nth * hour)
        if (delivered(nth)) shown.ids.add(`gone-${nth}`)
      }
      yield* Gone.doubtBack(shown, (key, start) =>
        Effect.sync(() => {
          const nth = Number(key.slice(5))
          assert.strictEqual(start, began - nth * hour)
          looked.push(nth)
          return isBack(nth) ? control(key, start) : undefined
        })
      )
      return { looked, doubted: [...shown.doubted] }
    })

  it.effect("are looked for once more: answers lacked each that is back", () =>
    Effect.gen(function* () {
      const found = yield* doubts(
        4,
        (nth) => nth !== 1,
        (nth) => nth !== 2
      )
      assert.deepStrictEqual(found, { looked: [0, 2, 3], doubted: ["gone-0", "gone-3"] })
    })
  )

  it.effect("are eight at most: of more it is enough that one of them is there", () =>
    Effect.gen(function* () {
      const found = yield* doubts(
        12,
        (nth) => nth > 0,
        () => false
      )
      assert.deepStrictEqual(found.looked, [1, 2, 3, 4, 5, 6, 7, 8])
    })
  )
})
