import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Rows from "../../../src/endpoint/internal/ListedRows.ts"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Task from "../../../src/history/internal/Task.ts"
import { askOf, began, control, day, hour, open, rowsAt, second, settingsOf } from "./FakeServer.ts"

const range = { from: began - 40 * day, to: began - 3 * hour }

const assertTiles = (parts: ReadonlyArray<Task.Task>, { from, to }: { readonly from: number; readonly to: number }) => {
  assert.strictEqual(parts[0]?.from, from)
  assert.strictEqual(parts.at(-1)?.to, to)
  for (const [i, part] of parts.entries()) {
    assert.isBelow(part.from, part.to)
    if (i > 0) assert.strictEqual(part.from, parts[i - 1]?.to)
  }
}

const heldOf = (starts: ReadonlyArray<number>): Rows.Held => {
  const held = Rows.makeHeld()
  held.add(starts.map((start, i) => control(`row-${i}`, start)))
  return held
}

describe("Task", () => {
  it("parts by width tile the range, and none is wider", () => {
    for (const width of [day, 3 * day + 1, 7 * day, 39 * day]) {
      const parts = Task.byWidth({ ...range, expected: 100 }, width)
      assertTiles(parts, range)
      assert.isTrue(parts.every(({ from, to }) => to - from <= width))
    }
  })

  it("beside a range are the nearest rows, of those that are given and those that were known", () => {
    const known = { below: control("known", range.from - 3 * day), above: undefined }
    const rows = [-5, -2, -1, 1, 20].map((days) => [`${days}`, range.from + days * day] as const)
    assert.strictEqual(Task.besides(range, new Map(rows), known).below?.key, "-1")
    assert.strictEqual(Task.besides(range, new Map(rows.slice(0, 1)), known).below?.key, "known")
    assert.isUndefined(Task.besides(range, new Map(rows), known).above)
    const behind = [30, 0, 1].map((days) => [`${days}`, range.to + days * day] as const)
    assert.strictEqual(Task.besides(range, new Map([...rows, ...behind]), known).above?.key, "0")
  })

  it("gaps that are wider than is trusted are parts without rows", () => {
    const starts = [-1, 5, 5.2, 30, 39.9, 50].map((days) => range.from + days * day)
    const parts = Task.atGaps(range, starts, 6 * day) ?? []
    assertTiles(parts, range)
    assert.deepStrictEqual(
      parts.map(({ expected }) => expected),
      [2, 0, 1, 0]
    )
    assert.isUndefined(Task.atGaps(range, starts, 26 * day))
    assert.isUndefined(Task.atGaps(range, [], day))
  })

  it("halves are cut where half of the rows are", () => {
    const held = heldOf([1, 2, 3, 4, 5, 6].map((hours) => range.to - hours * hour))
    const parts = Task.halve(range, held, 6, 10)
    assertTiles(parts, range)
    assert.strictEqual(parts[0]?.to, range.to - 3 * hour)
  })

  it("a second with more rows than a page is read by itself", () => {
    const at = Math.floor((range.to - 5 * hour) / second) * second
    const held = heldOf([...Array.from({ length: 11 }, () => at), range.to - hour, range.to - 9 * hour])
    const parts = Task.halve(range, held, 13, 10)
    assertTiles(parts, range)
    assert.lengthOf(parts, 3)
    // The others do not ask for it, though their bounds reach two seconds further.
    assert.isTrue((parts[0]?.to ?? 0) < at - 2 * second && (parts[2]?.from ?? 0) > at + 2 * second)
    const [, middle] = parts
    if (middle === undefined) throw new Error("no middle")
    assert.isTrue(Task.halve(middle, held, 11, 10).every(({ from, to }) => to - from < middle.to - middle.from))
  })

  it.effect("parts by count are cut at rows, which are half a page from the end of each", () =>
    Effect.gen(function* () {
      const server = open(rowsAt(Array.from({ length: 470 }, (_, i) => range.to - (i + 1) * hour)))
      const parts = yield* Task.byCount(settingsOf(server), askOf(server), range, 470, 100)
      assertTiles(parts, range)
      assert.isTrue(parts.every(({ counted }) => counted === true))
      assert.isTrue(parts.slice(1).every(({ expected }) => expected % 10 === 5))
      assert.isTrue(parts.slice(0, -1).every(({ top }) => top !== undefined))
      assert.strictEqual(server.requests(), parts.length - 1)
    })
  )

  for (const length of [0, 0.9 * second, 3 * second])
    it.effect(
      `parts by count are cut in front of a burst of ${length / second} s and behind it, and a burst is one part`,
      () =>
        Effect.gen(function* () {
          const at = range.to - 5 * hour
          const burst = Array.from({ length: 300 }, (_, i) => at + (i * length) / 300)
          const others = Array.from({ length: 170 }, (_, i) => range.to - (i + 1) * hour)
          const server = open(rowsAt([...burst, ...others]))
          const settings = settingsOf(server)
          const parts = yield* Task.byCount(settings, askOf(server), range, 470, 50)
          assertTiles(parts, range)
          const holding = parts.filter((part) => {
            const { after, before } = Ask.boundsOf(part)
            return burst.some((start) => start >= after && start <= before)
          })
          assert.lengthOf(holding, 1)
          const [around = range] = holding
          assert.isAtMost(around.to - around.from, 12 * second)
          // Also where one cut would do, if one page shows that it is all the same second.
          for (const perWindow of length < second ? [50, 200] : [50])
            assert.lengthOf(
              yield* Task.byCount({ ...settings, concurrency: 1 }, askOf(server), around, 300, perWindow),
              1
            )
        })
    )

  it.effect("a burst beside the range is cut off once, and not halved again and again", () =>
    Effect.gen(function* () {
      for (const at of [range.to, range.from - second]) {
        const server = open(rowsAt(Array.from({ length: 300 }, () => at)))
        const parts = yield* Task.byCount(settingsOf(server), askOf(server), range, 300, 100)
        assertTiles(parts, range)
        assert.lengthOf(parts, 2)
        const [small = range] = parts.filter(({ from, to }) => to - from < day)
        assert.isAtMost(small.to - small.from, 4 * second)
      }
    })
  )

  it.effect("parts of more rows than are there: the oldest one, behind the last page, is not counted", () =>
    Effect.gen(function* () {
      const server = open(rowsAt(Array.from({ length: 300 }, (_, i) => range.to - (i + 1) * hour)))
      const [oldest, ...others] = yield* Task.byCount(settingsOf(server), askOf(server), range, 470, 100)
      assert.isFalse(oldest?.counted)
      assert.isBelow(oldest?.expected ?? Infinity, 100)
      assert.lengthOf(others, 2)
      assert.isTrue(others.every(({ counted, expected }) => counted === true && expected % 10 === 5))
    })
  )

  for (const readers of [4, 24, 40]) {
    it.effect(
      `${readers} readers get parts of a long range in nearly whole rounds: few are never read while the others wait`,
      () =>
        Effect.gen(function* () {
          const rows = 4800
          const server = open(rowsAt(Array.from({ length: rows }, (_, i) => began - (i + 1) * 60 * second)))
          const settings = settingsOf(server, { concurrency: readers })
          const range = { from: began - (rows + 1) * 60 * second, to: began }
          const parts = yield* Task.byCount(settings, askOf(server), range, rows, 100)
          assertTiles(parts, range)
          assert.isAtLeast(parts.length % readers || readers, 0.75 * readers)
        })
    )
  }
})
