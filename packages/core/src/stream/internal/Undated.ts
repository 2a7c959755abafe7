import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { AgniError } from "../../model/AgniError.ts"
import type { Instant } from "../../model/Instant.ts"
import type { Rejected } from "../../model/Rejected.ts"
import * as Coverage from "../Coverage.ts"
import * as Ask from "./Ask.ts"
import * as LastPage from "./LastPage.ts"
import { type Reading, temper } from "./ReadWindow.ts"
import * as Rows from "./Rows.ts"
import * as Salvage from "./Salvage.ts"

/** What the windows of a reading delivered. */
export interface Tally {
  readonly rows: () => number
  /** Whether an earlier run read what lies before: then the sum is not known. */
  readonly inPart: boolean
  /** Whether each window that is older than the horizon is proven: rows that came or went there make a sum right by chance. */
  readonly proven: () => boolean
  /** Keys of what is younger than the horizon: a replica that lags may still show it without its start. */
  readonly recent: ReadonlySet<string>
  /** Keys of what could not be placed: it may come for two windows that touch. */
  readonly unplaced: ReadonlySet<string>
  /** Takes a window in; without the records that came with another one already. */
  readonly add: (window: Coverage.Window) => Coverage.Window
}

export const makeTally = (horizon: Instant, inPart = false): Tally => {
  let rows = 0
  let proven = !inPart
  const recent = new Set<string>()
  const unplaced = new Set<string>()
  const isNew = (record: Rejected) => {
    const { key, start } = Rows.ofRejected(record)
    return start !== undefined || (!unplaced.has(key) && unplaced.add(key) !== undefined)
  }
  return {
    rows: () => rows,
    inPart,
    proven: () => proven,
    recent,
    unplaced,
    add: (window) => {
      const { coverage, to } = window
      const items = Coverage.items(window)
      const rejected = window.rejected.filter(isNew)
      rows += items.length + rejected.length
      if (to <= horizon) proven &&= coverage._tag === "Proven"
      else {
        for (const { id } of items) recent.add(id)
        for (const record of rejected) recent.add(Rows.keyOf(record))
      }
      return rejected.length === window.rejected.length ? window : { ...window, rejected }
    }
  }
}

/** What starts later than this from now has a broken clock: no run would read it for years. What starts before is new. */
const distance = 86_400 * Ask.second

/** All starts that are credible, and none that overflows where a server adds a zone. */
const starts = { after: Date.UTC(2000, 0, 1) * 1000, before: Date.UTC(9000, 0, 1) * 1000 }

/**
 * The sessions that no window holds, because they have no start or one in the distant future: found where an order by start
 * puts them (in front or at the end) or, when the total says that there are more, on any page.
 *
 * They are all there when the count without bounds, less the count of all that has a start, is what was found, and the
 * whole adds up: dated + undated = total. Sessions leave and come, and what left could hide what was not found: nothing
 * may have moved between two counts of the total, those found in front must be there again, and the windows before must be
 * proven themselves, unless they are younger than the horizon.
 */
export const window = (
  reading: Reading,
  range: Coverage.Range,
  tally: Tally,
  keepGoing: boolean,
  front: Effect.Effect<Front, AgniError>
): Stream.Stream<Coverage.Window, AgniError> =>
  Stream.fromEffect(
    Ask.catchPoison(Ask.make(reading.list, reading.filters, reading), read(reading, range, tally, front), (error) =>
      keepGoing
        ? Salvage.undated(
            reading,
            range,
            starts,
            {
              rows: tally.rows(),
              isKnown: (key) => tally.unplaced.has(key) || tally.recent.has(key),
              isDistant: ({ start }) => start !== undefined && start > nearest(reading, range)
            },
            error
          )
        : Effect.fail(error)
    )
  )

/** What starts up to here is for this run or the next one. */
const nearest = (reading: Reading, range: Coverage.Range): Instant =>
  Ask.ceilSecond(Math.max(range.to, reading.now)) + distance

/** How many sessions without a start lie outside a range: all that there are, less those with a start. */
export const outside = (reading: Reading, to: Instant): Effect.Effect<Coverage.Window, AgniError> =>
  Effect.gen(function* () {
    const ask = Ask.make(reading.list, reading.filters, reading)
    const { repeats, size } = reading
    const starts = { after: Ask.second * 946_684_800, before: Ask.ceilSecond(reading.now) + 366 * 86_400 * Ask.second }
    const [all, dated] = yield* Effect.all(
      [LastPage.count(ask, {}, { size, repeats }), LastPage.count(ask, starts, { size, repeats })],
      { concurrency: 2 }
    )
    return {
      from: to,
      to,
      sessions: [],
      rejected: [],
      coverage: { _tag: "Proven" },
      settled: 0,
      requests: ask.log.requests,
      observedAt: ask.log.observedAt ?? 0,
      ...(all === undefined || dated === undefined ? {} : { outside: Math.max(0, all - dated) })
    }
  })

