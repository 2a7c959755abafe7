/** Whether a limit on results cut rows off at the ends of what was read. */
import * as Effect from "effect/Effect"
import type { CoverageReason } from "../../coverage/CoverageReason.ts"
import type { AgniError } from "../../model/AgniError.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Misplaced from "../../endpoint/internal/Misplaced.ts"
import type { Known } from "./Known.ts"
import type { Read } from "./ReadPages.ts"
import * as Patience from "../../endpoint/internal/Patience.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import type { Settings } from "./Settings.ts"
import type { Task } from "./Task.ts"

/**
 * Whether the first or the last row comes back for bounds that begin just beside it: then they are understood, and a limit on
 * results cut nothing away beyond it. What else comes is in the log, and must be held.
 */
const endControl = Effect.fnUntraced(function* (
  { size }: Settings,
  ask: Ask.Ask,
  bounds: Ask.Between,
  held: Rows.Held,
  end: "oldest" | "newest"
): Effect.fn.Return<CoverageReason | undefined, AgniError> {
  const isNewest = end === "newest"
  let row: Rows.Dated | undefined
  for (const one of held.rows.values()) {
    if (Rows.isDated(one) && (row === undefined || (isNewest ? one.start > row.start : one.start < row.start)))
      row = one
  }
  if (row === undefined) return undefined
  const { key } = row
  const { after, before } = Ask.around(row)
  const beyond = isNewest ? { after, before: bounds.before } : { after: bounds.after, before }
  // A record that fails is beside the window: its own gap says so.
  const answer = yield* Ask.orNothing(ask(1, beyond, { how: Patience.soon }))
  if (answer === undefined) return undefined
  const { rows } = answer
  const problem = Misplaced.problemIn(rows, beyond.after - Ask.second, beyond.before + Ask.second)
  if (problem !== undefined) return problem
  if (!(isNewest && showsNewest(rows))) yield* lookOn(ask, beyond, held, rows, size)
  if (rows.some((row) => row.key === key)) return undefined
  return rows.length >= size ? yield* Ask.control(ask, row, size) : Ask.notBack
})

/** Whether the newest rows come first; rows that start together show no order. */
const showsNewest = (rows: ReadonlyArray<Rows.Row>): boolean =>
  Rows.isNewestFirst(rows) && Rows.distinctStarts(rows) > 1

/** Behind a full page there may be others that hold what lies beyond an end: they are asked for until one brings what is not held. */
const lookOn = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  bounds: Ask.Between,
  held: Rows.Held,
  first: ReadonlyArray<Rows.Row>,
  size: number
): Effect.fn.Return<void, AgniError> {
  let rows = first
  const most = 2 + held.size() / size
  for (let page = 2; page <= most && rows.length >= size && rows.every(({ key }) => held.rows.has(key)); page++)
    rows = (yield* Ask.orNothing(ask(page, bounds, { how: Patience.soon })))?.rows ?? []
})

/**
 * Whether rows are missing at one of the ends. None are where the answers held a row from beyond that end as well, or the row at
 * which the range was cut there.
 */
export const ends = Effect.fnUntraced(function* (
  settings: Settings,
  known: Known,
  ask: Ask.Ask,
  task: Task,
  { bounds, held, range }: Read
): Effect.fn.Return<CoverageReason | undefined, AgniError> {
  if (held.size() < known.whole) return undefined
  let [below, above] = [task.bottom !== undefined && held.rows.has(task.bottom), false]
  for (const { start = range.from } of held.rows.values()) {
    below ||= start < range.from
    above ||= start >= range.to
  }
  below ||= settings.controls.some(({ key, start }) => Ask.floorSecond(start) === range.from && held.rows.has(key))
  // The first call of the list without bounds is no end: the same limit may have cut that list.
  const newest = above ? undefined : yield* endControl(settings, ask, bounds, held, "newest")
  return newest === undefined && !below ? yield* endControl(settings, ask, bounds, held, "oldest") : newest
})
