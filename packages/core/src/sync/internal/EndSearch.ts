/** The end of the list without bounds, where some servers have the calls without a start time: how many they are, and pages of them. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Count from "../../endpoint/internal/Count.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import * as Overlap from "../../history/internal/Step.ts"
import type { Span } from "../Ledger.ts"

/** A page of the list, and how many rows are in front of it. */
export interface Paged {
  readonly page: number
  readonly size: number
  readonly skip: number
  readonly rows: ReadonlyArray<Rows.Row>
}

/** How many rows have a start time, and how many there are at all. */
export interface Counts {
  readonly dated: number
  readonly total: number
}

/** The calls without a start time are the rows from `dated` on. */
export interface End extends Counts {
  readonly _tag: "End"
  /** Pages that showed it. */
  readonly pages: ReadonlyArray<Paged>
}

/** The list does not end with them, it cannot be read so far, or it cannot be counted. */
interface Elsewhere {
  readonly _tag: "Elsewhere"
}

/** Pages contradict each other, as they do while calls come or leave. */
interface Moved {
  readonly _tag: "Moved"
}

export type Located = End | Elsewhere | Moved

/** In which order of creation they are, as far as rows show. */
export type Order = "newest first" | "oldest first" | "none"

export interface Part {
  readonly rows: ReadonlyArray<Rows.Row>
  /** Each page began with the last row of the one before it, and nothing of the range can be in front of or behind them. */
  readonly isWhole: boolean
  /** Whether they came in the order in which they should be. */
  readonly isInOrder: boolean
}

export interface EndSearch {
  /** Where they begin and end, looked for from where they should. */
  readonly end: (expected: Counts) => Effect.Effect<Located, AgniError>
  readonly endPage: (page: number) => Effect.Effect<Paged | undefined, AgniError>
  /**
   * The calls of a range of creation; all where they are in no order. `first` is about how many rows are in front of the range.
   */
  readonly endIn: (
    span: Span,
    about: { readonly order: Order; readonly first: number; readonly total: number }
  ) => Effect.Effect<Part, AgniError>
}

/** A page later than that is not asked for. */
const mostPages = 2 ** 26

export const isLoose = ({ start }: Rows.Row): boolean => start === undefined

/** A record that cannot be read may be anywhere. */
const isShown = (row: Rows.Row): boolean => !Rows.isUnplaced(row)

const createdIn = (rows: ReadonlyArray<Rows.Row>): ReadonlyArray<number> =>
  rows.filter(isLoose).flatMap((row) => Rows.createdOf(row) ?? [])

const follows = (values: ReadonlyArray<number>, holds: (before: number, after: number) => boolean): boolean =>
  values.every((value, i) => i === 0 || holds(values[i - 1] ?? value, value))

/** Whether rows are so within each page, and from page to page: pages may overlap. */
const areIn = (pages: ReadonlyArray<Paged>, holds: (before: number, after: number) => boolean): boolean => {
  const inPages = pages.toSorted((left, right) => left.skip - right.skip).map(({ rows }) => createdIn(rows))
  const firsts = inPages.flatMap(([first]) => first ?? [])
  return [...inPages, firsts].every((values) => follows(values, holds))
}

export const isIn = (pages: ReadonlyArray<Paged>, order: Order): boolean =>
  order !== "none" && areIn(pages, (before, after) => (order === "newest first" ? before >= after : before <= after))

/** So few could be in any order by chance. */
const leastShown = 8

/** The order that pages show: none where they show too few of them. */
export const orderOf = (pages: ReadonlyArray<Paged>): Order => {
  const created = new Set(pages.flatMap(({ rows }) => createdIn(rows)))
  return created.size < leastShown ? "none" : likelyOrder(pages)
}

/** The order that pages do not contradict. */
export const likelyOrder = (pages: ReadonlyArray<Paged>): Order =>
  isIn(pages, "newest first") ? "newest first" : isIn(pages, "oldest first") ? "oldest first" : "none"

