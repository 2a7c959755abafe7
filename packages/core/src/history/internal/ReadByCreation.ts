/** All calls of a range by the order of creation, with calls without a start time among them. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import type * as Coverage from "../Coverage.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import type * as Micros from "../../endpoint/internal/Micros.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import * as CreationEvidence from "./CreationEvidence.ts"
import * as Seam from "./Seam.ts"
import type { Settings } from "./Settings.ts"
import * as Step from "./Step.ts"

/** A server that repeats itself beyond the end is given up here. */
const mostPages = 2 ** 20
const mostIdle = 3
/** So many more pages are read than the calls of the range fill. */
const mostBeside = 50

export const moved: Coverage.Coverage = {
  _tag: "Provisional",
  reason: { _tag: "WithoutStartMoved" }
}

/** Whether a row has no start that is credible. */
export type IsLoose = (row: Rows.Row) => boolean

/** When calls without a start time that answers listed were created. */
export type Listed = ReadonlyMap<string, Micros.Micros>

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
  readonly pages: Pages
  /** Whether two of them do not overlap. */
  readonly apart: boolean
  /** Whether an empty page ended it, which did not overlap either: the list may be longer than the server shows. */
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
  isLoose: IsLoose,
  listed: () => Listed
): Effect.fn.Return<Created, AgniError> {
  const wanted: Wanted = { ask, size, range, isLoose }
  const first = yield* readPages(wanted, "desc")
  if (first === undefined || !(yield* isUnderstood(first.pages, wanted, listed()))) return undefined
  if (!first.apart) return first
  // Calls that come as fast as pages have no end, from the oldest on.
  const newest = newestOf(first.rows)
  const until = { from: range.from, to: Math.min(range.to, newest + 1) }
  const turned = yield* readPages({ ...wanted, range: until }, "asc")
  // Where the order cannot be turned, smaller pages end elsewhere too.
  const second =
    turned === undefined && !ask.log.rounds && size > 1
      ? yield* readPages({ ...wanted, size: size - 1 }, "desc")
      : turned
  // Where the server goes only so deep from both ends, calls may lie between: not if the same one came from both.
  const keys = new Set(first.rows.map(({ key }) => key))
  if (first.open && !turned?.rows.some(({ key }) => keys.has(key))) return undefined
  const isSame = second !== undefined && Rows.sameRows(within(first.rows, until), within(second.rows, until))
  if (isSame) return first
  const held = Rows.makeHeld()
  held.add(first.rows)
  held.add(second?.rows ?? [])
  return { rows: [...held.rows.values()], coverage: moved }
})

const within = (rows: ReadonlyArray<Rows.Row>, { from, to }: Micros.Range): ReadonlyArray<Rows.Row> =>
  rows.filter((row) => createdIn([row]).some((created) => created >= from && created < to))

const createdIn = (rows: ReadonlyArray<Rows.Row>): ReadonlyArray<number> =>
  rows.flatMap((row) => Rows.createdOf(row) ?? [])

/** Of as many rows as a range has: more than a function takes as arguments. */
const newestOf = (rows: ReadonlyArray<Rows.Row>): number =>
  createdIn(rows).reduce((newest, created) => Math.max(newest, created), -Infinity)

interface Pages {
  readonly look: (page: number, size?: number) => Effect.Effect<ReadonlyArray<Rows.Row>, AgniError>
  /** Pages of the usual size. */
  readonly looked: ReadonlyMap<number, ReadonlyArray<Rows.Row>>
  readonly evidence: CreationEvidence.CreationEvidence
  readonly areInOrder: (rows: ReadonlyArray<Rows.Row>) => boolean
  readonly areBefore: (rows: ReadonlyArray<Rows.Row>) => boolean
  readonly reachBehind: (rows: ReadonlyArray<Rows.Row>) => boolean
}

/** Pages in one order of creation, and which of them lie before the range and behind it. */
const pagesOf = ({ ask, isLoose, range: { from, to }, size: usual }: Wanted, order: "asc" | "desc"): Pages => {
  const isNewer = (created: number) => created >= to
  const isOlder = (created: number) => created < from
  const [isBefore, isBehind] = order === "desc" ? [isNewer, isOlder] : [isOlder, isNewer]
  const areInOrder = (rows: ReadonlyArray<Rows.Row>) => {
    const instants = order === "desc" ? createdIn(rows) : createdIn(rows).toReversed()
    return instants.every((instant, i) => instant <= (instants[i - 1] ?? Infinity))
  }
  const looked = new Map<number, ReadonlyArray<Rows.Row>>()
  const shown = CreationEvidence.make(areInOrder, isLoose)
  return {
    look: (page, size = usual) =>
      Effect.map(
        Effect.catchIf(ask(page, {}, { size, sort: { by: "created_at", order } }), Ask.isRefusal, () =>
          Effect.succeed<{ readonly rows: ReadonlyArray<Rows.Row> }>({ rows: [] })
        ),
        ({ rows }) => {
          shown.note(rows)
          if (size === usual) looked.set(page, rows)
          return rows
        }
      ),
    looked,
    evidence: shown,
    areInOrder,
    areBefore: (rows) => createdIn(rows).every(isBefore),
    reachBehind: (rows) => createdIn(rows).some(isBehind)
  }
}

