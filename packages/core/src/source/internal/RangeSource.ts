/** A source over a range of start time: what it says of itself, and its range as the first run resolved it. */
import type * as Stream from "effect/Stream"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { OpenRange } from "../../history/History.ts"
import * as PageWalk from "../../history/PageWalk.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { Fingerprint } from "../../model/Fingerprint.ts"
import type { Page } from "../../model/Page.ts"
import * as Bounds from "../Bounds.ts"
import type * as HistorySource from "../HistorySource.ts"
import type * as PagesSource from "../PagesSource.ts"
import type { Place, Source, Unit } from "../Source.ts"

type RangeSource = Source<Bounds.Bounds, AgniError, AgniClient>
type Units = Stream.Stream<Unit, AgniError, AgniClient>

/**
 * Over a history, whose end is that of the first run.
 *
 * @param more What else its fingerprint says.
 */
export const ofHistory = (
  range: OpenRange,
  options: HistorySource.Options,
  more: Fingerprint,
  read: (range: OpenRange, options: HistorySource.Options, at: Place) => Units
): RangeSource => ({
  fingerprint: { ...Bounds.fingerprint("history", range, options), ...more },
  state: Bounds.Bounds,
  begin: Bounds.resolve(range, options.end),
  units: ({ end, from, to }, at) => read(open({ from, to }), { ...options, end: end ?? undefined }, at)
})

/**
 * Over pages by number.
 *
 * @param more What else its fingerprint says.
 */
export const ofPages = (
  range: OpenRange,
  options: PagesSource.Options,
  more: Fingerprint,
  read: (pages: Stream.Stream<Page, AgniError, AgniClient>) => Units
): RangeSource => ({
  fingerprint: { ...Bounds.fingerprint("pages", range, options), ...more },
  state: Bounds.Bounds,
  begin: Bounds.given(range),
  units: (bounds) => read(PageWalk.selectedPages({ ...options, ...open(bounds) }))
})

/** The range as it is asked for. */
export const open = ({ from, to }: Pick<Bounds.Bounds, "from" | "to">) => ({
  from: from ?? undefined,
  to: to ?? undefined
})
