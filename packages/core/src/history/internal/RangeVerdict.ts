/** The verdict on what was read of a range: held against counts, and against all that the answers showed. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import type { Coverage } from "../Coverage.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Misplaced from "../../endpoint/internal/Misplaced.ts"
import * as NotedCounts from "../../endpoint/internal/NotedCounts.ts"
import type { Micros, Range } from "../../endpoint/internal/Micros.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import * as Delivered from "./Delivered.ts"
import * as MultiPassRead from "./MultiPassRead.ts"
import { countRows, deliver, halve, type Outcome, split, type Work } from "./RangeWork.ts"
import type { Read } from "./ReadPages.ts"
import * as Task from "./Task.ts"
import { tooYoung } from "./Settings.ts"
import { ends } from "./WindowEnds.ts"

/** Holds what was read against the counts, and against all that the answers showed. */
export const judge = Effect.fnUntraced(function* (
  work: Work,
  done: Read,
  before: number | undefined
): Effect.fn.Return<Outcome, AgniError> {
  const { ask, known, seen, settings, task, young } = work
  const { size } = settings
  const { bounds, held, range } = done
  // The whole was counted to hold as many: a limit cut that count, and may have cut this one.
  const isLimited = task.below !== undefined && held.size() >= task.below
  const halves = halve(work, range, held)
  if (isLimited && halves !== undefined) {
    seen.deepest = Math.min(seen.deepest, task.below)
    return split(work, halves)
  }
  yield* work.came(Rows.within(held, range).length)
  const [count, control] = yield* Effect.all(
    [
      done.count === undefined ? countRows(work, bounds, held.size()) : Effect.succeed(done.count),
      ends(settings, known, ask, task, done)
    ],
    { concurrency: 2 }
  )
  const missing = missingFrom(ask.log.shown, held, range)
  const isWhole = count === held.size() && ofAll(work, done)._tag === "Proven"
  if (isWhole && !done.moved && !done.dense && control === undefined) {
    const parts = besideAll(work, done) ?? (yield* cutAnywhere(work, done))
    if (parts !== undefined) return split(work, parts)
    const isByStart = seen.order === "start" || known.order === "start"
    const isCounted = done.way === "pages" ? !done.tied : done.way === "walk" && (isByStart || before === count)
    const isOnce = young || (isCounted && !known.differs)
    const isRead = isOnce || (yield* isStillThere(work, done))
    // The answers since may have shown or counted more.
    if (isRead && ofAll(work, done)._tag === "Proven") {
      if (isOnce) {
        seen.once = range
        seen.whole = held.size()
      }
      return deliver(work, done, { _tag: "Proven" })
    }
  }
  yield* work.came(undefined)
  // So deep the server does not go, and nothing moved.
  const isCutOff = count !== undefined && count > size && count < held.size() && count % size === 0 && !done.moved
  if (isCutOff && halves !== undefined) {
    seen.deepest = Math.min(seen.deepest, count)
    return split(work, halves)
  }
  // A limit on results, which is no lower than a page, cut them off; calls that are newer may have come meanwhile.
  const isCut =
    missing.length > 0 && held.size() >= size && (isBelow(missing, held) || (!young && isAbove(missing, held)))
  if (isCut && halves !== undefined) return split(work, halves)
  seen.differs = !young
  // Something was missed, came or went. Smaller windows pass more quickly; the smallest are read by pages, as is what one page holds.
  const isByPages = known.order !== "start" && seen.order !== "start"
  const isSmall = held.size() < size || (held.size() <= 20 * size && isByPages)
  if (halves !== undefined && !isSmall) return split(work, halves)
  const again = yield* readAgain(work, done)
  // Pages of the same bounds may be cut at the same row each time.
  const cut = again._tag === "Proven" ? yield* ends(settings, known, ask, task, done) : undefined
  const whole = again._tag === "Proven" ? ofAll(work, done) : again
  const coverage: Coverage = cut === undefined ? whole : { _tag: "Unprovable", reason: cut }
  // Pages may be cut where it looks like their end.
  const isLess = coverage._tag !== "Proven" && coverage.reason._tag === "Incomplete"
  const isIncomplete = cut !== undefined || isLess || coverage === cutOff
  const parts = isIncomplete && held.size() > size ? halve(work, range, held) : undefined
  return parts === undefined ? deliver(work, done, coverage) : split(work, parts)
})

/**
 * All that came starts within two seconds, and a limit on results may have cut it there: bounds that begin at an end of it hold all of
 * it as well, so that they are cut the same. What lies beside it is read by itself.
 */
const besideAll = (
  { known, settings: { size } }: Work,
  { held, range }: Read
): ReadonlyArray<Task.Task> | undefined => {
  if (held.size() < Math.max(known.whole, size)) return undefined
  const [first, last] = [earliestOf(startsOf(held)), latestOf(startsOf(held))]
  return last - first <= 2 * Ask.second ? Task.beside(range, first, last, held.size()) : undefined
}

