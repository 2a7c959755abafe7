/** A small server with a sync of it, for rules that random histories rarely need. */
import { AgniClient } from "@callstream/core/client/AgniClient"
import type { CallSessionQuery } from "@callstream/core/model/CallSessionQuery"
import type { Page } from "@callstream/core/model/Page"
import { Ledger } from "@callstream/core/sync/Ledger"
import * as Sync from "@callstream/core/sync/Sync"
import { assert } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as World from "../pipeline/SyncDeliveryWorld.ts"

const { minute, origin } = World

/** A call every two minutes, from six hours before the first pass to six hours after it. Every fifth has no start time. */
export const usual = (): Array<World.Call> =>
  Array.from({ length: 360 }, (_, i) =>
    Object.assign(World.newCall(1000 + i, origin + (i - 180) * 2 * minute, i % 5 !== 0), {
      status: "completed" as const
    })
  )

/** A server that answers with nothing on later pages in the order of creation. */
export const noDeeper =
  (pages: number) =>
  (query: CallSessionQuery): CallSessionQuery =>
    query.sortBy === "created_at" && (query.page ?? 1) > pages ? { ...query, page: 1000 } : query

/** A world with pages of ten calls, after its first pass. */
export const make = (others: ReadonlyArray<World.Call> = [], calls: Array<World.Call> = usual()) => {
  const world = World.make(origin, [...others])
  const told: Array<Sync.Change> = []
  const looks: Array<Sync.Look> = []
  /** The question that the server hears, and what it makes of its answer. */
  const server = {
    hears: (query: CallSessionQuery): CallSessionQuery => query,
    says: (page: Page, _query: CallSessionQuery): Page => page
  }
  const layer = Layer.effect(
    AgniClient,
    Effect.map(AgniClient, (client) => ({
      ...client,
      list: (query: CallSessionQuery) =>
        Effect.map(client.list(server.hears(query)), (page) => server.says(page, query))
    }))
  ).pipe(Layer.provide(world.layer))
  const pass = (at: number, isAcknowledged = true) =>
    Effect.suspend(() => {
      world.now = at
      while ((calls[0]?.created ?? Infinity) < at) world.calls.push(...calls.splice(0, 1))
      return Sync.changes({
        name: "calls",
        from: "2026-07-01T00:00:00Z",
        pageSize: 10,
        onLook: (look) => Effect.sync(() => void looks.push(look))
      }).pipe(
        Stream.tap((change) => {
          told.push(change)
          return isAcknowledged ? change.acknowledge : Effect.void
        }),
        Stream.runDrain,
        Effect.provide(layer)
      )
    })
  return {
    world,
    server,
    pass,
    told: (id: string) => told.filter((change) => change.id === id),
    watermark: () => looks.at(-1)?.watermark ?? 0,
    kinds: () => new Set(told.map(({ kind }) => kind)),
    /** Whether the call came before the watermark passed its start. */
    assertProven: ({ id, start = 0 }: World.Call) => {
      const came = looks.findIndex(({ changes }) => changes.some((change) => change.id === id))
      const passed = looks.findIndex(({ watermark }) => watermark > start)
      assert.isAtLeast(came, 0, "it came")
      assert.isAtLeast(passed, came, "the watermark is not past a call that did not come")
    },
    play: <A, E>(effect: Effect.Effect<A, E, Ledger>) =>
      effect.pipe(Effect.provide(Ledger.layerMemory), Effect.provideService(Clock.Clock, world.clock))
  }
}
