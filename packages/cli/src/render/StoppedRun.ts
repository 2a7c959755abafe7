/** What a run that ended early leaves behind, in one line. */
import { OutputFile } from "@callstream/core"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type { Job } from "../job/Job.ts"
import { isClosedPipe } from "../option/ClosedPipe.ts"
import * as Sinks from "../option/Sinks.ts"
import * as Target from "../option/Target.ts"
import type * as Progress from "../run/Progress.ts"
import * as Format from "./Format.ts"
import { prose, type Screen } from "./Screen.ts"

type About = Pick<Job, "title" | "name" | "sinks" | "report" | "coverage">

type Stopped = Pick<Progress.Progress, "committed" | "inFlight" | "resumedAt" | "safe" | "stage" | "written">

/** Of a run with a state, what the same command does next. */
const ofNamed = ({ coverage }: About, { committed, inFlight, resumedAt, safe, stage, written }: Stopped): string => {
  const all = written === 0 || resumedAt !== undefined ? "the last call" : `all ${Format.counted(written, "call")}`
  if (stage === "written") return `stopped after ${all}; the same command finishes the run`
  if (stage === "finished") {
    return `stopped after ${all}; the run has finished${coverage === undefined ? "" : ", and the same command writes its coverage report"}`
  }
  const amount = `stopped after ${amountOf({ inFlight, written })}`
  if (!committed) return `${amount}; the same command begins again`
  if (safe === written && inFlight === 0) return `${amount}; the same command resumes from there`
  return safe === 0
    ? `${amount}, none of which is saved; the same command resumes before them`
    : `${amount}, of which ${Format.count(safe)} ${safe === 1 ? "is" : "are"} saved; the same command resumes after these`
}

/** A sink may have a part of what it was given last. */
const amountOf = ({ inFlight, written }: Pick<Stopped, "inFlight" | "written">): string =>
  `${inFlight === 0 ? "" : "at least "}${Format.counted(written, "call")}`

/** Of a run without a state, where its calls are. */
const ofSink = Effect.fnUntraced(function* (
  { coverage }: About,
  sink: Sinks.Planned,
  stopped: Stopped
): Effect.fn.Return<string, never, FileSystem.FileSystem> {
  const { settings, target } = sink
  const { inFlight, safe, stage, written } = stopped
  const amount = `stopped after ${stage === "reading" ? "" : "all "}${amountOf(stopped)}`
  const are = written === 1 ? "is" : "are"
  const isWhole = safe === written && inFlight === 0
  const made = settings.force === true ? "left as it was" : "not made"
  const noReport = coverage === undefined ? "" : "; the coverage report may be missing"
  switch (target._tag) {
    case "Stdout":
      return `${amount} to stdout`
    case "Table":
      return isWhole
        ? `${amount}, which ${are} in ${Sinks.describe(sink)}`
        : `${amount}; ${Sinks.describe(sink)} may lack the last ones`
    case "Webhook":
      return `${amount} to ${Target.describe(target)}`
    case "Object":
      if (settings.rotate !== undefined) return `${amount}; the last objects may be missing`
      return stage === "reading"
        ? `${amount}; ${target.url} was ${made}`
        : stage === "written"
          ? `${amount}; see whether ${target.url} was ${settings.force === true ? "replaced" : "made"}`
          : `${amount}, which ${are} in ${target.url}${noReport}`
    case "File": {
      if (settings.rotate !== undefined) return `${amount}; files that are not complete end with .partial`
      const partial = OutputFile.partialPath(target.path)
      const fs = yield* FileSystem.FileSystem
      // The file gets its name between two commits.
      return (yield* Effect.orElseSucceed(fs.exists(partial), () => stage === "reading"))
        ? `${amount}, which ${are} in ${partial}; ${target.path} was ${made}`
        : `${amount}, which ${are} in ${target.path}${noReport}`
    }
  }
})

/** Says nothing of a pipe that its reader closed. */
export const print = Effect.fnUntraced(function* (
  about: About,
  progress: Progress.Progress,
  cause: Cause.Cause<unknown>
): Effect.fn.Return<void, never, Screen | FileSystem.FileSystem> {
  const { name, report, sinks, title } = about
  if (report === "none" || isClosedPipe(Cause.squash(cause))) return
  const say = (text: string) => prose(title === undefined ? text : `${title}: ${text}`)
  const { inFlight, stage, written } = progress
  const isKept = name !== undefined && stage !== "reading"
  if (written === 0 && !isKept) {
    if (!Cause.hasInterruptsOnly(cause)) return
    return yield* say(
      inFlight === 0 ? "stopped before a call was written" : "stopped while the first calls were written"
    )
  }
  if (name !== undefined) return yield* say(ofNamed(about, progress))
  const [sink] = sinks
  if (sink === undefined || sinks.length > 1) return yield* say(`stopped after ${amountOf(progress)}`)
  return yield* say(yield* ofSink(about, sink, progress))
})
