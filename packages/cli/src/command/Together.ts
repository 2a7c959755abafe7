/** Several pipelines at once, each with its own end. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as References from "effect/References"
import type * as Tasks from "../job/Tasks.ts"
import { inFile } from "../option/Speaker.ts"
import { exitCode } from "../render/ExitCode.ts"
import * as Failure from "../render/Failure.ts"

/** The worst of all: failed, then not started, then incomplete. */
const worst = (codes: ReadonlyArray<number>): number =>
  [exitCode.failed, exitCode.usage, exitCode.incomplete].find((code) => codes.includes(code)) ?? exitCode.done

/** Runs all at once, to the exit code of all. When one fails, it is reported by its name, and the others continue. */
export const together = Effect.fnUntraced(function* <T extends Tasks.Task, E extends Failure.CommandError, R>(
  tasks: ReadonlyArray<T>,
  run: (task: T) => Effect.Effect<unknown, E, R>
) {
  const debug = (yield* References.MinimumLogLevel) === "Debug"
  const codes = yield* Effect.forEach(
    tasks,
    (task) =>
      Effect.flatMap(Effect.exit(run(task)), (exit) => {
        if (Exit.isSuccess(exit)) return Effect.succeed<number>(exitCode.done)
        if (Cause.hasInterruptsOnly(exit.cause)) return Effect.failCause(exit.cause)
        const { job, spec } = task
        const report = Failure.report(exit.cause, {
          debug,
          speaker: inFile,
          resumes: job.name !== undefined,
          pipeline: spec.name
        })
        return Effect.as(Failure.show(report, spec.name), report.exitCode)
      }),
    { concurrency: "unbounded" }
  )
  return worst(codes)
})
