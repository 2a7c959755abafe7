import * as CoverageReason from "@callstream/core/coverage/CoverageReason"
import * as Instant from "@callstream/core/model/Instant"
import * as AgniTransport from "@callstream/node/AgniTransport"
import { assert, describe, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Loopback from "../LoopbackServer.ts"
import * as Scenario from "./PostgresScenario.ts"
import * as Postgres from "./PostgresServer.ts"

// In 2 ties hide rows from every way of asking; the others are a stretch of small ones.
const seeds = [2, ...Array.from({ length: 11 }, (_, i) => 12 + i)]
const count = seeds.length

const database = Effect.flatMap(Postgres.Server, (server) => server.database())

const quiet: Scenario.Scenario["writes"] = { deleted: 0, inserted: 0, updated: 0, vacuum: 0 }

describe.skipIf(Postgres.missing)(`History.windows over PostgreSQL${Postgres.reason}`, () => {
  layer(Postgres.Server.layer, { excludeTestServices: true })((it) => {
    it.effect(
      `${count} histories: never proven with a session missing, each session once, windows that tile the range`,
      () =>
        Effect.gen(function* () {
          const name = yield* database
          const tally = { windows: 0, proven: 0, complete: 0, requests: 0 }
          for (const seed of seeds) {
            const one = Scenario.make(seed)
            const judgement = yield* Effect.scoped(
              Effect.flatMap(Scenario.open(one, name), (world) => Scenario.read(one, world))
            )
            assert.deepStrictEqual(judgement.wrong, [], `seed ${seed}: ${JSON.stringify({ one, judgement })}`)
            tally.windows += judgement.windows
            tally.proven += judgement.proven
            tally.complete += judgement.missing === 0 ? 1 : 0
            tally.requests += judgement.requests
          }
          const told = JSON.stringify(tally)
          // A reading that proves nothing is never wrong.
          assert.isAtLeast(tally.proven, 0.5 * tally.windows, told)
          assert.isAtLeast(tally.complete, 0.7 * count, told)
        })
    )

    it.effect("the same histories make a walk over page numbers miss sessions", () =>
      Effect.gen(function* () {
        const name = yield* database
        const missed: Array<number> = []
        for (const seed of seeds) {
          const one = Scenario.make(seed)
          const world = Effect.map(Scenario.open(one, name), (world) => [world, one.app.maxPageSize] as const)
          missed.push(
            yield* Effect.scoped(Effect.flatMap(world, ([world, size]) => Scenario.missedByPages(world, size)))
          )
        }
        const lossy = missed.filter((sessions) => sessions > 0).length
        assert.isAtLeast(lossy, 0.2 * count, JSON.stringify({ seeds, missed }))
      })
    )

    it.effect(
      "300 calls of three start seconds, where nothing changes: two page walks miss the same ones, and no reading proves that",
      () =>
        Effect.gen(function* () {
          const name = yield* database
          for (const order of ["start-asc", "created-desc"] as const) {
            const one: Scenario.Scenario = {
              ...Scenario.make(1),
              sessions: 300,
              burst: 300,
              starts: "seconds",
              undated: 0,
              index: "none",
              planners: ["default"],
              app: { order, sorting: "ignored", after: "inclusive", before: "exclusive", maxPageSize: 20 },
              writes: quiet,
              range: {},
              read: { pageSize: 20 }
            }
            const world = yield* Scenario.open(one, name)
            const passes = [yield* Scenario.missedByPages(world, 20), yield* Scenario.missedByPages(world, 20)]
            if (order === "start-asc") assert.isAbove(passes[0] ?? 0, 30)
            assert.strictEqual(passes[1], passes[0])
            const judgement = yield* Scenario.read(one, world)
            assert.deepStrictEqual(judgement.wrong, [], JSON.stringify({ order, judgement }))
            // What ties hide does not make bounds look broken.
            assert.notInclude(judgement.reasons, CoverageReason.describe({ _tag: "NotBack" }), order)
          }
        })
    )

    it.effect("4,000 calls over HTTP, read in parallel while another connection writes", () =>
      Effect.gen(function* () {
        const from = Date.UTC(2026, 4, 28, 23) * 1000
        const one: Scenario.Scenario = {
          ...Scenario.make(1),
          sessions: 4000,
          burst: 60,
          starts: "micros",
          queued: 0.3,
          undated: 0,
          index: "started_at",
          planners: ["default", "sequential", "indexed"],
          app: {
            order: "start-desc",
            sorting: "honoured",
            after: "inclusive",
            before: "exclusive",
            maxPageSize: 100
          },
          // Those that come have most often just begun, which is beyond the range.
          writes: { deleted: 0.02, inserted: 0.05, updated: 20, vacuum: 0.05 },
          range: { from: Instant.of(from), to: Instant.of(Date.UTC(2026, 4, 31, 20) * 1000) },
          read: { pageSize: 100, concurrency: 4, pagesPerWindow: 5 }
        }
        const world = yield* Scenario.open(one, yield* database, { atOnce: 4 })
        const context = yield* Effect.context()
        const server = yield* Loopback.make((response, request) => {
          const { searchParams } = new URL(request.url ?? "", "http://127.0.0.1")
          const answer = Effect.map(world.app.answer(searchParams), ({ body, headers, status }) => {
            response.writeHead(status, headers)
            response.end(body)
          })
          Effect.runForkWith(context)(Effect.onError(answer, () => Effect.sync(() => response.destroy())))
        })
        const client = yield* Scenario.clientAt(server.url)
        yield* Effect.forkScoped(Effect.forever(world.write))
        const judgement = yield* Scenario.read(one, { ...world, client })
        const told = JSON.stringify(judgement)
        assert.deepStrictEqual(judgement.wrong, [], told)
        assert.isAbove(judgement.proven, 0, told)
        assert.strictEqual(server.requests.length, judgement.requests)
        assert.isAbove(server.connections(), 1)
      }).pipe(Effect.provide(AgniTransport.layer))
    )
  })
})
