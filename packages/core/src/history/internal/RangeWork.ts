/** A range while it is read: what is known of it, what its answers showed, and how it ends. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import type { Coverage, Window } from "../Coverage.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as NotedCounts from "../../endpoint/internal/NotedCounts.ts"
import * as Count from "../../endpoint/internal/Count.ts"
import type { Range } from "../../endpoint/internal/Micros.ts"
import type * as Rows from "../../endpoint/internal/ListedRows.ts"
import type { Came } from "./AllCame.ts"
import type { Evidence, Known } from "./Known.ts"
import type { Read } from "./ReadPages.ts"
import type { Settings } from "./Settings.ts"
import * as Task from "./Task.ts"
import type * as Walk from "./Walk.ts"
import { windowsOf } from "./WindowOf.ts"

/** What a range came to, or the parts that it has to be read in. */
export type Outcome =
  | { readonly _tag: "Read"; readonly windows: ReadonlyArray<Window>; readonly evidence: Evidence }
  | { readonly _tag: "Split"; readonly parts: ReadonlyArray<Task.Task>; readonly evidence: Evidence }

/** A range while it is read: what is known of it, and what its answers showed. */
export interface Work {
  readonly settings: Settings
  readonly known: Known
  readonly task: Task.Task
  readonly ask: Ask.Ask
  readonly share: Walk.Share | undefined
  /** Notes that all its rows came, or that it is read on. */
  readonly came: Came
  /** Calls may still come into it. */
  readonly young: boolean
  /** A window with more rows is cut. */
  readonly limit: number
  /** Whether a page beyond the end brings something, where that was asked: then the place of a row counts nothing. */
  readonly beyond: { repeats: boolean }
  readonly seen: { -readonly [K in keyof Omit<Evidence, "log">]: Evidence[K] }
}

/** It is read in parts. */
export const split = ({ ask, seen, settings, task }: Work, parts: ReadonlyArray<Task.Task>): Outcome => ({
  _tag: "Split",
  parts: parts.map((part) => ({
    ...part,
    beside: Task.besides(part, ask.log.shown, task.beside),
    below: countedAbove(settings, ask.log, task, part)
  })),
  evidence: { ...seen, log: ask.log }
})

/**
 * What the whole was counted to hold, if rows of it were seen that are not of the part. No limit on results is lower than a page:
 * it would count as the length of one.
 */
const countedAbove = (
  { size }: Settings,
  { counts, shown }: Ask.Log,
  task: Task.Task,
  part: Range
): number | undefined => {
  const counted = NotedCounts.exactly(counts, Ask.boundsOf(task))
  return counted !== undefined && counted >= size && Task.isElsewhere(shown, task, part) ? counted : task.below
}

/** It is what was read, with this verdict. */
export const deliver = (
  { ask, known, seen, settings }: Work,
  { held, range }: Pick<Read, "held" | "range">,
  coverage: Coverage
): Outcome => {
  const windows = windowsOf(settings, known, ask, range, held, coverage)
  const worth = windows.reduce(
    (sum, { coverage, rows }) =>
      sum + rows.length + (coverage._tag === "Proven" && rows.length > 0 ? settings.size : 0),
    0
  )
  return { _tag: "Read", windows, evidence: { ...seen, worth, log: ask.log } }
}

/** Rows between bounds; nothing where they cannot be counted. */
export const countRows = Effect.fnUntraced(function* (
  { ask, settings }: Work,
  bounds: Ask.Bounds,
  expected: number,
  first?: ReadonlyArray<Rows.Row>
): Effect.fn.Return<number | undefined, AgniError> {
  const repeats = yield* settings.repeats
  return yield* Count.rows(ask, bounds, { expected, size: settings.size, repeats, even: true, first })
})

/** A longer range can be cut in two. */
export const shortest = 4 * Ask.second

export const canHalve = ({ from, to }: Range): boolean => to - from > shortest

/**
 * Parts of a range that was read, where that makes them smaller. Bounds reach two seconds further than a range: a burst, which is more
 * calls in a few seconds than a page holds, is in the bounds of each part that ends there. It is cut in front of it and behind it, and the
 * burst itself is not cut.
 */
export const halve = (
  { settings }: Pick<Work, "settings">,
  range: Range,
  held: Rows.Held,
  rows = held.size()
): ReadonlyArray<Task.Task> | undefined => {
  if (!canHalve(range)) return undefined
  const parts = Task.halve(range, held, rows, settings.size)
  const counts = parts.map((part) => heldWithin(held, part))
  const all = counts.reduce((sum, count) => sum + count, 0)
  const isBurst = all > share.all * held.rows.size || Math.max(...counts) > share.one * held.rows.size
  return isBurst && held.rows.size > settings.size ? Task.besideBurst(range, held, rows, parts) : parts
}

/** Rows that lie evenly in a range of four seconds are so often in the bounds of its halves, and in those of one of them. */
const share = { all: 1.5, one: 0.75 }

/** Rows that the bounds of a part hold, of those that came. */
const heldWithin = (held: Rows.Held, part: Range): number => {
  const { after, before } = Ask.boundsOf(part)
  let count = 0
  for (const { start } of held.rows.values()) if (start !== undefined && start >= after && start <= before) count++
  return count
}

/** A row that is known to lie in a range. */
export const controlIn = ({ controls }: Settings, { from, to }: Range): Rows.Dated | undefined =>
  controls.find(({ start }) => start >= from && start < to)

/** Parts by the count of a range. */
export const byCount = ({ ask, known, seen, settings }: Work, range: Range, rows: number) =>
  Task.byCount(settings, ask, range, rows, Math.min(settings.perWindow, 0.6 * Math.min(known.deepest, seen.deepest)))
