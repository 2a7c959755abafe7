/** What each pass asks for, and how a reading again ends. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Rows from "../../../src/endpoint/internal/ListedRows.ts"
import * as MultiPassRead from "../../../src/history/internal/MultiPassRead.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { askOf, began, control, hour, open, rowsAt, second, settingsOf } from "./FakeServer.ts"

const range = { from: began - 20 * hour, to: began - 3 * hour }
const bounds = Ask.boundsOf(range)
const evenly = (rows: number) => Array.from({ length: rows }, (_, i) => range.to - (i + 1) * second)
const row = (id: string) => control(id, range.to - second)

/** Answers of these rows, one after another, and what was asked for. */
const answering = (answer: (nth: number) => ReadonlyArray<Rows.Row>) => {
  const asked: Array<{ readonly page: number; readonly size: number | undefined; readonly order: string | undefined }> =
    []
  const ask: Ask.Ask = Object.assign(
    (page: number, of: Ask.Bounds, options: Parameters<Ask.Ask>[2] = {}) =>
      Effect.sync(() => {
        // What is looked for at its own start has left.
        if (of !== bounds) return { rows: [], observedAt: began, edition: undefined, characters: 0 }
        asked.push({ page, size: options.size, order: options.sort?.order })
        return { rows: answer(asked.length), observedAt: began, edition: undefined, characters: 0 }
      }),
    { log: Ask.makeLog() }
  )
  return { ask, asked }
}

const holding = (...ids: ReadonlyArray<string>) => {
  const held = Rows.makeHeld()
  held.add(ids.map(row))
  return held
}

const options = { size: 10, sort: { by: undefined, order: undefined }, repeats: false, hold: settingsOf(open([])).hold }

describe("the passes of MultiPassRead.read", () => {
  /** Each pass brings another row, so that none agrees with the one before it. */
  const passes = (rest: Partial<typeof options> & { readonly rounds?: boolean }, order?: "asc") =>
    Effect.gen(function* () {
      const { ask, asked } = answering((nth) => (asked.at(-1)?.page === 1 ? [row(`row-${nth}`)] : []))
      ask.log.rounds = rest.rounds ?? false
      const sort = { by: undefined, order }
      const { _tag: tag } = yield* MultiPassRead.read(ask, bounds, Rows.makeHeld(), { ...options, ...rest, sort })
      assert.strictEqual(tag, "Moved")
      return asked.filter(({ page }) => page === 1).map(({ order = "-", size = 0 }) => `${size} ${order}`)
    })

  it.effect("are seven, of other sizes, some of them the other way round", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* passes({}), ["10 -", "7 -", "9 -", "4 asc", "8 -", "5 asc", "3 -"])
      assert.deepStrictEqual(yield* passes({}, "asc"), [
        "10 asc",
        "7 asc",
        "9 asc",
        "4 desc",
        "8 asc",
        "5 desc",
        "3 asc"
      ])
    })
  )

  it.effect("are each second one the other way round where few sizes are different, or the server rounds them", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* passes({ size: 9 }), ["9 -", "6 asc", "8 -", "3 asc", "7 -", "5 asc", "2 -"])
      const all = ["10 -", "10 asc", "10 -", "10 asc", "10 -", "10 asc", "10 -"]
      assert.deepStrictEqual(yield* passes({ rounds: true }), all)
    })
  )

  const read = (traits: Partial<Adversary.Traits>, before = 0) =>
    Effect.gen(function* () {
      const server = open(rowsAt(evenly(57)), traits)
      const held = holding(...Array.from({ length: before }, (_, i) => `row-${i}`))
      return yield* MultiPassRead.read(askOf(server), bounds, held, { ...settingsOf(server), repeats: false })
    })

  it.effect("end at a page that is refused, with as many as came or were held", () =>
    Effect.gen(function* () {
      const depth = { most: 3, cut: "error" } as const
      assert.deepStrictEqual(yield* read({ depth }), { _tag: "Incomplete", held: 30, of: 30 })
      assert.deepStrictEqual(yield* read({ depth }, 40), { _tag: "Incomplete", held: 40, of: 40 })
    })
  )

  it.effect("do not end at one that fails, nor at a first one that is refused: that is the error", () =>
    Effect.gen(function* () {
      for (const most of [0, 3]) {
        const failed = yield* Effect.flip(read({ depth: { most, cut: "failure" } }))
        assert.strictEqual(failed.reason._tag, "Unavailable")
      }
      const refused = yield* Effect.flip(read({ depth: { most: 0, cut: "error" } }))
      assert.strictEqual(refused.reason._tag, "InvalidRequest")
    })
  )

  it.effect("that count more than they bring are incomplete, and have not moved", () =>
    Effect.gen(function* () {
      // The second page has rows of the first one, as where rows that start together change places.
      const pages = [Array.from({ length: 10 }, (_, i) => row(`row-${i}`)), [row("row-0")]]
      const { ask, asked } = answering(() => pages[(asked.at(-1)?.page ?? 1) - 1] ?? [])
      const result = yield* MultiPassRead.read(ask, bounds, Rows.makeHeld(), options)
      assert.deepStrictEqual(result, { _tag: "Incomplete", held: 10, of: 11 })
    })
  )
})

