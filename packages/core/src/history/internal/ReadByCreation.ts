/** The calls of a bounded range that have no start, by the pages of a list in the order of creation. */
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

const byCreation: Ask.Sort = { by: "created_at", order: "desc" }

export const moved: Coverage.Coverage = {
  _tag: "Provisional",
  reason: { _tag: "WithoutStartMoved" }
}

/** Whether a row has no start that is credible. */
export type IsLoose = (row: Rows.Row) => boolean

const createdIn = (rows: ReadonlyArray<Rows.Row>): ReadonlyArray<number> =>
  rows.flatMap((row) => Rows.createdOf(row) ?? [])

const descends = (instants: ReadonlyArray<number>): boolean =>
  instants.every((instant, i) => instant <= (instants[i - 1] ?? Infinity))

/** Pages in the order of creation; nothing where the server does not go so deep. */
const byCreationOf = (ask: Ask.Ask, range: Micros.Range) => {
  const look = (page: number, size: number) =>
    Effect.map(
      Effect.catchIf(ask(page, {}, { size, sort: byCreation }), Ask.isRefusal, () =>
        Effect.succeed<{ readonly rows: ReadonlyArray<Rows.Row> }>({ rows: [] })
      ),
      ({ rows }) => rows
    )
  const isLater = (rows: ReadonlyArray<Rows.Row>) => createdIn(rows).every((created) => created >= range.to)
  return { look, isLater }
}

/** The last page that is later than the range, 0 where there is none: reads pages 1, 2, 4, 8 …, then halves. */
const lastLater = Effect.fnUntraced(function* (
  { isLater, look }: ReturnType<typeof byCreationOf>,
  first: ReadonlyArray<Rows.Row>,
  size: number
): Effect.fn.Return<number, AgniError> {
  const isBefore = (rows: ReadonlyArray<Rows.Row>) => rows.length === size && isLater(rows)
  let later = 0
  let page = 1
  let rows = first
  while (isBefore(rows) && page < mostPages) {
    later = page
    page *= 2
    rows = yield* look(page, size)
  }
  while (page - later > 1) {
    const middle = (page + later) >>> 1
    if (isBefore(yield* look(middle, size))) later = middle
    else page = middle
  }
  return later
})

export type Created = { readonly rows: ReadonlyArray<Rows.Row>; readonly coverage: Coverage.Coverage } | undefined

/** Pages that do not overlap are read again: what one reading missed because a call left, the other one has. */
export const twice = (read: Effect.Effect<Created, AgniError>) =>
  Effect.map(Effect.all([read, read]), ([first, second]) =>
    first === undefined || second === undefined || Rows.sameRows(first.rows, second.rows)
      ? second
      : { ...second, coverage: moved }
  )

/**
 * All calls that were created in the range, where the server orders by creation, with calls without a start time among them. Each
 * page begins with the last rows of the one before it, in the places where they must be, unless the server rounds sizes.
 */
export const readByCreation = Effect.fnUntraced(function* (
  { size }: Settings,
  ask: Ask.Ask,
  range: Micros.Range,
  isLoose: IsLoose
): Effect.fn.Return<Created, AgniError> {
  const { rounds } = ask.log
  const pages = byCreationOf(ask, range)
  const first = yield* pages.look(1, size)
  // By creation, and not by start: otherwise a call without a start time has no place.
  if (!descends(createdIn(first))) return undefined
  const begin = Math.max(1, yield* lastLater(pages, first, size))
  const held = Rows.makeHeld()
  let read = (begin - 1) * size
  let seam = Seam.first({ page: begin, size, skip: read })
  let shifted = false
  let amongOthers = false
  let idle = 0
  while (seam.step !== undefined && idle < mostIdle) {
    const { page, size: asked, skip }: Step.Step = seam.step
    const rows: ReadonlyArray<Rows.Row> = page === 1 && asked === size ? first : yield* pages.look(page, asked)
    // Where a row must be again nothing comes: so deep the server does not go.
    if (rows.length === 0 || !descends(createdIn(rows))) return undefined
    if (Seam.isLost(seam, rows, read, skip)) shifted = true
    idle = held.add(rows) === 0 ? idle + 1 : 0
    const loose = rows.filter(isLoose).length
    amongOthers ||= loose > 0 && loose < rows.length
    if (rows.length < asked || createdIn(rows).some((created) => created < range.from)) {
      return amongOthers ? { rows: [...held.rows.values()], coverage: shifted ? moved : { _tag: "Proven" } } : undefined
    }
    read = skip + rows.length
    seam = rounds
      ? Seam.first(Step.next(seam.step, read))
      : Seam.after(rows, read, size, (last) => Seam.differ(last, Rows.createdOf))
  }
  return undefined
})
