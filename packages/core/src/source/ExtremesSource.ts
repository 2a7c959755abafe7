/**
 * The newest or the oldest calls of a range as a source: one page at the end, so a stopped run starts again.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import type { AgniClient } from "../client/AgniClient.ts"
import type { AgniError } from "../model/AgniError.ts"
import type { CallSession } from "../model/CallSession.ts"
import type { Item } from "../model/Item.ts"
import * as Instant from "../model/Instant.ts"
import * as Rows from "../model/Rows.ts"
import * as Extremes from "../history/Extremes.ts"
import type { OpenRange } from "../history/History.ts"
import type { Options } from "./HistorySource.ts"
import type * as Bounds from "./Bounds.ts"
import * as RangeSource from "./internal/RangeSource.ts"
import * as Units from "./internal/Units.ts"
import type * as PagesSource from "./PagesSource.ts"
import type { Source, Unit } from "./Source.ts"
import * as WindowCoverage from "./WindowCoverage.ts"

/**
 * Which calls, and how many of them.
 *
 * @since 0.1.0
 * @category options
 */
export interface Keep {
  readonly side: "newest" | "oldest"
  readonly limit: number
  /**
   * Which calls are chosen from; the others do not come. It is not part of the fingerprint.
   * @default all that have a start
   */
  readonly passes?: ((session: CallSession) => boolean) | undefined
  /** Called with the calls of each window or page that did not pass. @default nothing */
  readonly onLeftOut?: ((sessions: ReadonlyArray<CallSession>) => Effect.Effect<void>) | undefined
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
): Source<Bounds.Bounds, AgniError, AgniClient> =>
  RangeSource.ofHistory(range, options, told(keep), (range, options) =>
    Stream.unwrap(
      Effect.map(Ref.make(WindowCoverage.empty), (seen) => {
        const windows = keep.side === "newest" ? Extremes.lastWindows : Extremes.firstWindows
        const noted = Stream.tap(windows(keep.limit, range, { ...options, counts: keep.passes }), (window) =>
          Ref.update(seen, (known) => known.add(window))
        )
        const proved = Effect.map(Ref.get(seen), (known): Unit => ({
          _tag: "Page",
          rows: Rows.make([], Instant.of(0)),
          rejected: [],
          coverage: known.end()
        }))
        return Stream.concat(kept(keep, noted), Stream.fromEffect(proved))
      })
    )
  )

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
): Source<Bounds.Bounds, AgniError, AgniClient> =>
  RangeSource.ofPages(range, options, told(keep), (pages) => kept(keep, pages))

const told = ({ limit, side }: Keep) => ({ keep: `${side} ${limit}` })

/** The calls of a batch that pass; the others are reported. */
const passing =
  ({ onLeftOut, passes }: Keep) =>
  (batch: Units.Batch): Effect.Effect<Units.Batch> => {
    if (passes === undefined) return Effect.succeed(batch)
    const passed: Array<Item<CallSession>> = []
    const leftOut: Array<CallSession> = []
    for (const item of Rows.items(batch.rows)) {
      if (passes(item.row)) passed.push(item)
      else leftOut.push(item.row)
    }
    const kept = { ...batch, rows: Rows.make(passed, Rows.observed(batch.rows)) }
    return onLeftOut === undefined ? Effect.succeed(kept) : Effect.as(onLeftOut(leftOut), kept)
  }

const kept = <E, R>(keep: Keep, read: Stream.Stream<Units.Batch, E, R>): Stream.Stream<Unit, E, R> =>
  read.pipe(Stream.mapEffect(passing(keep)), Extremes[keep.side](keep.limit), Stream.map(Units.page))
