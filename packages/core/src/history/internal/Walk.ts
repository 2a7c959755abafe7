/** One reading of a range down by start. It counts nothing: its reader compares it with counts. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Misplaced from "../../endpoint/internal/Misplaced.ts"
import * as MultiPassRead from "./MultiPassRead.ts"
import { orderIn, type Read, unknownOrder } from "./ReadPages.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import type { Settings } from "./Settings.ts"
import type { Micros, Range } from "../../endpoint/internal/Micros.ts"

/** Hands over what lies below the middle, if somebody is free: then that is where the rest begins. */
export type Share = (from: Micros, to: Micros, rows: number) => Effect.Effect<Micros | undefined>

/** Pages for which it is worth that another one reads half of them: each half is counted on its own. */
const worthSharing = 28

/** How far a range was walked, and what was seen on the way. */
interface Steps {
  /** The rest of this walk: others may have taken over what lies below. */
  range: Range
  bounds: Ask.Between
  /** The upper bound of the next answer, and the row that it must hold. */
  below: Micros
  seam: string | undefined
  moved: boolean
  problem: Read["problem"]
  characters: number
  order: Read["order"]
  readonly held: Rows.Held
}

const readOf = ({ bounds, held, moved, order, problem, range }: Steps, rest: Partial<Read> = {}): Read => ({
  range,
  bounds,
  held,
  problem,
  moved,
  tied: false,
  way: "walk",
  count: undefined,
  dense: false,
  order,
  deepest: Infinity,
  ...rest
})

/** Steps down from the newest row by start: the oldest row of an answer is the next answer's upper bound. */
export const walk = Effect.fnUntraced(function* (
  settings: Settings,
  ask: Ask.Ask,
  whole: Range,
  most: number,
  share: Share | undefined,
  /** The first answer, where it came already. */
  first?: Ask.Answer
): Effect.fn.Return<Read, AgniError> {
  const { second } = Ask
  const { size } = settings
  const bounds = Ask.boundsOf(whole)
  const { before: top } = bounds
  const steps: Steps = {
    range: whole,
    bounds,
    below: top,
    seam: undefined,
    moved: false,
    problem: undefined,
    characters: 0,
    order: unknownOrder(),
    held: Rows.makeHeld()
  }
  const { held } = steps
  for (;;) {
    const { after } = steps.bounds
    const isFirst = first !== undefined && steps.below === top
    const question = isFirst ? Effect.succeed(first) : ask(1, { after, before: steps.below })
    const rows = yield* Effect.map(question, (answer) => take(settings, steps, answer))
    const problem = Misplaced.problemIn(rows, after - second, steps.below + second)
    if (problem?._tag === "OutsideBounds") return readOf(steps, { problem })
    // The calls beside one that lies nowhere come nevertheless.
    steps.problem ??= problem
    if (steps.seam !== undefined && !rows.some(({ key }) => key === steps.seam)) steps.moved = true
    held.add(rows)
    if (rows.length < size || steps.order === "other") return readOf(steps)
    const at = Ask.ceilSecond(steps.below)
    const divisible = at > after + 2 * second && at < top - 2 * second
    const isTooMuch = held.size() > most || steps.characters > settings.maxCharacters
    if (isTooMuch && divisible) return readOf(steps, { dense: true })
    const oldest = rows.findLast(Rows.isDated)
    // Rows that cannot be placed lead nowhere: the count decides.
    if (oldest === undefined) return readOf(steps)
    const next = Ask.ceilSecond(oldest.start) + second
    if (next < steps.below) {
      steps.below = next
      steps.seam = oldest.key
      yield* handOver(steps, top, size, share)
      continue
    }
    if (!(yield* overWall(settings, ask, steps, oldest))) {
      steps.moved = true
      return readOf(steps, { dense: true })
    }
    if (steps.below <= steps.bounds.after) return readOf(steps)
  }
})

/** The rows of an answer as they are held, so that nothing of it stays alive while the next one is waited for. */
const take = ({ hold }: Settings, steps: Steps, { characters, rows }: Ask.Answer): ReadonlyArray<Rows.Row> => {
  steps.characters += characters
  steps.order = orderIn(steps.order, rows)
  return hold(rows)
}

/** Hands over the lower half of what is left, where that is worth it and somebody is free. */
const handOver = Effect.fnUntraced(function* (steps: Steps, top: Micros, size: number, share: Share | undefined) {
  const { below, held, order, range } = steps
  const left = ((below - range.from) / (top - below)) * held.size()
  if (share === undefined || order !== "start" || left < worthSharing * size) return
  const from = yield* share(range.from, below, left)
  if (from === undefined) return
  steps.range = { from, to: range.to }
  steps.bounds = Ask.boundsOf(steps.range)
})

/**
 * More rows in a second or two than a page holds: they are read by pages, and the walk continues below them. Whether they could
 * be read.
 */
const overWall = Effect.fnUntraced(function* (
  settings: Settings,
  ask: Ask.Ask,
  steps: Steps,
  { start }: Rows.Dated
): Effect.fn.Return<boolean, AgniError> {
  const floor = Ask.floorSecond(start)
  const wall = Rows.makeHeld()
  const bounds = { after: Math.max(steps.bounds.after, floor - 2 * Ask.second), before: steps.below }
  const leaf = yield* MultiPassRead.read(ask, bounds, wall, { ...settings, repeats: yield* settings.repeats })
  steps.held.merge(wall)
  // A row may start at the bound itself: down by a second at least.
  steps.below = Math.min(floor, steps.below - Ask.second)
  steps.seam = undefined
  return leaf._tag === "Complete"
})
