/** Whether what was delivered of a range adds up to the server's own counts of it. */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type { AgniError } from "../../model/AgniError.ts"
import { earliestStart, pageBeyondAll } from "../../model/Limits.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Count from "../../endpoint/internal/Count.ts"
import * as NotedCounts from "../../endpoint/internal/NotedCounts.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import * as Delivered from "./Delivered.ts"
import type { Known } from "./Known.ts"
import type { Deliveries } from "./Deliveries.ts"
import type { Micros, Range } from "../../endpoint/internal/Micros.ts"
import { believedWidth, horizonOf, type Settings } from "./Settings.ts"

const boundsOf = ({ from, to }: Range) => ({
  after: Ask.floorSecond(from) - 2 * Ask.second,
  before: Ask.ceilSecond(to) + 2 * Ask.second
})

/** The parts of a range with control rows, none wider than is trusted. Without such rows a count proves nothing. */
const tiles = ({ controls, ends }: Settings, known: Known, range: Range): ReadonlyArray<Range> => {
  const [oldest] = controls
  const newest = controls.at(-1)
  if (newest === undefined) return []
  const from = ends.oldest && oldest !== undefined ? Math.max(range.from, Ask.floorSecond(oldest.start)) : range.from
  const to = ends.newest ? Math.min(range.to, Ask.floorSecond(newest.start) + 2 * Ask.second) : range.to
  if (from >= to) return []
  const parts = Math.max(1, Math.ceil((to - from) / (0.95 * believedWidth(known.width))))
  const edges = Array.from({ length: parts + 1 }, (_, i) =>
    i === 0 ? from : i === parts ? to : Ask.floorSecond(from + (i * (to - from)) / parts)
  )
  return edges.slice(1).map((end, i) => ({ from: edges[i] ?? from, to: end }))
}

/**
 * So many parts in a row that nothing came of are counted as one, which may be wider than is trusted. A limit on the width can only make that
 * count too small, and what it then hides no answer showed: answers with the rows beside each window proved that it is empty. A count that
 * is too small hides one thing more: a call that left, whose place another one takes in the count of all. Of these parts none can have left.
 * A server that refuses so wide a range, or fails for it, gives no count at all: then the halves are counted.
 */
const mostEmpty = 3

/** The parts to count together, where nothing came for longer than is trusted. */
const joinEmpty = (
  parts: ReadonlyArray<Range>,
  isEmpty: (part: Range) => boolean
): ReadonlyArray<ReadonlyArray<Range>> => {
  const all: Array<ReadonlyArray<Range>> = []
  for (let i = 0; i < parts.length;) {
    const part = parts[i]
    if (part === undefined) break
    let end = i
    while (end < parts.length && isEmpty(parts[end] ?? part)) end++
    const next = end - i > mostEmpty ? end : i + 1
    all.push(parts.slice(i, next))
    i = next
  }
  return all
}

const joined = (parts: ReadonlyArray<Range>): Range => ({ from: parts[0]?.from ?? 0, to: parts.at(-1)?.to ?? 0 })

/** Calls that are expected besides the delivered ones: those that appeared since their window was read. */
export interface Expected {
  readonly later: ReadonlyArray<Micros>
  /** Whether calls start in the distant future, right behind the range. */
  readonly distant: boolean
  /** When calls without a start time were created that lie before the range, if the server places them so. @default none */
  readonly earlier?: ReadonlyArray<Micros>
}

/** The count of all calls that start in the range; and later, where none is expected in the distant future. */
export const datedIn = Effect.fnUntraced(function* (
  { repeats, size }: Pick<Settings, "repeats" | "size">,
  ask: Ask.Ask,
  range: Range,
  { distant, rows }: { readonly distant: boolean; readonly rows: number }
): Effect.fn.Return<number | undefined, AgniError> {
  const wide = { after: earliestStart, before: Ask.ceilSecond(range.to) + (distant ? 0 : Ask.second) }
  return yield* Count.rows(ask, wide, { expected: rows, size, repeats: yield* repeats })
})

/** Where calls lie that no window has: their bounds reach two seconds beyond the range. */
export const before = ({ from }: Range) => ({ after: earliestStart, before: Ask.floorSecond(from) - Ask.second })

