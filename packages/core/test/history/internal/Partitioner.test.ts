import { assert, describe, it } from "@effect/vitest"
import * as Partitioner from "../../../src/history/internal/Partitioner.ts"
import type { Task } from "../../../src/history/internal/Task.ts"
import * as Histories from "../../torture/Histories.ts"
import { began, control, day, hour, second } from "./FakeServer.ts"

const seenOf = (pages: number, charactersPerPage = 1000, pageSize = 100) => ({
  about: pages * pageSize,
  charactersPerPage,
  profile: { pageSize }
})

describe("Partitioner.isOneRound", () => {
  it("is where each reader has one window of forty-five pages at most", () => {
    for (const [pages, readers, isOne] of [
      [45, 1, true],
      [45.01, 1, false],
      [180, 4, true],
      [180.01, 4, false]
    ] as const)
      assert.strictEqual(Partitioner.isOneRound(seenOf(pages), readers), isOne, `${pages} ${readers}`)
    assert.isTrue(Partitioner.isOneRound(seenOf(45, 1000, 20), 1))
  })
})

describe("Partitioner.pagesPerWindow", () => {
  it("as many windows as there are readers, or a multiple: all end at the same time", () => {
    for (const [pages, readers, each] of [
      [100, 4, 26],
      [160, 4, 41],
      [176, 4, 45],
      [180, 4, 45],
      [181, 4, 24],
      [360, 4, 45],
      [400, 4, 34],
      [1000, 8, 43]
    ] as const)
      assert.strictEqual(Partitioner.pagesPerWindow(seenOf(pages), readers), each, `${pages} ${readers}`)
  })

  it("ten pages at least, where records are not large: then four", () => {
    for (const pages of [0, 1, 39]) assert.strictEqual(Partitioner.pagesPerWindow(seenOf(pages), 4), 10)
    assert.strictEqual(Partitioner.pagesPerWindow(seenOf(42), 4), 11)
    assert.strictEqual(Partitioner.pagesPerWindow(seenOf(180, 1_000_000), 4), 8)
    assert.strictEqual(Partitioner.pagesPerWindow(seenOf(180, 1_000_001), 4), 8)
    assert.strictEqual(Partitioner.pagesPerWindow(seenOf(180, 1_600_001), 4), 5)
    assert.strictEqual(Partitioner.pagesPerWindow(seenOf(180, 8_000_000), 4), 4)
    assert.strictEqual(Partitioner.pagesPerWindow(seenOf(180, Infinity), 4), 4)
    // A page of nothing says nothing of how large they are.
    assert.strictEqual(Partitioner.pagesPerWindow(seenOf(180, 0), 4), 45)
  })

  it("a window is read in parts with three times the characters that it should have", () => {
    assert.strictEqual(Partitioner.maxCharacters, 24_000_000)
  })
})

