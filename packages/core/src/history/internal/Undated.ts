import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import * as Coverage from "../Coverage.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Count from "../../endpoint/internal/Count.ts"
import * as Fresh from "./Fresh.ts"
import type { Known } from "./Known.ts"
import type { Deliveries } from "./Deliveries.ts"
import * as Rows from "../../endpoint/internal/Rows.ts"
import * as PartialRead from "./PartialRead.ts"
import { ask as askOf, type Settings, temper } from "./Settings.ts"
import * as Sum from "./Sum.ts"
import type * as Micros from "../../endpoint/internal/Micros.ts"
import * as Windows from "./Windows.ts"

/** All starts that are credible. */
const startsOf = ({ to }: Micros.Range) => ({
  after: Date.UTC(2000, 0, 1) * 1000,
  before: Ask.ceilSecond(to) + Ask.second
})

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
  keepGoing: boolean,
  front: Effect.Effect<Front, AgniError>
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
          isDistant: (row) => isDistant(range, row)
        },
        error
      )
    // Where some are lost nothing adds up, and the counts would fail too.
    if (lost !== undefined) return salvage(lost.error)
    return Ask.catchPoison(read(settings, range, about, front), (error) =>
      keepGoing ? salvage(error) : Effect.fail(error)
    )
  })

/** What the windows delivered, and whether an earlier run read what lies before: then the sum is not known. */
export interface About {
  readonly ledger: Deliveries
  readonly inPart: boolean
  readonly known: () => Known
}

const attempts = 3

/** While calls come, the sum is right only between two of them: it is tried a few times. */
const read = (
  settings: Settings,
  range: Micros.Range,
  about: About,
  front: Effect.Effect<Front, AgniError>
): Effect.Effect<Coverage.Window, AgniError> => {
  const again = (left: number, front: Effect.Effect<Front, AgniError>): Effect.Effect<Coverage.Window, AgniError> =>
    Effect.flatMap(front, (scanned) =>
      Effect.flatMap(attempt(settings, range, about, scanned), (result) =>
        result._tag === "Stale"
          ? again(left, scan(settings, askOf(settings), range, about))
          : result.moved && left > 1
            ? again(left - 1, scan(settings, askOf(settings), range, about))
            : Effect.succeed(result.window)
      )
    )
  return again(attempts, front)
}

/** The rows at the front, and the request for them. */
export interface Front {
  readonly fresh: Fresh.Fresh
  readonly pages: ReadonlyArray<ReadonlyArray<Rows.Row>>
  /** Windows were still being read. */
  readonly early: boolean
}

/** Reads the rows at the front, even while the last windows are read. */
export const front = (settings: Settings, range: Micros.Range, about: About): Effect.Effect<Front, AgniError> =>
  Effect.map(scan(settings, askOf(settings), range, about), (front) => ({
    ...front,
    early: true
  }))

const scan = (
  settings: Settings,
  ask: Ask.Ask,
  range: Micros.Range,
  { ledger }: About
): Effect.Effect<Front, AgniError> => {
  const fresh = Fresh.make(ask, settings.seen)
  return Effect.map(scanFront(settings, fresh.ask, range, limitOf(settings, range, ledger.rows)), (pages) => ({
    fresh,
    pages,
    early: false
  }))
}

/** Calls may come as fast as pages are read: what came since the reading began makes no walk longer. */
const limitOf =
  (settings: Settings, range: Micros.Range, delivered: () => number) =>
  (rows: Iterable<Rows.Row>): number => {
    let old = delivered()
    for (const row of rows)
      if ((row.start === undefined || isDistant(range, row)) && (Rows.createdOf(row) ?? 0) < range.to) old++
    return 50 + (4 * old) / settings.size
  }

/** More than a day later than the latest clock: no run would read it for years. */
const isDistant = ({ to }: Micros.Range, { start }: Rows.Row): boolean => start !== undefined && start >= to

const attempt = (
  settings: Settings,
  range: Micros.Range,
  { inPart, known, ledger }: About,
  { early, fresh, pages }: Front
): Effect.Effect<
  | { readonly _tag: "Read"; readonly window: Coverage.Window; readonly moved: boolean }
  // Calls came or left since the front was read.
  | { readonly _tag: "Stale" },
  AgniError
