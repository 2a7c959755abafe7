/** The last window of a whole history: the calls that no other window holds, and whether everything adds up. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import * as Coverage from "../Coverage.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import type * as Rows from "../../endpoint/internal/ListedRows.ts"
import * as Fresh from "./Fresh.ts"
import * as PartialRead from "./PartialRead.ts"
import { ask as askOf, horizonOf, patient, type Settings, temper } from "./Settings.ts"
import * as Sum from "./Sum.ts"
import type * as Micros from "../../endpoint/internal/Micros.ts"
import { type About, countAgain, countAll, measure, startsOf, type Work } from "./UndatedCounts.ts"
import * as Found from "./UndatedFound.ts"
import * as Front from "./UndatedFront.ts"
import { type Counts, type Total, whyNot } from "./UndatedVerdict.ts"
import * as Windows from "./Windows.ts"

/**
 * The sessions that no window holds, because they have no start or one in the distant future: found where an order by start
 * puts them (in front or at the end) or, when the total says that there are more, on any page.
 *
 * They are all there when the count without bounds, less the count of all that has a start, is what was found, and the
 * whole adds up: calls with and without a start time = total. Sessions leave and come, and what left could hide what was not found: nothing
 * may have moved between two counts of the total, those found in front must be there again, and the windows before must be
 * proven themselves, unless they start after the horizon.
 */
export const window = (
  settings: Settings,
  range: Micros.Range,
  about: About,
  keepGoing: boolean
): Effect.Effect<Coverage.Window, AgniError> =>
  Effect.suspend(() => {
    const { ledger } = about
    const lost = ledger.lost()
    const salvage = (error: AgniError) =>
      PartialRead.undated(
        settings,
        range,
        startsOf(range),
        {
          rows: ledger.rows(),
          lost: lost?.rows ?? 0,
          isKnown: (key) => ledger.unplaced.has(key) || ledger.recent.has(key),
          isDistant: (row) => Found.isDistant(range, row)
        },
        error
      )
    // Where some are lost nothing adds up, and the counts would fail too.
    if (lost !== undefined) return salvage(lost.error)
    return Ask.catchPoison(read(settings, range, about), (error) =>
      keepGoing ? Ask.catchPoison(read(patient(settings), range, about), salvage) : Effect.fail(error)
    )
  })

const attempts = 5

/** While calls come, the sum is right only between two of them: it is tried a few times. */
const read = Effect.fnUntraced(function* (
  settings: Settings,
  range: Micros.Range,
  about: About
): Effect.fn.Return<Coverage.Window, AgniError> {
  for (let left = attempts, look = 1; ; look++) {
    const result = yield* attempt(settings, range, about, look)
    if (result._tag === "Read" && !(result.moved && left > 1)) return result.window
    if (result._tag === "Read") left--
  }
})

type Result =
  | { readonly _tag: "Read"; readonly window: Coverage.Window; readonly moved: boolean }
  // Nothing was looked for yet but at the front, and it does not add up: calls may have come since the windows were read.
  | { readonly _tag: "Stale" }

/**
 * The pages at the front, down to a start, and the count of all calls. Where nothing is at the front, it does not matter which answer
 * came first: so at first they are asked for together where nothing is expected there.
 */
const lookAndCount = Effect.fnUntraced(function* (
  work: Work,
  until: Micros.Micros,
  isFirst: boolean,
  early: Front.Early | undefined
): Effect.fn.Return<{ readonly pages: Front.Pages; readonly both: number | undefined }, AgniError> {
  const { about, ask, found, limit, settings } = work
  const { inPart, ledger } = about
  const isEmpty = isFirst && !inPart && ledger.withoutStart.size === 0
  const [pages, together] =
    early !== undefined
      ? [early.pages, early.both]
      : yield* Effect.all([Front.read(settings, ask, limit, until), isEmpty ? countAll(work) : Effect.undefined], {
          concurrency: 2
        })
  if (inPart) found.measured = yield* measure(work)
  const endWalk = Found.noteWalk(found, pages)
  const both = isEmpty && Found.size(found) === 0 ? together : yield* countAll(work)
  endWalk(both)
  return { pages, both }
})

