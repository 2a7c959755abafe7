/** Readings that fail now and then: `retry` resumes them, in both orders, and no call comes twice or is missing. */
import * as CallSessions from "@callstream/core/CallSessions"
import { startInstant } from "@callstream/core/model/CallSession"
import * as Instant from "@callstream/core/model/Instant"
import { AgniSimulator } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { all, between, json } from "./history/Walking.ts"

const sorted = (ids: Iterable<string>) => [...ids].sort()

/** No request is retried: each fault fails the reading. */
const fragile = { retry: { tries: 1 } }

const attempts = { all: 0, most: 0 }

describe("CallSessions: a reading that fails resumes", () => {
  it.effect.prop(
    "with each call once, whatever the server is like and wherever it fails",
    {
      seed: between(1, 1_000_000),
      sessions: between(0, 200),
      order: Schema.Literals(["oldest", "newest"]),
      served: Schema.Literals(["start-desc", "start-desc", "start-asc", "created-desc", "id-asc"]),
      ignored: Schema.Literals(["none", "none", "none", "all"]),
      undated: Schema.Literals([0, 0.1]),
      ties: Schema.Boolean,
      pageSize: between(5, 30),
      faults: between(2, 8),
      concurrency: Schema.Literals([1, 4]),
      sides: Schema.Literals(["both", "from", "to", "none"]),
      first: between(0, 1000),
      last: between(0, 1000)
    },
    (chosen) =>
      Effect.gen(function* () {
        const { concurrency, ignored, order, pageSize, seed } = chosen
        const simulator = yield* AgniSimulator.make({
          seed,
          sessions: chosen.sessions,
          order: chosen.served,
          undated: chosen.undated,
          bounds: { ignored },
          content: "minimal",
          faultRate: chosen.faults / 100,
          ...(chosen.ties ? { ties: { share: 0.5, ways: 5 } } : {})
        })
        const about = json(chosen)
        const starts = simulator.truth().flatMap(({ startedAt }) => startedAt ?? [])
        const at = (index: number) => starts[Math.floor((index / 1001) * starts.length)] ?? simulator.now()
        const [from, to] = [at(chosen.first), at(chosen.last)].sort((a, b) => a - b)
        if (from === undefined || to === undefined || from === to) return
        const range = {
          ...(chosen.sides === "both" || chosen.sides === "from" ? { from } : {}),
          ...(chosen.sides === "both" || chosen.sides === "to" ? { to } : {})
        }
        let failed = 0
        const { elements, error } = yield* all(
          simulator,
          CallSessions.sessions({
            ...range,
            pageSize,
            concurrency,
            order,
            retry: Schedule.spaced("1 second").pipe(Schedule.tap(() => Effect.sync(() => void failed++)))
          }),
          fragile
        )
        assert.isUndefined(error, about)
        attempts.all += failed
        attempts.most = Math.max(attempts.most, failed)
        const ids = elements.map(({ id }) => id)
        assert.strictEqual(new Set(ids).size, ids.length, `twice: ${about}`)
        const dated = simulator.truth(range).filter(({ startedAt }) => startedAt !== undefined)
        const isWhole = chosen.sides === "none"
        const expected = isWhole ? simulator.truth() : dated
        const came = elements.filter((session) => isWhole || startInstant(session) !== undefined)
        assert.deepStrictEqual(sorted(came.map(({ id }) => id)), sorted(expected.map(({ id }) => id)), about)
        if (ignored === "all") return
        const instants = elements.flatMap((session) => startInstant(session) ?? [])
        const ascending = order === "newest" ? instants.toReversed() : instants
        assert.deepStrictEqual(
          ascending,
          ascending.toSorted((a, b) => a - b),
          `order: ${about}`
        )
      }),
    { arbitrary: { runs: 40 } }
  )

  it("of which many failed", () => {
    assert.isAbove(attempts.all, 10, json(attempts))
    assert.isAbove(attempts.most, 0, json(attempts))
  })

  it.effect("where Stream.retry repeats calls", () =>
    Effect.gen(function* () {
      const make = AgniSimulator.make({ seed: 7, sessions: 3000, content: "minimal", faultRate: 0.03, undated: 0 })
      const retry = Schedule.spaced("1 second")
      const around = yield* all(yield* make, CallSessions.sessions().pipe(Stream.retry(retry)), fragile)
      assert.isAbove(around.elements.length, 3000)
      const inside = yield* all(yield* make, CallSessions.sessions({ retry }), fragile)
      assert.lengthOf(inside.elements, 3000)
      assert.strictEqual(new Set(inside.elements.map(({ id }) => id)).size, 3000)
    })
  )

  it.effect("unless the error is not one that passes, or the schedule ends", () =>
    Effect.gen(function* () {
      const wrong = yield* AgniSimulator.make({ sessions: 10, forbidden: true })
      const refused = yield* all(wrong, CallSessions.sessions({ retry: Schedule.forever }))
      assert.strictEqual(refused.error?.reason._tag, "Forbidden")
      assert.lengthOf(wrong.requests, 1)

      let retried = 0
      const down = yield* AgniSimulator.make({ sessions: 10, faultRate: 1, faultsInARow: 1_000_000 })
      const retry = Schedule.recurs(3).pipe(Schedule.tap(() => Effect.sync(() => void retried++)))
      const given = yield* all(down, CallSessions.sessions({ retry }), fragile)
      assert.isTrue(given.error?.retryable)
      assert.strictEqual(retried, 3)
    })
  )

  it.effect("has the position of each window, and windows too come once", () =>
    Effect.gen(function* () {
      for (const order of ["oldest", "newest"] as const) {
        const simulator = yield* AgniSimulator.make({ seed: 3, sessions: 2000, content: "minimal", faultRate: 0.03 })
        const { elements, error } = yield* all(
          simulator,
          CallSessions.windows({ pageSize: 20 }, { order, retry: Schedule.spaced("1 second") }),
          fragile
        )
        assert.isUndefined(error)
        const dated = elements.filter(({ from, to }) => from < to)
        assert.isAbove(dated.length, 3)
        const ascending = order === "newest" ? dated.toReversed() : dated
        for (const [i, window] of ascending.entries()) {
          const before = ascending[i - 1]
          if (before !== undefined) assert.strictEqual(Instant.format(before.to), Instant.format(window.from), order)
        }
        const ids = elements.flatMap(({ rows }) => rows.sessions().map(({ id }) => id))
        assert.deepStrictEqual(sorted(ids), sorted(simulator.truth().map(({ id }) => id)))
      }
    })
  )
})
