/** Reads all pages of fixed bounds again and again, until every row was seen. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"

export type LeafResult =
  | { readonly _tag: "Complete" }
  /** Whether a pass ended with a full page although more is held: pages of another size reach beyond a limit on their place. */
  | { readonly _tag: "Moved"; readonly isCut: boolean }
  | { readonly _tag: "Incomplete"; readonly held: number; readonly of: number }

interface Variant {
  readonly size: number
  readonly sort: Ask.Sort
}

interface Options extends Variant {
  readonly repeats: boolean
  readonly hold: (rows: ReadonlyArray<Rows.Row>) => ReadonlyArray<Rows.Row>
}

const maxPasses = 7
const maxPages = 500

/**
 * All pages of fixed bounds, pass after pass with other sizes and the other order, until every row has shown itself.
 *
 * One pass is no proof: a row that leaves lets another slip from an unread page to a read one, and rows of equal start may
 * have another order on each page. A set is complete when two passes, one after another, each brought as many ids as rows,
 * and the same ids: a row that had left during the first would be missing from the second. Where ties hide rows, it is
 * complete when all ids held are as many as the rows of three passes in a row, the last brought nothing new, and every id
 * was seen in one of the last two. No pass may have counted more.
 */
export const read = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  bounds: Ask.Bounds,
  held: Rows.Held,
  options: Options
): Effect.fn.Return<LeafResult, AgniError> {
  const lastSeen = new Map<string, number>([...held.rows.keys()].map((key) => [key, -1]))
  let previous: Pass | undefined
  let counted = 0
  /** What any pass counted: so many rows were there, if no answer hid one. */
  let most = 0
  /** Passes in a row that agree on the count. */
  let steady = 0
  let isCut = false
  /** Whether pages of one size only show all. */
  let isFixed = ask.log.rounds
  let isTurned = true
  for (let pass = 0; pass < maxPasses; pass++) {
    const isOnePage = pass === 1 && options.repeats && previous?.counted === options.size
    const { size, sort }: Variant = isFixed
      ? { size: options.size, sort: isTurned ? options.sort : reversed(options.sort) }
      : variant(pass, options.size, options.sort, isOnePage)
    const { end, fresh, seen, ...pages } = yield* readPass(ask, bounds, held, { ...options, size, sort })
    counted = pages.counted
    for (const key of seen.rows.keys()) lastSeen.set(key, pass)
    if (end === "none") return { _tag: "Incomplete", held: held.size(), of: counted }
    const isVoid = end === "refused" && size !== options.size
    if (end === "refused" && !isVoid)
      return { _tag: "Incomplete", held: held.size(), of: Math.max(counted, held.size()) }
    // Pages of that size were not as long as they were asked to be, or the server does not go so deep with them.
    if (isVoid || (ask.log.rounds && !isFixed && size !== options.size)) {
      ;[isFixed, counted] = [true, most]
      continue
    }
    isTurned = sort !== options.sort
    isCut ||= counted > 0 && counted % size === 0 && counted < held.size()
    const recent = [...lastSeen.values()].every((seen) => seen >= pass - 1)
    const now: Pass = { counted, seen }
    steady = previous?.counted === counted ? steady + 1 : 1
    // A row that leaves during a pass is held, but not counted any more. The next pass does not show it, and a row that
    // ties hid makes the sum right. Two passes after the one it was last in, it is not recent.
    most = Math.max(most, counted)
    const isEnough = held.size() >= most
    if (isEnough && steady >= 3 && fresh === 0 && recent && held.size() === counted) return { _tag: "Complete" }
    if (isEnough && previous !== undefined && isClean(previous) && isClean(now) && sameKeys(previous.seen, seen)) {
      if (yield* haveLeft(ask, held, seen, options.size)) return { _tag: "Complete" }
    }
    previous = now
  }
  return held.size() < counted ? { _tag: "Incomplete", held: held.size(), of: counted } : { _tag: "Moved", isCut }
})

