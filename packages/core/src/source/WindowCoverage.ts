/**
 * What the windows of a range prove together.
 *
 * @since 0.1.0
 */
import * as CoverageSet from "../coverage/CoverageSet.ts"
import type { Window } from "../history/Coverage.ts"
import * as Units from "./internal/Units.ts"

/**
 * The windows so far.
 *
 * @since 0.1.0
 * @category models
 */
export interface WindowCoverage {
  /** With one more window, in the order in which they come. A window takes back what a later answer contradicted. */
  readonly add: (window: Window) => WindowCoverage
  /** The coverage, if that was the last window. */
  readonly end: () => CoverageSet.CoverageSet
}

const of = (reading: Units.Reading, set: CoverageSet.CoverageSet): WindowCoverage => ({
  add: (window) => {
    const [next, units] = Units.next(reading, window)
    return of(next, units.reduce(Units.cover, set))
  },
  end: () => Units.last(reading).reduce(Units.cover, set)
})

/**
 * No window yet.
 *
 * @since 0.1.0
 * @category constructors
 */
export const empty: WindowCoverage = of(Units.begin, CoverageSet.empty)
