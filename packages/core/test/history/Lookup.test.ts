import { AgniClient } from "@callstream/core/client/AgniClient"
import * as Lookup from "@callstream/core/history/Lookup"
import * as Instant from "@callstream/core/model/Instant"
import { AgniSimulator } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { between, clientOf, json, page, settle } from "./Walking.ts"

const look = (simulator: AgniSimulator.AgniSimulator, ids: ReadonlyArray<string>, options?: Lookup.Options) =>
  settle(clientOf(simulator)(Lookup.find(ids, options)))

const unknown = "0198f3a2-6c1e-7d4b-9a55-3f2e1d0c9b8a"

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0

describe("Lookup", () => {
  it("reads the time of a UUID of version 7 alone", () => {
    const at = Instant.parse("2026-07-31T07:16:10.117Z")
    assert.strictEqual(Lookup.timeOf("019fb707-cf05-7000-8000-000000000000"), at)
    assert.strictEqual(Lookup.timeOf("019FB707-CF05-7000-8000-000000000000"), at)
    assert.isUndefined(Lookup.timeOf("019fb707-cf05-4000-8000-000000000000"))
    assert.isUndefined(Lookup.timeOf("00000000-0000-7000-8000-000000000000"))
    assert.isUndefined(Lookup.timeOf("call-1"))
  })

  it.effect.prop(
    "finds each call that there is, in the orders that servers have",
    {
      seed: between(1, 1_000_000),
      sessions: between(1, 3000),
      undated: Schema.Literals([0, 0.05, 0.3]),
      queued: Schema.Literals([0, 0.3]),
      maxPageSize: Schema.Literals([20, 100]),
      offsetFrom: Schema.Literals(["asked", "clamped"]),
      order: Schema.Literals(["start-desc", "start-asc", "created-desc", "insertion"])
    },
    (options) =>
      Effect.gen(function* () {
        const simulator = yield* AgniSimulator.make({ ...options, content: "minimal" })
        const all = simulator.truth()
        const some = all.filter((_, i) => i % Math.ceil(all.length / 8) === 0)
        const { found, missing } = yield* look(
          simulator,
          some.map(({ id }) => id)
        )
        const about = json({ options })
        assert.deepStrictEqual(missing, [], about)
        assert.deepStrictEqual(
          found.map(({ call, id }) => ["id" in call && call.id === id, id]),
          some.map(({ id }) => [true, id]),
          about
        )
      }),
    { arbitrary: { runs: 40 } }
  )

  it.effect("needs a request or two for a call that started, and some ten for one that never did", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 100_000, undated: 0.05, queued: 0, content: "minimal" })
      const all = simulator.truth()
      const counts = Effect.fnUntraced(function* (isDated: boolean) {
        const some = all.filter(({ startedAt }, i) => (startedAt !== undefined) === isDated && i % 7 === 0).slice(0, 21)
        const by = new Set<Lookup.Way>()
        const requests: Array<number> = []
        for (const { id } of some) {
          const lookup = yield* look(simulator, [id])
          requests.push(lookup.requests)
          for (const { by: way } of lookup.found) by.add(way)
        }
        return { by: [...by], requests }
      })
      const dated = yield* counts(true)
      assert.deepStrictEqual(dated.by, ["started"])
      assert.strictEqual(Math.max(...dated.requests), 1)
      const undated = yield* counts(false)
      assert.deepStrictEqual(undated.by, ["created"])
      assert.isAtMost(median(undated.requests), 12, json({ requests: undated.requests }))
      assert.isAtMost(Math.max(...undated.requests), 25, json({ requests: undated.requests }))
    })
  )

  it.effect("asks the search where there is no order of creation, and all pages only when it should", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({
        sessions: 2000,
        undated: 0.1,
        sortFields: [],
        unknownSort: "reject",
        content: "minimal"
      })
      const lost = simulator.truth().find(({ startedAt }) => startedAt === undefined)?.id ?? ""
      const { found } = yield* look(simulator, [lost])
      assert.deepStrictEqual(
        found.map(({ by }) => by),
        ["search"]
      )
      const deaf = yield* AgniSimulator.make({
        sessions: 2000,
        undated: 0.1,
        sortFields: [],
        filterAfterPaging: "filters",
        order: "start-asc",
        unknownSort: "reject",
        content: "minimal"
      })
      const without = yield* look(deaf, [lost])
      assert.deepStrictEqual(without.found, [])
      assert.deepStrictEqual(without.missing, [
        { id: lost, created: Lookup.timeOf(lost), looked: ["started", "created", "search"] }
      ])
      const walked = yield* look(deaf, [lost, unknown], { walk: true })
      assert.deepStrictEqual(
        walked.found.map(({ by, id }) => [by, id]),
        [["walk", lost]]
      )
      assert.deepStrictEqual(
        walked.missing.map(({ id, looked }) => [id, looked.at(-1)]),
        [[unknown, "walk"]]
      )
      assert.isAtLeast(walked.requests, 20)
    })
  )

  it.effect("searches for an id of another kind, in one request, and finds ids in capitals", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 500, content: "minimal" })
      const [first] = simulator.truth()
      const other = yield* look(simulator, ["call-1"])
      assert.deepStrictEqual(other, {
        found: [],
        missing: [{ id: "call-1", created: undefined, looked: ["search"] }],
        requests: 1
      })
      const id = first?.id.toUpperCase() ?? ""
      const { found } = yield* look(simulator, [id, first?.id ?? ""])
      assert.lengthOf(found, 1)
    })
  )

  it.effect("returns the record of an id that is no call", () =>
    Effect.gen(function* () {
      const raw = { id: unknown, startedAt: 5, durationSec: {} }
      const list = () => Effect.succeed(page(1, [], [raw]))
      const { found } = yield* Effect.provideService(Lookup.find([unknown]), AgniClient, AgniClient.of({ list }))
      assert.deepStrictEqual(
        found.map(({ call, isRejected }) => [isRejected, "raw" in call && call.raw === raw]),
        [[true, true]]
      )
    })
  )
})
