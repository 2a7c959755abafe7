import { AgniClient } from "@callstream/core/client/AgniClient"
import * as Instant from "@callstream/core/model/Instant"
import * as History from "@callstream/core/history/History"
import * as Plan from "@callstream/core/plan/Plan"
import { AgniSimulator } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Histories from "../torture/Histories.ts"

const hour = 3_600_000_000
const day = 24 * hour
const { startAt } = Histories
const [agentId = ""] = AgniSimulator.makeUnsafe({}, () => 0).agentIds

interface World {
  readonly simulator: Histories.Simulator
  readonly range?: Histories.Case["range"]
  readonly read?: Omit<Histories.Read, "cuts" | "resume">
  /** Whether requests are left to count to the last one, once the filters were tried. */
  readonly counted?: boolean
}

const worlds: Readonly<Record<string, World>> = {
  "a small one": { simulator: { sessions: 90 } },
  "an empty one": { simulator: { sessions: 0 } },
  "a range of a larger one": {
    simulator: { sessions: 12_000 },
    range: { from: Instant.of(startAt - 9 * day), to: Instant.of(startAt - 2 * day) }
  },
  "a large one": { simulator: { sessions: 30_000 } },
  "one with many undated": { simulator: { sessions: 20_000, undated: 0.05 } },
  "one with its undated at the end": { simulator: { sessions: 9000, undated: 0.02, undatedOrder: "last" } },
  "small pages, oldest first, sorted by startedAt": {
    simulator: { sessions: 4000, maxPageSize: 20, order: "start-asc", sortFields: ["startedAt"] }
  },
  "one that repeats its last page": { simulator: { sessions: 5000, beyondLast: "last", granularity: "second" } },
  "one that repeats its first page": { simulator: { sessions: 5000, beyondLast: "first" } },
  "filtered by agent": { simulator: { sessions: 20_000 }, read: { agentId }, counted: false },
  "one that ignores bounds": { simulator: { sessions: 3000, bounds: { ignored: "all" } } },
  "an order that cannot be asked for": {
    simulator: { sessions: 6000, order: "insertion", sorting: "ignored", queued: 0.3 }
  },
  "a young one": { simulator: { sessions: 8000, age: "1 minute", span: "5 days" } }
}

const open = ({ range = {}, read = {}, simulator }: World) =>
  Histories.open({
    simulator: { content: "minimal", startAt, undated: 0, ...simulator },
    range,
    read,
    step: 0,
    client: false
  })

describe("Plan.make", () => {
  for (const [name, world] of Object.entries(worlds)) {
    it.live(`${name}: the requests within a fifth of what reading takes, or six, the sessions as many`, () =>
      Effect.gen(function* () {
        const planned = open(world)
        const plan = yield* Plan.make(Histories.rangeOf(world.range ?? {}), world.read).pipe(
          Effect.provideService(AgniClient, planned.client),
          Effect.provideService(Clock.Clock, planned.clock)
        )
        assert.strictEqual(plan.spent, planned.simulator.requests.length)
        if (plan.spreadSeen) {
          const newest = Math.max(...planned.simulator.truth().map(({ startedAt }) => startedAt ?? 0))
          const behind = plan.windows.filter(({ from, sessions }) => from > newest && sessions > 0)
          assert.deepStrictEqual(behind, [], "nothing is behind the newest call, such as in the future")
        }
        const read = open(world)
        const windows = yield* Stream.runCollect(
          Histories.windows({ range: world.range ?? {}, read: world.read ?? {} })
        ).pipe(Effect.provideService(AgniClient, read.client), Effect.provideService(Clock.Clock, read.clock))
        const sessions = windows.reduce((sum, { rows }) => sum + rows.length, 0)
        const requests = read.simulator.requests.length
        const told = `${JSON.stringify({ ...plan, windows: plan.windows.length })} against ${requests} requests for ${sessions} sessions in ${windows.length} windows`
        // A filter is tried twice.
        assert.isAtMost(plan.spent, world.counted === false ? 72 : 48, told)
        assert.isAtMost(Math.abs(plan.requests - requests), Math.max(6, 0.2 * requests), told)
        if (world.counted === false) {
          assert.isAtMost(plan.sessions.least, sessions, told)
          assert.isAtLeast(plan.sessions.most, sessions, told)
          assert.isAtMost(plan.sessions.most, 1.1 * plan.sessions.least, told)
        } else assert.deepStrictEqual(plan.sessions, { least: sessions, most: sessions }, told)
      })
    )
  }

  it.live("what cannot be read is refused before a request", () =>
    Effect.gen(function* () {
      const { client, simulator } = open({ simulator: { sessions: 3 } })
      for (const [parameter, range, options] of [
        ["from", { from: "2026-07-31", to: "2026-07-30" }, {}],
        ["cuts", {}, { cuts: ["soon"] }],
        ["pageSize", {}, { pageSize: 0 }]
      ] as const) {
        const error = yield* Effect.flip(Plan.make(range, options)).pipe(Effect.provideService(AgniClient, client))
        assert.deepInclude(error.reason, { _tag: "InvalidRequest", parameter })
      }
      assert.isEmpty(simulator.requests)
    })
  )

  it.live("a hundred times as many calls a day since the day before yesterday", () =>
    Effect.gen(function* () {
      const uneven = () => {
        let clock = startAt / 1000
        const simulator = AgniSimulator.makeUnsafe(
          { content: "minimal", startAt, undated: 0, sessions: 2000, arrivalsPerHour: 280 },
          () => clock
        )
        clock += (48 * hour) / 1000
        const client = AgniClient.make({ apiKey: Redacted.make(simulator.apiKey) }).pipe(
          Effect.provideService(HttpClient.HttpClient, simulator.httpClient),
          Effect.runSync
        )
        return { client, simulator }
      }
      const planned = uneven()
      const range = { to: Instant.of(startAt + 48 * hour) }
      const plan = yield* Effect.provideService(Plan.make(range), AgniClient, planned.client)
      const read = uneven()
      const windows = yield* Effect.provideService(Stream.runCollect(History.windows(range)), AgniClient, read.client)
      // The plan counts calls by their start.
      const dated = windows.filter(({ from, to }) => from < to)
      const sessions = dated.reduce((sum, { rows }) => sum + rows.length, 0)
      const requests = read.simulator.requests.length
      const told = `${plan.requests} for ${requests}, ${plan.windows.length} windows for ${dated.length}`
      assert.deepStrictEqual(plan.sessions, { least: sessions, most: sessions })
      assert.isAtMost(Math.abs(plan.requests - requests), 0.2 * requests, told)
      const density = plan.windows.map(({ from, sessions, to }) => sessions / (to - from))
      assert.isAbove(Math.max(...density), 20 * (density[0] ?? 0))
    })
  )
})
