/** Rows of several responses, held and compared: against models that say the same in another way. */
import { assert, describe, it } from "@effect/vitest"
import * as Instant from "@callstream/core/model/Instant"
import * as Rows from "../../../src/endpoint/internal/ListedRows.ts"
import * as Histories from "../../torture/Histories.ts"

const row = (key: string, start?: number, created?: number): Rows.Row => {
  const at = start === undefined ? undefined : Instant.of(start)
  const queued = created === undefined ? undefined : Instant.of(created)
  const createdAt = queued === undefined ? undefined : Instant.format(queued)
  const item = {
    id: key,
    start: at,
    version: undefined,
    row: { id: key, createdAt: createdAt ?? null },
    json: undefined
  }
  return { key, start: at, item, rejected: undefined }
}

/** A second after the first credible one. */
const epoch = 1_000_000_000_000_000

const keysOf = (rows: ReadonlyArray<Rows.Row>): ReadonlyArray<string> => rows.map(({ key }) => key)

/** Few keys and few starts, so that many are the same. */
const draw = (seed: number, most = 6) => {
  const { next, pick } = Histories.random(seed)
  const page = (length = Math.floor(next() * most)) =>
    Array.from({ length }, () => row(pick("a", "b", "c", "d", "e"), pick(undefined, 1, 2, 3)))
  return { next, pick, page }
}

const rounds = 400

const startsOf = (rows: ReadonlyArray<Rows.Row>): ReadonlyArray<number> => rows.flatMap(({ start }) => start ?? [])

describe("the order of rows", () => {
  it("is newest first if the starts that there are descend, or are the same", () => {
    for (let seed = 1; seed <= rounds; seed++) {
      const rows = draw(seed, 5).page()
      const starts = startsOf(rows)
      const sorted = starts.toSorted((a, b) => b - a)
      assert.strictEqual(Rows.isNewestFirst(rows), String(starts) === String(sorted), `seed ${seed}`)
      assert.strictEqual(Rows.distinctStarts(rows), new Set(starts).size, `seed ${seed}`)
    }
  })

  it("is by start for sure if an older call was created later: no more than that is concluded", () => {
    const seen = { sure: 0, unsure: 0 }
    for (let seed = 1; seed <= 4 * rounds; seed++) {
      const { next, pick } = Histories.random(seed)
      const isTied = seed % 2 === 0
      const rows = Array.from({ length: Math.floor(next() * 6) }, (_, i) =>
        row(
          `row-${i}`,
          next() < 0.15 ? undefined : epoch + (isTied ? pick(1, 2) : -i),
          next() < 0.15 ? undefined : epoch + pick(1, 2, 3)
        )
      )
      const dated = rows.flatMap((row) => {
        const created = Rows.createdOf(row)
        return row.start === undefined || created === undefined ? [] : [{ start: row.start, created }]
      })
      const isTurned = dated.some((one, i) =>
        dated.slice(i + 1).some((other) => other.created > one.created && other.start < one.start)
      )
      const expected = rows.length >= 3 && Rows.isNewestFirst(rows) && isTurned
      const found = Rows.showsOrderByStart(rows)
      seen[found ? "sure" : "unsure"]++
      // Of calls that start together it may miss one, which costs no more than a request.
      if (found || !isTied) assert.strictEqual(found, expected, `seed ${seed}`)
    }
    assert.isAbove(Math.min(seen.sure, seen.unsure), rounds / 4)
  })

  it("is not known of two rows, which may be in any order by chance", () => {
    const rows = [row("a", epoch + 3, epoch + 1), row("b", epoch + 2, epoch + 2), row("c", epoch + 1)]
    assert.isTrue(Rows.showsOrderByStart(rows))
    assert.isFalse(Rows.showsOrderByStart(rows.slice(0, 2)))
    assert.isFalse(Rows.showsOrderByStart(rows.toReversed()))
  })

  it("is compared with the row that was created first, and the first one of those", () => {
    const created = (...rows: ReadonlyArray<readonly [start: number, created: number]>) =>
      Rows.showsOrderByStart(rows.map(([start, created], i) => row(`row-${i}`, epoch + start, epoch + created)))
    assert.isTrue(created([3, 1], [2, 1], [2, 2]))
    assert.isFalse(created([3, 3], [2, 2], [1, 1]))
    assert.isFalse(created([3, 1], [3, 2], [3, 3]))
    assert.isTrue(created([4, 4], [3, 1], [2, 2]))
  })
})