/**
 * Where rows come in no order of time, a limit on results may cut off any of them, and those at the ends come back. So the
 * halves are counted; where they hold more, they are what is read.
 */
const cutAnywhere = Effect.fnUntraced(function* (
  work: Work,
  { held, order, range }: Read
): Effect.fn.Return<ReadonlyArray<Task.Task> | undefined, AgniError> {
  const { known, settings } = work
  const isOrdered = order !== "other" && known.order !== "other"
  if (isOrdered || held.size() < Math.max(known.whole, settings.size)) return undefined
  const parts = halve(work, range, held)
  if (parts === undefined) return undefined
  const starts = Float64Array.from(startsOf(held)).sort()
  const counts = yield* Effect.forEach(
    parts,
    (part) => {
      const { at, within } = Delivered.count(starts, Ask.boundsOf(part))
      return Effect.map(countRows(work, Ask.boundsOf(part), within), (rows = 0) => rows > within + at)
    },
    { concurrency: 2 }
  )
  return counts.includes(true) ? parts : undefined
})

/** A second reading: all is still there, and nothing else. */
const isStillThere = Effect.fnUntraced(function* (
  { ask, came, settings: { repeats, size } }: Work,
  { bounds, held }: Read
): Effect.fn.Return<boolean, AgniError> {
  yield* came(undefined)
  return yield* MultiPassRead.isStillThere(ask, bounds, held, { size, repeats: yield* repeats })
})

const moved: Coverage = { _tag: "Provisional", reason: { _tag: "CallsMoved" } }

/** So deep the server does not go with pages of each size: a smaller range lies in front of that. */
const cutOff: Coverage = { ...moved }

/** Pages of fixed bounds, again and again, until all rows have shown themselves. */
const readAgain = Effect.fnUntraced(function* (
  { ask, settings, young }: Work,
  { bounds, held, range }: Read
): Effect.fn.Return<Coverage, AgniError> {
  const first = Rows.within(held, range)[0]
  const leaf = yield* MultiPassRead.read(ask, bounds, held, { ...settings, repeats: yield* settings.repeats })
  const wrong = Misplaced.problemIn([...held.rows.values()], bounds.after - Ask.second, bounds.before + Ask.second)
  if (wrong !== undefined) return { _tag: "Unprovable", reason: wrong }
  switch (leaf._tag) {
    case "Moved":
      return leaf.isCut ? cutOff : moved
    case "Incomplete":
      // Each pass may count calls that began after the one before it.
      if (young) return tooYoung
      return { _tag: "Unprovable", reason: { _tag: "Incomplete", read: leaf.held, counted: leaf.of } }
    case "Complete": {
      const again = Rows.middleOf(Rows.within(held, range)) ?? first
      const failed = again === undefined ? undefined : yield* Ask.control(ask, again, settings.size)
      if (failed !== undefined) return { _tag: "Unprovable", reason: failed }
      return { _tag: "Proven" }
    }
  }
})

/** No count of any answer was greater than what is held, and all that any of them showed is among it. */
const ofAll = ({ ask, beyond }: Work, { bounds, held, range }: Read): Coverage => {
  const counted = NotedCounts.countOf(ask.log, bounds, beyond.repeats)
  const total = Math.max(counted, held.size() + missingFrom(ask.log.shown, held, range).length)
  return total > held.size()
    ? { _tag: "Provisional", reason: { _tag: "Incomplete", read: held.size(), counted: total } }
    : { _tag: "Proven" }
}

/** The starts of rows of the range that were shown, and are not held. */
const missingFrom = (
  shown: ReadonlyMap<string, Micros | undefined>,
  held: Rows.Held,
  { from, to }: Range
): ReadonlyArray<Micros> => {
  const missing: Array<Micros> = []
  shown.forEach((start, key) => {
    if (start !== undefined && start >= from && start < to && !held.rows.has(key)) missing.push(start)
  })
  return missing
}

const startsOf = (held: Rows.Held): ReadonlyArray<Micros> => [...held.rows.values()].flatMap(({ start }) => start ?? [])

const earliestOf = (starts: ReadonlyArray<Micros>): Micros =>
  starts.reduce((earliest, start) => Math.min(earliest, start), Infinity)

const latestOf = (starts: ReadonlyArray<Micros>): Micros =>
  starts.reduce((latest, start) => Math.max(latest, start), -Infinity)

/** Whether all of these start earlier than what is held. */
const isBelow = (starts: ReadonlyArray<Micros>, held: Rows.Held): boolean =>
  latestOf(starts) < earliestOf(startsOf(held))

/** Whether all of these start later. */
const isAbove = (starts: ReadonlyArray<Micros>, held: Rows.Held): boolean =>
  earliestOf(starts) > latestOf(startsOf(held))
