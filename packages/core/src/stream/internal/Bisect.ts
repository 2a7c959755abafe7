import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import * as Instant from "../../model/Instant.ts"
import * as Rows from "../../model/Rows.ts"
import type { Window } from "../Coverage.ts"
import * as Ask from "./Ask.ts"
import type { Evidence, Known } from "./Known.ts"
import { readRange } from "./ReadRange.ts"
import * as Salvage from "./Salvage.ts"
import type * as Scheduler from "./Scheduler.ts"
import { ask as askOf, type Settings } from "./Settings.ts"
import type { Task } from "./Task.ts"
import type { Share } from "./Walk.ts"

type Work = Scheduler.Work<Task, Window, AgniError>

/**
 * Reads a task; one that fails every time, while the server answers other requests, is halved until the failing part is a
 * second or two long. With `keepGoing` that part is a gap, with the rows that come one by one. Otherwise the
 * error names it.
 */
export const read = (
  settings: Settings,
  known: () => Known,
  whole: Task,
  options: {
    readonly keepGoing: boolean
    readonly handOver: Scheduler.HandOver<Task>
    readonly tell: (evidence: Evidence) => void
  }
): Effect.Effect<Work, AgniError> => {
  const { handOver, keepGoing, tell } = options
  const ask = askOf(settings)
  const hasty = Salvage.hasty(settings)
  /** What lies below is read by others. */
  const rest = { from: whole.from }
  const share: Share = (from, before, rows) =>
    Effect.suspend(() => {
      const at = Ask.floorSecond((from + before) / 2)
      if (at <= rest.from || at >= whole.to) return Effect.undefined
      return Effect.map(handOver({ from: rest.from, to: at, expected: rows / 2 }), (taken) => {
        if (!taken) return undefined
        rest.from = at
        return at
      })
    })
  const work = (settings: Settings, task: Task, share?: Share): Effect.Effect<Work, AgniError> =>
    Effect.map(readRange(settings, known(), task, share), (outcome): Work => {
      tell(outcome.evidence)
      return outcome._tag === "Split"
        ? { _tag: "Split", parts: outcome.parts }
        : { _tag: "Done", outputs: outcome.windows, failure: outcome.failure }
    })
  const orDivide = (task: () => Task, work: Effect.Effect<Work, AgniError>) =>
    Ask.catchPoison(ask, work, (error) => divide(task(), error))
  const attempt = (task: Task) => orDivide(() => task, work(hasty, task))
  const divide = (task: Task, error: AgniError): Effect.Effect<Work, AgniError> => {
    const middle = Ask.floorSecond((task.from + task.to) / 2)
    const lower = { from: task.from, to: middle, expected: task.expected / 2 }
    const upper = { from: middle, to: task.to, expected: task.expected / 2 }
    if (middle <= task.from || task.to - task.from <= 2 * Ask.second) return lastTry(task, error)
    return Effect.flatMap(attempt(lower), (left): Effect.Effect<Work, AgniError> => {
      if (left._tag !== "Done") return Effect.succeed({ _tag: "Split", parts: [...left.parts, upper] })
      if (left.failure !== undefined) return Effect.succeed(left)
      return attempt(upper).pipe(
        Effect.map((right): Work =>
          right._tag !== "Done"
            ? { _tag: "Split", parts: [lower, ...right.parts] }
            : { ...right, outputs: merge([...left.outputs, ...right.outputs]) }
        ),
        // Rows read before the failing part are delivered before the error.
        Effect.catch((failure) => Effect.succeed<Work>({ ...left, failure }))
      )
    })
  }
  // An outage may have ended before the request that checks the server.
  const lastTry = (task: Task, before: AgniError) =>
    Ask.catchPoison(ask, work(settings, task), (error) =>
      keepGoing
        ? Effect.map(Salvage.read(settings, task, error), (window): Work => ({ _tag: "Done", outputs: [window] }))
        : Effect.fail(error.attempts > before.attempts ? error : before)
    )
  return orDivide(() => ({ ...whole, from: rest.from }), work(settings, whole, share))
}

/** Neighbouring gaps are one. */
const merge = (windows: ReadonlyArray<Window>): ReadonlyArray<Window> => {
  const merged: Array<Window> = []
  for (const window of windows) {
    const last = merged.at(-1)
    if (last?.coverage._tag === "Gap" && window.coverage._tag === "Gap") {
      const observedAt = Instant.min(last.observedAt, window.observedAt)
      merged[merged.length - 1] = {
        ...last,
        to: window.to,
        rows: Rows.make([...Rows.items(last.rows), ...Rows.items(window.rows)], observedAt),
        rejected: [...last.rejected, ...window.rejected],
        settled: last.settled + window.settled,
        requests: last.requests + window.requests,
        observedAt
      }
    } else merged.push(window)
  }
  return merged
}