const attempts = 3

/** While calls come, the sum is right only between two of them: it is tried a few times. */
const read = (
  reading: Reading,
  range: Coverage.Range,
  tally: Tally,
  front: Effect.Effect<Front, AgniError>
): Effect.Effect<Coverage.Window, AgniError> => {
  const again = (left: number, front: Effect.Effect<Front, AgniError>): Effect.Effect<Coverage.Window, AgniError> =>
    Effect.flatMap(front, (scanned) =>
      Effect.flatMap(attempt(reading, range, tally, scanned), (result) =>
        result._tag === "Stale"
          ? again(left, scan(reading, scanned.ask, range, tally))
          : result.moved && left > 1
            ? again(left - 1, scan(reading, scanned.ask, range, tally))
            : Effect.succeed(result.window)
      )
    )
  return again(attempts, front)
}

/** What stood in front, and who asked. */
export interface Front {
  readonly ask: Ask.Ask
  readonly pages: ReadonlyArray<ReadonlyArray<Rows.Row>>
  /** Windows were still being read. */
  readonly early: boolean
}

/** Looks at what stands in front: it may do so while the last windows are read. */
export const front = (reading: Reading, range: Coverage.Range, tally: Tally): Effect.Effect<Front, AgniError> =>
  Effect.map(scan(reading, Ask.make(reading.list, reading.filters, reading), range, tally), (front) => ({
    ...front,
    early: true
  }))

const scan = (reading: Reading, ask: Ask.Ask, range: Coverage.Range, tally: Tally): Effect.Effect<Front, AgniError> =>
  Effect.map(scanFront(reading, ask, range, limitOf(reading, range, tally.rows)), (pages) => ({
    ask,
    pages,
    early: false
  }))

/** Calls may come as fast as pages are read: what came since the reading began makes no walk longer. */
const limitOf =
  (reading: Reading, range: Coverage.Range, delivered: () => number) =>
  (rows: Iterable<Rows.Row>): number => {
    let old = delivered()
    for (const row of rows)
      if ((row.start === undefined || isDistant(reading, range, row)) && (Rows.createdOf(row) ?? 0) < range.to) old++
    return 50 + (4 * old) / reading.size
  }

const isDistant = (reading: Reading, range: Coverage.Range, { start }: Rows.Row): boolean =>
  start !== undefined && start > nearest(reading, range)

const attempt = (
  reading: Reading,
  range: Coverage.Range,
  tally: Tally,
  { ask: plain, early, pages }: Front
): Effect.Effect<
  | { readonly _tag: "Read"; readonly window: Coverage.Window; readonly moved: boolean }
  // Calls came, or left, since it was looked at what stands in front.
  | { readonly _tag: "Stale" },
  AgniError
