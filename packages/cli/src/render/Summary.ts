/** The summary of a run that finished. */
import { Instant, type Pipeline, type Recordings } from "@callstream/core"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Sinks from "../option/Sinks.ts"
import * as Target from "../option/Target.ts"
import type { Job } from "../job/Job.ts"
import type * as CoverageReport from "../run/CoverageReport.ts"
import * as Format from "./Format.ts"
import * as ShownTime from "../option/ShownTime.ts"
import * as MachineSummary from "./MachineSummary.ts"
import * as NothingMatched from "./NothingMatched.ts"
import { describeRetries } from "./ProgressLine.ts"
import type * as Progress from "../run/Progress.ts"
import { type Requests, requests as requestsNow } from "../run/Requests.ts"
import type { Outcome } from "../run/RunJob.ts"
import type { Finding } from "../run/Unmatched.ts"
import * as Proof from "./Proof.ts"
import * as RecordingsLine from "./RecordingsLine.ts"
import { print as printLines, prose } from "./Screen.ts"

type About = Pick<
  Job,
  "recordings" | "title" | "name" | "zone" | "sinks" | "report" | "deadLetters" | "walk" | "limit" | "summaryTo"
>

/** The name of the pipeline, where there are several. */
const printOf = ({ title }: About, first: string, ...rest: ReadonlyArray<string>) =>
  prose(title === undefined ? first : `${title}: ${first}`, ...rest)

/** With `--rotate` there is no file of the given name. */
const nameOf = (sink: Sinks.Planned): string =>
  Target.isRows(sink.target) && sink.settings.rotate !== undefined
    ? `the files that ${Target.namingOf(sink.target).manifest} names`
    : Sinks.describe(sink)

const sinkLine = (sink: Sinks.Planned | undefined, { failure, refused, written }: Pipeline.SinkSummary): string => {
  const name = sink === undefined ? "" : nameOf(sink)
  const no = refused === 0 ? "" : `, ${Format.count(refused)} rejected by the sink`
  const end = failure === undefined ? "" : `; it FAILED: ${failure.description}`
  return `  ${Format.counted(written, "call")} to ${name}${no}${end}`
}

/** Names the files that were replaced or removed, which nobody would notice otherwise. */
const replacedLines = (sinks: ReadonlyArray<Pipeline.SinkSummary>): ReadonlyArray<string> =>
  (["replaced", "removed"] as const).flatMap((what) => {
    const names = sinks.flatMap((sink) => sink[what])
    return names.length === 0 ? [] : [`  ${what} ${Format.counted(names.length, "file")}: ${names.join(", ")}`]
  })

const replacedNames = (sinks: ReadonlyArray<Pipeline.SinkSummary>) => {
  const replaced = sinks.flatMap((sink) => sink.replaced)
  const removed = sinks.flatMap((sink) => sink.removed)
  return { ...(replaced.length === 0 ? {} : { replaced }), ...(removed.length === 0 ? {} : { removed }) }
}

/** Rows of a table that were left unchanged or overwritten because of their versions. */
export const versionLines = (
  sink: Sinks.Planned | undefined,
  { newer, notBelieved, sink: key }: Pipeline.SinkSummary
): ReadonlyArray<string> => {
  const name = sink === undefined ? key : nameOf(sink)
  const rows = (count: number) => Format.counted(count, "row")
  return [
    ...(newer === 0 ? [] : [`  ${rows(newer)} left unchanged: ${name} holds a newer version`]),
    ...(notBelieved === 0
      ? []
      : [
          `  warning: ${rows(notBelieved)} of ${name} had a version more than 5 minutes in the future and ` +
            `${notBelieved === 1 ? "was" : "were"} overwritten; check the clocks of the machines that write to it`
        ])
  ]
}

const versionFields = ({ newer, notBelieved }: Pipeline.SinkSummary) => ({
  ...(newer === 0 ? {} : { newer }),
  ...(notBelieved === 0 ? {} : { notBelieved })
})

const ofRequests = ({ retried, sent }: Requests) => ({
  requests: sent,
  ...(retried === undefined ? {} : { retries: Object.fromEntries(retried) })
})

const describeRequests = (requests: Requests): string => {
  const retries = describeRetries(requests)
  return `${Format.counted(requests.sent, "request")}${retries === "" ? "" : `, ${retries}`}`
}

/** The requests of several pipelines together, below the summary of each. */
export const printTogether = Effect.fnUntraced(function* (
  pipelines: number,
  job: Pick<Job, "report" | "summaryTo">,
  counts: Effect.Effect<Requests> = requestsNow
) {
  const requests = yield* counts
  if (!(yield* MachineSummary.print(job, () => ({ pipelines, ...ofRequests(requests) })))) return
  yield* printLines(`${Format.counted(pipelines, "pipeline")} together: ${describeRequests(requests)}`)
})

/** A run that finished, and what is shown of it. */
interface Ended {
  readonly about: About
  readonly progress: Progress.Progress
  readonly done: Pipeline.RunSummary
  readonly covered: CoverageReport.Report | undefined
  readonly unmatched: Finding | undefined
  readonly recordings: Recordings.Counts | undefined
  readonly elapsed: number
  readonly requests: Requests
}

const filteredOf = ({ done, progress }: Ended): number => done.filtered + progress.leftOut