> =>
  Effect.gen(function* () {
    const { size } = settings
    const { ask } = fresh
    const repeats = yield* settings.repeats
    const [first = []] = pages
    const starts = startsOf(range)
    const measure = Count.rows(ask, starts, { expected: Math.max(1, ledger.rows()), size, repeats })
    /** Rows that start in the range, counted where it is not known how many there should be. */
    let measured = inPart ? yield* measure : undefined
    const found = Rows.makeHeld()
    const distant = Rows.makeHeld()
    /** Those that came since the last window was read: they are in the counts. */
    const later = Rows.makeHeld()
    let came = false
    const limit = limitOf(settings, range, () => measured ?? ledger.rows())
    const note = (rows: ReadonlyArray<Rows.Row>) => {
      found.add(rows.filter(({ key, start }) => start === undefined && !ledger.unplaced.has(key) && !ledger.has(key)))
      distant.add(rows.filter((row) => isDistant(range, row)))
      later.add(
        rows.filter(({ key, start = -Infinity }) => start >= settings.latest && start < range.to && !ledger.has(key))
      )
      came ||= rows.some(({ key, start }) => start === undefined && ledger.recent.has(key))
    }
    pages.forEach(note)
    const dated = () => measured ?? ledger.rows() + later.size()
    const expected = () => dated() + distant.size() + found.size()
    const countAll = () => Count.rows(ask, {}, { expected: Math.max(1, expected()), size, repeats })
    const countDated = () => Sum.dated(settings, known(), ledger, range, dated(), distant.size(), ask)
    let [total, withStart] = yield* Effect.suspend(() => Effect.all([countAll(), countDated()], { concurrency: 2 }))
    const both = total
    if (early && total !== expected()) return { _tag: "Stale" }
    if (measured === undefined && total !== undefined && total < expected()) {
      // Some left: as many may be at the end.
      measured = yield* measure
      total = yield* countAll()
    }
    const inFront = total === expected()
    let still = true
    if (!inFront) {
      // What leaves while pages are walked makes another one be passed by, and the sum right.
      const atFirst = yield* countAll()
      // They may be at the end or, in another order, anywhere: read to the end.
      let before: ReadonlyArray<Rows.Row> = []
      let most = 0
      for (let page = pages.length + 1; ; page++) {
        // It may have to be counted again as more is found.
        if (page >= most) most = limit([...found.rows.values(), ...distant.rows.values()])
        if (page >= most) break
        const answer = yield* Effect.catchIf(ask(page, {}), Ask.isRefusal, () => Effect.undefined)
        if (answer === undefined) break
        const { rows } = answer
        if (yield* Ask.isEnd(ask, {}, page, rows, [before, first], { repeats })) break
        before = rows
        note(rows)
      }
      total = yield* countAll()
      still = total !== undefined && total === atFirst
    }
    // It lies between two counts of all: a call that came with its start could stand for one that left.
    if (total !== both) withStart = yield* countDated()
    // Looked for after the count of all: one that was found and left before it would let another one, not found, make it right.
    const nothingFound = found.size() + distant.size() === 0
    const [after, again] =
      nothingFound && inFront
        ? [total, pages]
        : yield* Effect.suspend(() =>
            Effect.all([countAll(), inFront ? scanFront(settings, ask, range, limit) : Effect.succeed([])], {
              concurrency: 2
            })
          )
    if (inFront) {
      const held = () => found.rows.size + distant.rows.size + later.rows.size
      const before = held()
      again.forEach(note)
      const there = new Set(again.flat().map(({ key }) => key))
      still = before === held() && [...found.rows.keys(), ...distant.rows.keys()].every((key) => there.has(key))
    }
    // A call may have started meanwhile.
    const dates = [...new Map([...later.rows, ...distant.rows]).values()]
    const undated = [...found.rows.values()].filter(({ key }) => !later.rows.has(key) && !distant.rows.has(key))
    const rows = [...undated, ...dates.sort((a, b) => (a.start ?? 0) - (b.start ?? 0))]
    // A call that was once listed without a start time must be found, or have come with one.
    ledger.note({ log: ask.log })
    still &&= [...ledger.withoutStart].every(
      (key) => found.rows.has(key) || ledger.unplaced.has(key) || ledger.has(key)
    )
    const counted = Math.max(total ?? 0, after ?? 0)
    const agrees = total === expected() && after === expected() && withStart
    const old = fresh.isOld()
    const isExplained = yield* ledger.isExplained({
      starts: dates.flatMap(({ start }) => start ?? []),
      withoutStart: expected() - dated() - distant.rows.size
    })
    const complete = !old && agrees && measured === undefined && still && !came && isExplained && ledger.proven()
    const coverage: Coverage.Coverage = complete
      ? temper(settings, known(), ask.log, { from: range.from, to: -Infinity }, { _tag: "Proven" })
      : !came && counted > expected()
        ? { _tag: "Unprovable", reason: { _tag: "CountDiffers", read: expected(), counted } }
        : total === undefined
          ? { _tag: "Provisional", reason: { _tag: "TooDeepToCount" } }
          : old
            ? { _tag: "Provisional", reason: { _tag: "FromCache" } }
            : inPart
              ? { _tag: "Provisional", reason: { _tag: "NotCounted" } }
              : { _tag: "Provisional", reason: { _tag: "CallsMoved" } }
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
    // An attempt takes few requests only if they are at the front.
    return { _tag: "Read", window, moved: inFront && !complete && coverage._tag === "Provisional" && ledger.proven() }
  })

/** Pages from the first on, as long as they have calls without a start time, or newer ones than the range. */
const scanFront = Effect.fnUntraced(function* (
  settings: Settings,
  ask: Ask.Ask,
  range: Micros.Range,
  limit: (rows: Iterable<Rows.Row>) => number
): Effect.fn.Return<ReadonlyArray<ReadonlyArray<Rows.Row>>, AgniError> {
  const repeats = yield* settings.repeats
  const all = Rows.makeHeld()
  const pages: Array<ReadonlyArray<Rows.Row>> = []
  for (let page = 1; ; page++) {
    const answer = yield* Effect.catchIf(
      ask(page, {}),
      (error) => page > 1 && Ask.isRefusal(error),
      () => Effect.undefined
    )
    if (answer === undefined) return pages
    const { rows } = answer
    const [first = rows] = pages
    if (yield* Ask.isEnd(ask, {}, page, rows, page === 1 ? [] : [first], { repeats })) return pages
    pages.push(rows)
    const fresh = all.add(rows)
    const endless = page % 50 === 0 && page > limit(all.rows.values())
    if (endless || fresh === 0 || rows.every(({ start }) => start !== undefined && start < range.to)) {
      return pages
    }
  }
})