describe("Partitioner.tasks", () => {
  const range = { from: began - 10 * day, to: began }
  const oldRows = Array.from({ length: 9 }, (_, i) => control(`old-${i}`, range.from + (i + 1) * hour + 1))
  const shape = {
    about: 5000,
    controls: [
      control("oldest", range.from + hour + 1),
      control("another", range.from + day),
      control("newest", range.to - hour + 1)
    ],
    ends: { newest: false, oldest: false },
    oldRows: [],
    rate: 10 / hour
  } satisfies Parameters<typeof Partitioner.tasks>[2]
  const plain = { ahead: false, newestFirst: false, small: false }

  const tasks = (
    cuts: ReadonlyArray<number> = [],
    rest: Partial<Parameters<typeof Partitioner.tasks>[2]> = {},
    way: Partial<typeof plain> = {},
    latest = range.to
  ) => {
    const rounded = ({ expected, ...task }: Task) => ({ ...task, expected: Math.round(expected * 1e6) / 1e6 })
    const { first, rest: others } = Partitioner.tasks(range, cuts, { ...shape, ...rest }, { ...plain, ...way }, latest)
    return { first: first.map(rounded), rest: others.map(rounded) }
  }

  it("is one, with as many rows as its length promises", () => {
    assert.deepStrictEqual(tasks(), { first: [], rest: [{ ...range, expected: 2400 }] })
  })

  it("expects a row at least, and no more than there are", () => {
    assert.strictEqual(tasks([], { rate: 0 }).rest[0]?.expected, 1)
    assert.strictEqual(tasks([], { about: 300 }).rest[0]?.expected, 300)
  })

  it("is cut at the given instants, each once, ascending", () => {
    const cuts = [range.to - day, range.from + day, range.to - day, range.from, range.to, range.from - day, began + day]
    assert.deepStrictEqual(tasks(cuts).rest, [
      { from: range.from, to: range.from + day, expected: 240 },
      { from: range.from + day, to: range.to - day, expected: 8 * 240 },
      { from: range.to - day, to: range.to, expected: 240 }
    ])
  })

  it("is cut where calls begin and end, and expects none beside them", () => {
    const both = tasks([], { ends: { newest: true, oldest: true } })
    const [begin, end] = [range.from + hour, range.to - hour + second]
    assert.deepStrictEqual(both.rest, [
      { from: range.from, to: begin, expected: 0 },
      { from: begin, to: end, expected: 2380.002778 },
      { from: end, to: range.to, expected: 0 }
    ])
    const only = tasks([], { ends: { newest: true, oldest: true }, controls: [control("only", range.from + hour)] })
    assert.deepStrictEqual(
      only.rest.map(({ expected, to }) => [to - range.from, expected]),
      [
        [hour, 0],
        [hour + second, 1],
        [10 * day, 0]
      ]
    )
    const none = tasks([], { ends: { newest: true, oldest: true }, controls: [] })
    assert.deepStrictEqual(none.rest, tasks().rest)
    // Within a task they are what counts.
    const before = Partitioner.tasks(
      { from: range.from - day, to: range.from },
      [],
      { ...shape, ends: { newest: false, oldest: true } },
      plain,
      range.to
    )
    assert.deepStrictEqual(before.rest, [{ from: range.from - day, to: range.from, expected: 0 }])
  })

  it("expects none after the latest clock", () => {
    const at = range.to - day
    assert.deepStrictEqual(
      tasks([at], {}, {}, at).rest.map(({ expected }) => expected),
      [2160, 0]
    )
    assert.deepStrictEqual(
      tasks([at], {}, {}, at + 1).rest.map(({ expected }) => expected),
      [2160, 240]
    )
  })

  it("begins with a small one, alone where nobody reads ahead", () => {
    const soon = range.from + 5 * hour
    const [first, second] = [
      { from: range.from, to: soon, expected: 50 },
      { from: soon, to: range.to, expected: 2350 }
    ]
    assert.deepStrictEqual(tasks([], { oldRows }, { small: true }), { first: [first], rest: [second] })
    assert.deepStrictEqual(tasks([], { oldRows }, { small: true, ahead: true }), { first: [], rest: [first, second] })
    for (const [rows, way] of [
      [oldRows, {}],
      [oldRows.slice(1), { small: true }],
      [[], { small: true }]
    ] as const)
      assert.deepStrictEqual(tasks([], { oldRows: rows }, way), tasks())
    // A cut in front of it makes one that is smaller still, and may be empty.
    const cut = tasks([range.from + hour], { oldRows }, { small: true })
    assert.deepStrictEqual([cut.first.length, cut.rest.length], [0, 3])
    // One that is the whole range has nothing behind it.
    const last = oldRows.map(({ key, start }) => control(key, start + range.to - range.from - 5 * hour))
    assert.deepStrictEqual(tasks([], { oldRows: last }, { small: true }), tasks())
    const old = oldRows.map(({ key, start }) => control(key, start + 20 * day))
    assert.deepStrictEqual(tasks([], { oldRows: old }, { small: true }), tasks())
  })

  it("comes newest first where that is asked for, without a small one", () => {
    const at = range.to - day
    const { first, rest } = tasks([at], { oldRows }, { newestFirst: true, small: true })
    assert.deepStrictEqual(first, [])
    assert.deepStrictEqual(rest, tasks([at]).rest.toReversed())
  })

  it("tiles the range, whatever it is cut at", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const { next, pick } = Histories.random(seed)
      const some = () => range.from - day + Math.floor(next() * 12 * 24) * hour
      const cuts = Array.from({ length: Math.floor(next() * 5) }, some)
      const [low, high] = [some(), some()].sort((a, b) => a - b)
      const controls = [control("oldest", low ?? 0), control("newest", high ?? 0)]
      const ends = { newest: pick(true, false), oldest: pick(true, false) }
      const way = { small: pick(true, false), ahead: pick(true, false), newestFirst: pick(true, false) }
      const { first, rest } = tasks(cuts, { controls, ends, oldRows: pick([], oldRows) }, way, some())
      const all = way.newestFirst ? rest.toReversed() : [...first, ...rest]
      const about = `seed ${seed}`
      assert.deepStrictEqual(
        all.map(({ from }) => from),
        [range.from, ...all.map(({ to }) => to)].slice(0, -1),
        about
      )
      assert.strictEqual(all.at(-1)?.to, range.to, about)
      for (const { expected, from, to } of all) {
        assert.isBelow(from, to, about)
        assert.isTrue(expected === 0 || (expected >= 1 && expected <= shape.about), about)
      }
      for (const cut of cuts)
        if (cut > range.from && cut < range.to)
          assert.isTrue(
            all.some(({ to }) => to === cut),
            about
          )
      assert.isAtMost(first.length, 1, about)
      assert.isAtLeast(rest.length, 1, about)
    }
  })
})