describe("what the passes of MultiPassRead.read prove together", () => {
  /** The pages of each pass, a letter a row; the last pass comes again and again. */
  const read = (passes: ReadonlyArray<string>, before: ReadonlyArray<string> = []) =>
    Effect.gen(function* () {
      let pass = -1
      const { ask, asked } = answering(() => {
        const { page = 1 } = asked.at(-1) ?? {}
        if (page === 1) pass++
        const pages = passes[Math.min(pass, passes.length - 1)]?.split(" ") ?? []
        return Array.from(pages[page - 1] ?? "", row)
      })
      const held = holding(...before)
      const { _tag: tag } = yield* MultiPassRead.read(ask, bounds, held, options)
      return `${tag} ${[...held.rows.keys()].sort().join("")} ${pass + 1}`
    })

  it.effect("two that agree, or three that count as many as all that came", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* read(["ab c"]), "Complete abc 2")
      assert.strictEqual(yield* read(["ab ac", "ab ad", "ab ac"]), "Complete abcd 3")
    })
  )

  it.effect("not two of which the second has a row more: another one may have been passed by in both", () =>
    Effect.gen(function* () {
      // The third came after the first pass and left during the second one, before the fourth was read.
      assert.strictEqual(yield* read(["ab", "ac b", "ad b"]), "Complete abcd 4")
    })
  )

  it.effect("not two of which the second has a row twice: another one starts with it", () =>
    Effect.gen(function* () {
      // What was held before has left, so that the second pass counts as many as came.
      assert.strictEqual(yield* read(["ab c", "ab ac", "ab cd"], ["x"]), "Complete abcdx 4")
    })
  )

  it.effect("not three that count as many as came, where an earlier one counted more", () =>
    Effect.gen(function* () {
      // The fourth hides after the first pass, which did not show it.
      assert.strictEqual(yield* read(["ab ac", "ab c", "ab c", "ab c", "ab c", "ab cd"]), "Complete abcd 7")
    })
  )

  it.effect("not three of which the first counted fewer: calls came meanwhile", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* read(["ad d", "ab ac", "ab db", "ab cde"]), "Complete abcde 5")
    })
  )

  it.effect("a second pass of the same size only where one page was full, and the server repeats it", () =>
    Effect.gen(function* () {
      for (const [repeats, length, second] of [
        [true, 10, "10 asc"],
        [true, 9, "7 -"],
        [false, 10, "7 -"]
      ] as const) {
        const { ask, asked } = answering((nth) =>
          asked.at(-1)?.page === 1 ? Array.from({ length }, (_, i) => row(`${nth}-${i}`)) : []
        )
        yield* MultiPassRead.read(ask, bounds, Rows.makeHeld(), { ...options, repeats })
        const passes = asked.filter(({ page }) => page === 1).map(({ order = "-", size = 0 }) => `${size} ${order}`)
        assert.deepStrictEqual(passes, ["10 -", second, "9 -", "4 asc", "8 -", "5 asc", "3 -"])
      }
    })
  )
})

describe("the pages of MultiPassRead.isStillThere", () => {
  const isStillThere = (
    pages: ReadonlyArray<ReadonlyArray<string>>,
    held: ReadonlyArray<string>,
    { repeats = false, size = 3 }: { readonly repeats?: boolean; readonly size?: number } = {}
  ) => {
    const { ask, asked } = answering(() => (pages[(asked.at(-1)?.page ?? 1) - 1] ?? []).map(row))
    return Effect.map(MultiPassRead.isStillThere(ask, bounds, holding(...held), { size, repeats }), (there) => ({
      there,
      asked
    }))
  }

  it.effect("bring each row once: one that comes twice hides another one that starts with it", () =>
    Effect.gen(function* () {
      const pages = [["a", "b"], ["c", "d"], ["e"]]
      assert.isTrue((yield* isStillThere(pages, ["a", "b", "c", "d", "e"])).there)
      // As many rows, and as many ids.
      assert.isFalse((yield* isStillThere([["a", "b"], ["b", "d"], ["e"]], ["a", "b", "c", "d", "e"])).there)
      assert.isFalse((yield* isStillThere([["a", "b"], ["b", "c"], ["d"]], ["a", "b", "c", "d"])).there)
    })
  )

  it.effect("are no smaller than one row", () =>
    Effect.gen(function* () {
      const { asked, there } = yield* isStillThere([["a"], ["b"], []], ["a", "b"], { size: 1 })
      assert.deepStrictEqual([there, asked.map(({ size }) => size)], [true, [1, 1, 1]])
    })
  )

  const server = (rows: number, traits: Partial<Adversary.Traits>, repeats: boolean, rounds = false) =>
    Effect.gen(function* () {
      const all = rowsAt(evenly(rows))
      const fake = open(all, traits)
      const ask = askOf(fake)
      ask.log.rounds = rounds
      const held = holding(...all.map(({ id }) => id))
      const there = yield* MultiPassRead.isStillThere(ask, bounds, held, { size: 10, repeats })
      return { there, requests: fake.requests() }
    })

  it.effect("end where the last or the first one comes again", () =>
    Effect.gen(function* () {
      for (const beyond of ["last", "first"] as const)
        for (const rows of [9, 18, 27])
          assert.isTrue((yield* server(rows, { beyond }, true)).there, `${rows} ${beyond}`)
    })
  )

  it.effect("have the size that the server does not round", () =>
    Effect.gen(function* () {
      const sizes = { of: [5, 10], round: "down" } as const
      assert.isTrue((yield* server(57, { sizes }, false, true)).there)
    })
  )

  it.effect("end where they are more than came, or one is refused, and not at one that fails", () =>
    Effect.gen(function* () {
      const again = yield* server(57, { depth: { most: 3, cut: "last" } }, false)
      assert.isFalse(again.there)
      assert.isAtMost(again.requests, 12)
      assert.isFalse((yield* server(57, { depth: { most: 3, cut: "error" } }, false)).there)
      for (const depth of [
        { most: 3, cut: "failure" },
        { most: 0, cut: "failure" },
        { most: 0, cut: "error" }
      ] as const) {
        const { reason } = yield* Effect.flip(server(57, { depth }, false))
        assert.strictEqual(reason._tag, depth.cut === "error" ? "InvalidRequest" : "Unavailable")
      }
    })
  )
})
