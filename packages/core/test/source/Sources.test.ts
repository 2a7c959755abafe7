import * as AgniClient from "@callstream/core/client/AgniClient"
import * as CoverageSet from "@callstream/core/coverage/CoverageSet"
import * as Instant from "@callstream/core/model/Instant"
import * as Rows from "@callstream/core/model/Rows"
import * as ExtremesSource from "@callstream/core/source/ExtremesSource"
import * as HistorySource from "@callstream/core/source/HistorySource"
import * as PagesSource from "@callstream/core/source/PagesSource"
import type { Source, Unit } from "@callstream/core/source/Source"
import { AgniSimulator } from "@callstream/core/testing"
import type * as Coverage from "@callstream/core/history/Coverage"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Units from "../../src/source/internal/Units.ts"

const world = Effect.fnUntraced(function* (options: AgniSimulator.Options) {
  const simulator = yield* AgniSimulator.make({ wire: "seen", content: "minimal", ...options })
  const client = yield* AgniClient.AgniClient.make({ apiKey: Redacted.make(simulator.apiKey) }).pipe(
    Effect.provideService(HttpClient.HttpClient, simulator.httpClient)
  )
  /** Begins it, keeps its state as a checkpoint does, and reads it. */
  const read = <S>(source: Source<S, unknown, AgniClient.AgniClient>, from?: Unit & { readonly _tag: "Window" }) =>
    Effect.gen(function* () {
      const codec = Schema.fromJsonString(source.state)
      const kept = yield* Schema.encodeEffect(codec)(yield* source.begin)
      const state = yield* Schema.decodeEffect(codec)(kept)
      const place = { from: from?.to, cuts: [] }
      return { state, units: yield* Stream.runCollect(source.units(state, place)) }
    }).pipe(Effect.provideService(AgniClient.AgniClient, client))
  return { simulator, read }
})

const idsOf = (units: Iterable<Unit>) =>
  [...units].flatMap(({ rows }) => Array.from({ length: rows.length }, (_, at) => rows.id(at))).sort()
const coverageOf = (units: Iterable<Unit>) => [...units].reduce(Units.cover, CoverageSet.empty)

describe("sources", () => {
  it.effect("a history is windows that ascend, then the calls without a start time, all of them known", () =>
    Effect.gen(function* () {
      const { read, simulator } = yield* world({ sessions: 60, undated: 0.2, span: "9 days", age: "1 day", seed: 3 })
      const { state, units } = yield* read(HistorySource.make({}, { pageSize: 5, pagesPerWindow: 1 }))
      assert.deepInclude(state, { from: null, to: null })
      assert.isNumber(state.end)
      const truth = simulator.truth()
      assert.deepStrictEqual(idsOf(units), truth.map(({ id }) => id).sort())
      const windows = units.filter((unit) => unit._tag === "Window")
      assert.isAbove(windows.length, 2)
      for (const [at, { to }] of windows.entries()) assert.isAtMost(to, windows[at + 1]?.range.from ?? Infinity)
      assert.strictEqual(units.at(-1)?._tag, "WithoutStart")
      const { entries, withoutStart } = coverageOf(units)
      const dated = truth.filter(({ startedAt }) => startedAt !== null && startedAt !== undefined).length
      assert.strictEqual(
        entries.reduce((sum, { count = 0 }) => sum + count, 0),
        dated
      )
      assert.strictEqual(withoutStart?.count, truth.length - dated)
      // What was read before is left out, and the range is the same.
      const [first] = windows
      assert(first !== undefined)
      const rest = yield* read(HistorySource.make({}, { pageSize: 5, pagesPerWindow: 1 }), first)
      assert.deepStrictEqual([...idsOf([first]), ...idsOf(rest.units)].sort(), truth.map(({ id }) => id).sort())
    })
  )

  it.effect("pages have no position, and nothing is known of them; the newest say what was read for them", () =>
    Effect.gen(function* () {
      const { read, simulator } = yield* world({ sessions: 60, span: "9 days", age: "1 day", seed: 3 })
      const truth = simulator.truth().map(({ id }) => id)
      const pages = yield* read(PagesSource.make({}, { pageSize: 10 }))
      assert.deepStrictEqual(idsOf(pages.units), truth.toSorted())
      assert.isTrue(pages.units.every((unit) => unit._tag === "Page" && unit.to === undefined))
      assert.deepStrictEqual(coverageOf(pages.units), CoverageSet.empty)
      const starts = new Map(simulator.truth().map(({ id, startedAt }) => [id, String(startedAt)] as const))
      const newest = truth
        .toSorted((left, right) => String(starts.get(right)).localeCompare(String(starts.get(left))))
        .slice(0, 7)
      for (const source of [
        ExtremesSource.make({ side: "newest", limit: 7 }, {}, { pageSize: 10 }),
        ExtremesSource.ofPages({ side: "newest", limit: 7 }, {}, { pageSize: 10 })
      ]) {
        assert.strictEqual(source.fingerprint["keep"], "newest 7")
        assert.deepStrictEqual(idsOf((yield* read(source)).units), newest.toSorted())
      }
      const { units } = yield* read(ExtremesSource.make({ side: "newest", limit: 7 }, {}, { pageSize: 10 }))
      const known = coverageOf(units)
      assert.isAtLeast(
        known.entries.reduce((sum, { count = 0 }) => sum + count, 0),
        7
      )
      assert.isAbove(known.entries.length, 0)
    })
  )

  it("say what they read, and nothing of whom", () => {
    const from = 1_785_482_170_000_000
    const made = HistorySource.make(
      { from: Instant.of(from) },
      { callerNumber: "+14155550123", search: "Rao", status: "failed" }
    )
    assert.deepStrictEqual(made.fingerprint, {
      source: "history",
      range: "2026-07-31T07:16:10Z/",
      filters: "callerNumber=given search=given status=failed"
    })
    assert.notDeepEqual(
      HistorySource.make({ from: Instant.of(from + 1) }).fingerprint,
      HistorySource.make({ from: Instant.of(from) }).fingerprint
    )
  })
})

