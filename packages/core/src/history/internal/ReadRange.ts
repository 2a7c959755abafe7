/** One range to its verdict. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import type { Coverage } from "../Coverage.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import type { Came } from "./AllCame.ts"
import * as Empty from "./Empty.ts"
import * as Gone from "./Gone.ts"
import { isExhausted, type Known, mostRequests } from "./Known.ts"
import { judge } from "./RangeVerdict.ts"
import {
  byCount,
  canHalve,
  controlIn,
  countRows,
  deliver,
  halve,
  type Outcome,
  shortest,
  split,
  type Work
} from "./RangeWork.ts"
import type { Range } from "../../endpoint/internal/Micros.ts"
import * as ReadPages from "./ReadPages.ts"
import { ask as askOf, believedWidth, horizonOf, type Settings } from "./Settings.ts"
import * as Task from "./Task.ts"
import { believe, isEnd, isTooWide, widen } from "./TrustedWidth.ts"
import { readRows } from "./ReadRows.ts"
import type * as Walk from "./Walk.ts"

/**
 * Reads a range to its verdict, or finds how it must be cut. What it knows when it begins is given, and what it saw is in the
 * outcome: nothing is shared.
 */
export const readRange = (
  settings: Settings,
  known: Known,
  task: Task.Task,
  share?: Walk.Share,
  came: Came = () => Effect.void
): Effect.Effect<Outcome, AgniError> => {
  const seen: Work["seen"] = {
    order: "unknown",
    differs: false,
    deepest: Infinity,
    cut: false,
    whole: 0,
    worth: 0,
    once: undefined
  }
  const beyond = { repeats: false }
  const repeats = Effect.tap(settings.repeats, (repeats) =>
    Effect.sync(() => {
      beyond.repeats = repeats
    })
  )
  const ask = askOf({ ...settings, rounds: settings.rounds === true || known.rounds === true })
  for (const [key, start] of known.gone ?? []) ask.log.gone.set(key, start)
  return read({
    settings: { ...settings, repeats },
    known,
    task,
    ask,
    share,
    came,
    young: task.to > horizonOf(settings, known),
    beyond,
    limit: Math.min(1.5 * settings.perWindow, 0.8 * known.deepest),
    seen
  })
}

const read = Effect.fnUntraced(function* (work: Work): Effect.fn.Return<Outcome, AgniError> {
  const { ask, limit, seen, settings, task } = work
  const { size } = settings
  if (isExhausted(work.known, size)) return yield* once(work)
  const { span = Infinity } = work.known
  if (task.to - task.from > span && !isEnd(settings, task)) return split(work, Task.byWidth(task, span))
  const believed = isTooWide(work, task) && !isEnd(settings, task) ? yield* believe(work) : undefined
  if (believed?.isNothing === true) return deliver(work, { range: task, held: Rows.makeHeld() }, Empty.tooWide)
  if (believed?.parts !== undefined) return split(work, believed.parts)
  const before = believed?.before ?? (yield* countBefore(work))
  if (before !== undefined && before > limit && task.to - task.from > shortest) {
    const parts = yield* byCount(work, task, before)
    if (parts.length > 1) return split(work, parts)
  }
  const done = yield* Effect.catchIf(readRows(work, { before, first: believed?.first }), Ask.isRefusal, (error) =>
    Effect.succeed(error.reason.message)
  )
  if (typeof done === "string") return ofRefused(work, done)
  seen.order = done.order
  seen.deepest = done.deepest
  if (done.problem !== undefined) {
    // Of too many rows for a window only a part came.
    const parts = done.dense ? halve(work, done.range, done.held) : undefined
    return parts === undefined ? deliver(work, done, { _tag: "Unprovable", reason: done.problem }) : split(work, parts)
  }
  const isEmpty = believed?.isEmpty === true && Rows.within(done.held, done.range).length === 0
  if (done.held.size() === 0 || isEmpty) return yield* unlessRefused(work, ofNothing(work, done))
  // Rows came where none was expected, so a range of this width is not trusted.
  const width = Math.max(work.known.width, ask.log.width)
  const came = believed === undefined && Rows.within(done.held, done.range).length > 0
  if (came && isTooWide({ ...work, known: { ...work.known, width } }, done.range))
    return split(work, Task.byWidth(task, believedWidth(width)))
  // Calls continue to come into it, so reading it again would never end.
  if (done.range.from >= settings.latest) return deliver(work, done, { _tag: "Proven" })
  const halves = done.dense ? halve(work, done.range, done.held) : undefined
  if (halves !== undefined) return yield* ofTooMany(work, done, halves)
  // Where others read a part of what was counted, that count is not one of the rest.
  return yield* unlessRefused(work, judge(work, done, done.range.from === task.from ? before : undefined))
})

const disagree: Coverage = {
  _tag: "Provisional",
  reason: { _tag: "AnswersDisagree", requests: mostRequests.least }
}

/** One reading by pages, of which nothing is held against anything. More rows than a window should hold are read in parts. */
const once = Effect.fnUntraced(function* (work: Work): Effect.fn.Return<Outcome, AgniError> {
  const { ask, limit, settings, task } = work
  const most = Math.max(limit, 4 * settings.size)
  const done = yield* Effect.catchIf(
    ReadPages.readPages(settings, ask, task, most, undefined),
    Ask.isRefusal,
    (error) => Effect.succeed(error.reason.message)
  )
  if (typeof done === "string") return ofRefused(work, done)
  const halves = done.held.size() > most ? halve(work, done.range, done.held) : undefined
  if (halves !== undefined) return split(work, halves)
  return deliver(work, done, disagree)
})