const toJson = (ended: Ended) => {
  const { about, covered, done, elapsed, progress, recordings, requests, unmatched } = ended
  const { earliest, latest, resumedAt, sessions } = progress
  const { dead, finishedBefore, sinks } = done
  const filtered = filteredOf(ended)
  const to = about.sinks.map(Sinks.describe)
  return {
    ...(about.title === undefined ? {} : { pipeline: about.title }),
    sessions,
    rejected: dead,
    ...(filtered === 0 ? {} : { filtered }),
    to: to.length === 1 ? to[0] : to,
    ...(to.length === 1
      ? {}
      : {
          sinks: sinks.map((sink, i) => ({
            to: to[i],
            written: sink.written,
            refused: sink.refused,
            ...versionFields(sink),
            failed: sink.failure?.description ?? null
          }))
        }),
    ...replacedNames(sinks),
    ...(to.length === 1 && sinks[0] !== undefined ? versionFields(sinks[0]) : {}),
    ...(dead === 0 ? {} : { deadLetters: about.deadLetters }),
    ...(recordings === undefined ? {} : { recordings: RecordingsLine.toJson(recordings) }),
    ...(about.title === undefined ? ofRequests(requests) : {}),
    earliest: earliest === undefined ? null : Instant.format(earliest),
    latest: latest === undefined ? null : Instant.format(latest),
    walk: about.walk,
    ...(resumedAt === undefined || finishedBefore ? {} : { resumedAt: Instant.format(resumedAt) }),
    ...(finishedBefore ? { finishedBefore } : {}),
    ...(unmatched === undefined ? {} : { unmatched: NothingMatched.toJson(unmatched) }),
    ...(about.limit === undefined ? {} : { limit: about.limit, limited: sessions >= about.limit }),
    ...(covered === undefined ? {} : { coverage: { ...covered, windows: covered.windows.length } }),
    elapsedMs: elapsed
  }
}

/** Of several sinks, what came to the one that has most. */
const writtenOf = ({ sinks }: Pipeline.RunSummary): number => Math.max(0, ...sinks.map((sink) => sink.written))

/** How many calls, and where they are. */
const firstLine = ({ about, done, elapsed }: Ended): string => {
  const written = writtenOf(done)
  const speed = elapsed < 1000 || written === 0 ? "" : `, ${Format.count((written / elapsed) * 1000)} a second`
  const [only] = about.sinks
  const place =
    about.sinks.length === 1 && only !== undefined ? nameOf(only) : Format.counted(done.sinks.length, "sink")
  return `${Format.counted(written, "call")} to ${place} in ${Format.duration(elapsed)}${speed}`
}

/** From when to when calls started. */
const startLines = ({ about, progress: { earliest, latest, sessions } }: Ended): ReadonlyArray<string> => {
  const { clock } = about.zone
  if (earliest === undefined || latest === undefined) return []
  return sessions === 1
    ? [`  started at ${ShownTime.time(earliest, clock)}`]
    : [`  started between ${ShownTime.times(earliest, "and", latest, clock)}`]
}

const resumedLines = ({ about, covered, progress: { resumedAt } }: Ended): ReadonlyArray<string> => {
  if (resumedAt === undefined) return []
  const all =
    covered === undefined ? "" : `; ${Format.counted(covered.of, "call")} read with the earlier runs of this name`
  return [`  resumed at ${ShownTime.time(resumedAt, about.zone.clock)}${all}`]
}

const otherLines = (ended: Ended): ReadonlyArray<string> => {
  const { about, covered, done, progress, recordings, requests, unmatched } = ended
  const { dead, sinks } = done
  const filtered = filteredOf(ended)
  const isSimple = about.sinks.length === 1 && sinks[0]?.failure === undefined
  return [
    ...replacedLines(sinks),
    ...(isSimple ? [] : sinks.map((sink, i) => sinkLine(about.sinks[i], sink))),
    ...(unmatched === undefined ? [] : [`  ${NothingMatched.describe(unmatched)}`]),
    ...(about.limit === undefined || progress.sessions < about.limit
      ? []
      : [`  stopped at the limit of ${Format.counted(about.limit, "call")}; there may be more`]),
    ...sinks.flatMap((sink, i) => versionLines(about.sinks[i], sink)),
    ...resumedLines(ended),
    ...(filtered === 0 ? [] : [`  ${Format.counted(filtered, "call")} left out by filters`]),
    // Several pipelines share one client and its counts.
    ...(about.title === undefined ? [`  ${describeRequests(requests)}`] : []),
    ...startLines(ended),
    ...(recordings === undefined || about.recordings === undefined
      ? []
      : [`  ${RecordingsLine.describe(recordings, about.recordings.folder)}`]),
    ...(dead === 0 ? [] : [`  ${Format.counted(dead, "record")} rejected: see ${about.deadLetters}`]),
    covered === undefined
      ? "  Read page by page: a call that left the set while it was read may be missing."
      : `  ${Proof.describe(covered, about.zone.clock, writtenOf(done))}`
  ]
}

/**
 * The summary of a finished run.
 *
 * @param counts The requests of other processes, where they did the work.
 */
export const print = Effect.fnUntraced(function* (
  about: About,
  progress: Progress.Progress,
  { recordings, summary: done, unmatched }: Outcome,
  covered: CoverageReport.Report | undefined,
  counts: Effect.Effect<Requests> = requestsNow
) {
  if (about.report === "none") return
  const elapsed = (yield* Clock.currentTimeMillis) - progress.startedAt
  const requests = yield* counts
  const ended: Ended = { about, progress, done, covered, unmatched, recordings, elapsed, requests }
  if (!(yield* MachineSummary.print(about, () => toJson(ended)))) return
  if (done.finishedBefore) {
    return yield* printOf(
      about,
      `run "${about.name ?? ""}" has finished and exports nothing more`,
      ...(covered === undefined ? [] : [`  ${Proof.describe(covered, about.zone.clock, writtenOf(done))}`]),
      "  Use another name to begin a new run."
    )
  }
  yield* printOf(about, firstLine(ended), ...otherLines(ended))
})
