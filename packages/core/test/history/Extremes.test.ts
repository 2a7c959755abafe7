import * as CallSessions from "@callstream/core/CallSessions"
import type { Window } from "@callstream/core/history/Coverage"
import * as Extremes from "@callstream/core/history/Extremes"
import * as Rows from "@callstream/core/model/Rows"
import type * as History from "@callstream/core/history/History"
import { AgniSimulator } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Histories from "../torture/Histories.ts"
import { all, between, collect, idsOf, json, page, session } from "./Walking.ts"

const sides = { newest: Extremes.newest, oldest: Extremes.oldest }
const ofWindows = { newest: Extremes.lastWindows, oldest: Extremes.firstWindows }

describe("Extremes", () => {
  it.effect.prop(
    "are what sorting everything finds",
    {
      seed: between(1, 1_000_000),
      sessions: between(0, 120),
      limit: between(1, 140),
      side: Schema.Literals(["newest", "oldest"]),
      order: Schema.Literals(["start-desc", "start-asc", "created-asc", "id-desc", "insertion"]),
      undated: Schema.Literals([0, 0.3]),
      pageSize: between(1, 50)
    },
    ({ limit, pageSize, side, ...options }) =>
      Effect.gen(function* () {
        const simulator = yield* AgniSimulator.make({
          ...options,
          content: "minimal",
          granularity: "milli",
          ties: { share: 0.5, ways: 6 }
        })
        const { elements, error } = yield* all(simulator, sides[side](limit)(CallSessions.selectedPages({ pageSize })))
        const about = json({ limit, pageSize, side, ...options })
        assert.isUndefined(error, about)
        const sorted = simulator
          .truth({ from: "1970-01-01" })
          .map(({ id, startedAt = NaN }) => ({ id, startedAt }))
          .sort((left, right) => left.startedAt - right.startedAt || (left.id < right.id ? -1 : 1))
          .map(({ id }) => id)
        if (side === "newest") sorted.reverse()
        assert.deepStrictEqual(idsOf(elements), sorted.slice(0, limit), about)
        assert.isAtMost(elements.length, 1, about)
      }),
    { arbitrary: { runs: 80 } }
  )

  // More than what is held, so that it is trimmed on the way; the ids run against the microseconds.
  const idAt = (at: number) => String(9999 - at)
  const many = (first: number, step: number) =>
    Stream.range(0, 49).pipe(
      Stream.map((number) =>
        page(
          number + 1,
          Array.from({ length: 100 }, (_, index) => {
            const at = first + step * (number * 100 + index)
            return session(idAt(at), { startedAt: `2026-07-31T00:00:00.00${String(at).padStart(4, "0")}Z` })
          })
        )
      )
    )

  it.effect.each<[number, number]>([
    [0, 1],
    [4999, -1]
  ])("of 5,000 by microseconds, from %i by %i", ([first, step]) =>
    Effect.gen(function* () {
      const newest = yield* collect(Extremes.newest(3)(many(first, step)))
      assert.deepStrictEqual(idsOf(newest.elements), [4999, 4998, 4997].map(idAt))
      const oldest = yield* collect(Extremes.oldest(3)(many(first, step)))
      assert.deepStrictEqual(idsOf(oldest.elements), [0, 1, 2].map(idAt))
    })
  )

  it.effect("pass rejected records through as they come, once", () =>
    Effect.gen(function* () {
      const dated = session("a", { startedAt: "2026-07-31T00:00:00Z" })
      const pages = Stream.make(page(1, [dated], [{ n: 1 }]), page(2, []), page(3, [session("undated")], [{ n: 2 }]))
      const { elements } = yield* collect(Extremes.newest(5)(pages))
      assert.deepStrictEqual(
        elements.map(({ rejected, rows }) => [rows.length, rejected.map(({ raw }) => raw)]),
        [
          [0, [{ n: 1 }]],
          [0, [{ n: 2 }]],
          [1, []]
        ]
      )
    })
  )

  describe("of windows", () => {
    const day = 86_400_000_000
    const read = Effect.fnUntraced(function* (
      simulator: AgniSimulator.AgniSimulator,
      side: "newest" | "oldest",
      limit: number,
      range: Histories.Case["range"] = {},
      options: History.Options = {}
    ) {
      const windows: Array<Window> = []
      const asked = Histories.rangeOf(range)
      const kept = sides[side](limit)(
        Stream.tap(ofWindows[side](limit, asked, options), (window) => Effect.sync(() => windows.push(window)))
      )
      const { elements, error } = yield* all(simulator, kept)
      assert.isUndefined(error)
      const sorted = simulator
        .truth({ to: asked.to, from: asked.from ?? "1970-01-01" })
        .map(({ id, startedAt = NaN }) => ({ id, startedAt }))
        .sort((left, right) => left.startedAt - right.startedAt || (left.id < right.id ? -1 : 1))
        .map(({ id }) => id)
      if (side === "newest") sorted.reverse()
      assert.deepStrictEqual(idsOf(elements), sorted.slice(0, limit))
      return windows
    })

    it.effect.each(["newest", "oldest"] as const)(
      "the %s few that pass a filter are read for as long as it takes",
      (side) =>
        Effect.gen(function* () {
          const simulator = yield* AgniSimulator.make({ sessions: 5000, content: "minimal" })
          // One in fifty: by the last digits of the id.
          const passes = ({ id }: { readonly id: string }) => Number.parseInt(id.slice(-4), 16) % 50 === 0
          const windows: Array<Window> = []
          const passing = Stream.map(
            Stream.tap(ofWindows[side](7, {}, { counts: passes }), (window) => Effect.sync(() => windows.push(window))),
            (window) => ({
              ...window,
              rows: Rows.ofSessions(window.rows.sessions().filter(passes), window.observedAt)
            })
          )
          const { elements, error } = yield* all(simulator, sides[side](7)(passing))
          assert.isUndefined(error)
          const wanted = simulator
            .truth({ from: "1970-01-01" })
            .filter(passes)
            .map(({ id, startedAt = NaN }) => ({ id, startedAt }))
            .sort((left, right) => left.startedAt - right.startedAt || (left.id < right.id ? -1 : 1))
            .map(({ id }) => id)
          if (side === "newest") wanted.reverse()
          assert.deepStrictEqual(idsOf(elements), wanted.slice(0, 7))
          assert.isBelow(idsOf(windows).length, 5000)
        })
    )

    it.effect.each(["newest", "oldest"] as const)("the %s few are proven without reading the others", (side) =>
      Effect.gen(function* () {
        const simulator = yield* AgniSimulator.make({
          sessions: 20_000,
          content: "minimal",
          ties: { share: 0.2, ways: 9 }
        })
        const windows = yield* read(simulator, side, 10)
        assert.isAtMost(simulator.requests.length, 110)
        const tags = new Set(windows.map(({ coverage }) => coverage._tag))
        tags.delete("Provisional")
        assert.deepStrictEqual([...tags], ["Proven"])
      })
    )

    it.effect.prop(
      "are what sorting everything finds, in any range and order, and in whatever way bounds are understood",
      {
        seed: between(1, 1_000_000),
        sessions: between(0, 400),
        limit: between(1, 140),
        side: Schema.Literals(["newest", "oldest"]),
        order: Schema.Literals(["start-desc", "start-asc", "created-asc", "id-desc"]),
        undated: Schema.Literals([0, 0.3]),
        maxPageSize: between(5, 50),
        ignored: Schema.Literals(["none", "none", "all"]),
        ranged: Schema.Literals(["none", "from", "to", "both"])
      },
      ({ ignored, limit, ranged, side, ...options }) =>
        Effect.gen(function* () {
          const simulator = yield* AgniSimulator.make({
            ...options,
            bounds: { ignored },
            content: "minimal",
            ties: { share: 0.5, ways: 6 }
          })
          const now = simulator.now()
          const windows = yield* read(simulator, side, limit, {
            ...(ranged === "from" || ranged === "both" ? { from: now - 20 * day } : {}),
            ...(ranged === "to" || ranged === "both" ? { to: now - 3 * day } : {})
          })
          assert.isNotEmpty(windows)
        }),
      { arbitrary: { runs: 60 } }
    )

    it.effect("what cannot be read is refused before a request", () =>
      Effect.gen(function* () {
        const simulator = yield* AgniSimulator.make({ sessions: 3 })
        for (const [side, windows] of Object.entries(ofWindows))
          for (const [parameter, range, options] of [
            ["from", { from: "2026-07-31", to: "2026-07-30" }, {}],
            ["to", { to: "soon" }, {}],
            ["concurrency", {}, { concurrency: 0 }]
          ] as const) {
            const { error } = yield* all(simulator, windows(3, range, options))
            assert.deepInclude(error?.reason, { _tag: "InvalidRequest", parameter }, `${side} ${parameter}`)
          }
        assert.isEmpty(simulator.requests)
      })
    )

    it.effect("a long silence is crossed in a few steps", () =>
      Effect.gen(function* () {
        const simulator = yield* AgniSimulator.make({
          sessions: 300,
          content: "minimal",
          age: "2000 days",
          span: "1 day"
        })
        yield* read(simulator, "newest", 3)
        assert.isAtMost(simulator.requests.length, 400)
      })
    )
  })

  it.effect("of nothing are nothing, of a failure the failure, and each run stands for itself", () =>
    Effect.gen(function* () {
      assert.isEmpty((yield* collect(Extremes.newest(5)(Stream.empty))).elements)
      const dated = page(1, [session("a", { startedAt: "2026-07-31T00:00:00Z" })])
      const failing = yield* collect(Extremes.newest(5)(Stream.concat(Stream.make(dated), Stream.fail("gone"))))
      assert.deepStrictEqual(failing, { elements: [], error: "gone" })
      const twice = Extremes.newest(5)(Stream.make(dated))
      yield* collect(twice)
      assert.deepStrictEqual(idsOf((yield* collect(twice)).elements), ["a"])
    })
  )
})
