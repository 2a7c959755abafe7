/** What a person may ask of an endpoint: how sizes make offsets, and what a time bound means. */
import { assert, describe, it } from "@effect/vitest"
import type { AgniClient } from "@callstream/core/client/AgniClient"
import * as Instant from "@callstream/core/model/Instant"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Examine from "../../../src/endpoint/internal/Examine.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { askOf, began, control, hour, open, rowsAt, second } from "../../history/internal/FakeServer.ts"
import { page, session } from "../../history/Walking.ts"
import { listOf } from "./ProbeParts.ts"

const size = 10
const hourly = (count: number) => rowsAt(Array.from({ length: count }, (_, i) => began - (i + 1) * hour))

describe("Examine.offsets", () => {
  const offsets = (rows: ReadonlyArray<Adversary.Row>, traits: Partial<Adversary.Traits>) =>
    Examine.offsets(askOf(open(rows, traits), size), size)

  it.effect("shows whether pages are counted by the size that was asked for, or by the rows that came", () =>
    Effect.gen(function* () {
      for (const offsetFrom of ["asked", "brought"] as const)
        for (const count of [35, 40, 100]) assert.strictEqual(yield* offsets(hourly(count), { offsetFrom }), offsetFrom)
      assert.strictEqual(yield* offsets(hourly(11), { offsetFrom: "brought" }), "brought")
    })
  )

  it.effect("is unknown where the pages are not there, or are the same", () =>
    Effect.gen(function* () {
      for (const count of [0, 7, 10]) {
        assert.strictEqual(yield* offsets(hourly(count), { offsetFrom: "asked" }), "unknown", `${count} calls`)
        assert.strictEqual(yield* offsets(hourly(count), { offsetFrom: "brought" }), "unknown", `${count} calls`)
      }
      assert.strictEqual(yield* offsets(hourly(10), { beyond: "last" }), "unknown")
      // Of pages by the size that was asked for, the long one is beyond the end.
      assert.strictEqual(yield* offsets(hourly(15), { offsetFrom: "asked" }), "unknown")
      assert.strictEqual(yield* offsets(hourly(20), { offsetFrom: "asked" }), "asked")
    })
  )
})

/** How a server reads a bound: cut to a unit in µs, as another zone's, and whether it is within. */
interface Reads {
  readonly unit?: number
  readonly zone?: number
  readonly includes?: { readonly after: boolean; readonly before: boolean }
  readonly ignoresFractions?: boolean
  /** From this request on the first call is gone. */
  readonly goneAt?: number
}

const id = (i: number) => `row-${i}`

const iso = (start: number): string => Instant.format(Instant.of(start))

/** A server to the microsecond, newest first. */
const serve = (starts: ReadonlyArray<number | undefined>, reads: Reads) => {
  const { goneAt = Infinity, ignoresFractions = false, unit = 1, zone = 0 } = reads
  const { includes = { after: true, before: true } } = reads
  const asked: Array<Ask.Bounds> = []
  const read = (bound: unknown): number | undefined => {
    const micros = typeof bound === "string" ? Instant.parse(bound) : undefined
    if (micros === undefined || (ignoresFractions && micros % second !== 0)) return undefined
    return Math.floor(micros / unit) * unit + zone
  }
  const list: AgniClient["Service"]["list"] = (query) =>
    Effect.sync(() => {
      const { page: number = 1, pageSize = size } = query
      const [after = -Infinity, before = Infinity] = [read(query.startedAfter), read(query.startedBefore)]
      asked.push({ after, before })
      const found = starts
        .map((start, i) => ({ id: id(i), start }))
        .filter(({ id, start }) => {
          if (id === "row-0" && asked.length >= goneAt) return false
          // One without a start is left out by both bounds together.
          if (start === undefined) return after === -Infinity || before === Infinity
          const [isAfter, isBefore] = [includes.after ? start >= after : start > after, start < before]
          return isAfter && (isBefore || (includes.before && start === before))
        })
        .toSorted((left, right) => (right.start ?? Infinity) - (left.start ?? Infinity))
        .slice((number - 1) * pageSize, number * pageSize)
      return page(
        number,
        found.map(({ id, start }) => session(id, start === undefined ? {} : { startedAt: iso(start) })),
        [],
        began
      )
    })
  return { ask: Ask.make(list, {}, { size, sort: { by: undefined, order: undefined } }), asked }
}

const known = (starts: ReadonlyArray<number | undefined>) =>
  starts.flatMap((start, i) => (start === undefined ? [] : [control(id(i), start)]))

const bounds = (starts: ReadonlyArray<number | undefined>, reads: Reads = {}) =>
  Examine.bounds(serve(starts, reads).ask, known(starts), size)

const word = (included: boolean) => (included ? "included" : "not included")

