/** How many rows fixed bounds hold: (k − 1) × size + the length of page k, where k is the last page that holds rows. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import * as Ask from "./Ask.ts"
import * as NotedCounts from "./NotedCounts.ts"
import * as LastPage from "./LastPage.ts"
import * as Rows from "./ListedRows.ts"

const mostPages = 2 ** 26

interface Options {
  readonly expected: number
  readonly size: number
  readonly repeats: boolean
  readonly even?: boolean
  /** Whether pages of no other size are asked for. @default where the server rounds sizes */
  readonly fixed?: boolean | undefined
  /** The first page, where it is known. */
  readonly first?: ReadonlyArray<Rows.Row> | undefined
}

/** The length of the pages that are counted: a last page that is full would take another request to be known as the last. */
export const lengthOf = ({ expected, fixed = false, repeats, size }: Options): number =>
  !repeats && !fixed && size > 2 && expected > 0 && expected % size === 0 ? size - 1 : size

/**
 * Begins where the last page should be when there are about so many rows; where that page is not full, one request is all. A
 * count that cannot be had (a page fails on a record, or the server refuses a page that lies so deep) is unknown. `even` says that rows
 * reach from one bound to the other, so that the fill of a page gives an estimate.
 */
export const rows = (
  ask: Ask.Ask,
  bounds: Ask.Bounds,
  options: Options
): Effect.Effect<number | undefined, AgniError> => Ask.catchPoison(orFail(ask, bounds, options), () => Effect.undefined)

/** The same, and where a page fails on a record, its failure: who needs the count can do without it, or must read such pages anyway. */
export const orFail = (
  ask: Ask.Ask,
  bounds: Ask.Bounds,
  asked: Options
): Effect.Effect<number | undefined, AgniError> => {
  const options = { ...asked, fixed: asked.fixed ?? ask.log.rounds }
  const counted: Effect.Effect<number | undefined, AgniError> = options.repeats
    ? LastPage.count(ask, bounds, options)
    : Effect.flatMap(shorter(ask, bounds, options), (rows) =>
        // Smaller pages lie deeper: so deep the server may not go. Of a server that rounds sizes they have another length.
        (rows === undefined || ask.log.rounds) && lengthOf(options) < options.size
          ? search(ask, bounds, options)
          : Effect.succeed(rows)
      )
  return counted.pipe(
    Effect.tap((rows) =>
      Effect.sync(() => {
        if (rows !== undefined) NotedCounts.noteCount(ask.log.counts, bounds, rows)
      })
    ),
    Effect.catchIf(Ask.isRefusal, () => Effect.undefined)
  )
}

/** By pages that should not end with the last row. A first page that is not full is all, however long those are. */
const shorter = (ask: Ask.Ask, bounds: Ask.Bounds, options: Options): Effect.Effect<number | undefined, AgniError> =>
  options.first !== undefined && options.first.length < options.size
    ? Effect.succeed(options.first.length)
    : search(ask, bounds, { ...options, size: lengthOf(options) })

const search = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  bounds: Ask.Bounds,
  { even = false, expected, first, size }: Options
): Effect.fn.Return<number | undefined, AgniError> {
  /** Pages up to there are full; from there on there are none. */
  let full = first === undefined ? 0 : 1
  let none = Infinity
  // Nothing may be known of how many there are, and a rate that bursts made up leads far astray.
  const likely = first === undefined ? undefined : extrapolate(bounds, size, first)
  const most = likely === undefined ? mostPages : Math.max(16, (4 * likely) / size)
  let page = Math.max(full + 1, Number.isFinite(expected) ? Math.ceil(Math.min(most, expected / size)) : 1)
  let before: ReadonlyArray<Rows.Row> = []
  /** Greater each time, so that a server that repeats itself for ever is soon given up. */
  let step = 1
  while (none - full > 1) {
    if (page > mostPages) return undefined
    const { rows } = yield* ask(page, bounds, { size })
    if (rows.length > 0 && rows.length < size) return (page - 1) * size + rows.length
    const guess = !even || step > 64 ? undefined : extrapolate(bounds, page * size, rows)
    // Another page again: beyond a limit on the depth the server repeats one, however many rows there are.
    if (rows.length > 0 && Rows.sameRows(rows, before)) return undefined
    before = rows
    if (rows.length === 0) none = page
    else full = page
    page =
      guess !== undefined
        ? Math.ceil(guess / size)
        : none === Infinity
          ? full + step
          : full === 0 && step <= 4
            ? none - step
            : Math.floor(Math.sqrt((full + 1) * none))
    // One that is known already would bring nothing new.
    page = Math.max(full + 1, Math.min(none - 1, page))
    step *= 4
  }
  return full * size
})

/** How many there are between the bounds, when so many of them are newer than the last one, and they lie evenly. */
const extrapolate = (
  { after, before }: Ask.Bounds,
  newer: number,
  rows: ReadonlyArray<Rows.Row>
): number | undefined => {
  const start = rows.at(-1)?.start
  if (after === undefined || before === undefined || start === undefined || !Rows.isNewestFirst(rows)) return undefined
  return start <= after || start >= before ? undefined : (newer * (before - after)) / (before - start)
}

/**
 * A full last page may be the last one in front of a limit, and a second list that the limit cuts would have as many rows. Pages of
 * another length, none of which ends there, come to the same number only where there is no limit.
 */
export const isCutOff = Effect.fnUntraced(function* (
  count: (size: number) => Effect.Effect<number | undefined, AgniError>,
  all: number,
  size: number
): Effect.fn.Return<boolean, AgniError> {
  const other = [2, 3, 5].map((less) => size - less).find((length) => length > 0 && all % length !== 0)
  if (other === undefined || (yield* count(other)) === all) return false
  // Calls may have come meanwhile.
  return (yield* count(size)) === all
})
