/** What a worker does with the pipelines that were submitted to its fleet. */
import { Jobs } from "@callstream/cluster"
import type { NodeServices } from "@effect/platform-node/NodeServices"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { HttpClient } from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import type * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { SqlClient } from "effect/sql/SqlClient"
import { join } from "node:path"
import * as FleetSpec from "../../job/FleetSpec.ts"
import type { Job } from "../../job/Job.ts"
import type * as PipelineFile from "../../job/PipelineFile.ts"
import * as Tasks from "../../job/Tasks.ts"
import type * as Database from "../../option/Database.ts"
import * as JobPipeline from "../JobPipeline.ts"
import * as RunSync from "../RunSync.ts"
import * as StateFolder from "../StateFolder.ts"
import * as Accounts from "./Accounts.ts"
import * as ExportParts from "./ExportParts.ts"
import * as JobFailure from "./JobFailure.ts"
import * as PartEvent from "./PartEvent.ts"
import * as Pauses from "./Pauses.ts"
import * as SyncPart from "./SyncPart.ts"

export interface Options {
  /** The database of the fleet, where ledgers of syncs are too. */
  readonly database: Database.Database
  /** Fleets of other names share nothing. */
  readonly fleet: string | undefined
  /** Where rejected records are kept. */
  readonly folder: string
  /** Requests in flight to an organization, of this worker. */
  readonly concurrency: number
  /** Called before anything that a file refers to could be shown. */
  readonly onRead: (read: PipelineFile.PipelineFile) => Effect.Effect<void>
  /** Hides what files refer to. */
  readonly reworded: (text: string) => string
  readonly onPart: PartEvent.OnPart
}

/** Without a slash or a dot no name leaves the folder. */
const fileOf = (name: string): string => encodeURIComponent(name).replaceAll(".", "%2E")

/** The only pipeline of what was submitted, as a job of this worker. */
const loaded = Effect.fnUntraced(function* (options: Options, given: Schema.Json, { name }: Jobs.JobRun) {
  const spec = yield* Effect.mapError(
    FleetSpec.decode(given),
    () =>
      new Jobs.JobError({
        reason: { _tag: "OtherVersion", spec: FleetSpec.versionOf(given), worker: FleetSpec.version }
      })
  )
  const { connection, tasks } = yield* Tasks.load(FleetSpec.textOf(spec), {
    report: "none",
    overrides: spec.overrides,
    onRead: options.onRead
  })
  const [task] = tasks
  if (task === undefined) return yield* Effect.die(new Error("no pipeline"))
  const { concurrency = options.concurrency } = connection
  const most = Math.min(concurrency, options.concurrency)
  const job: Job = {
    ...task.job,
    // Fleets of one database have ledgers of their own.
    name: options.fleet === undefined ? name : `${options.fleet}/${name}`,
    title: name,
    state: { folder: options.folder, database: options.database },
    selection: { ...task.job.selection, concurrency: most },
    deadLetters: join(options.folder, `${fileOf(name)}.dead-letters.ndjson`)
  }
  return { connection, job, most }
})

type Services = NodeServices | HttpClient | SqlClient

/** The service of a worker, over the client of its fleet's database. */
export const make = Effect.fnUntraced(function* (options: Options) {
  const { folder, onPart, reworded } = options
  yield* StateFolder.make(folder)
  // Each job has a scope of its own.
  const services = Context.omit(Scope.Scope)(yield* Effect.context<Services>())
  const forSinks = yield* Layer.build(JobPipeline.services)
  const accounts = yield* Accounts.make
  const open = Effect.fnUntraced(function* (given: Schema.Json, run: Jobs.JobRun) {
    const { connection, job, most } = yield* loaded(options, given, run)
    const { client, handingBack, isPaused, isWaiting, known, look, requests } = yield* accounts.open(connection, {
      most,
      isSync: RunSync.isSync(job)
    })
    if (yield* isPaused) return yield* Pauses.paused
    const context = Context.merge(Context.merge(services, forSinks), client)
    const about = { name: run.name, handingBack, onPart, reworded }
    const provided = Effect.provideContext(context)
    if (RunSync.isSync(job)) {
      const { cut, ending } = SyncPart.make({ ...about, job })
      return {
        cut,
        stretch: () => Effect.die(new Error("a sync has no stretches")),
        ending: (_cut, _delivered, lease, onEvent) => provided(ending(lease, onEvent)),
        requests,
        isWaiting
      } satisfies Jobs.Job
    }
    const { cut, ending, stretch } = ExportParts.make({
      ...about,
      job,
      known,
      look,
      lettersOf: (part) => join(folder, `${fileOf(run.name)}.${part}.dead-letters.ndjson`)
    })
    return {
      cut: (options) => provided(cut(options)),
      stretch: (...given) => provided(stretch(...given)),
      ending: (...given) => provided(ending(...given)),
      requests,
      isWaiting
    } satisfies Jobs.Job
  })

  const unusable = yield* PartEvent.unusable(onPart)
  return Jobs.Jobs.of({
    open: (given, run) =>
      open(given, run).pipe(
        Effect.mapError((error) => JobFailure.ofJob(reworded, error)),
        Effect.tapError((error) => unusable(run, error)),
        Effect.provideContext(services)
      )
  })
})
