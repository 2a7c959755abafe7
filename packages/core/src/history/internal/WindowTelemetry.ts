/** The spans of windows that are read, and what is counted and logged of those that are delivered. */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Stream from "effect/Stream"
import type * as Tracer from "effect/Tracer"
import { AgniClient } from "../../client/AgniClient.ts"
import * as CoverageReason from "../../coverage/CoverageReason.ts"
import type { Micros, Range } from "../../endpoint/internal/Micros.ts"
import type { AgniError } from "../../model/AgniError.ts"
import * as Instant from "../../model/Instant.ts"
import * as Span from "../../platform/internal/Span.ts"
import { verdict, weaker, type Window } from "../Coverage.ts"
import * as HistoryMetrics from "../HistoryMetrics.ts"
import type * as Scheduler from "./Scheduler.ts"

const timeOf = (key: string, at: Micros) => (Number.isFinite(at) ? { [key]: Instant.format(Instant.of(at)) } : {})

const rangeOf = ({ from, to }: Range) => ({
  ...timeOf("callstream.window.from", from),
  ...timeOf("callstream.window.to", to)
})

const countOf = ({ rejected, rows }: Pick<Window, "rejected" | "rows">): number => rows.length + rejected.length

const note = (span: Tracer.Span, windows: ReadonlyArray<Window>): void => {
  const [first, ...rest] = windows.map(({ coverage }) => verdict(coverage))
  if (first !== undefined) span.attribute("callstream.window.verdict", rest.reduce(weaker, first))
  span.attribute(
    "callstream.window.count",
    windows.reduce((sum, window) => sum + countOf(window), 0)
  )
}

/** A span of a task. One that another task gave away has the parent of all of them. */
export const ofTask = <Task extends Range>(
  parent: Tracer.AnySpan | undefined,
  task: Task,
  work: Effect.Effect<Scheduler.Work<Task, Window, AgniError>, AgniError>
): Effect.Effect<Scheduler.Work<Task, Window, AgniError>, AgniError> =>
  Span.use(
    "callstream.window",
    { ...(parent === undefined ? { root: true } : { parent }), attributes: rangeOf(task) },
    (span) =>
      Effect.map(work, (done) => {
        if (done._tag === "Done") note(span, done.outputs)
        else {
          span.attribute("callstream.window.verdict", "split")
          span.attribute("callstream.window.parts", done.parts.length)
        }
        return done
      })
  )

/** A span of the last window, which has the calls without a start time. */
export const ofClosing = <R>(
  closing: Effect.Effect<Window | undefined, AgniError, R>
): Effect.Effect<Window | undefined, AgniError, R> =>
  Span.use("callstream.window", { attributes: { "callstream.window.without_start": true } }, (span) =>
    Effect.map(closing, (window) => {
      note(span, window === undefined ? [] : [window])
      return window
    })
  )

/** Counts and logs a window that is delivered, for the client of this name. */
const delivered = (name: string) => {
  const windows = (said: string) =>
    Metric.withAttributes(HistoryMetrics.windows, {
      "callstream.client.name": name,
      "callstream.window.verdict": said
    })
  const by = {
    proven: windows("proven"),
    provisional: windows("provisional"),
    unprovable: windows("unprovable")
  }
  return (window: Window): Effect.Effect<void> => {
    const said = verdict(window.coverage)
    return Effect.andThen(
      Metric.update(by[said], 1),
      Effect.annotateLogs(
        Effect.suspend(() => Effect.logDebug(describe(window))),
        {
          ...rangeOf(window),
          "callstream.client.name": name,
          "callstream.window.count": countOf(window),
          "callstream.window.verdict": said
        }
      )
    )
  }
}

/** Windows, each of which is counted and logged when it is delivered. */
export const reported = <R>(
  windows: Stream.Stream<Window, AgniError, R>
): Stream.Stream<Window, AgniError, R | AgniClient> =>
  Stream.unwrap(Effect.map(AgniClient, ({ name = "default" }) => Stream.tap(windows, delivered(name))))

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`

/** Two kinds of windows have no width: that of the calls without a start time, and the pages of a list whose bounds do not work. */
const describe = (window: Window): string => {
  const { coverage, from, requests, to } = window
  const place = from === to ? "without a range" : `${Instant.format(from)} to ${Instant.format(to)}`
  return (
    `${place}: ${counted(countOf(window), "call")}, ${counted(requests, "request")}, ` +
    (coverage._tag === "Proven" ? "proven" : `${verdict(coverage)}: ${CoverageReason.describe(coverage.reason)}`)
  )
}
