/** What is said of a run at its end, or when it ends early. */
import { Instant, OutputFile, type Pipeline } from "@callstream/core"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Target from "../flag/Target.ts"
import type { Job } from "../spec/Job.ts"
import * as CoverageReport from "./CoverageReport.ts"
import * as Failure from "./Failure.ts"
import * as Format from "./Format.ts"
import * as Progress from "./Progress.ts"
import { print as printLines, Screen } from "./Screen.ts"

type About = Pick<Job, "name" | "targets" | "sinks" | "report" | "deadLetters" | "walk">

/** What a run that ended early leaves behind. */
export const tellWhatIsThere = (
  about: About,
  progress: Progress.Progress,
  error: unknown,
  cause: Cause.Cause<unknown>
): Effect.Effect<void, never, Screen> => {
  if (about.report === "none" || Failure.isClosedPipe(error)) return Effect.void
  if (progress.sessions === 0) {
    return Cause.hasInterruptsOnly(cause) ? printLines("stopped before a session was written") : Effect.void
  }
  const amount = `stopped after ${Format.counted(progress.sessions, "session")}`
  if (about.name !== undefined) return printLines(`${amount}; the same command goes on from there`)
  const [target] = about.targets
  if (target === undefined || about.targets.length > 1) return printLines(amount)
  switch (target._tag) {
    case "Stdout":
      return printLines(`${amount} to stdout; there may be more`)
    case "Table":
      return printLines(`${amount} to ${Target.describe(target)}, not all of which may have been committed`)
    case "Webhook":
      return printLines(`${amount} to ${Target.describe(target)}; there may be more`)
    case "File":
      return printLines(
        `${amount}, which ${progress.sessions === 1 ? "is" : "are"} in ${OutputFile.partialPath(target.path)}; ` +
          `${target.path} was ${about.sinks.force ? "left as it was" : "not made"}`
      )
  }
}

/** With `--rotate` there is no file of the name that was given. */
const nameOf = (about: About, target: Target.Target): string =>
  target._tag === "File" && Option.isSome(about.sinks.rotate)
    ? `the files of ${target.path}, which its manifest names,`
    : Target.describe(target)

const sinkLine = (
  about: About,
  target: Target.Target | undefined,
  { failure, refused, written }: Pipeline.SinkSummary
): string => {
  const name = target === undefined ? "" : nameOf(about, target)
  const no = refused === 0 ? "" : `, ${Format.count(refused)} refused`
  const end = failure === undefined ? "" : `; it FAILED: ${failure.description}`
  return `  ${Format.counted(written, "session")} to ${name}${no}${end}`
}

/** The summary of a run that came to its end. */
export const print = Effect.fnUntraced(function* (
  about: About,
  progress: Progress.Progress,
  done: Pipeline.RunSummary,
  covered: CoverageReport.Report | undefined
) {
  if (about.report === "none") return
  const elapsed = (yield* Clock.currentTimeMillis) - progress.startedAt
  const requests = yield* Progress.requests
  const { earliest, latest, resumedAt, sessions } = progress
  const { dead, filtered, finishedBefore, sinks } = done
  const to = about.targets.map((target) => (target._tag === "File" ? target.path : Target.describe(target)))
  if (about.report === "json") {
    const { write } = yield* Screen
    return yield* write(
      `${JSON.stringify({
        sessions,
        rejected: dead,
        ...(filtered === 0 ? {} : { filtered }),
        to: to.length === 1 ? to[0] : to,
        ...(to.length === 1
          ? {}
          : {
              sinks: sinks.map(({ failure, refused, written }, i) => ({
                to: to[i],
                written,
                refused,
                failed: failure?.description ?? null
              }))
            }),
        ...(dead === 0 ? {} : { deadLetters: about.deadLetters }),
        requests: requests.sent,
        retries: Object.fromEntries(requests.retried),
        earliest: earliest === undefined ? null : Instant.format(earliest),
        latest: latest === undefined ? null : Instant.format(latest),
        walk: about.walk,
        ...(resumedAt === undefined || finishedBefore ? {} : { resumedAt: Instant.format(resumedAt) }),
        ...(finishedBefore ? { finishedBefore } : {}),
        ...(covered === undefined ? {} : { coverage: { ...covered, windows: covered.windows.length } }),
        elapsedMs: elapsed
      })}\n`
    )
  }
  if (finishedBefore) {
    return yield* printLines(
      `nothing is left to do: ${about.name ?? "it"} came to its end before`,
      ...(covered === undefined ? [] : [`  ${CoverageReport.describe(covered)}`]),
      "  Give it another --name to begin anew."
    )
  }
  const retries = Progress.describeRetries(requests)
  const speed = elapsed < 1000 ? "" : `, ${Format.count((progress.read / elapsed) * 1000)} a second`
  const [target] = about.targets
  const single = about.targets.length === 1 && target !== undefined
  yield* printLines(
    `${Format.counted(sessions, "session")}${single ? ` to ${nameOf(about, target)}` : ""} in ${Format.duration(elapsed)}${speed}`,
    ...(single && sinks[0]?.refused === 0 ? [] : sinks.map((sink, i) => sinkLine(about, about.targets[i], sink))),
    ...(resumedAt === undefined ? [] : [`  went on at ${Format.time(resumedAt)}, where an earlier run had stopped`]),
    ...(filtered === 0 ? [] : [`  ${Format.counted(filtered, "session")} left out by --where`]),
    `  ${Format.counted(requests.sent, "request")}${retries === "" ? "" : `, ${retries}`}`,
    ...(earliest === undefined || latest === undefined
      ? []
      : [
          sessions === 1
            ? `  started at ${Format.time(earliest)}`
            : `  started between ${Format.time(earliest)} and ${Format.time(latest)}`
        ]),
    ...(dead === 0 ? [] : [`  ${Format.counted(dead, "record")} could not go on: see ${about.deadLetters}`]),
    covered === undefined
      ? "  read page by page: a session that left the set while it was read may be missing"
      : `  ${CoverageReport.describe(covered)}`
  )
})
