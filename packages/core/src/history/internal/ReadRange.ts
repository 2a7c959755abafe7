/** One range to its verdict. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import type { Coverage, Window } from "../Coverage.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Count from "../../endpoint/internal/Count.ts"
import * as Empty from "./Empty.ts"
import { ends } from "./WindowEnds.ts"
import type { Evidence, Known } from "./Known.ts"
import * as MultiPassRead from "./MultiPassRead.ts"
import * as ReadPages from "./ReadPages.ts"
import * as Rows from "../../endpoint/internal/Rows.ts"
import { ask as askOf, believedWidth, horizonOf, type Settings } from "./Settings.ts"
import * as Task from "./Task.ts"
import * as Walk from "./Walk.ts"
import { windowsOf } from "./WindowOf.ts"
import type { Micros, Range } from "../../endpoint/internal/Micros.ts"

/** What a range came to, or the parts that it has to be read in. */
export type Outcome =
  | { readonly _tag: "Read"; readonly windows: ReadonlyArray<Window>; readonly evidence: Evidence }
  | { readonly _tag: "Split"; readonly parts: ReadonlyArray<Task.Task>; readonly evidence: Evidence }

/** So many pages overlap for less than two counts and the seams of a walk cost. */
const mostOverlapping = 12

/** An empty range is cut into so many parts at most, each of which takes a few requests. */
const mostEmpty = 1000

/** A longer range can be cut in two. */
const shortest = 4 * Ask.second

/** A range while it is read: what is known of it, and what its answers showed. */
interface Work {
  readonly settings: Settings
  readonly known: Known
  readonly task: Task.Task
  readonly ask: Ask.Ask
  readonly share: Walk.Share | undefined
  /** Calls may still come into it. */
  readonly young: boolean
  /** A window with more rows is cut. */
  readonly limit: number
  /** Whether a page beyond the end brings something, where that was asked: then the place of a row counts nothing. */
  readonly beyond: { repeats: boolean }
  readonly seen: { -readonly [K in keyof Omit<Evidence, "log">]: Evidence[K] }
}

/**
 * Reads a range to its verdict, or finds how it must be cut. What it knows when it begins is given, and what it saw is in the
 * outcome: nothing is shared.
 */
export const readRange = (
  settings: Settings,
  known: Known,
  task: Task.Task,
  share?: Walk.Share
): Effect.Effect<Outcome, AgniError> => {
  const seen: Work["seen"] = {
    order: "unknown",
    differs: false,
    deepest: Infinity,
    cut: false,
    whole: 0,
    once: undefined
  }
  const beyond = { repeats: false }
  const repeats = Effect.tap(settings.repeats, (repeats) =>
    Effect.sync(() => {
      beyond.repeats = repeats
    })
  )
  return read({
    settings: { ...settings, repeats },
    known,
    task,
    ask: askOf(settings),
    share,
    young: task.to > horizonOf(settings, known),
    beyond,
    limit: Math.min(1.5 * settings.perWindow, 0.8 * known.deepest),
    seen
  })
}

const read = Effect.fnUntraced(function* (work: Work): Effect.fn.Return<Outcome, AgniError> {
  const { ask, limit, seen, settings, share, task } = work
  const { size } = settings
  const { span = Infinity } = work.known
  if (task.to - task.from > span && !isEnd(settings, task)) return split(work, Task.byWidth(task, span))
  const believed = isTooWide(work, task) && !isEnd(settings, task) ? yield* believe(work) : undefined
  if (believed?.parts !== undefined) return split(work, believed.parts)
  const before = believed?.before ?? (yield* countBefore(work))
  if (before !== undefined && before > limit && task.to - task.from > shortest)
    return split(work, yield* byCount(work, task, before))
  const rowsAtMost = Math.max(limit, 4 * size)
  const walks = work.known.order !== "other" && (before ?? task.expected) > mostOverlapping * size
  const done = yield* Effect.catchIf(
    walks
      ? Walk.walk(settings, ask, task, rowsAtMost, share)
      : ReadPages.readPages(settings, ask, task, rowsAtMost, believed?.first),
    Ask.isRefusal,
    (error) => Effect.succeed(error.reason.message)
  )
  // The server refuses so wide a range, or one with so many rows.
  if (typeof done === "string") {
    seen.cut = true
    const nothing = { range: task, held: Rows.makeHeld() }
    // Nothing is known of it: no row is older, or none is newer.
    const { controls } = settings
    const isUnknown =
      controls.every(({ start }) => start >= task.to) || controls.every(({ start }) => start < task.from)
    const isTooLong = isUnknown && task.to - task.from > mostEmpty * believedWidth(work.known.width)
    if (isTooLong) return deliver(work, nothing, Empty.tooWide)
    return canHalve(task)
      ? split(work, Task.byWidth(task, (task.to - task.from) / 1.9))
      : deliver(work, nothing, { _tag: "Unprovable", reason: { _tag: "Unreadable", problem: done } })
  }
  seen.order = done.order
  seen.deepest = done.deepest
  if (done.problem !== undefined) return deliver(work, done, { _tag: "Unprovable", reason: done.problem })
  if (done.held.size() === 0) return yield* ofNothing(work, done)
  // Rows came where none was expected, so a range of this width is not trusted.
  const width = Math.max(work.known.width, ask.log.width)
  const came = believed === undefined && Rows.within(done.held, done.range).length > 0
  if (came && isTooWide({ ...work, known: { ...work.known, width } }, done.range))
    return split(work, Task.byWidth(task, believedWidth(width)))
  // Calls continue to come into it, so reading it again would never end.
  if (done.range.from >= settings.latest) return deliver(work, done, { _tag: "Proven" })
  if (done.dense && canHalve(done.range)) return yield* ofTooMany(work, done)
  // Where others read a part of what was counted, that count is not one of the rest.
  return yield* judge(work, done, done.range.from === task.from ? before : undefined)
})

