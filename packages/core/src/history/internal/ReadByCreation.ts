/** All calls of a range by the order of creation, with calls without a start time among them. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import type * as Coverage from "../Coverage.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import type * as Micros from "../../endpoint/internal/Micros.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import * as Seam from "./Seam.ts"
import type { Settings } from "./Settings.ts"
import * as Step from "./Step.ts"

/** A server that repeats itself beyond the end is given up here. */
const mostPages = 2 ** 20
const mostIdle = 3

export const moved: Coverage.Coverage = {
  _tag: "Provisional",
  reason: { _tag: "WithoutStartMoved" }
}

/** Whether a row has no start that is credible. */
export type IsLoose = (row: Rows.Row) => boolean

interface Wanted {
  readonly ask: Ask.Ask
  readonly size: number
  readonly range: Micros.Range
  readonly isLoose: IsLoose
}

/** Nothing where the server does not order by creation, or does not go so deep. */
export type Created = { readonly rows: ReadonlyArray<Rows.Row>; readonly coverage: Coverage.Coverage } | undefined

/** The pages of one walk. */
interface Walked extends NonNullable<Created> {
  /** Whether two of them do not overlap. */
  readonly apart: boolean
  /** Whether an empty page ended it, which did not overlap either: the list may continue where the server does not. */
  readonly open: boolean
}

/**
 * Pages that do not overlap are read again in the other order, where they end elsewhere: a call that one reading passed by, because
 * another one left, or because replicas answer in turn, is in the other one.
 */
export const readByCreation = Effect.fnUntraced(function* (
  { size }: Pick<Settings, "size">,
  ask: Ask.Ask,
  range: Micros.Range,
  isLoose: IsLoose
): Effect.fn.Return<Created, AgniError> {
  const wanted: Wanted = { ask, size, range, isLoose }
  const first = yield* readPages(wanted, "desc")
  if (first === undefined || !first.apart) return first
  const second = yield* readPages(wanted, "asc")
  const there = within(first.rows, range)
  const isSame = second !== undefined && Rows.sameRows(there, within(second.rows, range))
  // Where both end so and have none of the range, it may lie between them.
  if (first.open && (!isSame || (second.open && there.length === 0))) return undefined
  return isSame ? { ...second, coverage: first.coverage } : { ...first, coverage: moved }
})

const within = (rows: ReadonlyArray<Rows.Row>, { from, to }: Micros.Range): ReadonlyArray<Rows.Row> =>
  rows.filter((row) => createdIn([row]).some((created) => created >= from && created < to))

const createdIn = (rows: ReadonlyArray<Rows.Row>): ReadonlyArray<number> =>
  rows.flatMap((row) => Rows.createdOf(row) ?? [])

/** Pages in one order of creation, and which of them lie before the range and behind it. */
const pagesOf = (ask: Ask.Ask, { from, to }: Micros.Range, order: "asc" | "desc") => {
  const look = (page: number, size: number) =>
    Effect.map(
      Effect.catchIf(ask(page, {}, { size, sort: { by: "created_at", order } }), Ask.isRefusal, () =>
        Effect.succeed<{ readonly rows: ReadonlyArray<Rows.Row> }>({ rows: [] })
      ),
      ({ rows }) => rows
    )
  const isNewer = (created: number) => created >= to
  const isOlder = (created: number) => created < from
  const [isBefore, isBehind] = order === "desc" ? [isNewer, isOlder] : [isOlder, isNewer]
  return {
    look,
    areInOrder: (rows: ReadonlyArray<Rows.Row>) => {
      const instants = order === "desc" ? createdIn(rows) : createdIn(rows).toReversed()
      return instants.every((instant, i) => instant <= (instants[i - 1] ?? Infinity))
    },
    areBefore: (rows: ReadonlyArray<Rows.Row>) => createdIn(rows).every(isBefore),
    reachBehind: (rows: ReadonlyArray<Rows.Row>) => createdIn(rows).some(isBehind)
  }
}

/** The last page that lies before the range, 0 where there is none: reads pages 1, 2, 4, 8 …, then halves. */
const lastBefore = Effect.fnUntraced(function* (
  { areBefore, look }: ReturnType<typeof pagesOf>,
  first: ReadonlyArray<Rows.Row>,
  size: number
): Effect.fn.Return<number, AgniError> {
  const isBefore = (rows: ReadonlyArray<Rows.Row>) => rows.length === size && areBefore(rows)
  let before = 0
  let page = 1
  let rows = first
  while (isBefore(rows) && page < mostPages) {
    before = page
    page *= 2
    rows = yield* look(page, size)
  }
  while (page - before > 1) {
    const middle = (page + before) >>> 1
    if (isBefore(yield* look(middle, size))) before = middle
    else page = middle
  }
  return before
})

/**
 * Each page begins with the last rows of the one before it, in the places where they must be. Where the server rounds sizes, or
 * where a page of every size ends, as with five a page behind 60 rows, one follows another.
 */
const readPages = Effect.fnUntraced(function* (
  { ask, isLoose, range, size }: Wanted,
  order: "asc" | "desc"
): Effect.fn.Return<Walked | undefined, AgniError> {
  const { rounds } = ask.log
  const pages = pagesOf(ask, range, order)
  const first = yield* pages.look(1, size)
  // By creation, and not by start: otherwise a call without a start time has no place.
  if (!pages.areInOrder(first)) return undefined
  const begin = Math.max(1, yield* lastBefore(pages, first, size))
  const held = Rows.makeHeld()
  let read = (begin - 1) * size
  let step: Step.Step = { page: begin, size, skip: read }
  let seam = Seam.first(step)
  let apart = rounds
  let shifted = false
  let amongOthers = false
  let idle = 0
  while (idle < mostIdle) {
    const { page, size: asked, skip } = step
    const rows: ReadonlyArray<Rows.Row> = page === 1 && asked === size ? first : yield* pages.look(page, asked)
    const open = rows.length === 0 && seam.keys.length === 0
    // Where a row must be again nothing comes: so deep the server does not go.
    if ((rows.length === 0 && !open) || !pages.areInOrder(rows)) return undefined
    if (Seam.isLost(seam, rows, read, skip)) shifted = true
    idle = held.add(rows) === 0 ? idle + 1 : 0
    const loose = rows.filter(isLoose).length
    amongOthers ||= loose > 0 && loose < rows.length
    if (rows.length < asked || pages.reachBehind(rows)) {
      const coverage: Coverage.Coverage = shifted ? moved : { _tag: "Proven" }
      return amongOthers ? { rows: [...held.rows.values()], coverage, apart, open } : undefined
    }
    read = skip + rows.length
    const after = Seam.after(rows, read, size, (last) => Seam.differ(last, Rows.createdOf))
    if (rounds || after.step === undefined) {
      apart = true
      step = rounds ? Step.next(step, read) : { page: read / size + 1, size, skip: read }
      seam = Seam.first(step)
    } else {
      step = after.step
      seam = after
    }
  }
  return undefined
})
