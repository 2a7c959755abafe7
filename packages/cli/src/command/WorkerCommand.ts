/** `callstream worker`: reads and delivers stretches of the runs of a fleet. */
import { Jobs, Worker } from "@callstream/cluster"
import { AgniTransport } from "@callstream/node"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { hostname } from "node:os"
import * as Cluster from "../option/ClusterOptions.ts"
import * as Database from "../option/Database.ts"
import { flags, one } from "../option/Declared.ts"
import * as Kind from "../option/Kind.ts"
import * as Options from "../option/Options.ts"
import * as Run from "../option/RunOptions.ts"
import * as Format from "../render/Format.ts"
import * as PartLog from "../render/PartLog.ts"
import { print, Screen } from "../render/Screen.ts"
import * as FleetAccess from "../run/fleet/FleetAccess.ts"
import * as FleetJobs from "../run/fleet/FleetJobs.ts"
import * as Otlp from "../run/Otlp.ts"
import * as RunMetrics from "../run/RunMetrics.ts"
import { hideReferences } from "./LoadedTasks.ts"

export const options = {
  ...Cluster.place,
  stretches: one(Kind.integer(1, 64), "Stretches of runs that are read at the same time", { fallback: "4" }),
  concurrency: one(Kind.integer(1, 256), "Requests in flight at once, to each organization", { fallback: "8" }),
  metricsFile: Options.metricsFile,
  otlp: Options.otlp
}

interface Settings {
  readonly database: Database.Database
  readonly fleet: string | undefined
  readonly stretches: number
  readonly concurrency: number
}

/** Connections that take parts and note them, one of which listens, and those that hand out requests. */
const connections = { engine: 7, budgets: 2 }

const work = Effect.fnUntraced(function* ({ concurrency, database, fleet, stretches }: Settings) {
  const screen = yield* Screen
  const [budgets, engine] = yield* Effect.all([
    Database.pool(database, connections.budgets),
    Database.pool(database, connections.engine)
  ])
  // Not before the variable of the database was found.
  yield* print(
    `works for ${fleet === undefined ? "" : `fleet ${fleet} of `}${Database.describe(database)}: ` +
      `${Format.counted(stretches, "stretch", "stretches")} and ${Format.counted(concurrency, "request")} at once`
  )
  const jobs = Layer.effect(
    Jobs.Jobs,
    FleetJobs.make({
      database,
      fleet,
      folder: Run.stateOf().folder,
      concurrency,
      onRead: hideReferences(screen),
      reworded: screen.reworded,
      onPart: (event) => Effect.provideService(PartLog.tell(event), Screen, screen)
    })
  ).pipe(Layer.provide([AgniTransport.layer, budgets]))
  const worker = Worker.layer({ fleet, stretches, name: hostname() }).pipe(Layer.provide([jobs, engine]))
  return yield* Layer.launch(worker)
})

export const workerCommand = Command.make(
  "worker",
  flags(options),
  Effect.fnUntraced(function* ({ cluster, concurrency = 8, fleet, metricsFile, otlp, stretches = 4 }) {
    const database = yield* Cluster.databaseOf(cluster)
    const telemetry = yield* Otlp.settings(otlp)
    const failed = FleetAccess.toCommandError(database)
    return yield* work({ database, fleet, stretches, concurrency }).pipe(
      Effect.catchTags({
        FleetError: (error) => Effect.fail(failed(error)),
        SqlError: (error) => Effect.fail(failed(error)),
        PostgresUrlError: (error) => Effect.fail(failed(error))
      }),
      FleetAccess.patiently,
      (run) => RunMetrics.writing(metricsFile, run),
      (run) => Otlp.exporting(telemetry, run)
    )
  })
).pipe(
  Command.withDescription(
    "Work for a fleet: read and deliver stretches of the runs that callstream run --cluster submits, until a signal. Workers share one PostgreSQL database and need nothing else of each other. Secrets come from the environment of each worker."
  ),
  Command.withShortDescription("Deliver stretches of runs that workers share"),
  Command.withExamples([
    { command: "callstream worker --cluster postgres:DATABASE_URL", description: "Start as many as you like" },
    {
      command: "callstream worker --cluster postgres:DATABASE_URL --stretches 8 --concurrency 16",
      description: "More stretches and requests at once"
    }
  ])
)