const split = ({ ask, seen, task }: Work, parts: ReadonlyArray<Task.Task>): Outcome => ({
  _tag: "Split",
  parts: parts.map((part) => ({ ...part, below: countedAbove(ask.log, task, part) })),
  evidence: { ...seen, log: ask.log }
})

/** What the whole was counted to hold, if rows of it were seen that are not of the part. */
const countedAbove = ({ counts, shown }: Ask.Log, task: Task.Task, part: Range): number | undefined => {
  const counted = Ask.exactly(counts, Ask.boundsOf(task))
  if (counted === undefined) return task.below
  const { after, before } = Ask.boundsOf(part)
  const isElsewhere = (start: Micros) =>
    start >= task.from && start < task.to && (start < after - Ask.second || start > before + Ask.second)
  return [...shown.values()].some((start) => start !== undefined && isElsewhere(start)) ? counted : task.below
}

const deliver = (
  { ask, known, seen, settings }: Work,
  { held, range }: Pick<ReadPages.Read, "held" | "range">,
  coverage: Coverage
): Outcome => ({
  _tag: "Read",
  windows: windowsOf(settings, known, ask, range, held, coverage),
  evidence: { ...seen, log: ask.log }
})

const countRows = Effect.fnUntraced(function* (
  { ask, settings }: Work,
  bounds: Ask.Bounds,
  expected: number,
  first?: ReadonlyArray<Rows.Row>
): Effect.fn.Return<number | undefined, AgniError> {
  const repeats = yield* settings.repeats
  return yield* Count.rows(ask, bounds, { expected, size: settings.size, repeats, even: true, first })
})

const canHalve = ({ from, to }: Range): boolean => to - from > shortest

const isProvable = ({ controls, doubt }: Settings): boolean => controls.length > 0 && doubt === undefined

/** A row that is known to lie in a range. */
const controlIn = ({ controls }: Settings, { from, to }: Range): Rows.Dated | undefined =>
  controls.find(({ start }) => start >= from && start < to)

/** Whether the first and the last answer for bounds lack a control row at either end. */
const lacksControl = ({ controls }: Settings, { after, before }: Ask.Between, { shown }: Ask.Log): boolean => {
  const isIn = (start: number) => start > after + 4 * Ask.second && start < before - 4 * Ask.second
  const known = controls.flatMap(({ start }) => (isIn(start) ? [start] : []))
  const starts = [...shown.values()].flatMap((start) => (start !== undefined && isIn(start) ? [start] : []))
  const [oldest] = known
  const newest = known.at(-1)
  return (
    oldest !== undefined &&
    newest !== undefined &&
    (Math.min(...starts) > oldest + 2 * Ask.second || Math.max(...starts) < newest - 2 * Ask.second)
  )
}

/** Whether a range lies beyond what the list without bounds shows: no row in it can be known. */
const isEnd = ({ controls, ends }: Settings, { from, to }: Range): boolean => {
  const [oldest] = controls
  const newest = controls.at(-1)
  return (
    (ends.newest && newest !== undefined && newest.start < from) ||
    (ends.oldest && oldest !== undefined && oldest.start >= to)
  )
}