const attempt = Effect.fnUntraced(function* (
  settings: Settings,
  range: Micros.Range,
  about: About,
  look: number
): Effect.fn.Return<Result, AgniError> {
  const { known, ledger } = about
  const early = look === 1 ? yield* about.early : undefined
  // Not older than the answers before.
  const fresh = early?.fresh ?? Fresh.make(askOf(settings), settings.seen)
  const found = Found.make(range, horizonOf(settings, known()), ledger)
  const work: Work = {
    settings,
    range,
    about,
    ask: fresh.ask,
    repeats: yield* settings.repeats,
    found,
    limit: Front.limitOf(settings, range, () => found.measured ?? ledger.rows())
  }
  // Calls may have appeared since their windows were read.
  const until = look === 1 ? range.to : horizonOf(settings, known())
  const { both, pages } = yield* lookAndCount(work, until, look === 1, early)
  // While calls come, the front alone is read again before all pages are.
  const comes = found.later.size() > 0
  const mayHaveCome = look === 1 || (look <= attempts && comes && !about.inPart)
  if (mayHaveCome && both !== Found.expected(found)) {
    // That count is evidence, also where the next one is another.
    ledger.note({ log: fresh.ask.log })
    return { _tag: "Stale" }
  }
  // Where fewer are there than came some left: as many may be at the end.
  if (both !== undefined && both < Found.expected(found)) found.measured = yield* measure(work)
  const inFront = both === Found.expected(found) && Found.hasPlaced(found)
  const read = inFront ? { total: both, still: true } : yield* readToEnd(work, pages)
  const [isDatedRight, after] = yield* countAgain(work, until, { dated: early?.dated, inFront, pages, read })
  const { window, complete } = yield* judge(work, {
    total: read.total,
    after: after.total,
    isDatedRight,
    still: after.still,
    old: fresh.isOld()
  })
  // An attempt takes few requests only if they are at the front. In a part the sum is not known.
  const moved = inFront && !complete && !about.inPart && ledger.proven()
  return { _tag: "Read", window, moved }
})

/** They may be at the end or, in another order, anywhere: all pages are read. */
const readToEnd = Effect.fnUntraced(function* (work: Work, pages: Front.Pages): Effect.fn.Return<Total, AgniError> {
  const { ask, found, limit, repeats } = work
  const [first = []] = pages
  // What leaves while pages are walked makes another one be passed by, and the sum right.
  const atFirst = yield* countAll(work)
  let before: ReadonlyArray<Rows.Row> = []
  let most = 0
  const walk = Found.walk(found)
  for (const rows of pages) walk.add(rows)
  for (let page = pages.length + 1; ; page++) {
    // It may have to be counted again as more is found.
    if (page >= most) most = limit([...found.undated.rows.values(), ...found.distant.rows.values()])
    if (page >= most) break
    const answer = yield* Effect.catchIf(ask(page, {}), Ask.isRefusal, () => Effect.undefined)
    if (answer === undefined) break
    const { rows } = answer
    if (yield* Ask.isEnd(ask, {}, page, rows, [before, first], { repeats })) break
    before = rows
    walk.add(rows)
  }
  const total = yield* countAll(work)
  walk.end(total)
  if (total !== undefined && (total > Found.expected(found) || Found.lacks(found))) yield* readTurned(work, pages)
  const isRight = total !== undefined && total === atFirst && total === Found.expected(found)
  return { total, still: isRight && (yield* isStillThere(work, walk.pages(), total)) }
})

/**
 * Pages do not overlap: where a call leaves, another one is passed by, and the sum is right if a third one comes. So those that were found
 * must be there again; others that are there would make the sum wrong. Pages of another size have their ends elsewhere.
 */
const isStillThere = Effect.fnUntraced(function* (
  { about, ask, found, settings }: Work,
  { first, last }: Found.Pages,
  total: number
): Effect.fn.Return<boolean, AgniError> {
  // Then nothing is proven, whatever is there.
  if (about.inPart || !about.ledger.proven()) return false
  const there = new Set<string>()
  const size = ask.log.rounds || settings.size < 3 ? settings.size : settings.size - 1
  const begin = Math.floor(((first - 1) * settings.size) / size) + 1
  const behind = Math.ceil(Math.min(total, last * settings.size) / size) + 1
  const lengths = yield* Effect.forEach(
    Array.from({ length: Math.max(0, behind - begin) }, (_, i) => begin + i),
    (page) =>
      Effect.map(Ask.orNothing(ask(page, {}, { size })), (answer) => {
        Found.note(found, answer?.rows ?? [])
        for (const { key } of answer?.rows ?? []) there.add(key)
        return answer?.rows.length ?? 0
      }),
    { concurrency: settings.concurrency }
  )
  // Rows that are listed twice have another order on each page: then one of them may be on none.
  const isInOrder = there.size === lengths.reduce((sum, length) => sum + length, 0)
  return !isInOrder || [...found.undated.rows.keys()].every((key) => there.has(key))
})

