/** Whether a proof could be had of what an adversary answered. */
import { began, type Case } from "./Adversaries.ts"
import * as Adversary from "./Adversary.ts"
import { isThere, startOf } from "./AdversaryRows.ts"

export const second = 1_000_000
const hour = 3600 * second
export const horizon = 2 * hour

/** Bounds reach two seconds beyond a window, and a bound may be included or not. */
export const margin = 4 * second

export const idsWithTwoStarts = ({ rows }: Case): ReadonlySet<string> => {
  const once = new Set<string>()
  const twice = new Set<string>()
  for (const { id } of rows) (once.has(id) ? twice : once).add(id)
  return twice
}

/** No answer can show a time before this one: replicas are behind by six hours at most. */
const eldest = began - 7 * hour

/** Whether a row is there, with one start, in all that any answer may show. */
export const isSteady = (row: Adversary.Row, ended: number): boolean =>
  isThere(row, eldest) &&
  isThere(row, ended) &&
  (row.moves ?? []).every(({ at, start }) => at > ended || start === row.start)

/** A page brings no more than is asked for. */
const sizeOf = ({ read: { pageSize = 100 }, server }: Case): number => Adversary.sizeOf(server, pageSize)

/** All rows of the server fill so many pages. */
export const pagesOf = (one: Case): number => Math.max(1, Math.ceil(one.rows.length / sizeOf(one)))

/** More rows than that cannot be had for the same bounds. */
export const mostTogether = (one: Case): number => {
  const { depth, offset, results } = one.server
  return Math.min(offset?.most ?? Infinity, (depth?.most ?? Infinity) * sizeOf(one), results?.most ?? Infinity)
}

/** Up to there calls are old enough, by the earliest clock that an answer had. */
export const horizonOf = ({ server: { date } }: Case): number =>
  began + Math.min(0, date?.offset ?? 0) - horizon - second

/** So many rows start within six seconds, or lie there by their creation. */
const together = (rows: ReadonlyArray<Adversary.Row>, { coalesces }: Adversary.Traits): number => {
  const placeOf = ({ created, start }: Adversary.Row) => start ?? (coalesces === true ? created : [])
  const starts = rows.flatMap(placeOf).sort((a, b) => a - b)
  return starts.reduce(
    (most, start, i) => Math.max(most, i + 1 - starts.findIndex((other) => other >= start - 6 * second)),
    0
  )
}

/** A row is asked for so often before its absence is believed. */
const mostAbsent = 3

/** Whether all that is older than the horizon could be proven; each line is a reason why not. */
export const isProvable = (one: Case, server: Adversary.Server): boolean => {
  const { range, rows, server: traits } = one
  const { from = -Infinity, to = Infinity } = range
  const whole = from === -Infinity && to === Infinity
  const isNear = (at: number) => at >= from - margin && at < to + margin
  // A range includes the calls without a start time that were created in it.
  const isIn = (start: number | undefined, { created }: Adversary.Row) =>
    start === undefined ? whole || isNear(created) : isNear(start)
  const twice = idsWithTwoStarts(one)
  const starts = (row: Adversary.Row) => [row.start, ...(row.moves ?? []).map(({ start }) => start)]
  const undated = rows.filter(({ start }) => start === undefined).length
  // Calls without a start stand together in the list without bounds. Where a page beyond its end brings another one again, that
  // one looks new each time, and nobody can count the list.
  const isRepeating = traits.beyond === "first" || traits.beyond === "last"
  const isListMeant = whole || isRepeating
  const isLarge = traits.tieOrder !== "id" && Math.max(together(rows, traits), isListMeant ? undated : 0) > sizeOf(one)
  // Nothing of the range is old enough.
  if (from >= horizonOf(one)) return false
  // Bounds can only be tried by rows that stay, and that are some seconds apart: what is elsewhere must not come.
  const steady = rows.filter((row) => isSteady(row, server.now()) && !server.withheld.has(row.id))
  const known = steady.flatMap(({ start }) => start ?? [])
  if (known.length === 0 || (rows.length > 1 && Math.max(...known) - Math.min(...known) < 6 * second)) return false
  // It was listed, and did not come when its own second was asked for, again and again: bounds may mean something else.
  if ([...server.alone].some(([id, { absent, came }]) => server.listed.has(id) && came === 0 && absent >= mostAbsent))
    return false
  // Where calls begin is not shown, and bounds that reach back to any beginning are not answered: the whole list shows it, unless
  // a limit cuts it, or may have because its last page is full. Of a single page nobody knows how many it could hold.
  const size = sizeOf(one)
  const isEndShown = rows.length <= mostTogether(one) && rows.length > size && rows.length % size !== 0
  if (from === -Infinity && (to < Infinity || !isEndShown) && traits.span !== undefined) return false
  // What is filtered after it was cut into pages has no count.
  if (traits.filterAfterPaging) return false
  // Bounds mean another time than the starts.
  if (traits.zone !== undefined) return false
  // Some answers are for other bounds than those that were asked for.
  if (traits.ignores !== undefined) return false
  // It cannot be had, and outside the range it may be a call without a start.
  if (traits.poison !== undefined) return false
  // It came, went or got another start while it was read, or some answer may be of a time before that.
  if (
    rows.some(
      (row) => starts(row).some((start) => isIn(start, row)) && !isSteady(row, server.now()) && isEverThere(row, server)
    )
  )
    return false
  // It connected meanwhile, so it has a start in some answers only.
  const connects = ({ moves = [], start }: Adversary.Row) =>
    start === undefined && moves.some(({ at }) => at > began && at <= server.now())
  if (rows.some(connects)) return false
  // Some answers lacked it, though it lay within their bounds: which of them were whole nobody can tell.
  if (rows.some((row) => server.withheld.has(row.id) && isIn(startOf(row, began), row))) return false
  // Calls without a start time are counted as the rest of the list, and some answers lacked a part of it.
  if (undated > 0 && server.withheld.size > 0) return false
  // Of which of its starts is it?
  if (rows.some((row) => twice.has(row.id) && isIn(row.start, row))) return false
  // A later answer was made before the first one, by its date: it may be of a replica that lags, and so may be the total.
  if (whole && isDatedBack(one, server)) return false
  // Pages were of another length, or in another order, than those before them.
  if (traits.change !== undefined && traits.change.at <= server.requests()) return false
  // A page beyond the end that repeats another one, and is empty beyond a limit: the end is not to be found.
  if (isRepeating && (traits.depth ?? traits.offset) !== undefined) return false
  // The same where it is a limit on the offset that repeats one, and the number of a page is limited, too.
  if (traits.offset?.cut === "last" && (traits.depth?.cut === "empty" || traits.depth?.cut === "error")) return false
  // More rows of one second than a limit lets come, or more than a page, which stand otherwise on each.
  const there = rows.filter((row) => isThere(row, began))
  return together(there, traits) <= mostTogether(one) && !isLarge
}

/** Whether all answers at the end say that they were made before the first one. */
const isDatedBack = ({ server: { date } }: Case, server: Adversary.Server): boolean =>
  date !== undefined && date.offset < 0 && date.from > 1 && date.every === 1 && date.to >= server.requests()

const isEverThere = ({ gone = Infinity, seen = -Infinity }: Adversary.Row, server: Adversary.Server): boolean =>
  seen <= server.now() && gone > eldest