/** Whether a range is wider than the server was seen to answer in full. */
const isTooWide = ({ known, settings, young }: Work, { from, to }: Range): boolean =>
  to - from > believedWidth(known.width) && !young && isProvable(settings)

/** Bounds are trusted as far as the first page and the last one are apart; a wider range is cut. */
const believe = Effect.fnUntraced(function* (work: Work) {
  const { ask, known, limit, settings, task } = work
  const bounds = Ask.boundsOf(task)
  const width = task.to - task.from
  const first = yield* Ask.orNothing(ask(1, bounds))
  const before = yield* countRows(work, bounds, task.expected, first?.rows)
  work.seen.cut = lacksControl(settings, bounds, ask.log)
  const believed = believedWidth(Math.max(known.width, ask.log.width))
  const isEmpty = before === 0 && controlIn(settings, task) === undefined
  // Cut by count, each part is narrower than what was seen.
  const isLarge = before !== undefined && before > limit && ask.log.width > 0.6 * width
  const isFurther = width > believed && !isEmpty && !isLarge
  const parts = isFurther
    ? Task.byWidth(task, ask.log.width === 0 ? Math.max(believed, width / 1.9) : believed)
    : undefined
  return { parts, before, first }
})

/** A count that is strictly before the first page of a walk; where the order is by start, nothing hangs on it. */
const countBefore = (work: Work): Effect.Effect<number | undefined, AgniError> => {
  const { known, limit, settings, task } = work
  const isLarge = task.expected > mostOverlapping * settings.size && known.order !== "other"
  const isKnown = known.order === "start" && task.counted === true
  return task.expected > limit || (isLarge && !isKnown)
    ? countRows(work, Ask.boundsOf(task), task.expected)
    : Effect.undefined
}

const byCount = ({ ask, known, seen, settings }: Work, range: Range, rows: number) =>
  Task.byCount(settings, ask, range, rows, Math.min(settings.perWindow, 0.6 * Math.min(known.deepest, seen.deepest)))

/** Nothing came. */
const ofNothing = Effect.fnUntraced(function* (work: Work, done: ReadPages.Read): Effect.fn.Return<Outcome, AgniError> {
  const { ask, known, settings, task, young } = work
  const { bounds, held, range } = done
  // Behind the newest call, where calls may still come, nothing can be proven.
  if (young && isEnd(settings, task)) return deliver(work, done, { _tag: "Proven" })
  // A limit on results may answer with nothing, and an outage too.
  if (task.top !== undefined && canHalve(range))
    return split(work, Task.halve(range, held, task.expected, settings.size))
  const control = controlIn(settings, range)
  if (control !== undefined && canHalve(range)) {
    const answer = yield* Ask.orNothing(ask(1, Ask.around(control)))
    if (answer?.rows.some(({ key }) => key === control.key) === true)
      return split(work, Task.halve(range, held, task.expected, settings.size))
  }
  const coverage = yield* Empty.confirm(settings, known, ask, range, bounds)
  const width = task.to - task.from
  const believed = believedWidth(known.width)
  // Nothing can be proven where calls may still be added: that is not worth as many questions.
  return coverage === undefined && width / believed <= (young ? Task.mostParts : mostEmpty)
    ? split(work, Task.byWidth(task, Math.max(believed, width / Task.mostParts)))
    : deliver(work, done, coverage ?? Empty.tooWide)
})

/** More rows than a window should hold, and it is not known how many: they are counted, and cut where they are. */
const ofTooMany = Effect.fnUntraced(function* (work: Work, done: ReadPages.Read): Effect.fn.Return<Outcome, AgniError> {
  const { settings } = work
  const { bounds, held, range } = done
  // A second of it could not be read, because equal rows have another order on each page.
  if (done.moved) return split(work, Task.halve(range, held, held.size(), settings.size))
  const total = yield* countRows(work, bounds, 2 * held.size())
  return split(
    work,
    total !== undefined && total > work.limit
      ? yield* byCount(work, range, total)
      : Task.halve(range, held, Math.max(total ?? 0, held.size()), settings.size)
  )
})

