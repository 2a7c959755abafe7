/** The file of a coverage report: which one a run writes, and what it may replace. */
import { OutputError, OutputFile, OutputLock } from "@callstream/core"
import * as TrustedFile from "@callstream/core/platform/TrustedFile"
import { fromPlatform } from "@callstream/core/sink/OutputError"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as DeadLetters from "../job/DeadLetters.ts"
import type { Job } from "../job/Job.ts"
import * as SmallFile from "../option/SmallFile.ts"
import { UsageError } from "../option/UsageError.ts"
import * as CoverageNote from "./CoverageNote.ts"

type About = Pick<Job, "coverage" | "name" | "sinks" | "walk">

const isForced = ({ sinks }: Pick<Job, "sinks">): boolean => sinks.some(({ settings }) => settings.force === true)

/** Nothing, or a coverage report of callstream. What is no regular file is refused where it is opened. */
const isOurs = Effect.fnUntraced(function* (
  path: string
): Effect.fn.Return<boolean, OutputError, FileSystem.FileSystem> {
  const found = yield* Effect.mapError(TrustedFile.check(path), fromPlatform(path, "open"))
  if (Option.isNone(found) || found.value.type !== "File") return true
  const text = yield* Effect.option(SmallFile.read(path, CoverageNote.limits))
  return Option.isSome(text) && CoverageNote.isReport(text.value)
})

const refused = (option: "coverage" | "to", path: string, item?: number) =>
  new UsageError({
    option,
    reason: { _tag: "CoverageTaken", path },
    ...(item === undefined ? {} : { at: { item } })
  })

/** Refuses, before anything is read, to replace a file that is no coverage report: without `force` it is somebody else's. */
export const check = Effect.fnUntraced(function* (job: About) {
  const { coverage, sinks, walk } = job
  if (coverage !== undefined) {
    if (!isForced(job) && !(yield* isOurs(coverage))) return yield* refused("coverage", coverage)
    return
  }
  // Reading by page number proves nothing, and reports nothing.
  if (walk === "pages") return
  for (const [item, { settings, target }] of sinks.entries()) {
    if (target._tag !== "File" || settings.rotate !== undefined || settings.force === true) continue
    const path = CoverageNote.beside(target.path)
    // A folder that does not work is reported of the output itself.
    if (!(yield* Effect.orElseSucceed(isOurs(path), () => true))) return yield* refused("to", path, item)
  }
})

/**
 * Opens the file of `--coverage`, for a named run only when it is written: until this run holds the state, another run of that
 * name may have the file open.
 */
export const open = Effect.fnUntraced(function* (path: string, job: Pick<Job, "name" | "sinks">) {
  const { acquire } = yield* OutputLock
  const mayReplace = Effect.map(isOurs(path), (ours) => ours || isForced(job))
  if (job.name === undefined) {
    const lock = yield* acquire(path)
    return Effect.succeed(yield* OutputFile.open({ path, lock, force: yield* mayReplace }))
  }
  yield* DeadLetters.check(path)
  return Effect.gen(function* () {
    const lock = yield* acquire(path)
    // Somebody may have put another file there since: then the calls are written, and this is no mistake in the command.
    if (!(yield* mayReplace)) {
      return yield* new OutputError({ target: path, operation: "finish", reason: { _tag: "Exists" } })
    }
    return yield* OutputFile.open({ path, lock, force: true, alone: true })
  })
})
