/** One reading of fixed bounds by pages that overlap. */
import * as Effect from "effect/Effect"
import type { CoverageReason } from "../../coverage/CoverageReason.ts"
import type { AgniError } from "../../model/AgniError.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Misplaced from "../../endpoint/internal/Misplaced.ts"
import * as NotedCounts from "../../endpoint/internal/NotedCounts.ts"
import type { Known } from "./Known.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import * as Seam from "./Seam.ts"
import type { Settings } from "./Settings.ts"
import * as Step from "./Step.ts"
import type { Range } from "../../endpoint/internal/Micros.ts"

/** The rows of fixed bounds, and how far they are complete. */
export interface Read {
  readonly range: Range
  readonly bounds: Ask.Between
  readonly held: Rows.Held
  readonly problem: CoverageReason | undefined
  /** Whether a seam was lost, or was in another place than it should be. */
  readonly moved: boolean
  /** Whether rows at a seam may have another order on each page, so that one of them may have been passed by. */
  readonly tied: boolean
  /** `pages` overlapped each other up to the end, which counts them; those `apart` prove nothing by themselves. */
  readonly way: "pages" | "walk" | "apart"
  /** Rows of the bounds, where that was seen. */
  readonly count: number | undefined
  /** Too many rows for a window. */
  readonly dense: boolean
  readonly order: Known["order"]
  readonly deepest: number
}

export const unknownOrder: () => Known["order"] = () => "unknown"

export const orderIn = (order: Known["order"], rows: ReadonlyArray<Rows.Row>): Known["order"] =>
  !Rows.isNewestFirst(rows) ? "other" : order === "unknown" && Rows.showsOrderByStart(rows) ? "start" : order

/** So many pages in a row bring nothing new only where a limit brings the same again. */
const mostIdle = 4

/**
 * Page after page of fixed bounds, each of which holds the last row of the one before it, in the place where it must be. A server
 * that rounds sizes has no such pages: there one follows another.
 */
export const readPages = Effect.fnUntraced(function* (
  settings: Settings,
  ask: Ask.Ask,
  range: Range,
  most: number,
  /** The first page, where it came already. */
  first: Ask.Answer | undefined
): Effect.fn.Return<Read, AgniError> {
  const { hold, size } = settings
  const bounds = Ask.boundsOf(range)
  const held = Rows.makeHeld()
  let order = unknownOrder()
  let characters = 0
  const way = ask.log.rounds ? "apart" : "pages"
  let moved = false
  let problem: CoverageReason | undefined
  let tied = false
  let seam = Seam.first({ page: 1, size, skip: 0 })
  let read = 0
  let idle = 0
  const done = (rest: Partial<Read>): Read => ({
    range,
    bounds,
    held,
    problem,
    moved,
    tied,
    way,
    count: undefined,
    dense: false,
    order,
    deepest: Infinity,
    ...rest
  })
  while (seam.step !== undefined) {
    const { page, size: asked, skip }: Step.Step = seam.step
    const answer: Ask.Answer | undefined = yield* Effect.catchIf(
      page === 1 && first !== undefined ? Effect.succeed(first) : ask(page, bounds, { size: asked }),
      (error) => page > 1 && Ask.isRefusal(error),
      () => Effect.undefined
    )
    const rows: ReadonlyArray<Rows.Row> = answer?.rows ?? []
    if (way === "apart" && page > 1 && answer !== undefined && (yield* isBehind(held, rows, settings))) return done({})
    // Where a row must be again nothing comes: so deep the server does not go.
    if (page > 1 && rows.length === 0) return done({ deepest: skip, dense: true })
    characters += answer?.characters ?? 0
    order = orderIn(order, rows)
    const wrong = Misplaced.problemIn(rows, bounds.after - Ask.second, bounds.before + Ask.second)
    if (wrong?._tag === "OutsideBounds") return done({ problem: wrong })
    // The calls beside one that lies nowhere come nevertheless.
    problem ??= wrong
    const isMoved = Seam.isLost(seam, rows, read, skip)
    // Another page of those that came: so deep the server does not go, and does not say it.
    if (isMoved && isKnown(held, rows, seam) && (yield* settings.repeats)) return done({ deepest: skip, dense: true })
    if (isMoved) moved = true
    // Each page reaches beyond those before it: where that brings nothing new, it has no end.
    idle = held.add(hold(rows)) === 0 ? idle + 1 : 0
    if (idle === mostIdle) return done({ deepest: skip, dense: true })
    read = skip + rows.length
    if (rows.length < asked) {
      if (!moved) NotedCounts.noteCount(ask.log.counts, bounds, read)
      return done({ count: read })
    }
    if (held.size() > most || characters > settings.maxCharacters) return done({ dense: true })
    seam = way === "pages" ? Seam.after(rows, read, size, areApart(order)) : Seam.first(Step.next(seam.step, read))
    tied ||= seam.tied
  }
  return done({ dense: true })
})

/** Whether a page that follows a full one lies beyond the end: nothing, or what came already where the server repeats itself. */
const isBehind = (held: Rows.Held, rows: ReadonlyArray<Rows.Row>, { repeats }: Settings) =>
  rows.length === 0
    ? Effect.succeed(true)
    : rows.every(({ key }) => held.rows.has(key))
      ? repeats
      : Effect.succeed(false)

/** Whether a page brings nothing new, nor the last of the rows with which it should begin. */
const isKnown = (held: Rows.Held, rows: ReadonlyArray<Rows.Row>, { keys }: Seam.Seam): boolean =>
  rows.every(({ key }) => key !== keys.at(-1) && held.rows.has(key))

/** While the order may be another one than by start, rows that cannot change places were created at different times as well. */
const areApart =
  (order: Known["order"]) =>
  (rows: ReadonlyArray<Rows.Row>): boolean =>
    Seam.differ(rows, ({ start }) => start) && (order === "start" || Seam.differ(rows, Rows.createdOf))
