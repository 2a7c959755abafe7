/** A real pipeline in a fleet: the simulated API, a table of PostgreSQL, and two workers. */
import * as AgniClient from "@callstream/core/client/AgniClient"
import type { CheckpointError } from "@callstream/core/checkpoint/CheckpointError"
import * as Pipeline from "@callstream/core/pipeline/Pipeline"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import * as SqlSink from "@callstream/core/sink/SqlSink"
import * as HistorySource from "@callstream/core/source/HistorySource"
import { AgniSimulator } from "@callstream/core/testing"
import * as Transform from "@callstream/core/transform/Transform"
import { assert, describe, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import * as PostgresClient from "../../node/src/PostgresClient.ts"
import * as Postgres from "../../node/test/postgres/PostgresServer.ts"
import { JobError, Jobs } from "../src/Jobs.ts"
import * as Worker from "../src/Worker.ts"
import * as TestFleet from "./TestFleet.ts"

const asJobError = <E extends { readonly _tag: string; readonly message: string }>(
  error: E
): JobError | Extract<E, CheckpointError> =>
  error._tag === "CheckpointError"
    ? (error as Extract<E, CheckpointError>)
    : new JobError({ reason: { _tag: "Failed", message: error.message, retryable: false } })

describe.skipIf(Postgres.missing)(`a pipeline in a fleet${Postgres.reason}`, () => {
  layer(Postgres.Server.layer, { excludeTestServices: true })((it) => {
    it.effect("delivers what one run delivers, and proves it", () =>
      Effect.gen(function* () {
        const simulator = yield* AgniSimulator.make({
          wire: "seen",
          content: "minimal",
          sessions: 300,
          undated: 0.05,
          span: "9 days",
          age: "1 day",
          seed: 3
        })
        const { fleet, sql, url } = yield* TestFleet.database
        const service = yield* fleet()
        const client = () => PostgresClient.layer({ url: Redacted.make(url), maxConnections: 5 })
        const agni = Effect.provideService(
          AgniClient.AgniClient.make({ apiKey: Redacted.make(simulator.apiKey) }),
          HttpClient.HttpClient,
          simulator.httpClient
        )
        const jobs = Layer.succeed(Jobs, {
          open: Effect.fnUntraced(function* (_spec: Schema.Json, { name }) {
            const services = yield* Layer.build(Layer.merge(client(), Layer.effect(AgniClient.AgniClient, agni))).pipe(
              Effect.orDie
            )
            const { parts } = Pipeline.make({
              name,
              source: HistorySource.make({}, { pageSize: 10, pagesPerWindow: 2, stretchSize: 60 }),
              transform: Transform.sessions,
              sinks: [SqlSink.make({ table: "calls", keepsOffset: true })],
              deadLetters: SessionSink.make<unknown>({
                name: "letters",
                delivery: "idempotent",
                shares: "each",
                open: () =>
                  Effect.succeed({
                    committed: Option.none(),
                    write: () => Effect.succeed([]),
                    flush: (at) => Effect.succeed({ at, note: null }),
                    finish: Effect.void
                  })
              }),
              commitEvery: 0
            })
            const run = <A, E extends { readonly _tag: string; readonly message: string }>(
              effect: Effect.Effect<A, E, AgniClient.AgniClient | SqlClient.SqlClient>
            ) => Effect.mapError(Effect.provideContext(effect, services), asJobError)
            return {
              cut: (options: { readonly readers: number }) => run(parts.cut(options)),
              // Of all workers: they have one server.
              requests: Effect.sync(() => simulator.requests.length),
              isWaiting: Effect.succeed(false),
              stretch: (cut, nth, lease, onEvent) => run(parts.stretch(cut, nth, lease, onEvent)),
              ending: (cut, proofs, lease, onEvent) => run(parts.ending(cut, proofs, lease, onEvent))
            }
          })
        } as Jobs["Service"])
        for (const name of ["a", "b"]) {
          yield* Layer.build(
            Layer.fresh(Worker.layer({ name, stretches: 2 })).pipe(Layer.provide(Layer.merge(jobs, client())))
          )
        }
        yield* service.submit("nightly", null)
        const { reason, state, stretches, summary } = yield* TestFleet.ended(service, "nightly")
        assert.deepStrictEqual({ reason, state }, { reason: null, state: "finished" })
        assert.isAtLeast(stretches.length, 4)
        const rows = yield* sql.unsafe<{ readonly id: string }>("SELECT id::text AS id FROM calls")
        assert.sameMembers(
          rows.map(({ id }) => id),
          simulator.truth().map(({ id }) => id)
        )
        assert.isTrue(
          summary?.coverage.entries.every(({ verdict }) => verdict === "proven" || verdict === "provisional")
        )
        assert.strictEqual(summary?.coverage.withoutStart?.verdict, "proven")
      })
    )
  })
})
