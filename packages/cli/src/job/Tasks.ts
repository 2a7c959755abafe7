/** The pipelines of a file as jobs, or everything that is wrong with them. */
import type { AgniError } from "@callstream/core"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Struct from "effect/Struct"
import type { Connection } from "../option/PipelineSpec.ts"
import * as Transforms from "../option/Transforms.ts"
import { type AnyOption, among, UsageError } from "../option/UsageError.ts"
import type * as Yaml from "../option/Yaml.ts"
import type * as Job from "./Job.ts"
import * as OutputPaths from "./OutputPaths.ts"
import * as Overrides from "./Overrides.ts"
import * as PipelineFile from "./PipelineFile.ts"
import * as Resolve from "./Resolve.ts"

export type Task = PipelineFile.Named & { readonly job: Job.Job }

interface Tasks extends Pick<PipelineFile.PipelineFile, "connection" | "several" | "refuse"> {
  readonly tasks: ReadonlyArray<Task>
  /** The place of a mistake that is of no pipeline alone. */
  readonly locate: PipelineFile.Named["locate"]
}

/**
 * Two pipelines that write to one place would destroy each other's work. A table is shared by those that make the same
 * rows of sessions, whichever sessions those are.
 */
const collisions = Effect.fnUntraced(function* (tasks: ReadonlyArray<Task>) {
  const taken: Array<OutputPaths.Place & { readonly by: string }> = []
  const mistakes: Array<Yaml.Mistake> = []
  for (const { job, locate, spec } of tasks) {
    const { label } = yield* Transforms.toTransform(Struct.omit(spec.transforms ?? {}, ["where"]), {
      tabular: true,
      zone: job.zone
    })
    const places = yield* OutputPaths.of(job, label)
    for (const place of places) {
      const other = taken.find((one) => OutputPaths.collide(one, place))
      if (other === undefined) continue
      const { item, option, shared, told } = place
      const otherRows = shared !== undefined && other.key === place.key
      mistakes.push(
        locate(
          new UsageError({
            option,
            ...(item === undefined ? {} : { at: { item } }),
            reason: { _tag: "TakenBy", pipeline: other.by, place: told, otherRows }
          })
        )
      )
      break
    }
    taken.push(...places.map((place) => ({ ...place, by: spec.name })))
  }
  return mistakes
})

export interface Options {
  readonly report: Job.Job["report"]
  /** Flags in place of keys of the file. */
  readonly overrides?: Overrides.Overrides | undefined
  /** Called before anything that the file refers to could be shown. */
  readonly onRead: (read: PipelineFile.PipelineFile) => Effect.Effect<void>
  /** More that may be wrong, of how the API is reached. */
  readonly check?:
    | ((connection: Connection) => Effect.Effect<void, UsageError | AgniError, FileSystem.FileSystem>)
    | undefined
}

/** Fails with all mistakes at once, each with its place in the file; those in flags by themselves. */
export const load = Effect.fnUntraced(function* (
  file: PipelineFile.Text,
  { check, onRead, overrides = {}, report }: Options
) {
  const read = yield* PipelineFile.parse(file)
  yield* onRead(read)
  const { pipelines, refuse, several } = read
  const mistakes: Array<Yaml.Mistake> = [...read.mistakes]
  const inFlags: Array<UsageError> = []
  const note = (locate: PipelineFile.Named["locate"], option: AnyOption | undefined, error: UsageError): void => {
    if (Overrides.has(overrides, option)) inFlags.push(error)
    else mistakes.push(locate(error))
  }
  const tasks: Array<Task> = []
  for (const pipeline of pipelines) {
    const { locate } = pipeline
    const spec = Overrides.apply(pipeline.spec, overrides, several)
    if (Result.isFailure(spec)) {
      // Once, of several pipelines.
      if (inFlags.length === 0) inFlags.push(spec.failure)
      continue
    }
    const job = yield* Resolve.toJob(spec.success, { report, title: several ? spec.success.name : undefined }).pipe(
      Effect.map(Option.some),
      Effect.catchTags({
        UsageError: (error) => Effect.sync(() => (note(locate, error.option, error), Option.none())),
        UsageErrors: ({ errors }) =>
          Effect.sync(() => {
            for (const error of errors) note(locate, error.option, error)
            return Option.none()
          })
      })
    )
    if (Option.isSome(job)) tasks.push({ ...pipeline, spec: spec.success, job: job.value })
  }
  const { locate } = pipelines[0]
  const connection = Overrides.connection(read.connection, overrides)
  if (check !== undefined) {
    yield* Effect.catchTag(check(connection), "UsageError", (error) =>
      Effect.sync(() => note(locate, error.option, error))
    )
  }
  yield* refuse([...mistakes, ...(yield* collisions(tasks))])
  yield* among(inFlags.map(Result.fail))
  // Of none, where the calls of one go there.
  const summaryTo = tasks.some(({ job }) => job.summaryTo === "stderr") ? "stderr" : "stdout"
  const summed = tasks.map((task) => ({ ...task, job: { ...task.job, summaryTo } }) satisfies Task)
  return { connection, several, refuse, tasks: summed, locate } satisfies Tasks
})
