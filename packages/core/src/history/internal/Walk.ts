/** One reading of a range down by start. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as MultiPassRead from "./MultiPassRead.ts"
import { orderIn, type Read, unknownOrder } from "./ReadPages.ts"
import * as Rows from "../../endpoint/internal/Rows.ts"
import type { Settings } from "./Settings.ts"
import type { Micros, Range } from "../../endpoint/internal/Micros.ts"

/** Hands over what lies below the middle, if somebody is free: then that is where the rest begins. */
export type Share = (from: Micros, to: Micros, rows: number) => Effect.Effect<Micros | undefined>

/** Pages for which it is worth that another one reads half of them: each half is counted on its own. */
const worthSharing = 28

/** Steps down from the newest row by start: the oldest row of an answer is the next answer's upper bound. */
export const walk = Effect.fnUntraced(function* (
  settings: Settings,
  ask: Ask.Ask,
  whole: Range,
  most: number,
  share: Share | undefined
): Effect.fn.Return<Read, AgniError> {
  const { second } = Ask
  const { hold, size } = settings
  let range = whole
  let bounds = Ask.boundsOf(range)
  const { before: b } = bounds
  const held = Rows.makeHeld()
  let seam: string | undefined
  let cur = b
  let moved = false
  let characters = 0
  let order = unknownOrder()
  const done = (rest: Partial<Read> = {}): Read => ({
    range,
    bounds,
    held,
    problem: undefined,
    moved,
    way: "walk",
    count: undefined,
    dense: false,
    order,
    deepest: Infinity,
    ...rest
  })
  // Here, so that nothing of the answer stays alive while the next one is waited for.
  const look = ({ characters, rows }: Ask.Answer) => {
    order = orderIn(order, rows)
    return { characters, rows: hold(rows) }
  }
  for (;;) {
    const { characters: more, rows } = yield* Effect.map(ask(1, { after: bounds.after, before: cur }), look)
    characters += more
    const problem = Ask.misplaced(rows, bounds.after - second, cur + second)
    if (problem !== undefined) return done({ problem })
    if (seam !== undefined && !rows.some(({ key }) => key === seam)) moved = true
    held.add(rows)
    if (rows.length < size || order === "other") return done()
    const divisible = Ask.ceilSecond(cur) > bounds.after + 2 * second && Ask.ceilSecond(cur) < b - 2 * second
    if ((held.size() > most || characters > settings.maxCharacters) && divisible) return done({ dense: true })
    const oldest = rows.findLast(Rows.isDated)
    // Rows that cannot be placed lead nowhere: the count decides.
    if (oldest === undefined) return done()
    const { start } = oldest
    if (Ask.ceilSecond(start) + second < cur) {
      cur = Ask.ceilSecond(start) + second
      seam = oldest.key
      const left = ((cur - range.from) / (b - cur)) * held.size()
      const from =
        share !== undefined && order === "start" && left >= worthSharing * size
          ? yield* share(range.from, cur, left)
          : undefined
      if (from !== undefined) {
        range = { from, to: range.to }
        bounds = Ask.boundsOf(range)
      }
      continue
    }
    // More rows in a second or two than a page holds: they are read by pages, and the walk continues below them.
    const floor = Ask.floorSecond(start)
    const wall = Rows.makeHeld()
    const leaf = yield* MultiPassRead.read(
      ask,
      { after: Math.max(bounds.after, floor - 2 * second), before: cur },
      wall,
      {
        ...settings,
        repeats: yield* settings.repeats
      }
    )
    held.merge(wall)
    if (leaf._tag !== "Complete") {
      moved = true
      return done({ dense: true })
    }
    // A row may start at the bound itself: down by a second at least.
    cur = Math.min(floor, cur - second)
    if (cur <= bounds.after) return done()
    seam = undefined
  }
})