describe("Rows.makeHeld", () => {
  /** How often an answer listed each row at most. */
  const timesOf = (pages: ReadonlyArray<ReadonlyArray<Rows.Row>>) => {
    const times = new Map<string, number>()
    for (const page of pages)
      for (const key of keysOf(page)) {
        const here = page.filter((row) => row.key === key).length
        times.set(key, Math.max(times.get(key) ?? 0, here))
      }
    return times
  }
  const sumOf = (values: Iterable<number>) => [...values].reduce((sum, value) => sum + value, 0)

  it("has the newest version of each row, and counts those that one answer lists twice", () => {
    for (let seed = 1; seed <= rounds; seed++) {
      const { page, pick } = draw(seed)
      const pages = Array.from({ length: pick(1, 2, 4) }, () => page())
      const held = Rows.makeHeld()
      const seen = new Set<string>()
      for (const rows of pages) {
        const before = seen.size
        for (const key of keysOf(rows)) seen.add(key)
        assert.strictEqual(held.add(rows), seen.size - before, `seed ${seed}`)
      }
      assert.strictEqual(held.size(), sumOf(timesOf(pages).values()), `seed ${seed}`)
      assert.deepStrictEqual([...held.rows.keys()], [...seen], `seed ${seed}`)
      for (const [key, row] of held.rows)
        assert.strictEqual(
          row,
          pages.flat().findLast((row) => row.key === key),
          `seed ${seed}`
        )
      const repeats = [...timesOf(pages)].flatMap(([key, times]) => (times > 1 ? [[key, times - 1] as const] : []))
      assert.deepStrictEqual(held.repeats, new Map(repeats), `seed ${seed}`)
    }
  })

  it("merges another one, as if it had got its answers", () => {
    for (let seed = 1; seed <= rounds; seed++) {
      const { page } = draw(seed)
      const pages = [page(), page(), page(), page()]
      const [one, other, all] = [Rows.makeHeld(), Rows.makeHeld(), Rows.makeHeld()]
      for (const [i, rows] of pages.entries()) {
        ;(i < 2 ? one : other).add(rows)
        all.add(rows)
      }
      one.merge(other)
      assert.strictEqual(one.size(), all.size(), `seed ${seed}`)
      assert.deepStrictEqual([one.rows, one.repeats], [all.rows, all.repeats], `seed ${seed}`)
    }
  })
})

describe("the rows of a range", () => {
  it("are those that start in it, its end left out, by start and then by key", () => {
    for (let seed = 1; seed <= rounds; seed++) {
      const { page, pick } = draw(seed)
      const held = Rows.makeHeld()
      held.add(page(7))
      const range = { from: pick(0, 1, 2), to: pick(2, 3, 4) }
      const expected = [...held.rows.values()]
        .filter(({ start }) => start !== undefined && start >= range.from && start < range.to)
        .map(({ key, start }) => `${start} ${key}`)
        .toSorted()
      const found = Rows.within(held, range)
      assert.deepStrictEqual(
        found.map(({ key, start }) => `${start} ${key}`),
        expected,
        `seed ${seed}`
      )
      assert.strictEqual(Rows.middleOf(found), found[(found.length - (found.length % 2)) / 2], `seed ${seed}`)
    }
  })

  it("are in the same order whether they came newest first or oldest first", () => {
    const rows = [row("b", 2), row("c", 2), row("a", 2), row("d", 1)]
    for (const order of [rows, rows.toReversed()]) {
      const held = Rows.makeHeld()
      held.add(order)
      assert.deepStrictEqual(keysOf(Rows.within(held, { from: 1, to: 3 })), ["d", "a", "b", "c"])
    }
  })
})

describe("pages that are compared", () => {
  const isSubset = (one: ReadonlySet<string>, of: ReadonlySet<string>) => [...one].every((key) => of.has(key))

  it("are the same in whatever order their rows are", () => {
    const seen = { same: 0, started: 0, alike: 0 }
    for (let seed = 1; seed <= 4 * rounds; seed++) {
      const { page, pick } = draw(seed, 4)
      const left = page()
      const right = pick(page(), left.toReversed(), page(left.length))
      const [here, there] = [new Set(keysOf(left)), new Set(keysOf(right))]
      const isSame = left.length === right.length && isSubset(here, there) && isSubset(there, here)
      assert.strictEqual(Rows.sameRows(left, right), isSame, `seed ${seed}`)
      assert.strictEqual(Rows.sameRows(right, left), isSame, `seed ${seed}`)
      assert.strictEqual(Rows.isWithin(left, right), isSubset(here, there), `seed ${seed}`)
      const sorted = (rows: ReadonlyArray<Rows.Row>) => String(startsOf(rows).toSorted((a, b) => a - b))
      const isDated = [...left, ...right].every(Rows.isDated)
      const isStarted = isDated && left.length === right.length && sorted(left) === sorted(right)
      assert.strictEqual(Rows.sameStarts(left, right), isStarted, `seed ${seed}`)
      const shared = right.filter(({ key }) => here.has(key)).length
      const isAlike = shared >= left.length / 2 && shared >= right.length / 2
      assert.strictEqual(Rows.alike(left, right), isAlike, `seed ${seed}`)
      seen.same += Number(isSame)
      seen.started += Number(isStarted)
      seen.alike += Number(isAlike && !isSame)
    }
    assert.isAbove(Math.min(...Object.values(seen)), rounds / 10)
  })

  it("have the same starts where numbers of another length are sorted as numbers", () => {
    const starts = [9, 10, 100]
    const page = (order: ReadonlyArray<number>) => order.map((start, i) => row(`row-${i}`, start))
    assert.isTrue(Rows.sameStarts(page(starts), page(starts.toReversed())))
    assert.isFalse(Rows.sameStarts(page(starts), page([9, 10, 101])))
    assert.isFalse(Rows.sameStarts([row("a", 1), row("b")], [row("a", 1), row("b")]))
  })
})