describe("Examine.bounds", () => {
  const both = [true, false].flatMap((after) => [true, false].map((before) => ({ after, before })))
  const base = began - 5 * hour
  const apart = [base - hour, base + hour]

  it.effect("shows of a start with microseconds to which part of a second bounds are read", () =>
    Effect.gen(function* () {
      const starts = [base + 123_456, ...apart]
      for (const includes of both) {
        const exact = { after: word(includes.after), before: word(includes.before), zone: "UTC" }
        assert.deepStrictEqual<unknown>(yield* bounds(starts, { includes }), { ...exact, precision: "microsecond" })
        const lost = { after: "unknown", before: "unknown", zone: "UTC" }
        assert.deepStrictEqual<unknown>(yield* bounds(starts, { includes, unit: 1000 }), {
          ...lost,
          precision: "millisecond"
        })
        assert.deepStrictEqual<unknown>(yield* bounds(starts, { includes, unit: second }), {
          ...lost,
          precision: "second"
        })
      }
    })
  )

  it.effect("of a start with milliseconds, and of a whole second, as far as it shows anything", () =>
    Effect.gen(function* () {
      for (const includes of both) {
        const { after, before } = { after: word(includes.after), before: word(includes.before) }
        const at = (start: number, unit: number) => bounds([start, ...apart], { includes, unit })
        const lost = { after: "unknown", before: "unknown", zone: "UTC" }
        const name = JSON.stringify(includes)
        const millis = base + 123_000
        // A bound one microsecond later is a later one only where it is not cut to the start, and that shows only if the start is within.
        const isShown = includes.after
        for (const [unit, precision] of [
          [1, "microsecond"],
          [1000, "millisecond"]
        ] as const)
          assert.deepStrictEqual<unknown>(
            yield* at(millis, unit),
            isShown ? { after, before, zone: "UTC", precision } : { ...lost, precision: "unknown" },
            name
          )
        assert.deepStrictEqual<unknown>(yield* at(millis, second), { ...lost, precision: "second" }, name)
        for (const [unit, precision] of [
          [1, "microsecond"],
          [1000, "millisecond"],
          [second, "second"]
        ] as const) {
          const isWhole = includes.after || !includes.before
          assert.deepStrictEqual<unknown>(
            yield* at(base, unit),
            { after, before, zone: "UTC", precision: isWhole ? precision : "unknown" },
            `${name} ${unit}`
          )
        }
      }
    })
  )

  it.effect("of a start at the end of its second, where a later bound is in the next one", () =>
    Effect.gen(function* () {
      for (const [start, unit, precision] of [
        [base + 999_999, 1, "unknown"],
        [base + 999_999, 1000, "unknown"],
        [base + 999_999, second, "unknown"],
        [base + 999_998, 1, "microsecond"],
        [base + 999_998, 1000, "second"],
        [base + 999_998, second, "second"],
        [base + 998_998, 1000, "millisecond"]
      ] as const)
        assert.deepInclude(yield* bounds([start, ...apart], { unit }), { precision }, `${start - base} by ${unit}`)
    })
  )

  it.effect("asks first for the hour behind the call, where it must not come", () =>
    Effect.gen(function* () {
      const { ask, asked } = serve([base + 1], {})
      yield* Examine.bounds(ask, known([base + 1]), size)
      assert.deepStrictEqual(asked.slice(0, 2), [
        { after: base - second, before: base + 2 * second },
        { after: base + 2 * second, before: base + 2 * second + hour }
      ])
    })
  )

  it.effect("takes the start that shows most", () =>
    Effect.gen(function* () {
      for (const starts of [
        [base, base + 1000, base + 123_456],
        [base + 123_456, base, base + 1000]
      ]) {
        const spaced = starts.map((start, i) => start + i * hour)
        assert.deepInclude(yield* bounds(spaced, { unit: 1000 }), { precision: "millisecond", after: "unknown" })
      }
      const includes = { after: false, before: true }
      assert.deepInclude(yield* bounds([base, base + hour + 5000], { includes }), { after: "unknown" })
      assert.deepInclude(yield* bounds([base, base + hour], { includes }), { after: "not included" })
    })
  )

  it.effect("shows that bounds with a fraction are ignored, by a call from elsewhere", () =>
    Effect.gen(function* () {
      const ignored = { after: "unknown", before: "unknown", zone: "UTC" }
      assert.deepStrictEqual<unknown>(yield* bounds([base + 123_456, ...apart], { ignoresFractions: true }), {
        ...ignored,
        precision: "bounds with a fraction are ignored"
      })
      const word = { precision: "bounds with a fraction are ignored" } as const
      for (const other of [base + hour, base - hour, undefined, base + 4 * second + 123_457, base - 4 * second])
        assert.deepInclude(yield* bounds([base + 123_456, other], { ignoresFractions: true }), word)
      // Those that are near may come for bounds that are understood otherwise.
      for (const other of [base + 4 * second + 123_456, base - 4 * second + 123_456])
        assert.notDeepInclude(yield* bounds([base + 123_456, other], { ignoresFractions: true }), word)
      // Nothing else is there that could come.
      assert.notDeepInclude(yield* bounds([base + 123_456], { ignoresFractions: true }), {
        precision: "bounds with a fraction are ignored"
      })
    })
  )

  it.effect("shows that all bounds are ignored", () =>
    Effect.gen(function* () {
      for (const starts of [[base], [base + 1, base + 2, base + 3]]) {
        const { list } = listOf(rowsAt(starts), { ignores: { by: "number", every: 1, for: 1 } })
        const ask = Ask.make(list, {}, { size, sort: { by: undefined, order: undefined } })
        assert.strictEqual(yield* Examine.bounds(ask, known(starts), size), "ignored")
      }
    })
  )

  it.effect("is unknown without a call, or where the call is not found again", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* bounds([]), Examine.unseen)
      const { ask } = serve([base], {})
      assert.deepStrictEqual(yield* Examine.bounds(ask, [control("gone", base)], size), Examine.unseen)
    })
  )

  it.effect("says no more than the zone where the call left meanwhile", () =>
    Effect.gen(function* () {
      const starts = [base + 123_456, base - hour]
      for (const goneAt of [2, 3, 4, 5, 6])
        assert.deepStrictEqual<unknown>(yield* bounds(starts, { goneAt }), { ...Examine.unseen, zone: "UTC" })
      // It left when everything had been seen.
      assert.deepInclude(yield* bounds(starts, { goneAt: 20 }), { after: "included" })
      assert.deepStrictEqual(yield* bounds(starts, { goneAt: 1 }), Examine.unseen)
    })
  )

  it.effect("says no more where other calls of the same second fill the answer", () =>
    Effect.gen(function* () {
      const crowd = Array.from({ length: 12 }, (_, i) => base + 200_000 + i)
      const starts = [base + 123_456, ...crowd]
      assert.deepStrictEqual<unknown>(yield* bounds(starts), { ...Examine.unseen, zone: "UTC" })
      const includes = { after: false, before: true }
      assert.deepStrictEqual<unknown>(yield* bounds([base, ...crowd], { includes }), {
        ...Examine.unseen,
        zone: "UTC"
      })
      // The call comes before the others.
      const exact = { after: "included", before: "included", precision: "microsecond", zone: "UTC" }
      assert.deepStrictEqual<unknown>(yield* bounds([base + 900_000 + 1, ...crowd]), exact)
    })
  )

  it.effect("shows that bounds are read in another zone, by calls that come for another time", () =>
    Effect.gen(function* () {
      const starts = Array.from({ length: 400 }, (_, i) => began - i * 600 * second)
      for (const zone of [5.5 * hour, -3 * hour])
        assert.deepStrictEqual<unknown>(yield* bounds(starts, { zone }), { ...Examine.unseen, zone: "another" })
    })
  )

  it.effect("shows no zone by an hour without calls, by calls of that hour, or by bounds that are ignored", () =>
    Effect.gen(function* () {
      const control = known([base])
      const within = 2 * hour + 2 * second
      /** Each answer has these calls; the one that was known is gone. */
      const zone = Effect.fnUntraced(function* (...starts: ReadonlyArray<number | undefined>) {
        const rows = starts.map((start, i) =>
          session(`other-${i}`, start === undefined ? {} : { startedAt: iso(start) })
        )
        const list: AgniClient["Service"]["list"] = ({ page: number, startedAfter, startedBefore }) => {
          const [after, before] = [startedAfter, startedBefore].map((bound) => Date.parse(String(bound)) * 1000)
          const isNarrow = (before ?? 0) - (after ?? 0) < hour
          return Effect.succeed(page(1, isNarrow || number !== 1 ? [] : rows, [], began))
        }
        const ask = Ask.make(list, {}, { size, sort: { by: undefined, order: undefined } })
        const seen = yield* Examine.bounds(ask, control, size)
        assert.deepInclude<unknown>(seen, { after: "unknown", before: "unknown", precision: "unknown" })
        return seen === "ignored" ? seen : seen.zone
      })
      assert.strictEqual(yield* zone(), "unknown")
      assert.strictEqual(yield* zone(undefined), "unknown")
      assert.strictEqual(yield* zone(base + hour, base + 3 * hour), "unknown")
      assert.strictEqual(yield* zone(base - hour, base - 3 * hour), "unknown")
      for (const sign of [1, -1]) {
        const first = base + sign * (hour + 1)
        assert.strictEqual(yield* zone(first, first + sign * within), "another")
        assert.strictEqual(yield* zone(first, undefined), "another")
        assert.strictEqual(yield* zone(first, first + sign * (within + 1)), "unknown")
        assert.strictEqual(yield* zone(first, base), "unknown")
      }
    })
  )
})