/**
 * Whether the count of all calls with a start equals the delivered ones. Bounds that are too wide to be trusted can only count
 * too few, so one count that agrees is enough; otherwise the trusted parts are counted. Each must hold as many as came: where
 * one left, a call without a start time would take its place in the count of all.
 */
export const dated = Effect.fnUntraced(function* (
  settings: Settings,
  known: Known,
  ledger: Deliveries,
  range: Range,
  { distant, earlier = [], later }: Expected,
  ask: Ask.Ask
): Effect.fn.Return<boolean, AgniError> {
  const repeats = yield* settings.repeats
  const { size } = settings
  const expected = ledger.rows() + later.length
  const all = yield* datedIn(settings, ask, range, { distant, rows: expected })
  if (all === expected) return true
  if (all !== undefined && all > expected) {
    // No window counted them, so they are counted by themselves.
    const bounds = before(range)
    const options = { expected: earlier.length, size, repeats }
    if (earlier.length === 0 || all !== expected + earlier.length) return false
    const counted = (yield* Count.rows(ask, bounds, options)) ?? NaN
    const came = ledger.between(bounds)
    return counted >= came.within + earlier.length && counted <= came.within + came.at + earlier.length
  }
  const starts = Float64Array.from(later).sort()
  // Calls came since the newest one was looked for.
  const trusted = tiles({ ...settings, ends: { ...settings.ends, newest: false } }, known, range)
  const parts = joinEmpty(trusted, (part) => {
    const [came, besides] = [ledger.between(boundsOf(part)), Delivered.count(starts, boundsOf(part))]
    return came.within + came.at + besides.within + besides.at === 0
  })
  // One part that differs is enough: where answers disagree, each count may take many requests.
  const isRight = yield* Ref.make(parts.length > 0)
  const agrees = (part: ReadonlyArray<Range>): Effect.Effect<boolean, AgniError> =>
    Effect.gen(function* () {
      if (!(yield* Ref.get(isRight))) return false
      const bounds = boundsOf(joined(part))
      const [came, besides] = [ledger.between(bounds), Delivered.count(starts, bounds)]
      const within = came.within + besides.within
      const isRefused = part.length > 1 && bounds.before - bounds.after >= Math.min(known.refused, ask.log.refused)
      const counted = isRefused ? undefined : yield* Count.rows(ask, bounds, { expected: within, size, repeats })
      if (counted !== undefined) return counted >= within && counted <= within + came.at + besides.at
      const middle = part.length >>> 1
      return middle > 0 && (yield* allAgree([part.slice(0, middle), part.slice(middle)], 1))
    })
  const allAgree = (parts: ReadonlyArray<ReadonlyArray<Range>>, concurrency: number | "unbounded") =>
    Effect.andThen(
      Effect.forEach(
        parts,
        (part) => Effect.flatMap(agrees(part), (agrees) => Ref.update(isRight, (others) => others && agrees)),
        { concurrency, discard: true }
      ),
      Ref.get(isRight)
    )
  const [single, gaps] = [parts.filter((part) => part.length === 1), parts.filter((part) => part.length > 1)]
  return (yield* allAgree(single, "unbounded")) && (yield* allAgree(gaps, settings.concurrency))
})

/** Counts all that was read; returns the first part of it with more calls than were delivered. */
export const checkAll = Effect.fnUntraced(function* (
  settings: Settings,
  known: Known,
  ledger: Deliveries,
  ask: Ask.Ask
): Effect.fn.Return<Difference | undefined, AgniError> {
  const found = yield* Effect.forEach(ledger.parts, (part) => check(settings, known, ledger, part, ask), {
    concurrency: "unbounded"
  })
  return found.find((difference) => difference !== undefined)
})

export interface Difference extends Range {
  readonly counted: number
  readonly delivered: number
}

