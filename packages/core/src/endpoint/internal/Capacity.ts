/** How much a server answers: how wide a range of time may be, and how many rows one list gives. */
import * as Effect from "effect/Effect"
import type { EndpointLimits } from "../../coverage/EndpointLimits.ts"
import type { AgniError } from "../../model/AgniError.ts"
import * as Ask from "./Ask.ts"
import * as Count from "./Count.ts"
import type { Micros } from "./Micros.ts"
import * as Rows from "./ListedRows.ts"

const day = 86_400 * Ask.second

/** Widths that people choose. */
const widths = [1, 2, 3, 7, 14, 30, 31, 60, 62, 90, 92, 180, 183, 365, 366, 730, 1096, 1826, 3653].map(
  (days) => days * day
)

interface About {
  readonly size: number
  readonly repeats: boolean
  /** Rows that are known, by start. */
  readonly controls: ReadonlyArray<Rows.Dated>
  /** Whether rows come by start: otherwise no page shows what a list begins or ends with. */
  readonly newestFirst: boolean
  /** What brings the oldest first, where something does: otherwise the last page has them. */
  readonly ascending?: Ask.Sort | undefined
}

const orNothing = <A>(effect: Effect.Effect<A, AgniError>): Effect.Effect<A | undefined, AgniError> =>
  Effect.catchIf(
    effect,
    (error) => Ask.isPoison(error) || Ask.isRefusal(error),
    () => Effect.undefined
  )

/** Whether bounds so far apart bring the newest row that is known at their upper end, and the oldest one at their lower end. */
const holds = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  { ascending, controls, repeats, size }: About,
  width: Micros
): Effect.fn.Return<boolean, AgniError> {
  const [oldest] = controls
  const newest = controls.at(-1)
  if (oldest === undefined || newest === undefined) return true
  const high = {
    after: Ask.ceilSecond(newest.start) + Ask.second - width,
    before: Ask.ceilSecond(newest.start) + Ask.second
  }
  const first = yield* orNothing(ask(1, high))
  if (first?.rows.some(({ key }) => key === newest.key) !== true) return false
  const low = {
    after: Ask.floorSecond(oldest.start) - Ask.second,
    before: Ask.floorSecond(oldest.start) - Ask.second + width
  }
  const isBack = (answer: Ask.Answer | undefined) => answer?.rows.some(({ key }) => key === oldest.key) === true
  if (ascending !== undefined) return isBack(yield* orNothing(ask(1, low, { sort: ascending })))
  const rows = yield* Count.rows(ask, low, { expected: 1, size, repeats, even: true, fixed: true })
  if (rows === undefined || rows === 0) return false
  return isBack(yield* orNothing(ask(Math.ceil(rows / size), low)))
})

/** The widest range that is answered in full, of the usual ones; nothing where all that is known comes in one, or no order shows it. */
export const span = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  about: About
): Effect.fn.Return<Micros | undefined, AgniError> {
  const { ascending, controls, newestFirst } = about
  const whole = (controls.at(-1)?.start ?? 0) - (controls[0]?.start ?? 0) + 3 * Ask.second
  const isShown = newestFirst || ascending !== undefined
  if (!isShown || whole <= day || (yield* holds(ask, about, whole))) return undefined
  let low = -1
  let high = widths.findIndex((width) => width >= whole)
  if (high < 0) high = widths.length
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    if (yield* holds(ask, about, widths[middle] ?? day)) low = middle
    else high = middle
  }
  return widths[low] ?? day
})

/** Whether a list of so many rows ends before the oldest row that is known. */
const lacksOldest = (ask: Ask.Ask, { controls, size }: About, bounds: Ask.Bounds, counted: number) =>
  Effect.map(orNothing(ask(Math.ceil(counted / size), bounds)), (last) => {
    // Calls without a start time may be the last ones.
    const dated = last?.rows.filter(Rows.isDated) ?? []
    const oldest = controls[0]?.start ?? Infinity
    return dated.length > 0 && dated.every(({ start }) => start > oldest + Ask.second)
  })

/** Whether the halves of a list have more rows than the whole was counted to have. */
const lacksPart = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  { controls, repeats, size }: About,
  { after, before }: Ask.Bounds,
  counted: number
): Effect.fn.Return<boolean, AgniError> {
  const known = controls.filter(({ start }) => start > (after ?? -Infinity) && start < (before ?? Infinity))
  const row = Rows.middleOf(known)
  if (row === undefined || known.length < 2) return false
  const middle = Ask.floorSecond(row.start) - Ask.second
  const options = { expected: counted / 2, size, repeats, fixed: true }
  const older = yield* Count.rows(ask, { after, before: middle }, options)
  const newer = yield* Count.rows(ask, { after: middle + Ask.second, before }, options)
  return older !== undefined && newer !== undefined && older + newer > counted
})

/**
 * So many rows of one list are given at most; nothing where the list ends with the oldest row that is known, or behind it, or
 * its halves have no more.
 */
export const rows = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  about: About,
  expected: number,
  bounds: Ask.Bounds = {}
): Effect.fn.Return<{ readonly counted: number | undefined; readonly most: number | undefined }, AgniError> {
  const { newestFirst, repeats, size } = about
  const counted = yield* Count.rows(ask, bounds, { expected, size, repeats, fixed: true })
  if (counted !== undefined) {
    const isCut = counted > 0 && (yield* (newestFirst ? lacksOldest : lacksPart)(ask, about, bounds, counted))
    return { counted: isCut ? undefined : counted, most: isCut ? counted : undefined }
  }
  // Pages that lie deeper are refused.
  let low = 1
  let high = Math.max(2, Math.ceil(expected / size))
  const isGiven = (page: number) => Effect.map(orNothing(ask(page, bounds)), (answer) => (answer?.rows.length ?? 0) > 0)
  while (yield* isGiven(high)) {
    if (high > 2 ** 26) return { counted: undefined, most: undefined }
    low = high
    high *= 2
  }
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    if (yield* isGiven(middle)) low = middle
    else high = middle
  }
  return { counted: undefined, most: low * size }
})

/** A limit on what a server answers, after one was met. The older half of the list has as many rows only where it is one on rows. */
export const limit = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  about: About,
  expected: number
): Effect.fn.Return<EndpointLimits, AgniError> {
  const { controls } = about
  const { most } = yield* rows(ask, about, expected)
  const [oldest] = controls
  const newest = controls.at(-1)
  if (most !== undefined && oldest !== undefined && newest !== undefined) {
    const middle = Ask.floorSecond((oldest.start + newest.start) / 2)
    const half = yield* rows(ask, about, most, { after: Ask.floorSecond(oldest.start) - Ask.second, before: middle })
    if (half.most === most || (half.counted ?? 0) > 0) return { rows: most }
  }
  const width = yield* span(ask, about)
  return width === undefined ? {} : { span: width }
})