/** All pages of a size and an order. They have no end on a server that repeats itself, or more may lie deeper than the server goes. */
const readPass = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  bounds: Ask.Bounds,
  held: Rows.Held,
  { hold, repeats, size, sort }: Options
): Effect.fn.Return<Pass & { readonly fresh: number; readonly end: "seen" | "refused" | "none" }, AgniError> {
  const seen = Rows.makeHeld()
  let counted = 0
  let fresh = 0
  let first: ReadonlyArray<Rows.Row> = []
  let before: ReadonlyArray<Rows.Row> = []
  for (let page = 1; ; page++) {
    // A server that repeats itself without an end that shows.
    const endless = page > 4 + 3 * Math.ceil(Math.max(seen.size(), held.size()) / size)
    if (page > maxPages || endless) return { counted, seen, fresh, end: "none" }
    const answer = yield* Effect.catchIf(
      ask(page, bounds, { size, sort }),
      (error) => page > 1 && Ask.isRefusal(error),
      () => Effect.undefined
    )
    // So deep the server does not go. A page that is not full was the last one.
    if (answer === undefined) return { counted, seen, fresh, end: before.length < size ? "seen" : "refused" }
    const { rows } = answer
    const known = page === 1 ? [] : [before, first]
    if (yield* Ask.isEnd(ask, bounds, page, rows, known, { repeats, size, sort }))
      return { counted, seen, fresh, end: "seen" }
    if (page === 1) first = rows
    before = rows
    counted += rows.length
    seen.add(rows)
    fresh += held.add(hold(rows))
  }
})

const maxAbsent = 20

/**
 * Whether what is held and did not come in a pass is gone: otherwise the pass saw a part of what is there, because what
 * seemed to be its end was not the end.
 */
const haveLeft = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  held: Rows.Held,
  seen: Rows.Held,
  size: number
): Effect.fn.Return<boolean, AgniError> {
  const absent = [...held.rows.values()].filter(({ key }) => !seen.rows.has(key))
  if (absent.length > maxAbsent) return false
  for (const row of absent) {
    if (!Rows.isDated(row) || (yield* Ask.control(ask, row, size)) !== Ask.notBack) return false
  }
  return true
})

interface Pass {
  readonly counted: number
  readonly seen: Rows.Held
}

const isClean = ({ counted, seen }: Pass): boolean => seen.size() === counted

const sameKeys = (left: Rows.Held, right: Rows.Held): boolean =>
  left.rows.size === right.rows.size && [...left.rows.keys()].every((key) => right.rows.has(key))

const reversed = ({ by, order }: Ask.Sort): Ask.Sort => ({ by, order: order === "asc" ? "desc" : "asc" })

const shares = [1, 0.7, 0.99, 0.43, 0.83, 0.57, 0.31]

/**
 * Another size shifts where pages begin, the other order turns ties around: what one hides the other shows. No pass asks for the same
 * as the one before it, which a cache could answer.
 */
const variant = (pass: number, size: number, sort: Ask.Sort, isOnePage: boolean): Variant => {
  // A server that repeats its last page, with equal starts in another order each time, shows the end only of whole pages.
  if (isOnePage) return { size, sort: reversed(sort) }
  // Few sizes are different when pages are small.
  const turned = size < 10 ? pass % 2 === 1 : pass >= 3 && pass % 2 === 1
  return { size: Math.max(1, Math.floor(size * (shares[pass] ?? 1))), sort: turned ? reversed(sort) : sort }
}

/**
 * A departure can hide what a walk missed: the count is one less for each. Where the order is by start a walk misses
 * nothing; otherwise every row must be there after the count as it was before, once, and no other. It is looked for by
 * pages, because a walk would miss the same again.
 */
export const isStillThere = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  bounds: Ask.Bounds,
  held: Rows.Held,
  { repeats, size: usual }: { readonly size: number; readonly repeats: boolean }
): Effect.fn.Return<boolean, AgniError> {
  const size = ask.log.rounds ? usual : Math.max(1, usual - 1)
  const seen = new Set<string>()
  let came = 0
  let first: ReadonlyArray<Rows.Row> = []
  let before: ReadonlyArray<Rows.Row> = []
  for (let page = 1; page <= 2 + held.size() / size; page++) {
    const answer = yield* Effect.catchIf(
      ask(page, bounds, { size }),
      (error) => page > 1 && Ask.isRefusal(error),
      () => Effect.undefined
    )
    if (answer === undefined) return false
    const { rows } = answer
    const known = page === 1 ? [] : [before, first]
    if (yield* Ask.isEnd(ask, bounds, page, rows, known, { repeats, size })) break
    if (page === 1) first = rows
    before = rows
    if (rows.some(({ key }) => !held.rows.has(key))) return false
    for (const { key } of rows) seen.add(key)
    came += rows.length
    if (rows.length < size) break
  }
  // A row that comes on two pages hides another one that starts with it.
  return seen.size === held.rows.size && came === held.size()
})