/** Between which rows the first one without a start time is, as far as a page shows. */
const edgesOf = ({ rows, skip }: Paged): { readonly low: number; readonly high: number } => {
  const lastDated = rows.findLastIndex((row) => isShown(row) && !isLoose(row))
  const firstLoose = rows.findIndex((row) => isShown(row) && isLoose(row))
  return { low: lastDated === -1 ? 0 : skip + lastDated + 1, high: firstLoose === -1 ? Infinity : skip + firstLoose }
}

/** A page that has a row and the one before it, with as many rows as a page can have. */
const pageAbout = (row: number, size: number): { readonly page: number; readonly size: number } => {
  const asked = size > 2 && row > 0 && row % size === 0 ? size - 1 : size
  return { page: Math.floor(row / asked) + 1, size: asked }
}

/** A page; nothing where it cannot be had. */
type PageOf = (page: number, size?: number) => Effect.Effect<Paged | undefined, AgniError>

export interface Wire {
  readonly ask: Ask.Ask
  readonly pageOf: PageOf
  readonly size: number
  readonly repeats: boolean
}

/** All rows, and the pages that the count took. */
const count = Effect.fnUntraced(function* ({ ask, repeats, size }: Wire, expected: number) {
  const pages: Array<Paged> = []
  const noting: typeof ask = Object.assign(
    (...[page, bounds, options]: Parameters<Ask.Ask>) =>
      Effect.tap(ask(page, bounds, options), ({ rows }) =>
        Effect.sync(() => {
          const asked = options?.size ?? size
          if (rows.length > 0) pages.push({ page, size: asked, skip: (page - 1) * asked, rows })
        })
      ),
    { log: ask.log }
  )
  const total = yield* Count.rows(noting, {}, { expected, size, repeats })
  return { total, pages: pages.filter(({ skip }) => skip < (total ?? 0)) }
})

const elsewhere: Located = { _tag: "Elsewhere" }
const moved: Located = { _tag: "Moved" }

const locate = Effect.fnUntraced(function* (wire: Wire, expected: Counts): Effect.fn.Return<Located, AgniError> {
  const { size } = wire
  const { pages, total } = yield* count(wire, expected.total)
  if (total === undefined) return elsewhere
  let low = 0
  let high = total
  const note = (page: Paged) => {
    const edges = edgesOf(page)
    low = Math.max(low, edges.low)
    high = Math.min(high, edges.high)
    // A page is of one moment: in it no call with a start time is behind one without.
    return edges.low <= edges.high
  }
  if (!pages.every(note)) return elsewhere
  let step = 1
  let wanted = Math.min(Math.max(low, expected.dated), high)
  while (low < high) {
    const at = pageAbout(wanted, size)
    const page = at.page > mostPages ? undefined : yield* wire.pageOf(at.page, at.size)
    if (page === undefined) return elsewhere
    if (page.rows.length === 0) return moved
    pages.push(page)
    const before = { low, high }
    if (!note(page)) return elsewhere
    if (low === before.low && high === before.high) return moved
    const middle = Math.floor((low + high) / 2)
    // First the pages beside it, then halves.
    wanted = low > before.low ? Math.min(low + step, middle) : Math.max(high - step, middle)
    step *= 4 * size
  }
  if (low > high) return moved
  // One that begins with them has them in front, or nothing else at all.
  return low === 0 || low === total ? elsewhere : { _tag: "End", dated: low, total, pages }
})

const stepAt = (row: number, size: number): Overlap.Step => {
  const before = Math.floor(Math.max(0, row) / size)
  return { page: before + 1, size, skip: before * size }
}

/** Whether a page begins in front of a range, and whether one ends behind it. */
const edges = ({ from, to }: Span, order: Order) => ({
  begins: (rows: ReadonlyArray<Rows.Row>): boolean => {
    const [created] = createdIn(rows)
    if (rows.some((row) => isShown(row) && !isLoose(row))) return true
    return (
      created !== undefined && (order === "newest first" ? created >= to : order === "oldest first" && created < from)
    )
  },
  ends: (rows: ReadonlyArray<Rows.Row>): boolean => {
    const created = createdIn(rows).at(-1)
    return (
      created !== undefined && (order === "newest first" ? created < from : order === "oldest first" && created >= to)
    )
  }
})