> =>
  Effect.gen(function* () {
    const { repeats, size } = reading
    const [first = []] = pages
    /** Whoever was once listed without a start must be found, or it left; a count shows rows too. */
    const shown = new Set(reading.undated)
    for (const { key, start } of pages.flat()) if (start === undefined) shown.add(key)
    const ask: Ask.Ask = Object.assign(
      (...asked: Parameters<Ask.Ask>) =>
        Effect.map(plain(...asked), (answer) => {
          const [, { after, before }] = asked
          if (after === undefined && before === undefined) {
            for (const { key, start } of answer.rows) if (start === undefined) shown.add(key)
          }
          return answer
        }),
      { log: plain.log }
    )
    const delivered = [...reading.repeated.values()].reduce((sum, times) => sum + times, tally.rows())
    const near = nearest(reading, range)
    const measure = LastPage.count(ask, { after: starts.after, before: near }, { size, repeats })
    /** Rows that start up to there, counted where it is not known how many there should be. */
    let measured = tally.inPart ? yield* measure : undefined
    const found = Rows.makeHeld()
    const distant = Rows.makeHeld()
    /** Those that started since: they stand in the counts. */
    const later = Rows.makeHeld()
    let came = false
    const limit = limitOf(reading, range, () => measured ?? delivered)
    const note = (rows: ReadonlyArray<Rows.Row>) => {
      found.add(
        rows.filter(({ key, start }) => start === undefined && !tally.unplaced.has(key) && !tally.recent.has(key))
      )
      const dated = rows.filter(Rows.isDated)
      distant.add(dated.filter((row) => isDistant(reading, range, row)))
      later.add(dated.filter((row) => row.start >= range.to && !isDistant(reading, range, row)))
      came ||= rows.some(({ key, start }) => start === undefined && tally.recent.has(key))
    }
    pages.forEach(note)
    const dated = () => (measured ?? delivered + later.size()) + distant.size()
    const expected = () => dated() + found.size()
    const count = (bounds: Ask.Bounds, rows: number) =>
      Effect.flatMap(
        // What a server repeats beyond the end is the first page of those bounds, not of others.
        repeats && bounds.after !== undefined ? Effect.map(ask(1, bounds), ({ rows }) => rows) : Effect.succeed(first),
        (first) =>
          Ask.count(ask, bounds, { expected: Math.max(1, rows), size, first, sure: true, snapshot: false, repeats })
      )
    /** All, and all that have a start: one after the other would take twice as long. */
    let [total, withStart] = yield* Effect.suspend(() =>
      Effect.all([count({}, expected()), count(starts, dated())], { concurrency: 2 })
    )
    const both = total
    if (early && !(total._tag === "Exactly" && total.rows === expected())) return { _tag: "Stale" }
    if (measured === undefined && total._tag === "Exactly" && total.rows < expected()) {
      // Some left: as many may stand at the end.
      measured = yield* measure
      total = yield* count({}, expected())
    }
    const inFront = total._tag === "Exactly" && total.rows === expected()
    let still = true
    if (!inFront) {
      // What leaves while pages are walked makes another one be passed by, and the sum right.
      const atFirst = yield* LastPage.count(ask, {}, { size, repeats })
      // They may stand at the end, or, when the order is another one, anywhere: on to the end then.
      let before: ReadonlyArray<Rows.Row> = []
      let most = 0
      for (let page = pages.length + 1; ; page++) {
        // It may have to be counted anew as more is found.
        if (page >= most) most = limit([...found.rows.values(), ...distant.rows.values()])
        if (page >= most) break
        const { rows } = yield* ask(page, {})
        if (yield* Ask.isEnd(ask, {}, page, rows, [before, first], { repeats })) break
        before = rows
        note(rows)
      }
      total = yield* count({}, expected())
      still = total._tag === "Exactly" && total.rows === atFirst
    }
    // It lies between two counts of all: a call that came with its start could stand for one that left.
    if (total !== both) withStart = yield* count(starts, dated())
    // Looked for after the count of all: one that was found and left before it would let another one, not found, make it right.
    const [after, again] = yield* Effect.suspend(() =>
      Effect.all([count({}, expected()), inFront ? scanFront(reading, ask, range, limit) : Effect.succeed([])], {
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
    const rows = [...found.rows.values(), ...distant.rows.values()]
    still &&= [...shown].every((key) => found.rows.has(key) || tally.unplaced.has(key))
    const counted = Math.max(total.rows, after.rows)
    const agrees =
      [total, after].every((count) => count._tag === "Exactly" && count.rows === expected()) &&
      withStart._tag === "Exactly" &&
      withStart.rows === dated()
    const complete = agrees && measured === undefined && still && !came && tally.proven()
    const coverage: Coverage.Coverage = complete
      ? temper(reading, ask, { from: range.from, to: -Infinity }, { _tag: "Proven" })
      : !came && later.size() === 0 && counted > expected()
        ? { _tag: "Unprovable", reason: `${expected()} sessions were seen, but the server counts ${counted}` }
        : tally.inPart
          ? { _tag: "Provisional", reason: "read in parts: whether the whole adds up was not counted" }
          : { _tag: "Provisional", reason: "sessions came or left while the history was read" }
    const window = Coverage.make(
      rows.flatMap(({ item }) => item ?? []),
      {
        from: range.to,
        to: range.to,
        // A session whose start is no time is one without a start here.
        rejected: rows.flatMap(({ item, rejected }) => (item === undefined ? (rejected ?? []) : [])),
        coverage,
        requests: ask.log.requests,
        observedAt: ask.log.observedAt ?? 0
      }
    )
    // Only where they stand in front an attempt takes few requests.
    return { _tag: "Read", window, moved: inFront && !complete && coverage._tag === "Provisional" && tally.proven() }
  })

/** Pages from the first on, as long as they hold sessions without a start or newer ones than the range. */
const scanFront = Effect.fnUntraced(function* (
  { repeats }: Reading,
  ask: Ask.Ask,
  range: Coverage.Range,
  limit: (rows: Iterable<Rows.Row>) => number
): Effect.fn.Return<ReadonlyArray<ReadonlyArray<Rows.Row>>, AgniError> {
  const all = Rows.makeHeld()
  const pages: Array<ReadonlyArray<Rows.Row>> = []
  for (let page = 1; ; page++) {
    const { rows } = yield* ask(page, {})
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
