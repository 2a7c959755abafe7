/** Reads a task although some records fail each page that they are on: what lies beside them is read as if they were not there. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import type { CallSessionQuery } from "../../model/CallSessionQuery.ts"
import type { Window } from "../Coverage.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import type { Came } from "./AllCame.ts"
import * as Empty from "./Empty.ts"
import type { Evidence, Known } from "./Known.ts"
import * as Locate from "./Locate.ts"
import type { Range } from "../../endpoint/internal/Micros.ts"
import * as Patience from "../../endpoint/internal/Patience.ts"
import { isTooLong, readRange } from "./ReadRange.ts"
import * as PartialRead from "./PartialRead.ts"
import type * as Scheduler from "./Scheduler.ts"
import { ask as askOf, patient, type Settings } from "./Settings.ts"
import type * as Part from "./Task.ts"
import type { Share } from "./Walk.ts"
import { windowsOf } from "./WindowOf.ts"

export interface Task extends Part.Task {
  /** It is known to hold a record that fails, and this is how. */
  readonly fails?: AgniError | undefined
  /** How often records were located in what it is a part of. */
  readonly located?: number | undefined
}

type Work = Scheduler.Work<Task, Window, AgniError>

/** A shorter range is read row by row. */
const narrow = 8 * Ask.second

/** Where records are located in vain, or again and again, time is halved. */
const mostLocated = 4

/** Failures of a reading. */
export interface Failures {
  /** Ranges that failed, were cut to a few seconds, and could be read after all. */
  vain: number
}

/** After so many, requests fail by chance and not for a record: cutting their ranges would have no end. */
const mostVain = 8

interface Options {
  readonly failures: Failures
  readonly keepGoing: boolean
  readonly came: Came
  readonly handOver: Scheduler.HandOver<Task>
  readonly tell: (evidence: Evidence) => void
}

/**
 * A task that fails alone, while the server answers other requests, is cut around the seconds that the failing records start
 * in. Those are tried with all patience. If they still fail, they are a gap with `keepGoing`, with the rows that
 * come one by one; otherwise the error names them.
 */
export const read = (
  settings: Settings,
  known: () => Known,
  whole: Task,
  { came, failures, handOver, keepGoing, tell }: Options
): Effect.Effect<Work, AgniError> => {
  /** What lies below is read by others. */
  const rest = { from: whole.from }
  const share: Share = (from, before, rows) =>
    Effect.suspend(() => {
      const at = Ask.floorSecond((from + before) / 2)
      if (at <= rest.from) return Effect.undefined
      return Effect.map(
        handOver({ ...whole, counted: false, top: undefined, from: rest.from, to: at, expected: rows / 2 }),
        (taken) => {
          if (!taken) return undefined
          rest.from = at
          return at
        }
      )
    })
  const work = (settings: Settings, task: Task, share?: Share): Effect.Effect<Work, AgniError> =>
    Effect.map(readRange(settings, known(), task, share, came), (outcome): Work => {
      tell(outcome.evidence)
      return outcome._tag === "Split"
        ? { _tag: "Split", parts: outcome.parts }
        : { _tag: "Done", outputs: outcome.windows }
    })
  const { fails } = whole
  if (fails !== undefined)
    return keepGoing
      ? salvage(settings, whole, fails, work, failures)
      : Effect.tap(work(patient(settings), whole), () => noteVain(failures))
  return Effect.suspend(() => {
    const failing = noting(settings)
    return Ask.catchPoison(work(failing.settings, whole, share), (error) =>
      divide(settings, { ...whole, from: rest.from }, error, failing.query(), failures, known())
    )
  })
}

const noteVain = (failures: Failures): Effect.Effect<void> =>
  Effect.sync(() => {
    failures.vain++
  })

/** The rows that can be read. If all can, the failure was transient. */
const salvage = (
  settings: Settings,
  task: Task,
  error: AgniError,
  work: (settings: Settings, task: Task) => Effect.Effect<Work, AgniError>,
  failures: Failures
): Effect.Effect<Work, AgniError> =>
  Effect.flatMap(PartialRead.read(settings, task, error), (found) => {
    const gap: Work = { _tag: "Done", outputs: [found.window] }
    if (found.lost > 0) return Effect.succeed(gap)
    return Effect.andThen(
      noteVain(failures),
      Ask.catchPoison(work(settings, task), () => Effect.succeed(gap))
    )
  })

/** The settings, and the question that failed last. */
const noting = (settings: Settings) => {
  const last: { failed: CallSessionQuery | undefined } = { failed: undefined }
  const list: Settings["list"] = (query, options) =>
    Effect.tapError(settings.list(query, { ...Patience.soon, ...options }), () =>
      Effect.sync(() => {
        last.failed = query
      })
    )
  return { settings: { ...settings, list }, query: () => last.failed }
}

const divide = Effect.fnUntraced(function* (
  settings: Settings,
  task: Task,
  error: AgniError,
  failing: CallSessionQuery | undefined,
  { vain }: Failures,
  known: Known
): Effect.fn.Return<Work, AgniError> {
  const whole: Work = { _tag: "Split", parts: [{ ...task, fails: error }] }
  if (failing === undefined || task.to - task.from <= narrow || vain >= mostVain) return whole
  if (!(yield* Locate.isOfTime(settings, failing))) return whole
  const located = (task.located ?? 0) + 1
  const isOfBounds = yield* Locate.isOfBounds(settings, failing)
  if (isOfBounds && isTooLong(settings, known, task)) {
    const ask = askOf(settings)
    return { _tag: "Done", outputs: windowsOf(settings, known, ask, task, Rows.makeHeld(), Empty.tooWide) }
  }
  const found = isOfBounds || located > mostLocated ? [] : yield* Locate.locate(settings, failing)
  // A record that bounds do not hold, where some answers ignore them, is no record of the task.
  const gaps = found.filter(({ from, to }) => from < task.to && to > task.from)
  if (gaps.length === 0) {
    const middle = Ask.floorSecond((task.from + task.to) / 2)
    return { _tag: "Split", parts: partsOf({ ...task, located: 0 }, [middle], () => undefined) }
  }
  const edges = gaps.flatMap(({ from, to }) => [from, to])
  const failsIn = (range: Range) =>
    gaps.some(({ from, to }) => range.from >= from && range.to <= to) ? error : undefined
  return { _tag: "Split", parts: partsOf({ ...task, located }, edges, failsIn) }
})

const partsOf = (
  task: Task,
  edges: ReadonlyArray<number>,
  fails: (range: Range) => AgniError | undefined
): ReadonlyArray<Task> => {
  const ends = [...edges.filter((edge) => edge > task.from && edge < task.to), task.to]
  return ends.map((to, i): Task => {
    const from = ends[i - 1] ?? task.from
    return {
      from,
      to,
      expected: (task.expected * (to - from)) / (task.to - task.from),
      fails: fails({ from, to }),
      located: task.located
    }
  })
}
