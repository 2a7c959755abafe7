/** How many rows lie between two bounds, as far as answers showed: by their number, or by the place of a row on its page. */
import type { Micros } from "./Micros.ts"

export interface Bounds {
  readonly after?: Micros | undefined
  readonly before?: Micros | undefined
}

/** So many rows lie between two bounds. */
export interface Counted {
  readonly after: Micros
  readonly before: Micros
  readonly rows: number
}

/** The same by the place of the last row on a page of this size and length. */
export interface Paged extends Counted {
  readonly size: number
  readonly length: number
  /** Whether it may be the first page again. */
  readonly isFirst: boolean
}

/** Under which counts of these bounds are noted; open ones are infinite. */
const keyOf = ({ after = -Infinity, before = Infinity }: Bounds): string => `${after} ${before}`

/** Keeps the greatest count of the same bounds. */
export const noteCount = (counts: Map<string, Counted>, bounds: Bounds, rows: number): void => {
  const { after = -Infinity, before = Infinity } = bounds
  const key = keyOf(bounds)
  if (rows > (counts.get(key)?.rows ?? 0)) counts.set(key, { after, before, rows })
}

const keyOfPage = (page: Paged): string => `${keyOf(page)} ${page.size} ${page.length} ${page.isFirst}`

export const forgetPage = (pages: Map<string, Paged>, page: Paged): void => {
  pages.delete(keyOfPage(page))
}

/** Keeps the greatest place of a page of the same bounds, size and length, which may be the first again or not. */
export const notePage = (pages: Map<string, Paged>, page: Paged): void => {
  const key = keyOfPage(page)
  if (page.rows > (pages.get(key)?.rows ?? 0)) pages.set(key, page)
}

/** Notes that a page is not the first one again, which was not known when it was noted. */
export const noteOther = (pages: Map<string, Paged>, page: Paged): void => {
  if (pages.get(keyOfPage(page)) === page) forgetPage(pages, page)
  notePage(pages, { ...page, isFirst: false })
}

/**
 * Forgets the places of rows on pages that are larger than the server's: which places those have is not known, because it may count them
 * by the size that was asked for.
 */
export const forgetLarger = (
  { lengths, places }: { readonly lengths: Map<string, Paged>; readonly places: Map<string, Counted> },
  size: number
): void => {
  forget({ lengths, places }, (page) => page.size > size)
}

/** The same for all sizes but the server's own, where it rounds the others. */
export const forgetOthers = (
  {
    lengths,
    places,
    sure
  }: Readonly<Record<"places" | "sure", Map<string, Counted>>> & {
    readonly lengths: Map<string, Paged>
  },
  size: number
): void => {
  forget({ lengths, places }, (page) => page.size !== size)
  sure.clear()
}

const forget = (
  { lengths, places }: { readonly lengths: Map<string, Paged>; readonly places: Map<string, Counted> },
  isMeant: (page: Paged) => boolean
): void => {
  for (const [key, page] of lengths) if (isMeant(page)) lengths.delete(key)
  places.clear()
  for (const page of lengths.values()) noteCount(places, page, page.rows)
}

/** How many rows the bounds were counted to hold; nothing if they were not counted, or held none. */
export const exactly = (counts: ReadonlyMap<string, Counted>, bounds: Bounds): number | undefined =>
  counts.get(keyOf(bounds))?.rows

/** Rows that the bounds held, as far as any answer showed. */
export const countOf = (
  { counts, places, sure }: Readonly<Record<"counts" | "places" | "sure", ReadonlyMap<string, Counted>>>,
  bounds: Bounds,
  repeats: boolean
): number => {
  const key = keyOf(bounds)
  return Math.max(counts.get(key)?.rows ?? 0, (repeats ? sure : places).get(key)?.rows ?? 0)
}
