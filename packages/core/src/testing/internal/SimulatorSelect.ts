/** From a query to the rows of its page. */
import { keyOf, type Orders, type View, viewOf } from "./Order.ts"
import { filterKey, hasBounds, hasFilters, type Query } from "./Query.ts"
import { hash } from "./Random.ts"
import { callerNumber, searchText } from "./Record.ts"
import { channels } from "./CallKinds.ts"
import type { World } from "./World.ts"

export interface Selection {
  readonly rows: ReadonlyArray<number>
  /** How many rows the query has in all. */
  readonly total: number
}

/** Whether a row passes everything but the time bounds. */
const passesFilters = (world: World, query: Query, row: number, at: number): boolean =>
  (query.agent === undefined || world.agent[row] === query.agent) &&
  (query.channel === undefined || channels[world.channel[row] ?? 0] === query.channel) &&
  (query.status === undefined || world.statusAt(row, at) === query.status) &&
  (query.callerNumber === undefined || callerNumber(world, row) === query.callerNumber) &&
  (query.search === undefined || searchText(world, row).includes(query.search))

const passesBounds = (world: World, query: Query, row: number, at: number): boolean => {
  const { field, undated } = world.options.bounds
  const instant = field === "start" ? world.startAt(row, at) : (world.created[row] ?? NaN)
  if (Number.isNaN(instant)) return !hasBounds(query) || (undated === "before" && query.low === -Infinity)
  return query.low <= instant && instant < query.high
}

/**
 * @param salt makes the order of ties differ from request to request, where it does
 */
export const select = (world: World, orders: Orders, query: Query, at: number, salt: number): Selection => {
  const late = world.options.filterAfterPaging
  const filtersFirst = late === "nothing"
  const boundsFirst = late !== "all"
  const view =
    filtersFirst && hasFilters(query)
      ? filtered(world, orders, query, at)
      : orders.view(query.field, query.descending, at)
  const [low, high, rows] =
    boundsFirst && hasBounds(query) ? bounded(world, orders, view, query, at, filtersFirst) : [0, view.length, view]
  const total = high - low
  const offset = low + offsetOf(world, query, total)
  const end = Math.min(high, offset + query.size)
  let page = offset >= end ? [] : slice(world, query, rows, low, high, offset, end, at, salt)
  if (!boundsFirst) page = page.filter((row) => passesBounds(world, query, row, at))
  if (!filtersFirst) page = page.filter((row) => passesFilters(world, query, row, at))
  return { rows: page, total }
}

const offsetOf = (world: World, query: Query, total: number): number => {
  const step = world.options.offsetFrom === "asked" ? query.asked : query.size
  const offset = (query.page - 1) * step
  if (offset < total || world.options.beyondLast === "empty") return offset
  return world.options.beyondLast === "first" || total === 0 ? 0 : Math.floor((total - 1) / step) * step
}

const filtered = (world: World, orders: Orders, query: Query, at: number): View =>
  orders.remembered(filterKey(query), at, () => {
    const base = orders.view(query.field, query.descending, at)
    return narrowed(base, (row) => passesFilters(world, query, row, at))
  })

/** The rows of a view that pass, with the stretch that has the sort key kept in sight. */
const narrowed = (base: View, passes: (row: number) => boolean): View => {
  const rows = new Uint32Array(base.length)
  let [n, from, to] = [0, 0, 0]
  for (let i = 0; i < base.length; i++) {
    const row = base.row(i)
    if (!passes(row)) continue
    if (i < base.from) from++
    if (i < base.to) to++
    rows[n++] = row
  }
  return viewOf(rows.slice(0, n), from, to)
}

/** The stretch of rows within the bounds: by binary search where the order is by the bounded instant. */
const bounded = (
  world: World,
  orders: Orders,
  view: View,
  query: Query,
  at: number,
  isFiltered: boolean
): readonly [number, number, View] => {
  const { field, undated } = world.options.bounds
  const ordered = query.field === field || (field === "created" && query.field === "id")
  if (ordered && (undated === "none" || query.low !== -Infinity)) {
    const { row, from, to } = view
    const search = (beyond: (key: number) => boolean): number => {
      let a = from
      let b = to
      while (a < b) {
        const middle = (a + b) >>> 1
        if (beyond(keyOf(world, field, row(middle), at))) b = middle
        else a = middle + 1
      }
      return a
    }
    const start = query.descending ? search((key) => key < query.high) : search((key) => key >= query.low)
    const end = query.descending ? search((key) => key < query.low) : search((key) => key >= query.high)
    return [start, Math.max(start, end), view]
  }
  const key = `${isFiltered ? filterKey(query) : `${query.field} ${query.descending}`} ${query.low} ${query.high}`
  const rows = orders.remembered(key, at, () => narrowed(view, (row) => passesBounds(world, query, row, at)))
  return [0, rows.length, rows]
}

/** A page's rows, those of equal keys in the order that the options ask for. */
const slice = (
  world: World,
  query: Query,
  { row }: View,
  low: number,
  high: number,
  from: number,
  to: number,
  at: number,
  salt: number
): Array<number> => {
  if (world.options.tieOrder === "id" || query.field === "id" || query.field === "insertion") {
    return Array.from({ length: to - from }, (_, i) => row(from + i))
  }
  const key = (i: number): number => keyOf(world, query.field, row(i), at)
  const same = (a: number, b: number): boolean => a === b || (Number.isNaN(a) && Number.isNaN(b))
  const page: Array<number> = []
  let i = from
  // A group of ties may begin before the page and end after it: its whole is shuffled, then cut.
  while (i < to) {
    const group = key(i)
    let first = i
    while (i === from && first > low && same(key(first - 1), group)) first--
    let last = i + 1
    while (last < high && same(key(last), group)) last++
    if (last - first === 1) page.push(row(i))
    else {
      const shuffled = Array.from({ length: last - first }, (_, i) => row(first + i)).sort(
        (a, b) => hash(salt, 70, a) - hash(salt, 70, b) || a - b
      )
      for (let k = i; k < Math.min(last, to); k++) page.push(shuffled[k - first] ?? 0)
    }
    i = last
  }
  return page
}
