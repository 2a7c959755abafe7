/** What is noted of counts and pages, held against a list of everything that was said. */
import { assert, describe, it } from "@effect/vitest"
import * as NotedCounts from "../../../src/endpoint/internal/NotedCounts.ts"
import * as Histories from "../../torture/Histories.ts"

type Counts = Map<string, NotedCounts.Counted>

const logOf = () => ({
  counts: new Map() as Counts,
  places: new Map() as Counts,
  sure: new Map() as Counts,
  lengths: new Map<string, NotedCounts.Paged>()
})

const pageOf = (rest: Partial<NotedCounts.Paged> = {}): NotedCounts.Paged => ({
  after: 1,
  before: 9,
  rows: 14,
  size: 5,
  length: 4,
  isFirst: false,
  ...rest
})

const most = (values: ReadonlyArray<number>): number => Math.max(0, ...values)

describe("NotedCounts", () => {
  it("has the greatest count of exactly these bounds, whatever the order in which counts come", () => {
    for (let seed = 1; seed <= 100; seed++) {
      const { next, pick } = Histories.random(seed)
      const { counts } = logOf()
      const all = Array.from({ length: 12 }, () => ({
        bounds: { after: pick(undefined, 1, 2), before: pick(undefined, 2, 12) },
        rows: Math.floor(next() * 6)
      }))
      for (const { bounds, rows } of all) NotedCounts.noteCount(counts, bounds, rows)
      for (const after of [undefined, 1, 2, 11])
        for (const before of [undefined, 2, 12]) {
          const said = all.filter(({ bounds }) => bounds.after === after && bounds.before === before)
          const rows = most(said.map(({ rows }) => rows))
          const found = NotedCounts.exactly(counts, { after, before })
          // A limit may answer with nothing: that bounds hold no rows is not noted.
          assert.strictEqual(found, rows === 0 ? undefined : rows, `seed ${seed}: ${after} to ${before}`)
        }
    }
  })

  it("has open bounds as infinite ones", () => {
    const { counts } = logOf()
    NotedCounts.noteCount(counts, { after: 3 }, 7)
    NotedCounts.noteCount(counts, { before: 4 }, 8)
    assert.deepStrictEqual(
      [...counts.values()],
      [
        { after: 3, before: Infinity, rows: 7 },
        { after: -Infinity, before: 4, rows: 8 }
      ]
    )
    assert.strictEqual(NotedCounts.exactly(counts, { after: 3, before: Infinity }), 7)
    assert.strictEqual(NotedCounts.exactly(counts, { after: -Infinity, before: 4 }), 8)
  })

  it("keeps a page for each of its bounds, sizes, lengths, and for whether it may be the first one, at its greatest place", () => {
    const { lengths } = logOf()
    const pages = [
      pageOf(),
      pageOf({ after: 2 }),
      pageOf({ before: 8 }),
      pageOf({ size: 6 }),
      pageOf({ length: 3 }),
      pageOf({ isFirst: true })
    ]
    for (const page of pages) NotedCounts.notePage(lengths, page)
    NotedCounts.notePage(lengths, pageOf({ rows: 9 }))
    assert.deepStrictEqual([...lengths.values()], pages)
    NotedCounts.notePage(lengths, pageOf({ rows: 19 }))
    assert.deepStrictEqual([...lengths.values()], [pageOf({ rows: 19 }), ...pages.slice(1)])
    NotedCounts.forgetPage(lengths, pageOf({ rows: 1 }))
    assert.deepStrictEqual([...lengths.values()], pages.slice(1))
    NotedCounts.notePage(lengths, pageOf({ rows: 0 }))
    assert.strictEqual(lengths.size, pages.length - 1)
    NotedCounts.notePage(lengths, pageOf({ rows: 1 }))
    assert.strictEqual(lengths.size, pages.length)
  })

  it("has the places of the pages that are left, where those of other sizes are forgotten", () => {
    for (let seed = 1; seed <= 100; seed++) {
      const { next, pick } = Histories.random(seed)
      const log = logOf()
      const pages = Array.from({ length: 10 }, () =>
        pageOf({ after: pick(1, 2), size: pick(4, 5, 6), length: pick(1, 2), rows: 1 + Math.floor(next() * 30) })
      )
      for (const page of pages) {
        NotedCounts.notePage(log.lengths, page)
        NotedCounts.noteCount(log.places, page, page.rows)
        NotedCounts.noteCount(log.sure, page, page.rows - 1)
      }
      const exact = pick(true, false)
      const isKept = ({ size }: NotedCounts.Paged) => (exact ? size === 5 : size <= 5)
      const kept = [...log.lengths.values()].filter(isKept)
      const forget = exact ? NotedCounts.forgetOthers : NotedCounts.forgetLarger
      const before = new Map(log.sure)
      forget(log, 5)
      assert.deepStrictEqual([...log.lengths.values()], kept, `seed ${seed}`)
      assert.deepStrictEqual(log.sure, exact ? new Map() : before, `seed ${seed}`)
      for (const after of [1, 2]) {
        const places = kept.filter((page) => page.after === after).map(({ rows }) => rows)
        assert.strictEqual(NotedCounts.exactly(log.places, { after, before: 9 }) ?? 0, most(places), `seed ${seed}`)
      }
    }
  })

  it("counts by places of pages only where the server does not repeat itself beyond the end, and by sure ones there", () => {
    const bounds = { after: 1, before: 2 }
    for (const [counted, placed, sure] of [
      [3, 2, 1],
      [1, 3, 2],
      [1, 2, 3],
      [0, 2, 0],
      [0, 0, 2],
      [2, 0, 0]
    ] as const) {
      const log = logOf()
      NotedCounts.noteCount(log.counts, bounds, counted)
      NotedCounts.noteCount(log.places, bounds, placed)
      NotedCounts.noteCount(log.sure, bounds, sure)
      assert.strictEqual(NotedCounts.countOf(log, bounds, false), Math.max(counted, placed))
      assert.strictEqual(NotedCounts.countOf(log, bounds, true), Math.max(counted, sure))
      assert.strictEqual(NotedCounts.countOf(log, { after: 1 }, false), 0)
    }
  })
})
