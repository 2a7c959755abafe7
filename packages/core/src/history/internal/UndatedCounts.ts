/** Counts that the last window of a whole history is held against: of all calls, and of those with a start. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import { earliestStart } from "../../model/Limits.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Count from "../../endpoint/internal/Count.ts"
import type * as Micros from "../../endpoint/internal/Micros.ts"
import type { Deliveries } from "./Deliveries.ts"
import type { Known } from "./Known.ts"
import type { Settings } from "./Settings.ts"
import * as Sum from "./Sum.ts"
import * as Found from "./UndatedFound.ts"
import * as Front from "./UndatedFront.ts"
import type { Total } from "./UndatedVerdict.ts"

/** All starts that are credible. */
export const startsOf = ({ to }: Micros.Range) => ({
  after: earliestStart,
  before: Ask.ceilSecond(to) + Ask.second
})

/** What the windows delivered, and whether an earlier run read what lies before: then the sum is not known. */
export interface About {
  readonly ledger: Deliveries
  /** The first look, if it began while the last windows were counted and their calls are all that came. */
  readonly early: Effect.Effect<Front.Early | undefined>
  readonly inPart: boolean
  readonly known: () => Known
}

/** One look at those calls. */
export interface Work {
  readonly settings: Settings
  readonly range: Micros.Range
  readonly about: About
  readonly ask: Ask.Ask
  readonly repeats: boolean
  readonly found: Found.Found
  readonly limit: Front.Limit
}

/** The count of all calls. A record that fails it is on a page that would be read next, without a count. */
export const countAll = ({ ask, found, repeats, settings: { size } }: Work) =>
  Count.orFail(ask, {}, { expected: Found.expected(found), size, repeats })

/** Rows that start in the range, where it is not known how many there should be. */
export const measure = ({ about, ask, range, repeats, settings: { size } }: Work) =>
  Count.rows(ask, startsOf(range), { expected: about.ledger.rows(), size, repeats })

/** Whether the count of all calls with a start is what was delivered. */
const countDated = ({ about: { known, ledger }, ask, found, range, settings }: Work) =>
  Sum.dated(settings, known(), ledger, range, Found.besides(found), ask)

/**
 * Looked for after the count of all: one that was found and left before it would let another one, not found, make it right.
 * Those at the front must be there again.
 */
const lookAgain = Effect.fnUntraced(function* (
  work: Work,
  pages: Front.Pages,
  until: Micros.Micros,
  read: Total,
  inFront: boolean
): Effect.fn.Return<Total, AgniError> {
  const { ask, found, limit, settings } = work
  // Where no call was seen nothing is proven, whatever is counted.
  if (settings.controls.length === 0) return read
  const isThere = inFront && found.undated.size() + found.distant.size() > 0
  const [after, again] = yield* Effect.all(
    [countAll(work), isThere ? Front.read(settings, ask, limit, until) : Effect.succeed(pages)],
    { concurrency: 2 }
  )
  if (!inFront) return { total: after, still: read.still }
  for (const rows of again) Found.note(found, rows)
  const there = new Set(again.flat().map(({ key }) => key))
  const keys = [...found.undated.rows.keys(), ...found.distant.rows.keys()]
  return { total: after, still: keys.every((key) => there.has(key)) }
})

/** What the first look came to. */
interface First {
  readonly pages: Front.Pages
  /** The count of the calls with a start that was made beside the one of all. */
  readonly dated: number | undefined
  readonly inFront: boolean
  readonly read: Total
}

/**
 * Whether all calls with a start are what was delivered, and the last look. The count of them is between the two counts of all. Where it
 * was made beside the first one, it is made again beside the second one: so nobody waits for it alone, and what could hide a call is the
 * same, one that comes and one that leaves.
 */
export const countAgain = Effect.fnUntraced(function* (
  work: Work,
  until: Micros.Micros,
  { dated, inFront, pages, read }: First
): Effect.fn.Return<readonly [boolean, Total], AgniError> {
  const { ask, found, range, settings } = work
  const rows = Found.dated(found)
  const look = lookAgain(work, pages, until, read, inFront)
  if (!inFront || dated !== rows || found.distant.size() > 0) return [yield* countDated(work), yield* look]
  const again = Sum.datedIn(settings, ask, range, { distant: false, rows })
  return yield* Effect.all([Effect.map(again, (counted) => counted === rows), look], { concurrency: 2 })
})