/** More requests are not made to understand the order where no page of the range shows it. */
const mostLooks = 4

/** Whether the pages show the order of creation, or those that have the call without a start time that was created nearest to the range. */
const isUnderstood = Effect.fnUntraced(function* (
  { evidence, look, looked }: Pages,
  { isLoose, range: { from, to } }: Wanted,
  listed: Listed
): Effect.fn.Return<boolean, AgniError> {
  const others = [...listed.values()].filter((created) => created < from || created >= to)
  const distanceOf = (created: number) => Math.max(from - created, created - to)
  const [nearest] = others.sort((a, b) => distanceOf(a) - distanceOf(b))
  for (let left = mostLooks; left >= 0 && nearest !== undefined && !evidence.isUnderstood(); left--) {
    let [newer, older] = [0, Infinity]
    let at: number | undefined
    for (const [page, rows] of looked) {
      const created = createdIn(rows)
      if (!created.some((one) => one >= nearest)) older = Math.min(older, page)
      else if (!created.some((one) => one <= nearest)) newer = Math.max(newer, page)
      else at = page
    }
    if (at !== undefined) {
      // It may be one of a whole page without a start time, or at an end of one.
      const rows = looked.get(at) ?? []
      const needs = (row: Rows.Row | undefined) => row !== undefined && isLoose(row)
      if (at > 1 && needs(rows[0])) evidence.follow(looked.get(at - 1) ?? (yield* look(at - 1)))
      evidence.follow(rows)
      if (needs(rows.at(-1))) evidence.follow(looked.get(at + 1) ?? (yield* look(at + 1)))
      break
    }
    const width = older - newer
    if (width <= 1 || left === 0) break
    // About as many calls were created in the same time.
    const created = createdIn(looked.get(newer) ?? [])
    const [newest = nearest, oldest = nearest] = [created[0], created.at(-1)]
    const pages = Math.max(1, Math.round((oldest - nearest) / (newest - oldest)))
    yield* look(newer + (pages < width ? pages : width < Infinity ? width >>> 1 : newer))
  }
  return evidence.isUnderstood()
})

/** The last page that lies before the range, 0 where there is none: reads pages 1, 2, 4, 8 …, then halves. */
const lastBefore = Effect.fnUntraced(function* (
  { areBefore, look }: Pages,
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
    rows = yield* look(page)
  }
  while (page - before > 1) {
    const middle = (page + before) >>> 1
    if (isBefore(yield* look(middle))) before = middle
    else page = middle
  }
  return before
})

/**
 * Each page begins with the last rows of the one before it, in the places where they must be. Where the server rounds sizes, or
 * where a page of every size ends, as with five a page behind 60 rows, one follows another.
 */
const readPages = Effect.fnUntraced(function* (
  wanted: Wanted,
  order: "asc" | "desc"
): Effect.fn.Return<Walked | undefined, AgniError> {
  const { ask, size } = wanted
  const { rounds } = ask.log
  const pages = pagesOf(wanted, order)
  const first = yield* pages.look(1)
  // By creation, and not by start: otherwise a call without a start time has no place.
  if (!pages.areInOrder(first)) return undefined
  const begin = Math.max(1, yield* lastBefore(pages, first, size))
  const held = Rows.makeHeld()
  let read = (begin - 1) * size
  let step: Step.Step = { page: begin, size, skip: read }
  let seam = Seam.first(step)
  let apart = rounds
  let shifted = false
  let idle = 0
  // Those that come while it is read may fill as many pages as are read.
  const there = newestOf(first)
  let inside = 0
  for (let walked = 1; idle < mostIdle && walked <= mostBeside + (4 * inside) / size; walked++) {
    const { page, size: asked, skip } = step
    const rows: ReadonlyArray<Rows.Row> = page === 1 && asked === size ? first : yield* pages.look(page, asked)
    const open = rows.length === 0 && seam.keys.length === 0
    // Where a row must be again nothing comes: so deep the server does not go.
    if ((rows.length === 0 && !open) || !pages.areInOrder(rows)) return undefined
    if (Seam.isLost(seam, rows, read, skip)) shifted = true
    const more = rows.filter(({ key }) => !held.rows.has(key))
    pages.evidence.noteMeant(rows)
    pages.evidence.follow(more)
    inside += within(more, wanted.range).filter((row) => order === "asc" || (Rows.createdOf(row) ?? 0) <= there).length
    idle = held.add(more) === 0 ? idle + 1 : 0
    if (rows.length < asked || pages.reachBehind(rows)) {
      const coverage: Coverage.Coverage = shifted ? moved : { _tag: "Proven" }
      return { rows: [...held.rows.values()], coverage, apart, open, pages }
    }
    read = skip + rows.length
    const after = Seam.after(rows, read, size, (last) => Seam.differ(last, Rows.createdOf))
    // Where calls moved nothing is proven any more, and rows that overlap would be the ones that came already.
    if (rounds || after.step === undefined || shifted) {
      apart ||= !shifted
      const before = Math.floor(read / size)
      step = rounds ? Step.next(step, read) : { page: before + 1, size, skip: before * size }
      seam = Seam.first(step)
    } else {
      step = after.step
      seam = after
    }
  }
  return undefined
})
