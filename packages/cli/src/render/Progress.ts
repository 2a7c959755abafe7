/** What a run has done so far, and the line that shows it. */
import { type Calendar, Instant, type Pipeline } from "@callstream/core"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Format from "../option/Format.ts"
import { clearLine, Screen } from "./Screen.ts"

export interface Progress {
  readonly startedAt: number
  /** Sessions that came from the server, and those that were written. */
  readonly read: number
  readonly sessions: number
  readonly rejected: number
  /** Left out by conditions before the newest or oldest were chosen. */
  readonly leftOut: number
  /** The least and the greatest start written, and the last one read, in µs. */
  readonly earliest: Instant.Instant | undefined
  readonly latest: Instant.Instant | undefined
  readonly last: Instant.Instant | undefined
  /** Where an earlier run stopped, when this one resumes. */
  readonly resumedAt: Instant.Instant | undefined
  /** There is something to resume from. */
  readonly committed: boolean
}

export const make: Effect.Effect<Progress> = Effect.map(Clock.currentTimeMillis, (startedAt) => ({
  startedAt,
  read: 0,
  sessions: 0,
  rejected: 0,
  leftOut: 0,
  earliest: undefined,
  latest: undefined,
  last: undefined,
  resumedAt: undefined,
  committed: false
}))

/** The progress after one more event. */
export const after =
  (event: Pipeline.RunEvent) =>
  (progress: Progress): Progress => {
    const { delivered, earliest, last, latest, read, rejected } = event.totals
    const from = event._tag === "Started" ? event.from : progress.resumedAt
    const resumedAt = from === undefined ? undefined : Instant.of(from)
    const committed = resumedAt !== undefined || event.totals.committed !== undefined
    return { ...progress, read, sessions: delivered, rejected, earliest, latest, last, resumedAt, committed }
  }

/** With so many calls more that were left out before any were chosen. */
export const withLeftOut =
  (count: number) =>
  (progress: Progress): Progress => ({ ...progress, leftOut: progress.leftOut + count })

/** What several runs have done together. */
export const sum = (all: ReadonlyArray<Progress>): Progress => ({
  startedAt: Math.min(...all.map(({ startedAt }) => startedAt)),
  read: all.reduce((sum, { read }) => sum + read, 0),
  sessions: all.reduce((sum, { sessions }) => sum + sessions, 0),
  rejected: all.reduce((sum, { rejected }) => sum + rejected, 0),
  leftOut: all.reduce((sum, { leftOut }) => sum + leftOut, 0),
  earliest: undefined,
  latest: undefined,
  last: undefined,
  resumedAt: undefined,
  committed: false
})

/** What the client counted: calls read, some of them twice, requests, and those retried by reason. */
export interface Requests {
  readonly read: number
  readonly sent: number
  readonly retried: ReadonlyArray<readonly [reason: string, times: number]>
}

export const requests: Effect.Effect<Requests> = Effect.map(Metric.snapshot, (metrics) => {
  let sent = 0
  let read = 0
  const retried: Array<readonly [string, number]> = []
  for (const metric of metrics) {
    if (metric.type !== "Counter") continue
    const times = Number(metric.state.count)
    if (metric.id === "callstream_requests_total") sent += times
    if (metric.id === "callstream_sessions_total") read += times
    if (metric.id === "callstream_retries_total" && times > 0)
      retried.push([metric.attributes?.["reason"] ?? "", times])
  }
  return { read, sent, retried }
})

const words: Readonly<Record<string, string>> = {
  RateLimited: "rate limited",
  Unavailable: "unavailable",
  InvalidResponse: "unreadable"
}

const timesRetried = ({ retried }: Requests): number => retried.reduce((sum, [, times]) => sum + times, 0)

/** `3 retried (2 rate limited, 1 unavailable)`, or nothing. */
export const describeRetries = (counts: Requests): string => {
  const times = timesRetried(counts)
  if (times === 0) return ""
  const reasons = counts.retried.map(([reason, n]) => `${Format.count(n)} ${words[reason] ?? reason}`).join(", ")
  return `${Format.count(times)} retried (${reasons})`
}

/** What fits into the columns. */
export const line = (
  progress: Progress,
  counts: Requests,
  now: number,
  columns: number,
  clock: Calendar.Calendar | undefined
): string => {
  const seconds = (now - progress.startedAt) / 1000
  const speed = seconds < 0.5 ? 0 : counts.read / seconds
  const retries = timesRetried(counts)
  // A part has a short form where the long one may find no room.
  const parts: ReadonlyArray<ReadonlyArray<string>> = [
    ...(progress.sessions === 0
      ? [[`${Format.counted(counts.read, "call")} read`]]
      : [[`${Format.counted(progress.sessions, "call")} written`], [`${Format.count(counts.read)} read`]]),
    speed > 0 ? [`${Format.count(speed)}/s`] : [],
    progress.last === undefined ? [] : [`at ${Format.minute(progress.last, clock)}`],
    [Format.counted(counts.sent, "request")],
    retries === 0 ? [] : [describeRetries(counts), `${Format.count(retries)} retried`]
  ]
  return parts.reduce((line, forms) => {
    const longer = forms.map((form) => (line === "" ? form : `${line} · ${form}`))
    return longer.find((text) => text.length <= columns) ?? line
  }, "")
}

/**
 * While the scope is open: on a terminal a line that is redrawn ten times a second and taken away at the end, elsewhere a
 * new line every 30 seconds.
 */
export const show = (
  progress: () => Progress,
  clock: Calendar.Calendar | undefined
): Effect.Effect<void, never, Screen | Scope.Scope> =>
  Effect.flatMap(Screen, (screen) => {
    const text = (columns: number) =>
      Effect.map(Effect.all([requests, Clock.currentTimeMillis]), ([counted, now]) =>
        line(progress(), counted, now, columns, clock)
      )
    if (!screen.live) {
      const tell = Effect.flatMap(text(Infinity), (text) => screen.write(`${text}\n`))
      return Effect.asVoid(Effect.forkScoped(Effect.repeat(Effect.delay(tell, "30 seconds"), Schedule.forever)))
    }
    // Room for the ^C that a terminal writes: on a line of its own it would stay there.
    const draw = Effect.flatMap(
      Effect.suspend(() => text(screen.columns() - 3)),
      (text) => screen.write(`${clearLine}${screen.colors ? `\u001b[2m${text}\u001b[22m` : text}`)
    )
    return Effect.asVoid(
      Effect.andThen(
        Effect.addFinalizer(() => screen.write(clearLine)),
        Effect.forkScoped(Effect.repeat(draw, Schedule.spaced("100 millis")))
      )
    )
  })
