/**
 * A process that reads stretches for a fleet.
 *
 * @since 0.1.0
 */
import { RunnerStorage } from "effect/cluster/RunnerStorage"
import * as Effect from "effect/Effect"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as SqlClient from "effect/sql/SqlClient"
import { checkFleetName, type FleetError, ofSql } from "./FleetError.ts"
import * as Engine from "./internal/Engine.ts"
import * as Housekeeping from "./internal/Housekeeping.ts"
import * as Queue from "./internal/Queue.ts"
import * as RunWorkflow from "./internal/RunWorkflow.ts"
import * as Tables from "./internal/Tables.ts"
import * as Takers from "./internal/Takers.ts"
import { Jobs } from "./Jobs.ts"

/**
 * How a worker works.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** Workers with the same name share runs. 1 to 20 of a-z, 0-9 and _. @default "default" */
  readonly fleet?: string | undefined
  /** Stretches that this process reads at the same time. @default 4 */
  readonly stretches?: number | undefined
  /** What people see in lists of runs; a random part is added. @default "worker" */
  readonly name?: string | undefined
}

/**
 * A worker, for as long as the layer lives. When it ends, what it holds is handed back at once; when its process is killed,
 * other workers take it over within 10 seconds. It opens no port.
 *
 * The client is one of PostgreSQL with at least 5 connections, which nothing else uses: no sink of a job may have it. It
 * needs its sessions for itself, so there is no pooler in transaction mode in between. Have the server end transactions that
 * wait for longer than 5 seconds (`idle_in_transaction_session_timeout`): a worker that is frozen in one holds the others up.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options = {}): Layer.Layer<never, FleetError, SqlClient.SqlClient | Jobs> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const fleet = yield* checkFleetName(options.fleet ?? "default")
      const stretches = options.stretches ?? 4
      const name = `${options.name ?? "worker"}-${SecureRandom.uuidV4Unsafe().slice(0, 8)}`
      const client = yield* SqlClient.SqlClient
      const sql = client.withoutTransforms()
      const jobs = yield* Jobs
      yield* Effect.mapError(Tables.migrate, ofSql)
      const work = Effect.map(RunnerStorage, (runners) => {
        const readers = runners.getRunners.pipe(
          Effect.map((all) => stretches * all.filter(([, isHealthy]) => isHealthy).length),
          Effect.orElseSucceed(() => stretches)
        )
        return Layer.merge(
          Takers.layer({ sql, jobs, name, readers }, stretches),
          Housekeeping.layer({ sql, client, fleet, readers })
        )
      })
      // The engine and the queue log each try to reach a database that is away. Housekeeping says it once.
      const engine = Layer.merge(Engine.layer({ fleet, worker: name }), Queue.layer(fleet)).pipe(
        Layer.provide(Layer.succeed(References.MinimumLogLevel, "None"))
      )
      return Layer.merge(RunWorkflow.layer, Layer.unwrap(work)).pipe(Layer.provide(engine))
    })
  )
