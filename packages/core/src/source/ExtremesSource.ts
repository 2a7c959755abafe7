/**
 * The newest or the oldest calls of a range as a source: one page at the end, so a stopped run starts again.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import type { AgniClient } from "../client/AgniClient.ts"
import * as CoverageSet from "../coverage/CoverageSet.ts"
import type { AgniError } from "../model/AgniError.ts"
import * as Instant from "../model/Instant.ts"
import * as Rows from "../model/Rows.ts"
import * as Extremes from "../stream/Extremes.ts"
import type { OpenRange } from "../stream/History.ts"
import type { Options } from "./HistorySource.ts"
import * as Bounds from "./Bounds.ts"
import * as Units from "./internal/Units.ts"
import * as PagesSource from "./PagesSource.ts"
import type { Source, Unit } from "./Source.ts"

/**
 * Which calls, and how many of them.
 *
 * @since 0.1.0
 * @category options
 */
export interface Keep {
  readonly side: "newest" | "oldest"
  readonly limit: number
}

/**
 * Those calls of a range. A last page without rows has the coverage of the part of the range that was read.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  keep: Keep,
  range: OpenRange = {},
  options: Options = {}
): Source<Bounds.Bounds, AgniError, AgniClient> => ({
  fingerprint: { ...Bounds.fingerprint("history", range, options), keep: told(keep) },
  state: Bounds.Bounds,
  begin: Bounds.resolve(range, options.end),
  units: ({ end, from, to }) =>
    Stream.unwrap(
      Effect.map(Ref.make(nothing), (seen) => {
        const windows = keep.side === "newest" ? Extremes.lastWindows : Extremes.firstWindows
        const asked = { from: from ?? undefined, to: to ?? undefined }
        const noted = Stream.tap(windows(keep.limit, asked, { ...options, end: end ?? undefined }), (window) =>
          Ref.update(seen, (known) => {
            const [reading, units] = Units.next(known.reading, window)
            return { reading, coverage: units.reduce(Units.cover, known.coverage) }
          })
        )
        const proved = Effect.map(Ref.get(seen), ({ coverage, reading }): Unit => ({
          _tag: "Page",
          rows: Rows.make([], Instant.of(0)),
          rejected: [],
          coverage: Units.last(reading).reduce(Units.cover, coverage)
        }))
        return Stream.concat(kept(keep, noted), Stream.fromEffect(proved))
      })
    )
})

const nothing: { readonly reading: Units.Reading; readonly coverage: CoverageSet.CoverageSet } = {
  reading: Units.begin,
  coverage: CoverageSet.empty
}

/**
 * Those calls of a range, by the plain walk over pages: all of it is read, and nothing is proven.
 *
 * @since 0.1.0
 * @category constructors
 */
export const ofPages = (
  keep: Keep,
  range: OpenRange = {},
  options: PagesSource.Options = {}
): Source<Bounds.Bounds, AgniError, AgniClient> => {
  const pages = PagesSource.make(range, options)
  return {
    ...pages,
    fingerprint: { ...pages.fingerprint, keep: told(keep) },
    units: (bounds) => kept(keep, PagesSource.read(bounds, options))
  }
}

const told = ({ limit, side }: Keep): string => `${side} ${limit}`

const kept = <E, R>({ limit, side }: Keep, read: Stream.Stream<Units.Batch, E, R>): Stream.Stream<Unit, E, R> =>
  read.pipe(Extremes[side](limit), Stream.map(Units.page))
