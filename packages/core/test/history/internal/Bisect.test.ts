import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { AgniError, Unauthorized } from "@callstream/core/model/AgniError"
import * as Duration from "effect/Duration"
import type { ListOptions } from "../../../src/client/AgniClient.ts"
import * as Empty from "../../../src/history/internal/Empty.ts"
import { all, assertTile, calls, failure, first, idsOf, minute, namesOf, read, startOf } from "./BisectedRange.ts"
import { began, day, rowsAt, second } from "./FakeServer.ts"

describe("Bisect.read", () => {
  it.effect("is the reading of a range where nothing fails, with what it showed", () =>
    Effect.gen(function* () {
      const { evidence, given, parts, requests, tag, windows } = yield* read(all)
      assert.deepStrictEqual([tag, parts, given], ["Done", [], []])
      assert.deepStrictEqual(
        windows.map(({ coverage }) => coverage._tag),
        ["Proven"]
      )
      assert.deepStrictEqual(idsOf(windows), namesOf(calls))
      assert.deepStrictEqual([evidence.length, evidence[0]?.log.requests], [1, requests])
    })
  )

  it.effect("one that must be cut is so, with what was seen", () =>
    Effect.gen(function* () {
      const { evidence, parts, tag, vain } = yield* read(all, { settings: { perWindow: 20 } })
      assert.strictEqual(tag, "Split")
      assert.deepStrictEqual([parts.length > 1, evidence.length, vain], [true, 1, 0])
    })
  )

  it.effect("is cut around the seconds of a record that fails", () =>
    Effect.gen(function* () {
      const { error, parts, tag, vain } = yield* read(all, { traits: { poison: "row-45" } })
      assert.deepStrictEqual([tag, error, vain], ["Split", undefined, 0])
      assertTile(all, parts)
      const failing = parts.filter(({ fails }) => fails !== undefined)
      assert.deepStrictEqual([parts.length, parts.indexOf(failing[0] ?? all), failing.length], [3, 1, 1])
      for (const { fails, from, to } of failing) {
        assert.isTrue(from <= startOf(45) - 2 * second && startOf(45) + 2 * second <= to)
        assert.isAtMost(to - from, 9 * second)
        assert.strictEqual(fails?.alone, true)
      }
      assert.deepStrictEqual(
        parts.map(({ located }) => located),
        [1, 1, 1]
      )
    })
  )

  it.effect("each part beside it is as long as its share of what is expected", () =>
    Effect.gen(function* () {
      const { parts } = yield* read(all, { traits: { poison: "row-45" } })
      for (const { expected, from, to } of parts)
        assert.approximately(expected, (100 * (to - from)) / (all.to - all.from), 1e-6)
    })
  )

  it.effect("at an end of the range the gap is cut off there", () =>
    Effect.gen(function* () {
      for (const [task, poison] of [
        [{ ...all, from: startOf(45) }, "row-45"],
        [{ ...all, to: startOf(45) + second }, "row-45"]
      ] as const) {
        const { parts } = yield* read(task, { traits: { poison } })
        assertTile(task, parts)
        assert.deepStrictEqual([parts.length, parts.filter(({ fails }) => fails !== undefined).length], [2, 1])
      }
    })
  )

  it.effect("is cut around each of two", () =>
    Effect.gen(function* () {
      const { parts } = yield* read(all, { failing: ["row-47", "row-52"] })
      assertTile(all, parts)
      assert.deepStrictEqual(
        parts.map(({ fails }) => fails !== undefined),
        [false, true, false, true, false]
      )
    })
  )

  it.effect("is halved for a record that is none of it, because some answers ignore bounds", () =>
    Effect.gen(function* () {
      for (const [from, to] of [
        [startOf(10), startOf(20)],
        [startOf(96), startOf(99)]
      ] as const) {
        const task = { from, to, expected: 10 }
        const { parts } = yield* read(task, {
          failing: ["row-95"],
          fails: (_, number) => (number === 0 ? failure : undefined),
          // The reading, whether the time is at fault, or the bounds; and what narrows where the record starts.
          ignores: (number) => number > 2 && number < 10
        })
        assertTile(task, parts)
        assert.deepStrictEqual(
          parts.map(({ fails, located }) => [fails, located]),
          [
            [undefined, 0],
            [undefined, 0]
          ]
        )
      }
    })
  )

  it.effect("is halved where records were located in it four times", () =>
    Effect.gen(function* () {
      const traits = { poison: "row-45" }
      const three = yield* read({ ...all, located: 3 }, { traits })
      assert.deepStrictEqual(
        three.parts.map(({ located }) => located),
        [4, 4, 4]
      )
      const { parts } = yield* read({ ...all, located: 4 }, { traits })
      assertTile(all, parts)
      const middle = first + 49.5 * minute
      assert.deepStrictEqual(parts, [
        { from: all.from, to: middle, expected: 50, fails: undefined, located: 0 },
        { from: middle, to: all.to, expected: 50, fails: undefined, located: 0 }
      ])
      const odd = { ...all, from: all.from + 3, located: 4 }
      assert.strictEqual((yield* read(odd, { traits })).parts[0]?.to, middle)
    })
  )

  it.effect("is halved where rows come in no order of time", () =>
    Effect.gen(function* () {
      const rows = calls.map((row, i) => ({ ...row, id: `${(i * 37) % 100}-${row.id}` }))
      const poison = rows[45]?.id ?? ""
      const { parts } = yield* read(all, { rows, traits: { poison, order: "id", sorting: false } })
      assertTile(all, parts)
      assert.deepStrictEqual(
        parts.map(({ located }) => located),
        [0, 0]
      )
    })
  )

  it.effect("a few seconds are not cut: they are tried with all patience", () =>
    Effect.gen(function* () {
      for (const [length, parts] of [
        [8 * second, 1],
        [9 * second, 2]
      ] as const) {
        const task = { from: startOf(45), to: startOf(45) + length, expected: 1 }
        const found = yield* read(task, { traits: { poison: "row-45" } })
        assert.strictEqual(found.parts.length, parts)
        assert.strictEqual(found.parts[0]?.fails?.alone, true)
        if (parts === 1) assert.deepStrictEqual({ ...found.parts[0], fails: undefined }, { ...task, fails: undefined })
      }
    })
  )

  it.effect("so is what fails where eight others could be read after all", () =>
    Effect.gen(function* () {
      const traits = { poison: "row-45" }
      const seven = yield* read(all, { vain: 7, traits })
      assert.lengthOf(seven.parts, 3)
      const { parts } = yield* read(all, { vain: 8, traits })
      assert.deepStrictEqual(
        parts.map(({ fails, from, to }) => [from, to, fails?.alone]),
        [[all.from, all.to, true]]
      )
    })
  )

  it.effect("so is what fails for no question of its own", () =>
    Effect.gen(function* () {
      const { parts } = yield* read({ ...all, expected: 1000 }, { settings: { repeats: Effect.fail(failure) } })
      assert.deepStrictEqual(
        parts.map(({ fails, from, to }) => [from, to, fails]),
        [[all.from, all.to, failure]]
      )
    })
  )

  it.effect("asks with few tries, but for those who ask for more", () =>
    Effect.gen(function* () {
      const asked: Array<ListOptions> = []
      const fails = (options: ListOptions) => {
        asked.push(options)
        return undefined
      }
      yield* read(all, { fails })
      for (const { insist, tries } of asked) assert.deepStrictEqual([insist, tries], [undefined, undefined])
      // Nothing starts there, and a record beside it fails.
      const task = { from: startOf(45) + 10 * second, to: startOf(46) - 10 * second, expected: 1 }
      const { tag } = yield* read(task, { fails, failing: ["row-45"] })
      assert.strictEqual(tag, "Done")
      assert.isTrue(asked.some(({ isUp, tries }) => tries === 1 && isUp !== undefined))
    })
  )

  it.effect("so is what fails for any time, because bounds are applied after paging", () =>
    Effect.gen(function* () {
      const { parts } = yield* read(all, { traits: { poison: "row-99", filterAfterPaging: true } })
      assert.deepStrictEqual(
        parts.map(({ fails, from, to }) => [from, to, fails?.alone]),
        [[all.from, all.to, true]]
      )
    })
  )

  it.effect("is halved where it fails for its bounds", () =>
    Effect.gen(function* () {
      const traits = { span: { most: 30 * day, cut: "failure" } } as const
      const task = { from: began - 60 * day, to: began - 10 * day, expected: 0 }
      const { parts, windows } = yield* read(task, { traits, facts: { width: 60 * day } })
      assert.deepStrictEqual(windows, [])
      assert.deepStrictEqual(
        parts.map(({ fails, located, to }) => [to, located, fails]),
        [
          [began - 35 * day, 0, undefined],
          [task.to, 0, undefined]
        ]
      )
    })
  )

  it.effect("is given up where it is far too long to be halved, and nothing is known to be older", () =>
    Effect.gen(function* () {
      const given = { settings: { ends: { newest: false, oldest: true } }, facts: { width: 0 } }
      const traits = { span: { most: 30 * day, cut: "failure" } } as const
      for (const [days, tag] of [
        [1002, "Done"],
        [999, "Split"]
      ] as const) {
        const task = { from: first - (days + 1) * day, to: first - day, expected: 0 }
        const found = yield* read(task, { ...given, traits })
        assert.strictEqual(found.tag, tag)
        if (tag === "Split") assert.lengthOf(found.parts, 2)
        else
          assert.deepStrictEqual<unknown>(
            found.windows.map(({ coverage, from, to }) => [coverage, from, to]),
            [[Empty.tooWide, task.from, task.to]]
          )
      }
      // For a record it is not: cut around its seconds a range is shorter.
      const rows = rowsAt([first - 500 * day])
      const task = { from: first - 1003 * day, to: first - day, expected: 0 }
      const { parts } = yield* read(task, { ...given, rows, traits: { poison: "row-0" } })
      assert.lengthOf(parts, 3)
    })
  )

  it.effect("an error of the server for all requests is one of the reading", () =>
    Effect.gen(function* () {
      for (const error of [
        new AgniError({ reason: new Unauthorized({}), request: "GET", attempts: 1, elapsed: Duration.zero }),
        new AgniError({ reason: failure.reason, request: "GET", attempts: 1, elapsed: Duration.zero })
      ]) {
        const found = yield* read(all, { fails: () => error })
        assert.deepStrictEqual([found.tag, found.error?.reason], ["Failed", error.reason])
      }
    })
  )
})
