import { AgniClient } from "@callstream/core/client/AgniClient"
import { AgniError, InvalidRequest } from "@callstream/core/model/AgniError"
import * as History from "@callstream/core/history/History"
import * as EndpointProfile from "@callstream/core/endpoint/EndpointProfile"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Probes from "../../src/endpoint/internal/Probes.ts"
import * as Histories from "../torture/Histories.ts"

const { startAt } = Histories

const open = (simulator: Histories.Simulator, read: Histories.Read = {}) =>
  Histories.open({
    simulator: { content: "minimal", startAt, undated: 0, sessions: 400, ...simulator },
    range: {},
    read,
    step: 0,
    client: false
  })

const profileOf = (simulator: Histories.Simulator) =>
  Effect.map(
    Effect.provideService(EndpointProfile.examine({ pageSize: 1000 }), AgniClient, open(simulator).client),
    ({ profile }) => profile
  )

const understood = { after: "included", before: "included", precision: "microsecond", zone: "UTC" } as const
const allFilters = { agentId: "understood", channel: "understood", callerNumber: "understood" } as const

const servers: ReadonlyArray<
  readonly [name: string, simulator: Histories.Simulator, expected: Partial<EndpointProfile.EndpointProfile>]
> = [
  [
    "the documented one",
    {},
    {
      edition: "camelCase",
      pageSizeAsked: 1000,
      pageSize: 100,
      clamped: true,
      offsets: "brought",
      repeatsBeyondEnd: false,
      pagesAtMost: 8,
      order: "start-desc",
      sortFields: { started_at: "understood", startedAt: "understood" },
      sortBy: "none",
      newestFirst: true,
      bounds: understood,
      filters: allFilters
    }
  ],
  [
    "offsets from the size asked for, bounds exclusive, cut to the second",
    {
      offsetFrom: "asked",
      beyondLast: "last",
      edition: "snake",
      granularity: "micro",
      bounds: { after: "exclusive", before: "exclusive", truncate: "second" }
    },
    {
      edition: "snake_case",
      offsets: "asked",
      repeatsBeyondEnd: true,
      bounds: { after: "unknown", before: "unknown", precision: "second", zone: "UTC" }
    }
  ],
  [
    "whole seconds, bounds exclusive and to the microsecond",
    { granularity: "second", bounds: { after: "exclusive", before: "exclusive" } },
    { bounds: { after: "not included", before: "not included", precision: "microsecond", zone: "UTC" } }
  ],
  [
    "whole seconds, bounds exclusive and cut to the second",
    { granularity: "second", bounds: { after: "exclusive", before: "exclusive", truncate: "second" } },
    { bounds: { after: "not included", before: "not included", precision: "second", zone: "UTC" } }
  ],
  [
    "bounds with a fraction are ignored",
    { bounds: { ignored: "fraction" } },
    {
      bounds: { after: "unknown", before: "unknown", precision: "bounds with a fraction are ignored", zone: "UTC" }
    }
  ],
  [
    "another zone",
    { sessions: 3000, bounds: { shift: "330 minutes" } },
    { bounds: { after: "unknown", before: "unknown", precision: "unknown", zone: "another" } }
  ],
  [
    "created first, one sort field, the other refused",
    { order: "created-asc", sortFields: ["startedAt"], unknownSort: "reject", queued: 0.3 },
    {
      order: "created-asc",
      sortBy: "startedAt",
      newestFirst: true,
      sortFields: { started_at: "refused", startedAt: "understood" }
    }
  ],
  [
    "no sorting",
    { sorting: "ignored" },
    { sortFields: { started_at: "ignored", startedAt: "ignored" }, sortBy: "none", newestFirst: true }
  ],
  [
    "filters after paging",
    { filterAfterPaging: "filters" },
    {
      filters: {
        agentId: "applied after paging",
        channel: "applied after paging",
        callerNumber: "applied after paging"
      }
    }
  ],
  [
    "a clock of its own",
    { clockOffset: "3 hours", sessions: 1 },
    {
      order: "unknown",
      newestFirst: false,
      offsets: "unknown",
      clamped: false,
      filters: { agentId: "unknown", channel: "unknown", callerNumber: "unknown" }
    }
  ]
]

