/** What a pass of a sync did, and how far the sync is. */
import { CoverageReason, Instant, type SyncPipeline, type Verdict } from "@callstream/core"
import * as Effect from "effect/Effect"
import * as Record from "effect/Record"
import type { PassSummary, SyncJob } from "../run/RunSync.ts"
import type { Requests } from "../run/Requests.ts"
import * as ShownTime from "../option/ShownTime.ts"
import * as Format from "./Format.ts"
import * as MachineSummary from "./MachineSummary.ts"
import * as RecordingsLine from "./RecordingsLine.ts"
import { clearLine, prose, Screen } from "./Screen.ts"

type Clock = SyncJob["zone"]["clock"]

/** Holes are listed up to here. */
const mostHoles = 3

const plurals = { cost: "costs", recording: "recordings", analysis: "analyses" } as const

const reasons: Readonly<Record<Verdict.GivenUp["because"], string>> = {
  "never seen of this agent": "their agents never had any",
  "unlikely by now": "unlikely by now",
  "too old": "older than a month"
}

const named = ({ title }: Pick<SyncJob, "title">, text: string): string =>
  title === undefined ? text : `${title}: ${text}`

export const noChanges: SyncPipeline.Delivered["changes"] = { created: 0, updated: 0, left: 0, removed: 0 }

const changed = ({ created, left, removed, updated }: SyncPipeline.Delivered["changes"]): ReadonlyArray<string> => [
  `${Format.count(created)} new`,
  `${Format.count(updated)} changed`,
  ...(left === 0 ? [] : [`${Format.count(left)} left`]),
  ...(removed === 0 ? [] : [`${Format.count(removed)} removed`])
]

/** What a pass delivered that did not finish; nothing if that is nothing. */
export const rest = (job: Pick<SyncJob, "title">, changes: SyncPipeline.Delivered["changes"]): string | undefined =>
  Object.values(changes).some((count) => count > 0)
    ? named(job, `The pass did not finish. It delivered: ${changed(changes).join(", ")}.`)
    : undefined

/** `12,345 calls, 37 new, 12 changed, 1 removed · 41 requests`. */
const counts = ({ changes, verdict }: SyncPipeline.PassSummary, requests: number | undefined): string => {
  const parts = [Format.counted(verdict.calls, "call"), ...changed(changes)]
  const sent = requests === undefined ? "" : ` · ${Format.counted(requests, "request")}`
  return `${parts.join(", ")}${sent}`
}

const hole = (one: Verdict.Hole, clock: Clock): string =>
  `${ShownTime.times(one.from, "to", one.to, clock)}${one.reason === undefined ? "" : `: ${CoverageReason.describe(one.reason)}`}`

const works: Readonly<Record<Verdict.Work, string>> = {
  audits: "audits",
  looks: "readings of calls that may have changed",
  backfill: "the rest of the first pass",
  passes: "whole passes"
}

/** What waits for requests. */
const waiting = ({ most, sent, waiting }: Verdict.Verdict["requests"], clock: Clock): ReadonlyArray<string> =>
  most === undefined || waiting.length === 0
    ? []
    : [
        `Late, because of ${Format.count(sent)} of ${Format.counted(most, "request")} in the last 24 h: ${waiting.map(({ since, work }) => `${works[work]} (since ${ShownTime.minute(since, clock)})`).join(", ")}.`
      ]

const hour = 3_600_000_000

/** The horizons that people choose, in hours, above those whole days. */
const usual = [3, 4, 6, 8, 12, 18, 24, 36, 48]

/** The horizon that would have held calls that took so long, as it is typed. */
export const horizonFor = (longest: number): string => {
  const hours = usual.find((hours) => longest <= hours * hour)
  return hours === undefined ? `${Math.ceil(longest / (24 * hour))}d` : `${hours}h`
}

/** Calls that appeared later than the horizon. */
const late = ({ horizon, lateness }: Verdict.Verdict): ReadonlyArray<string> => {
  const { calls, late, longest } = lateness
  return late === 0
    ? []
    : [
        `${Format.count(late)} of ${Format.counted(calls, "call")} appeared later than the ${Format.duration(horizon / 1000)} horizon (longest ${Format.duration(longest / 1000)}): --horizon ${horizonFor(longest)} would have held all.`
      ]
}