/** Calls that come meanwhile may make a range one with too many rows, when it is asked for again. */
const unlessRefused = (work: Work, verdict: Effect.Effect<Outcome, AgniError>): Effect.Effect<Outcome, AgniError> =>
  Effect.catchIf(verdict, Ask.isRefusal, (error) => Effect.succeed(ofRefused(work, error.reason.message)))

/** A count that is strictly before the first page of a walk; where the order is by start, nothing hangs on it. */
const countBefore = (work: Work): Effect.Effect<number | undefined, AgniError> => {
  const { ask, known, limit, settings, task } = work
  const mostPages = ask.log.rounds ? 1 : settings.mostOverlapping
  const isLarge = task.expected > mostPages * settings.size && known.order !== "other"
  const isKnown = known.order === "start" && task.counted === true
  return task.expected > limit || (isLarge && !isKnown)
    ? countRows(work, Ask.boundsOf(task), task.expected)
    : Effect.undefined
}

/** Whether it would take too many parts, and nothing is known of it: no row is older, or none is newer. */
export const isTooLong = ({ controls }: Settings, { width }: Known, { from, to }: Range): boolean =>
  to - from > Task.mostEmpty * believedWidth(width) &&
  (controls.every(({ start }) => start >= to) || controls.every(({ start }) => start < from))

/** The server refuses so wide a range, or one with so many rows. */
const ofRefused = (work: Work, problem: string): Outcome => {
  const { seen, settings, task } = work
  seen.cut = true
  const nothing = { range: task, held: Rows.makeHeld() }
  // The future, about which a server need not answer: nothing is proven there in any case.
  if (task.from >= settings.latest) return deliver(work, nothing, { _tag: "Proven" })
  if (isTooLong(settings, work.known, task)) return deliver(work, nothing, Empty.tooWide)
  return canHalve(task)
    ? split(work, Task.byWidth(task, (task.to - task.from) / 1.9))
    : deliver(work, nothing, { _tag: "Unprovable", reason: { _tag: "Unreadable", problem } })
}

/** Nothing came. */
const ofNothing = Effect.fnUntraced(function* (work: Work, done: ReadPages.Read): Effect.fn.Return<Outcome, AgniError> {
  const { ask, known, settings, task, young } = work
  const { bounds, held, range } = done
  // Behind the newest call, where calls may still come, nothing can be proven.
  if (young && isEnd(settings, task)) return deliver(work, done, { _tag: "Proven" })
  // A limit on results may answer with nothing, and an outage too.
  if (task.top !== undefined && canHalve(range))
    return split(work, Task.halve(range, held, task.expected, settings.size))
  const control = controlIn({ ...settings, controls: Gone.without(settings.controls, ask.log.gone) }, range)
  if (control !== undefined && canHalve(range) && (yield* Gone.look(ask, [control], settings.size)).there.size > 0)
    return splitHiding(work, done, range.to - range.from > believedWidth(known.width) ? task.hides : mostHiding)
  const { hides = 0 } = task
  const hiding = task.hides === undefined ? undefined : hides > 0 && canHalve(range) ? "again" : "no more"
  yield* work.came(0)
  const { hides: left = mostHiding } = task
  const isLast = left <= 0 || !canHalve(range)
  const coverage = yield* Empty.confirm(settings, known, ask, range, bounds, hiding, task.beside, isLast)
  // Rows of it came after all, or may: there are more than the server gives for the whole of it.
  if (coverage === Empty.came && canHalve(range)) return splitHiding(work, done, hides - 1)
  // It was proven by others than the nearest rows, which not all answers have.
  if (coverage?._tag === "Proven" && ask.log.gone.size > 0) work.seen.once = range
  if (coverage === Empty.hidden && !isLast) return splitHiding(work, done, left - 1)
  const width = task.to - task.from
  const believed = coverage === undefined ? yield* widen(work) : believedWidth(known.width)
  // Nothing can be proven where calls may still be added: that is not worth as many questions.
  return coverage === undefined && width / believed <= (young ? Task.mostParts : Task.mostEmpty)
    ? split(work, Task.byWidth(task, Math.max(believed, width / Task.mostParts)))
    : deliver(work, done, coverage ?? Empty.tooWide)
})

/** So many times a range is cut for which nothing came, where a limit on results may hide its rows. */
const mostHiding = 4

const splitHiding = (work: Work, { held, range }: ReadPages.Read, hides: number | undefined): Outcome =>
  split(
    work,
    Task.halve(range, held, work.task.expected, work.settings.size).map((part) => ({ ...part, hides }))
  )

/** More rows than a window should hold, and it is not known how many: they are counted, and cut where they are. */
const ofTooMany = Effect.fnUntraced(function* (
  work: Work,
  { bounds, held, moved, range }: ReadPages.Read,
  halves: ReadonlyArray<Task.Task>
): Effect.fn.Return<Outcome, AgniError> {
  // A second of it could not be read, because equal rows have another order on each page.
  if (moved) return split(work, halves)
  const total = yield* countRows(work, bounds, 2 * held.size())
  const parts = total !== undefined && total > work.limit ? yield* byCount(work, range, total) : []
  return split(work, parts.length > 1 ? parts : Task.halve(range, held, total ?? held.size(), work.settings.size))
})
