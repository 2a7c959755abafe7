/** The verdict on what was read of a range: held against counts, and against all that the answers showed. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import type { Coverage } from "../Coverage.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as NotedCounts from "../../endpoint/internal/NotedCounts.ts"
import type { Micros } from "../../endpoint/internal/Micros.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import * as Delivered from "./Delivered.ts"
import * as MultiPassRead from "./MultiPassRead.ts"
import { countRows, deliver, halve, type Outcome, split, type Work } from "./RangeWork.ts"
import type { Read } from "./ReadPages.ts"
import type * as Task from "./Task.ts"
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
  const isLimited = task.below !== undefined && held.size() >= task.below && !young
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
  const most = Math.max(before ?? 0, count ?? 0, NotedCounts.countOf(ask.log, bounds, work.beyond.repeats))
  const missing = missingFrom(ask.log.shown, held, bounds)
  const isWhole = count === held.size() && most <= held.size() && missing.length === 0
  if (isWhole && !done.moved && !done.dense && control === undefined) {
    const parts = yield* cutAnywhere(work, done)
    if (parts !== undefined) return split(work, parts)
    const isByStart = seen.order === "start" || known.order === "start"
    const isCounted = done.way === "pages" || (done.way === "walk" && (isByStart || before === count))
    if (young || (isCounted && !known.differs)) {
      seen.once = range
      seen.whole = held.size()
      return deliver(work, done, ofAll(work, done, most))
    }
    yield* work.came(undefined)
    if (yield* MultiPassRead.isStillThere(ask, bounds, held, { size, repeats: yield* settings.repeats }))
      return deliver(work, done, ofAll(work, done, most))
  }
  yield* work.came(undefined)
  // So deep the server does not go, and nothing moved.
  const isCutOff = count !== undefined && count > size && count < held.size() && count % size === 0 && !done.moved
  if ((done.deepest < Infinity || isCutOff) && halves !== undefined) {
    seen.deepest = Math.min(seen.deepest, count ?? Infinity)
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
  const whole = again._tag === "Proven" ? ofAll(work, done, most) : again
  const coverage: Coverage = cut === undefined ? whole : { _tag: "Unprovable", reason: cut }
  // Pages may be cut where it looks like their end.
  const isIncomplete = cut !== undefined || (coverage._tag !== "Proven" && coverage.reason._tag === "Incomplete")
  const parts = isIncomplete && held.size() > size && !young ? halve(work, range, held) : undefined
  return parts === undefined ? deliver(work, done, coverage) : split(work, parts)
})

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

/** Pages of fixed bounds, again and again, until all rows have shown themselves. */
const readAgain = Effect.fnUntraced(function* (
  { ask, settings, young }: Work,
  { bounds, held, range }: Read
): Effect.fn.Return<Coverage, AgniError> {
  const first = Rows.within(held, range)[0]
  const leaf = yield* MultiPassRead.read(ask, bounds, held, { ...settings, repeats: yield* settings.repeats })
  const wrong = Ask.misplaced([...held.rows.values()], bounds.after - Ask.second, bounds.before + Ask.second)
  if (wrong !== undefined) return { _tag: "Unprovable", reason: wrong }
  switch (leaf._tag) {
    case "Moved":
      return { _tag: "Provisional", reason: { _tag: "CallsMoved" } }
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

/** No count was greater than what is held, and all that any answer showed is among it. */
const ofAll = ({ ask }: Work, { bounds, held }: Read, most: number): Coverage => {
  const total = Math.max(most, held.size() + missingFrom(ask.log.shown, held, bounds).length)
  return total > held.size()
    ? { _tag: "Provisional", reason: { _tag: "Incomplete", read: held.size(), counted: total } }
    : { _tag: "Proven" }
}

/** The starts of rows that were shown within the bounds, for sure, and are not held. */
const missingFrom = (
  shown: ReadonlyMap<string, Micros | undefined>,
  held: Rows.Held,
  { after, before }: Ask.Between
): ReadonlyArray<Micros> => {
  const missing: Array<Micros> = []
  shown.forEach((start, key) => {
    if (start === undefined || start <= after + Ask.second || start >= before - Ask.second) return
    if (!held.rows.has(key)) missing.push(start)
  })
  return missing
}

const startsOf = (held: Rows.Held): ReadonlyArray<Micros> => [...held.rows.values()].flatMap(({ start }) => start ?? [])

/** Whether all of these start earlier than what is held. */
const isBelow = (starts: ReadonlyArray<Micros>, held: Rows.Held): boolean => {
  const latest = starts.reduce((latest, start) => Math.max(latest, start), -Infinity)
  return startsOf(held).every((start) => start > latest)
}

/** Whether all of these start later. */
const isAbove = (starts: ReadonlyArray<Micros>, held: Rows.Held): boolean => {
  const earliest = starts.reduce((earliest, start) => Math.min(earliest, start), Infinity)
  return startsOf(held).every((start) => start < earliest)
}