/** Calls that no reading brings. */
const hidden = ({ withoutStart: { hidden } }: Verdict.Verdict): ReadonlyArray<string> =>
  hidden === 0
    ? []
    : [
        `${Format.counted(hidden, "call")} without a start time ${hidden === 1 ? "exists" : "exist"} that this API does not let a sync find.`
      ]

/** No call was ever listed, which proves nothing. */
const isEmpty = ({ calls, holes }: Verdict.Verdict): boolean =>
  calls === 0 && holes.some(({ reason }) => reason?._tag === "NothingSeen")

/** Up to when everything is in every sink. */
const complete = ({ completeUpTo, from, horizon, isFirstPass, watermark }: Verdict.Verdict, clock: Clock): string => {
  const read = ShownTime.minute(watermark, clock)
  if (isFirstPass) {
    const far =
      watermark <= from
        ? ""
        : ` It has read the calls that started before ${read}; calls without a start time come last.`
    return `Nothing is complete yet: the first pass has not finished.${far} If it is not running, run the sync again.`
  }
  if (watermark <= from) {
    return `Nothing is proven yet: calls from the last ${Format.duration(horizon / 1000)} may still appear.`
  }
  if (completeUpTo === undefined) return `Nothing is complete yet in every sink; the sync has read up to ${read}.`
  return completeUpTo < watermark
    ? `Complete in every sink up to ${ShownTime.minute(completeUpTo, clock)}; the sync has read up to ${read}.`
    : `Complete up to ${read} (checked by count; calls that start later than that may still be missing).`
}

/** The state of a sync: what is proven, what may still change, and what is no longer waited for. */
export const state = (
  verdict: Verdict.Verdict,
  givenUp: ReadonlyArray<Verdict.GivenUp>,
  clock: Clock
): ReadonlyArray<string> => {
  const { audited, awaited, holes } = verdict
  const may = awaited.calls === 1 ? "1 call may" : `${Format.count(awaited.calls)} calls may`
  const oldest = awaited.oldest === undefined ? "" : ` (oldest from ${ShownTime.minute(awaited.oldest, clock)})`
  return [
    isEmpty(verdict)
      ? "The API listed no call. That is right before the first one; otherwise check --agent-id, --channel and --caller-number. An outage can look the same."
      : complete(verdict, clock),
    ...(isEmpty(verdict) ? [] : holes).slice(0, mostHoles).map((one) => `Not proven: ${hole(one, clock)}.`),
    ...(holes.length > mostHoles ? [`Not proven: ${Format.counted(holes.length - mostHoles, "more range")}.`] : []),
    ...(awaited.calls === 0 ? [] : [`${may} still change${oldest}.`]),
    ...(givenUp.length === 0
      ? []
      : [
          `No longer awaited: ${givenUp.map(({ because, calls, facet }) => `${Format.count(calls)} ${calls === 1 ? facet : plurals[facet]} (${reasons[because]})`).join(", ")}.`
        ]),
    ...(audited.looked === 0
      ? []
      : [`Audits: ${Format.count(audited.changed)} of ${Format.counted(audited.looked, "final call")} had changed.`]),
    ...(verdict.stopped === undefined
      ? []
      : [
          `The API's clock has stopped at ${ShownTime.time(verdict.stopped, clock)}: nothing later can be called complete.`
        ]),
    ...hidden(verdict),
    ...late(verdict),
    ...waiting(verdict.requests, clock)
  ]
}

/** Sinks that lack changes, and rows that they rejected. */
const sinkLines = (job: Pick<SyncJob, "deadLetters" | "sync">, { dead, sinks }: SyncPipeline.PassSummary) => [
  ...sinks.flatMap(({ failure, sink }) =>
    failure === undefined ? [] : [`warning: ${sink} lacks changes: ${failure.description}; a later pass delivers them`]
  ),
  ...(dead === 0 ? [] : [`${Format.counted(dead, "record")} rejected: see ${job.deadLetters}`])
]

