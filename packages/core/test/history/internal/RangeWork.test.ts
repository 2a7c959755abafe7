import { assert, describe, it } from "@effect/vitest"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Rows from "../../../src/endpoint/internal/ListedRows.ts"
import type { Range } from "../../../src/endpoint/internal/Micros.ts"
import * as RangeWork from "../../../src/history/internal/RangeWork.ts"
import * as Histories from "../../torture/Histories.ts"
import { began, control, day, open, rowsAt, second, settingsOf } from "./FakeServer.ts"

const size = 10
const settings = settingsOf(open(rowsAt([])), { size })

/** Reads a range, and the parts that it is cut into: how often bounds were read, and how often with most rows of the burst. */
const readAll = (starts: ReadonlyArray<number>, whole: Range, burst: ReadonlyArray<number>) => {
  const read = { all: 0, bursts: 0, leaves: new Array<Range>() }
  const visit = (range: Range): void => {
    const { after, before } = Ask.boundsOf(range)
    const isIn = (start: number) => start >= after && start <= before
    const held = Rows.makeHeld()
    held.add(starts.flatMap((start, i) => (isIn(start) ? [control(`row-${i}`, start)] : [])))
    read.all++
    if (burst.length > 0 && 2 * burst.filter(isIn).length > burst.length) read.bursts++
    const parts = held.size() > size ? RangeWork.halve({ settings }, range, held) : undefined
    if (parts === undefined) read.leaves.push(range)
    for (const part of parts ?? []) visit(part)
  }
  visit(whole)
  return read
}

const tiles = ({ from, to }: Range, leaves: ReadonlyArray<Range>) => {
  const edges = leaves.toSorted((left, right) => left.from - right.from)
  assert.strictEqual(edges[0]?.from, from)
  assert.strictEqual(edges.at(-1)?.to, to)
  for (const [i, { to }] of edges.slice(0, -1).entries()) assert.strictEqual(edges[i + 1]?.from, to)
}

const make = (seed: number, burstRows: number) => {
  const { next } = Histories.random(seed)
  const length = (0.01 + next()) * 5 * day
  const at = began - 10 * day + Math.floor(next() * length)
  const burst = Array.from({ length: burstRows }, () => at + Math.floor(next() * 3 * second))
  const others = Array.from(
    { length: 8 + Math.floor(next() * 80) },
    () => began - 10 * day + Math.floor(next() * length)
  )
  const edge = next()
  // It may end within the burst, or just in front of it.
  const to = edge < 0.3 ? Ask.floorSecond(at) + second : edge < 0.5 ? Ask.floorSecond(at) : began - 10 * day + length
  return { burst, others, whole: { from: began - 10 * day, to: Ask.ceilSecond(to) } }
}

describe("RangeWork.halve", () => {
  it("reads a burst a few times, wherever it lies, and all parts tile the range", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const { burst, others, whole } = make(seed, 150)
      const { bursts, leaves } = readAll([...burst, ...others], whole, burst)
      tiles(whole, leaves)
      assert.isAtMost(bursts, 4, `seed ${seed}`)
    }
  })

  it("cuts rows that lie evenly until a page holds them", () => {
    for (let seed = 1; seed <= 100; seed++) {
      const { others, whole } = make(seed, 0)
      const { all, leaves } = readAll(others, whole, [])
      tiles(whole, leaves)
      assert.isAtMost(all, 2 * others.length, `seed ${seed}`)
      for (const { from, to } of leaves)
        if (to - from > 60 * second)
          assert.isAtMost(others.filter((start) => start >= from && start < to).length, size, `seed ${seed}`)
    }
  })
})
