/** What the places of pages show of the rows between two bounds: how many there are at least, and how far apart they lie. */
import type { Micros } from "./Micros.ts"
import { type Bounds, type Counted, noteCount, noteOther, notePage, type Paged } from "./NotedCounts.ts"

/** Where it is noted. */
interface Log {
  width: number
  readonly places: Map<string, Counted>
  readonly lengths: Map<string, Paged>
  readonly sure: Map<string, Counted>
}

interface Row {
  readonly key: string
  readonly start: Micros | undefined
}

/** What a page was asked for. */
interface Question {
  readonly bounds: Bounds
  readonly page: number
  readonly size: number
  /** Pages of another order have other rows. */
  readonly order: string
}

interface Page {
  readonly page: number
  readonly keys: ReadonlySet<string>
  readonly starts: ReadonlyArray<Micros | undefined>
  readonly least: Micros
  readonly most: Micros
}

/** Pages of the same bounds, size and order. */
interface Pages {
  /** The one that came last. */
  last: Page
  /** The one with the greatest number. */
  furthest: Page
}

/** How far apart the rows are that came for the same bounds, and their pages. */
interface Spread {
  least: Micros
  most: Micros
  /** The first page of each order, of any size. */
  readonly firsts: Map<string, Page>
  /** Pages of each order that came before its first one. */
  readonly early: Map<string, ReadonlyArray<Early>>
  /** By size and order. */
  readonly pages: Map<string, Pages>
}

interface Early {
  readonly page: Page
  readonly noted: Paged
}

/** A second in µs: bounds may be understood so much wider. */
const second = 1_000_000

const pageOf = (page: number, rows: ReadonlyArray<Row>): Page => {
  const starts = rows.map(({ start }) => start)
  let least = Infinity
  let most = -Infinity
  for (const start of starts) {
    // Without a start time it has no place in time.
    least = Math.min(least, start ?? -Infinity)
    most = Math.max(most, start ?? Infinity)
  }
  return { page, keys: new Set(rows.map(({ key }) => key)), starts, least, most }
}

/** Whether it is an earlier page again, as beyond a limit on the depth: it says nothing of how many rows there are. */
const isAgain = (page: Page, { furthest, last }: Pages): boolean =>
  [last, furthest].some(
    ({ keys, page: number }) =>
      number < page.page && keys.size === page.keys.size && [...page.keys].every((key) => keys.has(key))
  )

/** Whether no row of one page starts when a row of the other does: rows of equal start may have another order on each page. */
const isApart = (left: Page, right: Page): boolean => {
  if (left.most < right.least || right.most < left.least) return true
  const starts = new Set(left.starts)
  return right.starts.every((start) => !starts.has(start))
}

/**
 * Whether a page may be the first one again, of whatever size: then all of the shorter one is on the longer one. A row on both is not enough,
 * because rows behind one that an answer leaves out have other places there.
 */
const mayBeFirst = (first: Page, { starts }: Page): boolean => {
  const there = new Set(first.starts)
  return starts.filter((start) => there.has(start)).length >= Math.min(first.starts.length, starts.length)
}

const isFull = ({ starts }: Page, size: number): boolean => starts.length === size

const placeOf = ({ page, starts }: Page, size: number): number => (page - 1) * size + starts.length

/**
 * The page that is in its own place for sure, although a page beyond the end may be another one again: of two with other rows the
 * one with the lower number, because all beyond the end are the same; and one behind a full page, if it is neither that one nor
 * the first again. One of them must be full: where a page brings fewer rows than were asked for, places are others.
 */
const sureOf = ({ furthest, last }: Pages, isFirst: boolean, page: Page, size: number): Page | undefined => {
  const isNext = last.page === page.page - 1 && isFull(last, size)
  if (isNext && !isFirst && isApart(last, page)) return page
  const [lower, higher] = page.page < furthest.page ? [page, furthest] : [furthest, page]
  const isOther = lower.page < higher.page && (isFull(lower, size) || isFull(higher, size))
  return isOther && isApart(lower, higher) ? lower : undefined
}

/** Notes each page that came. */
export const make = (log: Log) => {
  const spreads = new Map<string, Spread>()

  const notePlace = (
    spread: Spread,
    { bounds, order, page: number, size }: Question,
    rows: ReadonlyArray<Row>
  ): void => {
    const page = pageOf(number, rows)
    const key = `${size} ${order}`
    const pages = spread.pages.get(key)
    const first = spread.firsts.get(order)
    const isFirst = first === undefined || !isApart(first, page)
    if (number === 1) {
      spread.firsts.set(order, page)
      for (const one of spread.early.get(order) ?? [])
        if (!mayBeFirst(page, one.page)) noteOther(log.lengths, one.noted)
      spread.early.delete(order)
    } else {
      const { after = -Infinity, before = Infinity } = bounds
      const place = placeOf(page, size)
      const isEarlier = pages !== undefined && isAgain(page, pages)
      // Where nothing comes beyond the end, a last page that comes one page later has more rows in front of it than before.
      if (!isEarlier || !isFull(page, size)) noteCount(log.places, bounds, place)
      const mayBeAgain = first === undefined || mayBeFirst(first, page)
      const noted = { after, before, rows: place, size, length: rows.length, isFirst: mayBeAgain }
      if (!isEarlier) notePage(log.lengths, noted)
      if (!isEarlier && first === undefined)
        spread.early.set(order, [...(spread.early.get(order) ?? []), { page, noted }])
    }
    if (pages === undefined) {
      spread.pages.set(key, { last: page, furthest: page })
      return
    }
    const sure = sureOf(pages, isFirst, page, size)
    if (sure !== undefined && sure.page > 1) noteCount(log.sure, bounds, placeOf(sure, size))
    pages.last = page
    if (number >= pages.furthest.page) pages.furthest = page
  }

  return (question: Question, rows: ReadonlyArray<Row>): void => {
    if (rows.length === 0) return
    const { after, before } = question.bounds
    const key = `${after} ${before}`
    const spread = spreads.get(key) ?? {
      least: Infinity,
      most: -Infinity,
      firsts: new Map<string, Page>(),
      early: new Map<string, ReadonlyArray<Early>>(),
      pages: new Map<string, Pages>()
    }
    spreads.set(key, spread)
    notePlace(spread, question, rows)
    if (after === undefined || before === undefined) return
    for (const { start } of rows) {
      if (start === undefined || start < after - second || start > before + second) continue
      if (start < spread.least) spread.least = start
      if (start > spread.most) spread.most = start
    }
    if (spread.most - spread.least > log.width) log.width = spread.most - spread.least
  }
}