/** Holds what was read against the counts, and against all that the answers showed. */
const judge = Effect.fnUntraced(function* (
  work: Work,
  done: ReadPages.Read,
  before: number | undefined
): Effect.fn.Return<Outcome, AgniError> {
  const { ask, known, seen, settings, task, young } = work
  const { size } = settings
  const { bounds, held, range } = done
  // The whole was counted to hold as many: a limit cut that count, and may have cut this one.
  const isLimited = task.below !== undefined && held.size() >= task.below && !young
  if (isLimited && canHalve(range)) {
    seen.deepest = Math.min(seen.deepest, task.below)
    return split(work, Task.halve(range, held, held.size(), settings.size))
  }
  const count = done.count ?? (yield* countRows(work, bounds, held.size()))
  const most = Math.max(before ?? 0, count ?? 0, Ask.countOf(ask.log, bounds, work.beyond.repeats))
  const control = yield* ends(settings, known, ask, task, done)
  const isWhole = count === held.size() && most <= held.size() && missingFrom(ask.log.shown, held, bounds).length === 0
  if (isWhole && !done.moved && !done.dense && control === undefined) {
    const isByStart = seen.order === "start" || known.order === "start"
    if (young || ((done.way === "pages" || isByStart || before === count) && !known.differs)) {
      seen.once = range
      seen.whole = held.size()
      return deliver(work, done, { _tag: "Proven" })
    }
    if (yield* MultiPassRead.isStillThere(ask, bounds, held, { size, repeats: yield* settings.repeats }))
      return deliver(work, done, { _tag: "Proven" })
  }
  // So deep the server does not go, and nothing moved.
  const isCutOff = count !== undefined && count > size && count < held.size() && count % size === 0 && !done.moved
  if ((done.deepest < Infinity || isCutOff) && canHalve(range)) {
    seen.deepest = Math.min(seen.deepest, count ?? Infinity)
    return split(work, Task.halve(range, held, held.size(), settings.size))
  }
  seen.differs = !young
  // Something was missed, came or went. Smaller windows pass more quickly; the smallest are read by pages.
  const isSmall = held.size() <= 20 * size && known.order !== "start" && seen.order !== "start"
  if (canHalve(range) && !isSmall) return split(work, Task.halve(range, held, held.size(), settings.size))
  const again = yield* readAgain(work, done, most)
  // Pages of the same bounds may be cut at the same row each time.
  const cut = again._tag === "Proven" ? yield* ends(settings, known, ask, task, done) : undefined
  const coverage: Coverage = cut === undefined ? again : { _tag: "Unprovable", reason: cut }
  // Pages may be cut where it looks like their end.
  const isIncomplete = cut !== undefined || (coverage._tag !== "Proven" && coverage.reason._tag === "Incomplete")
  return isIncomplete && canHalve(range) && held.size() > size && !young
    ? split(work, Task.halve(range, held, held.size(), settings.size))
    : deliver(work, done, coverage)
})

/** Pages of fixed bounds, again and again, until all rows have shown themselves. */
const readAgain = Effect.fnUntraced(function* (
  { ask, settings }: Work,
  { bounds, held, range }: ReadPages.Read,
  most: number
): Effect.fn.Return<Coverage, AgniError> {
  const first = Rows.within(held, range)[0]
  const leaf = yield* MultiPassRead.read(ask, bounds, held, { ...settings, repeats: yield* settings.repeats })
  const wrong = Ask.misplaced([...held.rows.values()], bounds.after - Ask.second, bounds.before + Ask.second)
  if (wrong !== undefined) return { _tag: "Unprovable", reason: wrong }
  switch (leaf._tag) {
    case "Moved":
      return { _tag: "Provisional", reason: { _tag: "CallsMoved" } }
    case "Incomplete":
      return { _tag: "Unprovable", reason: { _tag: "Incomplete", read: leaf.held, counted: leaf.of } }
    case "Complete": {
      const again = Rows.middleOf(Rows.within(held, range)) ?? first
      const failed = again === undefined ? undefined : yield* Ask.control(ask, again, settings.size)
      if (failed !== undefined) return { _tag: "Unprovable", reason: failed }
      const total = Math.max(most, held.size() + missingFrom(ask.log.shown, held, bounds).length)
      return total > held.size()
        ? { _tag: "Provisional", reason: { _tag: "Incomplete", read: held.size(), counted: total } }
        : { _tag: "Proven" }
    }
  }
})

/** Rows that were shown within the bounds, for sure, and are not held. */
const missingFrom = (
  shown: ReadonlyMap<string, Micros | undefined>,
  held: Rows.Held,
  { after, before }: Ask.Between
): ReadonlyArray<string> => {
  const missing: Array<string> = []
  for (const [key, start] of shown) {
    if (start === undefined || start <= after + Ask.second || start >= before - Ask.second) continue
    if (!held.rows.has(key)) missing.push(key)
  }
  return missing
}