const shares = [0.7, 0.9, 0.55, 0.8]

/**
 * Calls without a start time are together, in another order on each page where equal ones have any. So one of them may be on
 * no page: pages of other sizes cut them elsewhere.
 */
const readTurned = Effect.fnUntraced(function* (
  { ask, found, settings }: Work,
  [first = []]: Front.Pages
): Effect.fn.Return<void, AgniError> {
  const { size: usual, sort } = settings
  const inFront = first.some(({ start }) => start === undefined)
  const turned: Ask.Sort = { by: sort.by, order: sort.order === "asc" ? "desc" : "asc" }
  // Pages of another size are not what they were asked to be. In the other order they may be at the other end.
  const variants = ask.log.rounds
    ? [true, false].map((inFront) => ({ size: usual, sort: turned, inFront }))
    : shares.map((share) => ({ size: Math.max(1, Math.floor(usual * share)), sort, inFront }))
  for (const { inFront, size, sort } of variants) {
    const begin = inFront ? 1 : Math.floor(Found.dated(found) / size) + 1
    const end = begin + Math.ceil(found.undated.size() / size) + 1
    for (let page = begin; page <= end; page++) {
      const answer = yield* Effect.catchIf(ask(page, {}, { size, sort }), Ask.isRefusal, () => Effect.undefined)
      if (answer === undefined) break
      Found.note(found, answer.rows)
      if (answer.rows.length < size) break
    }
  }
})

/** The window, and whether it is complete. */
const judge = Effect.fnUntraced(function* (
  { about, ask, found, range, settings }: Work,
  counts: Counts
): Effect.fn.Return<{ readonly window: Coverage.Window; readonly complete: boolean }, AgniError> {
  const { known, ledger } = about
  const { distant, later, undated } = found
  const { dates, rows } = Found.rowsOf(found)
  // A call that was once listed without a start time must be found, or have come with one.
  ledger.note({ log: ask.log })
  const isFound = (key: string) =>
    undated.rows.has(key) || later.rows.has(key) || ledger.unplaced.has(key) || ledger.has(key)
  const still = counts.still && [...ledger.withoutStart].every(isFound)
  const expected = Found.expected(found)
  const isCounted = counts.total === expected && counts.after === expected && counts.isDatedRight
  const explained = ledger.isExplained({
    starts: dates.flatMap(({ start }) => start ?? []),
    withoutStart: expected - Found.dated(found) - distant.rows.size
  })
  const isExplained = (yield* explained) || (yield* Effect.andThen(Sum.recountPages(settings, ledger, ask), explained))
  const agrees = isCounted && found.measured === undefined && !Found.lacks(found) && still && isExplained
  const complete = !counts.old && agrees && ledger.proven() && (yield* Sum.isSteady(settings, ledger, ask))
  // Where the end of the range has passed, calls that began since are among these, and more of them may still be added.
  const now = ask.log.slowest ?? -Infinity
  const young = [...distant.rows.values()].some(({ start = Infinity }) => start <= now) ? Infinity : -Infinity
  const coverage: Coverage.Coverage = complete
    ? temper(settings, known(), ask.log, { from: range.from, to: young }, { _tag: "Proven" })
    : whyNot(found, counts, known(), about.inPart || !ledger.isWhole())
  const window = Windows.make(
    rows.flatMap(({ item }) => item ?? []),
    {
      from: range.to,
      to: range.to,
      // A start that is no time counts as none here.
      rejected: rows.flatMap(({ item, rejected }) => (item === undefined ? (rejected ?? []) : [])),
      coverage,
      requests: ask.log.requests,
      observedAt: ask.log.observedAt ?? 0
    }
  )
  return { window, complete }
})