export interface Following {
  readonly paged: Paged | undefined
  /** Nothing moved between the page before and this one. */
  readonly isNext: boolean
}

/**
 * The page behind so many rows, the last of which is the first or so of it. Where no page overlaps with them, because pages are small, it
 * has to be the same twice, and the one before it must end as it did.
 */
export const follow = Effect.fnUntraced(function* (
  { pageOf, size }: Pick<Wire, "pageOf" | "size">,
  read: number,
  seam: string | undefined
): Effect.fn.Return<Following, AgniError> {
  const step = Overlap.overlapping(read, size)
  if (step !== undefined) {
    const paged = yield* pageOf(step.page, step.size)
    return { paged, isNext: paged?.rows[read - step.skip - 1]?.key === seam }
  }
  const { page } = stepAt(read, size)
  const [paged, again, before] = [yield* pageOf(page), yield* pageOf(page), yield* pageOf(page - 1)]
  const isSame = paged !== undefined && again !== undefined && Rows.sameRows(paged.rows, again.rows)
  return { paged, isNext: isSame && before?.rows.at(-1)?.key === seam }
})

/** The first page: the one that should be it, or one before, which begins in front of the range. */
const firstPage = Effect.fnUntraced(function* (
  { pageOf, size }: Wire,
  row: number,
  begins: (rows: ReadonlyArray<Rows.Row>) => boolean
): Effect.fn.Return<Paged | undefined, AgniError> {
  for (let [step, back] = [stepAt(row, size), 1]; ; back *= 2) {
    const paged = yield* pageOf(step.page, step.size)
    if (paged === undefined || step.page === 1 || begins(paged.rows)) return paged
    step = stepAt(step.skip - back * size, size)
  }
})

const readIn = Effect.fnUntraced(function* (
  wire: Wire,
  span: Span,
  { first, order, total }: Parameters<EndSearch["endIn"]>[1]
): Effect.fn.Return<Part, AgniError> {
  const { begins, ends } = edges(span, order)
  const held = Rows.makeHeld()
  const shown: Array<Paged> = []
  let paged = yield* firstPage(wire, first - 1, begins)
  let read = paged?.skip ?? 0
  let isWhole = true
  while (paged !== undefined) {
    const { rows, size, skip }: Paged = paged
    held.add(rows.filter(isLoose))
    shown.push({ ...paged, skip: Math.max(skip, read), rows: rows.slice(Math.max(0, read - skip)) })
    read = Math.max(read, skip + rows.length)
    if (rows.length < size || (wire.repeats && read >= total) || ends(rows)) {
      const isInOrder = order === "none" || isIn(shown, order)
      // A server that is down may answer with nothing.
      return { rows: [...held.rows.values()], isWhole: isWhole && read > 0 && isInOrder, isInOrder }
    }
    const next: Following = yield* follow(wire, read, rows.at(-1)?.key)
    isWhole &&= next.isNext
    paged = next.paged
  }
  return { rows: [...held.rows.values()], isWhole: false, isInOrder: true }
})

export const make = (
  ask: Ask.Ask,
  { repeats, size }: { readonly size: number; readonly repeats: boolean }
): EndSearch => {
  const pageOf: PageOf = (page, asked = size) =>
    Effect.map(Ask.orNothing(ask(page, {}, { size: asked })), (answer): Paged | undefined =>
      answer === undefined ? undefined : { page, size: asked, skip: (page - 1) * asked, rows: answer.rows }
    )
  const wire: Wire = { ask, pageOf, size, repeats }
  return {
    end: (expected) => locate(wire, expected),
    endIn: (span, about) => readIn(wire, span, about),
    endPage: (page) => pageOf(page)
  }
}
