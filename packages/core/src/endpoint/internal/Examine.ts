/** What a walk does not need to know, but a person may ask: how sizes make offsets, and what a time bound means. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import * as Ask from "./Ask.ts"
import type { Micros } from "./Micros.ts"
import * as Rows from "./ListedRows.ts"

export type Offsets = "asked" | "brought" | "unknown"

/**
 * Whether page 2 begins where page 1 ended, or where it would have ended had it been as long as asked. Only a page that is
 * cut can tell: twice as much is asked for as comes.
 */
export const offsets = Effect.fnUntraced(function* (ask: Ask.Ask, size: number): Effect.fn.Return<Offsets, AgniError> {
  const [second, third, long] = yield* Effect.all([ask(2, {}), ask(3, {}), ask(2, {}, { size: 2 * size })])
  // Calls may have left since the first page was cut: then there is no second one.
  const isSecond = second.rows.length > 0 && Rows.alike(long.rows, second.rows)
  // Beyond the end, the third page may be empty, and so would be the long one.
  const isThird = second.rows.length === size && Rows.alike(long.rows, third.rows)
  return isSecond === isThird ? "unknown" : isSecond ? "brought" : "asked"
})

export type Included = "included" | "not included" | "unknown"
type Precision = "microsecond" | "millisecond" | "second" | "bounds with a fraction are ignored" | "unknown"
export type Zone = "UTC" | "another" | "unknown"

export interface BoundsSeen {
  readonly after: Included
  readonly before: Included
  readonly precision: Precision
  readonly zone: Zone
}

export const unseen: BoundsSeen = { after: "unknown", before: "unknown", precision: "unknown", zone: "unknown" }

const milli = 1000

/**
 * The meaning of the bounds, probed with a control row; the result is dropped if the row has left meanwhile.
 *
 * @param known Those that were listed, by start.
 */
export const bounds = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  known: ReadonlyArray<Rows.Dated>,
  size: number
): Effect.fn.Return<BoundsSeen | "ignored", AgniError> {
  const { second } = Ask
  // A start with a fraction shows more.
  const row =
    known.find(({ start }) => start % milli !== 0) ?? known.find(({ start }) => start % second !== 0) ?? known[0]
  if (row === undefined) return unseen
  const { key, start } = row
  const control = yield* Ask.control(ask, row, size)
  if (control !== undefined) return { ...unseen, zone: yield* zone(ask, known) }
  /** Whether a full answer may have hidden the row, and whether an answer brought rows from elsewhere. */
  const beside = { crowded: false, outside: false }
  const isIn = (after: Micros, before: Micros) =>
    Effect.map(ask(1, { after, before }), ({ rows }) => {
      const found = rows.some((other) => other.key === key)
      beside.crowded ||= !found && rows.length >= size
      beside.outside ||= rows.some((other) => other.start === undefined || Math.abs(other.start - start) > 4 * second)
      return found
    })
  const low = Ask.floorSecond(start) - second
  const high = Ask.floorSecond(start) + 2 * second
  // Among few rows, only an answer without the row shows that bounds leave something out.
  const later = yield* ask(1, { after: high, before: high + 3600 * second })
  if (later.rows.some((other) => other.key === key)) return "ignored"
  const whole = start % second === 0
  const after = yield* isIn(start, high)
  const before = yield* isIn(low, start)
  const precision = yield* Effect.gen(function* () {
    const end = Ask.floorSecond(start) + second
    // At a whole second, a bound cut to the second is the start itself, which shows only if it counts as within.
    if (whole && !after) {
      if (before) return "unknown"
      if (yield* isIn(low, start + 1)) return "microsecond"
      return (yield* isIn(low, start + milli)) ? "millisecond" : "second"
    }
    if (start < end - 1) {
      if (yield* isIn(end - 1, high)) return "second"
    }
    const finer = start + 1
    if (finer % second === 0 || (start % milli === 0 && !after)) return "unknown"
    return (yield* isIn(finer, high)) ? "millisecond" : "microsecond"
  })
  const gone = (yield* Ask.control(ask, row, size)) !== undefined
  if (gone) return { ...unseen, zone: "UTC" }
  // Of bounds in whole seconds nothing came from elsewhere.
  if (beside.outside) return { ...unseen, precision: "bounds with a fraction are ignored", zone: "UTC" }
  if (beside.crowded) return { ...unseen, zone: "UTC" }
  // A bound that loses the row's own fraction is not the row's start, and says nothing of it.
  const exact = whole || precision === "microsecond" || (precision === "millisecond" && start % milli === 0)
  const word = (included: boolean): Included => (!exact ? "unknown" : included ? "included" : "not included")
  return { after: word(after), before: word(before), precision, zone: "UTC" }
})

/** Rows that are not found at their own start: does another time come back for them, as of one clock for another? */
const zone = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  known: ReadonlyArray<Rows.Dated>
): Effect.fn.Return<Zone, AgniError> {
  const hour = 3600 * Ask.second
  for (const share of [0.5, 0.25, 0.75]) {
    const start = known[Math.floor(known.length * share)]?.start ?? 0
    const [after, before] = [Ask.floorSecond(start) - hour, Ask.floorSecond(start) + hour]
    const { rows } = yield* ask(1, { after, before })
    const starts = rows.flatMap(({ start }) => start ?? [])
    const [least, most] = [Math.min(...starts), Math.max(...starts)]
    // An hour without calls shows nothing: those that were there may have left.
    if (starts.length > 0 && most - least <= 2 * hour + 2 * Ask.second && (most < after || least > before))
      return "another"
  }
  return "unknown"
})