/** Counts the range in the widest trusted parts; returns the first part with more calls than were delivered. */
export const check = Effect.fnUntraced(function* (
  settings: Settings,
  known: Known,
  ledger: Deliveries,
  range: Range,
  ask: Ask.Ask
): Effect.fn.Return<Difference | undefined, AgniError> {
  const repeats = yield* settings.repeats
  const { size } = settings
  const trusted = tiles(settings, known, { from: range.from, to: Math.min(range.to, horizonOf(settings, known)) })
  const parts = joinEmpty(trusted, (part) => {
    const { at, within } = ledger.between(boundsOf(part))
    return within + at === 0
  })
  const found = yield* Effect.forEach(
    parts.map(joined),
    (part) =>
      Effect.gen(function* () {
        const bounds = boundsOf(part)
        const { at, within } = ledger.between(bounds)
        const counted = yield* Count.rows(ask, bounds, { expected: within, size, repeats })
        return counted === undefined || counted <= within + at
          ? undefined
          : { ...part, counted, delivered: within + at }
      }),
    { concurrency: "unbounded" }
  )
  return found.find((difference) => difference !== undefined)
})

/**
 * By how much a count differs from itself that was less than what came, when it is made again, twice: a limit cuts it to the same
 * number each time, and calls that came since make it what came. A server whose answers alternate gives another answer to each
 * request of the second try, if a try takes an odd number of them.
 */
export const recount = Effect.fnUntraced(function* (
  settings: Settings,
  ledger: Deliveries,
  ask: Ask.Ask
): Effect.fn.Return<number, AgniError> {
  const counted = ledger.least()
  if (counted === undefined) return 0
  const bounds = { after: counted.after, before: counted.before }
  const options = { expected: counted.rows, size: settings.size, repeats: yield* settings.repeats }
  const first = yield* Count.rows(ask, bounds, options)
  const second = yield* Count.rows(ask, bounds, options)
  return first === undefined || second === undefined ? 0 : Math.abs(first - second)
})

/**
 * Whether a count that was less than what came is the same again: a limit cuts it so each time. Otherwise some answers leave out calls, and the
 * counts of all calls and of those with a start may be of different lists, so that their difference says nothing.
 */
export const isSteady = Effect.fnUntraced(function* (
  settings: Settings,
  ledger: Deliveries,
  ask: Ask.Ask
): Effect.fn.Return<boolean, AgniError> {
  const counted = ledger.least()
  if (counted === undefined) return true
  const { after, before, rows } = counted
  const options = { expected: rows, size: settings.size, repeats: yield* settings.repeats }
  return ((yield* Count.rows(ask, { after, before }, options)) ?? rows) === rows
})

/**
 * Counts the bounds again for which a page came that is not as long as the last one of what came. Where a server repeats a page beyond
 * the end, a limit explains it: one on results is in the count, and of one on the depth the page comes again. Otherwise there were more
 * rows, or are now.
 */
export const recountPages = Effect.fnUntraced(function* (
  settings: Settings,
  ledger: Deliveries,
  ask: Ask.Ask
): Effect.fn.Return<void, AgniError> {
  const pages = ledger.unrepeated()
  if (pages.length === 0 || !(yield* settings.repeats)) return
  const { size } = settings
  yield* Effect.forEach(
    Map.groupBy(pages, ({ after, before }) => `${after} ${before}`).values(),
    Effect.fnUntraced(function* (ofBounds) {
      const [{ after, before, rows } = nothing] = ofBounds
      const counted = yield* Count.rows(ask, { after, before }, { expected: rows, size, repeats: true })
      const { at, within } = ledger.between({ after, before })
      if (counted === undefined || counted > within + at) return
      for (const { page } of ofBounds) {
        // A limit cut the count, so nothing but the page before it says how many there are.
        if (counted < within && page.rows - page.size > within + at) continue
        if (!(yield* isAgain(ask, page))) continue
        ledger.forget(page)
        // The count came to such a page, too.
        NotedCounts.forgetPage(ask.log.lengths, page)
      }
    }),
    { concurrency: settings.concurrency, discard: true }
  )
})

const nothing = { after: 0, before: 0, rows: 0 }

/** Whether a page is the one before it again, as is one far beyond: so deep the server does not go. */
const isAgain = (ask: Ask.Ask, { after, before, length, rows, size }: NotedCounts.Paged) => {
  const page = (rows - length) / size + 1
  const look = (page: number) =>
    Effect.map(Ask.orNothing(ask(page, { after, before }, { size })), (answer) => answer?.rows ?? [])
  if (page < 2) return Effect.succeed(false)
  return Effect.map(
    Effect.all([page - 1, page, pageBeyondAll].map(look), { concurrency: 2 }),
    ([first = [], ...others]) => first.length === length && others.every((rows) => Rows.sameRows(first, rows))
  )
}