describe("windows as units", () => {
  const begin = Instant.parse("2026-07-31T00:00:00Z") ?? Instant.of(0)
  const window = (
    from: number,
    to: number,
    ids: ReadonlyArray<string>,
    outside?: Coverage.Outside
  ): Coverage.Window => ({
    from: Instant.of(begin + from),
    to: Instant.of(begin + to),
    rows: Rows.ofSessions(
      ids.map((id) => ({ id, startedAt: id.startsWith("u") ? null : Instant.format(Instant.of(begin + 5)) })),
      Instant.of(100 - to)
    ),
    rejected: [],
    coverage: outside === undefined ? { _tag: "Unprovable", reason: { _tag: "BoundsUnclear" } } : { _tag: "Proven" },
    settled: 1,
    requests: 1,
    observedAt: Instant.of(100 - to),
    ...(outside === undefined ? {} : { outside })
  })
  const unitsOf = (...windows: ReadonlyArray<Coverage.Window>) => {
    const units: Array<Unit> = []
    const reading = windows.reduce((reading, one) => {
      const [next, made] = Units.next(reading, one)
      units.push(...made)
      return next
    }, Units.begin)
    return [...units, ...Units.last(reading)]
  }
  const tags = (units: ReadonlyArray<Unit>) => units.map(({ _tag }) => _tag)

  it("of a walk without order are pages, of which the range says what was proven", () => {
    const units = unitsOf(window(0, 0, ["a", "u1"]), window(0, 0, ["b"]), window(0, 10, []))
    assert.deepStrictEqual(tags(units), ["Page", "Page", "Window", "WithoutStart"])
    const { entries, withoutStart } = coverageOf(units)
    assert.lengthOf(entries, 1)
    assert.deepInclude(entries[0], {
      range: { from: begin, to: Instant.of(begin + 10) },
      count: 2,
      requests: 3,
      asOf: Instant.of(90)
    })
    assert.deepInclude(withoutStart, { verdict: "unprovable", count: 1 })
  })

  it("of an empty history still have the coverage", () => {
    const units = unitsOf(window(10, 10, ["u1"]))
    assert.deepStrictEqual(tags(units), ["Page", "WithoutStart"])
    assert.deepStrictEqual(idsOf(units), ["u1"])
    assert.deepInclude(coverageOf(units), { entries: [] })
    assert.strictEqual(coverageOf(units).withoutStart?.count, 1)
    assert.deepInclude(coverageOf(unitsOf(window(10, 10, ["u1", "a", "b"]))).withoutStart, { count: 3, dated: 2 })
  })

  it("with the number of calls outside the range speak of no range", () => {
    const outside = { created: 0, unassigned: 12 }
    const units = unitsOf(window(0, 10, ["a"]), window(10, 10, [], outside))
    assert.deepStrictEqual(tags(units), ["Window", "WithoutStart"])
    assert.deepInclude(coverageOf(units), { outside })
    assert.isUndefined(coverageOf(units).withoutStart)
    // None was created in the range: that was seen.
    const none = unitsOf(window(0, 10, ["a"]), window(10, 10, [], { created: 12, unassigned: 0 }))
    assert.deepInclude(coverageOf(none).withoutStart, { verdict: "proven", count: 0 })
  })

  it("of calls without a start time say how many came late with one", () => {
    const units = unitsOf(window(0, 10, ["a"]), window(10, 10, ["u1", "b", "u2"]))
    assert.deepInclude(coverageOf(units).withoutStart, { count: 3, dated: 1 })
    assert.notProperty(coverageOf(unitsOf(window(0, 10, ["a"]), window(10, 10, ["u1"]))).withoutStart, "dated")
  })

  it("lose nothing in a copy", () => {
    const [unit] = unitsOf(window(0, 10, ["a", "b"]))
    assert(unit !== undefined)
    const rows = { ...unit, rows: { ...unit.rows } }.rows
    assert.deepStrictEqual([rows.length, rows.id(1), rows.start(1), rows.observedAt(1)], [2, "b", begin + 5, 90])
    assert.deepStrictEqual(JSON.parse(new TextDecoder().decode(rows.json(1))), rows.decode(1))
    assert.lengthOf(Rows.items(rows), 2)
    assert.throws(() => rows.id(2), "there is no row 2 of 2")
  })
})
