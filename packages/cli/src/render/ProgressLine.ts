/** The progress line of a run. */
import { type Calendar, Instant } from "@callstream/core"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { fstatSync } from "node:fs"
import type { Job } from "../job/Job.ts"
import * as ShownTime from "../option/ShownTime.ts"
import type * as Progress from "../run/Progress.ts"
import { type Requests, requests } from "../run/Requests.ts"
import * as Format from "./Format.ts"
import { clearLine, record, Screen } from "./Screen.ts"

const words: Readonly<Record<string, string>> = {
  RateLimited: "rate limited",
  Unavailable: "unavailable",
  InvalidResponse: "unreadable"
}

const timesRetried = ({ retried = [] }: Requests): number => retried.reduce((sum, [, times]) => sum + times, 0)

/** `3 retried (2 rate limited, 1 unavailable)`, or nothing. */
export const describeRetries = (counts: Requests): string => {
  const times = timesRetried(counts)
  if (times === 0) return ""
  const reasons = (counts.retried ?? [])
    .map(([reason, n]) => `${Format.count(n)} ${words[reason] ?? reason}`)
    .join(", ")
  return `${Format.count(times)} retried (${reasons})`
}

/** The parts that fit into the columns. */
export const line = (
  progress: Progress.Progress,
  counts: Requests,
  now: number,
  columns: number,
  clock: Calendar.Calendar | undefined
): string => {
  const seconds = (now - progress.startedAt) / 1000
  const speed = seconds < 0.5 ? 0 : counts.read / seconds
  const retries = timesRetried(counts)
  // Some parts have a short form for narrow terminals.
  const parts: ReadonlyArray<ReadonlyArray<string>> = [
    ...(progress.sessions === 0
      ? [[`${Format.counted(counts.read, "call")} read`]]
      : [[`${Format.counted(progress.sessions, "call")} written`], [`${Format.count(counts.read)} read`]]),
    speed > 0 ? [`${Format.count(speed)}/s`] : [],
    progress.last === undefined ? [] : [`at ${ShownTime.minute(progress.last, clock)}`],
    [Format.counted(counts.sent, "request")],
    retries === 0 ? [] : [describeRetries(counts), `${Format.count(retries)} retried`]
  ]
  return parts.reduce((line, forms) => {
    const longer = forms.map((form) => (line === "" ? form : `${line} · ${form}`))
    return longer.find((text) => text.length <= columns) ?? line
  }, "")
}

const toJson = ({ last, rejected, sessions }: Progress.Progress, { read, retried, sent }: Requests) => ({
  written: sessions,
  read,
  rejected,
  at: last === undefined ? null : Instant.format(last),
  requests: sent,
  ...(retried === undefined ? {} : { retries: Object.fromEntries(retried) })
})

/**
 * While the scope is open: on a terminal a line that is redrawn ten times a second and removed at the end, elsewhere a
 * new line every 30 seconds.
 *
 * @param counts Those of other processes, where they do the work.
 */
export const show = (
  progress: () => Progress.Progress,
  clock: Calendar.Calendar | undefined,
  counts: Effect.Effect<Requests> = requests
): Effect.Effect<void, never, Screen | Scope.Scope> =>
  Effect.flatMap(Screen, (screen) => {
    const text = (columns: number) =>
      Effect.map(Effect.all([counts, Clock.currentTimeMillis]), ([counted, now]) =>
        line(progress(), counted, now, columns, clock)
      )
    if (!screen.live) {
      const tell =
        screen.log === "json"
          ? Effect.flatMap(counts, (counted) => record("progress", toJson(progress(), counted)))
          : Effect.flatMap(text(Infinity), (text) => screen.write(`${text}\n`))
      return Effect.asVoid(Effect.forkScoped(Effect.repeat(Effect.delay(tell, "30 seconds"), Schedule.forever)))
    }
    // Room for the ^C that a terminal writes: without it, the ^C would remain on a line of its own.
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

/** Data on stdout and a progress line would overwrite each other on one terminal. */
export const isShown = (jobs: ReadonlyArray<Job>, { live, log }: Pick<Screen["Service"], "live" | "log">): boolean => {
  if (log === "json") return jobs.every(({ report }) => report !== "none")
  if (!live) return jobs.every(({ report }) => report === "people")
  const toStdout = jobs.some(({ sinks }) => sinks.some(({ target }) => target._tag === "Stdout"))
  const alone = !toStdout || (!process.stdout.isTTY && fstatSync(1).isFile())
  return alone && jobs.every(({ report }) => report === "people")
}