const refused = new AgniError({
  reason: new InvalidRequest({ status: 400, quote: "page_size is too large" }),
  request: "GET",
  attempts: 1,
  elapsed: Duration.zero
})

describe("EndpointProfile.examine", () => {
  for (const [name, simulator, expected] of servers) {
    it.live(name, () =>
      Effect.gen(function* () {
        const profile = yield* profileOf(simulator)
        assert.deepInclude(profile, expected)
        const json: unknown = JSON.parse(JSON.stringify(profile))
        assert.deepStrictEqual(yield* Schema.decodeUnknownEffect(EndpointProfile.EndpointProfile)(json), profile)
        assert.isTrue(EndpointProfile.facts(profile).every(({ text }) => text !== "" && !text.includes("undefined")))
      })
    )
  }

  for (const most of [7, 50, 99, 100, 999])
    it.live(`a server that refuses more than ${most} in one request: finds that limit`, () =>
      Effect.gen(function* () {
        const { client } = open({})
        const { profile } = yield* Effect.provideService(EndpointProfile.examine({ pageSize: 1000 }), AgniClient, {
          list: (query) => ((query.pageSize ?? 0) > most ? Effect.fail(refused) : client.list(query))
        })
        assert.deepInclude(profile, { pageSizeRefused: 1000, pageSizeAsked: 1000, pageSize: Math.min(most, 100) })
        assert.strictEqual(profile.sortFields.started_at, "understood")
      })
    )

  it.live("fails where it is not the page size that is refused", () =>
    Effect.gen(function* () {
      const list = () => Effect.fail(refused)
      const error = yield* Effect.flip(Effect.provideService(EndpointProfile.examine(), AgniClient, { list }))
      assert.strictEqual(error.reason._tag, "InvalidRequest")
    })
  )
})

describe("Probes.probe, with an endpoint profile", () => {
  const known = Effect.map(
    Effect.provideService(EndpointProfile.examine(), AgniClient, open({ sessions: 20_000 }).client),
    ({ profile }) => profile
  )

  it.live("asks less, and sees the same", () =>
    Effect.gen(function* () {
      const profile = yield* known
      const fresh = open({ sessions: 20_000 })
      const again = open({ sessions: 20_000 })
      const first = yield* Effect.provideService(Probes.probe({ pageSize: 1000 }), AgniClient, fresh.client)
      const second = yield* Effect.provideService(Probes.probe({ pageSize: 1000, profile }), AgniClient, again.client)
      const { bounds, offsets } = profile
      const { clockOffset } = second.profile
      assert.deepStrictEqual(second.profile, { ...first.profile, bounds, offsets, clockOffset })
      assert.strictEqual(second.serverNow, first.serverNow)
      assert.strictEqual(second.oldest, first.oldest)
      assert.isAtMost(again.simulator.requests.length, fresh.simulator.requests.length - 3)
    })
  )

  it.live("pages that became shorter, with offsets from the size asked for: nothing is lost between them", () =>
    Effect.gen(function* () {
      const profile = yield* known
      const one: Histories.Case = {
        simulator: { content: "minimal", startAt, undated: 0, sessions: 65, maxPageSize: 50, offsetFrom: "asked" },
        range: {},
        read: { profile },
        step: 0,
        client: false
      }
      const { complete, wrong } = yield* Histories.run(one)
      assert.deepStrictEqual({ complete, wrong }, { complete: true, wrong: [] })
    })
  )

  it.live("bounds that were understood, and are read in another zone now: unprovable", () =>
    Effect.gen(function* () {
      const profile = yield* known
      const { client, clock } = open({ sessions: 3000, bounds: { shift: "330 minutes" } })
      const windows = yield* Stream.runCollect(History.windows({}, { profile })).pipe(
        Effect.provideService(AgniClient, client),
        Effect.provideService(Clock.Clock, clock)
      )
      assert.notInclude(
        windows.map(({ coverage }) => coverage._tag),
        "Proven"
      )
      assert.strictEqual(windows.flatMap(({ rows }) => rows.sessions()).length, 3000)
    })
  )
})