const time = (instant: Instant.Instant): string => Instant.format(instant)

export const verdictJson = (verdict: Verdict.Verdict, givenUp: ReadonlyArray<Verdict.GivenUp>) => ({
  from: time(verdict.from),
  completeUpTo: verdict.completeUpTo === undefined ? null : time(verdict.completeUpTo),
  readUpTo: verdict.watermark <= verdict.from ? null : time(verdict.watermark),
  isFirstPass: verdict.isFirstPass,
  horizon: verdict.horizon / 1_000_000,
  holes: verdict.holes.map(({ from, reason, to }) => ({
    from: time(from),
    to: time(to),
    reason: reason === undefined ? null : CoverageReason.describe(reason)
  })),
  calls: verdict.calls,
  awaited: {
    calls: verdict.awaited.calls,
    oldest: verdict.awaited.oldest === undefined ? null : time(verdict.awaited.oldest)
  },
  givenUp,
  audited: verdict.audited,
  withoutStart: { by: verdict.withoutStart.by ?? null, hidden: verdict.withoutStart.hidden },
  lateness: {
    calls: verdict.lateness.calls,
    late: verdict.lateness.late,
    longest: Math.round(verdict.lateness.longest / 1_000_000),
    horizon: verdict.lateness.late === 0 ? null : horizonFor(verdict.lateness.longest)
  },
  clockStopped: verdict.stopped === undefined ? null : time(verdict.stopped),
  requestsADay: {
    sent: verdict.requests.sent,
    most: verdict.requests.most ?? null,
    waiting: verdict.requests.waiting.map(({ since, work }) => ({ work, since: time(since) }))
  },
  behind: Record.map(verdict.consumers, ({ lacks }) => lacks)
})

const toJson = (job: SyncJob, summary: PassSummary, requests: number) => ({
  sync: job.name,
  ...summary.changes,
  filtered: summary.filtered,
  rejected: summary.dead,
  ...(summary.recordings === undefined ? {} : { recordings: RecordingsLine.toJson(summary.recordings) }),
  ...(job.title === undefined ? { requests } : {}),
  sinks: summary.sinks.map(({ failure, refused, sink, written }) => ({
    sink,
    written,
    refused,
    failed: failure?.description ?? null
  })),
  ...verdictJson(summary.verdict, summary.givenUp)
})

/** Prints a pass: all of it of a single one, a line of one that is followed by others. */
export const print = Effect.fnUntraced(function* (
  job: SyncJob,
  summary: PassSummary,
  { sent }: Pick<Requests, "sent">
) {
  const screen = yield* Screen
  const { clock } = job.zone
  if (job.report === "none") return
  if (!(yield* MachineSummary.print(job, () => toJson(job, summary, sent)))) return
  // Several pipelines share one client and its counts.
  const first = counts(summary, job.title === undefined ? sent : undefined)
  const { recordings } = summary
  const kept = recordings === undefined ? undefined : RecordingsLine.describe(recordings, job.recordings?.folder ?? "")
  const problems = sinkLines(job, summary)
  if (job.sync.every === undefined) {
    return yield* prose(
      named(job, first),
      ...(kept === undefined ? [] : [kept]),
      ...state(summary.verdict, summary.givenUp, clock),
      ...problems
    )
  }
  const { completeUpTo } = summary.verdict
  const until =
    completeUpTo === undefined ? "nothing complete yet" : `complete up to ${ShownTime.minute(completeUpTo, clock)}`
  const audio = kept === undefined || recordings?.of === 0 ? "" : ` · ${kept}`
  const { waiting } = summary.verdict.requests
  const late = waiting.length === 0 ? "" : ` · late: ${waiting.map(({ work }) => work).join(", ")}`
  const line = named(job, `${first}${audio} · ${until}${late}`)
  // On a terminal the line of the next pass takes its place, unless something happened.
  if (screen.live && problems.length === 0) return yield* screen.write(`${clearLine}${line}`)
  yield* prose(line, ...problems)
})
