/**
 * Compares the delivered calls with those that any answer showed: each call that was listed with a start in the range must come, once,
 * or its window is not proven. It is the one place where windows, which know nothing of each other, meet.
 */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import type { CallSession } from "../../model/CallSession.ts"
import type { Item } from "../../model/Item.ts"
import type { Rejected } from "../../model/Rejected.ts"
import * as CallRows from "../../model/Rows.ts"
import * as Coverage from "../Coverage.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as NotedCounts from "../../endpoint/internal/NotedCounts.ts"
import type * as Micros from "../../endpoint/internal/Micros.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import type * as Delivered from "./Delivered.ts"
import type * as IdSet from "./IdSet.ts"
import * as Gone from "./Gone.ts"
import * as Evidence from "./PartEvidence.ts"
import type { Evidence as OfPart, Known } from "./Known.ts"
import { ask as askOf, horizonOf, noBeginning, type Settings, tooYoung } from "./Settings.ts"
import * as Shown from "./Shown.ts"
import * as Windows from "./Windows.ts"

/** More are not looked for one by one. */
const mostLookups = 50

const changed: Coverage.Coverage = { _tag: "Provisional", reason: { _tag: "StartsMoved" } }

/** Why nothing is proven where answers contradict each other. */
export const differ = (calls: number): Coverage.Coverage => ({
  _tag: "Provisional",
  reason: { _tag: "AnswersDiffer", calls }
})

export interface Deliveries {
  /** What the reading of a part showed. */
  readonly note: (evidence: Pick<OfPart, "log" | "once">) => void
  /** Notes what answers showed before the reading began: each process that reads a part of it knows that. */
  readonly begin: (logs: ReadonlyArray<Ask.Log>) => void
  /** The window, without what came before, and with what others showed of it. */
  readonly deliver: (window: Coverage.Window) => Effect.Effect<Coverage.Window, AgniError>
  /** Rows delivered, as the server counts them: with those of gaps that cannot be had. */
  readonly rows: () => number
  /** Those that cannot be had, about, and why, if there are any. */
  readonly lost: () => { readonly rows: number; readonly error: AgniError } | undefined
  readonly between: (bounds: Ask.Bounds) => Delivered.Number
  /** Whether no count is greater than what came within its bounds, these besides, which are delivered at the end. */
  readonly isExplained: (besides: {
    readonly starts: ReadonlyArray<Micros.Micros>
    readonly withoutStart: number
  }) => Effect.Effect<boolean, AgniError>
  /** Whether it was delivered. */
  readonly has: (id: string) => boolean
  /** Notes that it comes with the calls without a start time. */
  readonly claim: (id: string) => void
  readonly withoutStart: ReadonlySet<string>
  readonly created: ReadonlyMap<string, Micros.Micros>
  readonly placed: ReadonlyMap<string, Micros.Micros>
  /** Rows that were shown only when the window that they belong to was gone: they come at the end. */
  readonly late: Effect.Effect<ReadonlyArray<Rows.Row>, AgniError>
  /** New coverage of windows that a later answer contradicted. */
  readonly revised: (known: Known) => Effect.Effect<ReadonlyArray<Windows.Revision>, AgniError>
  /** The count that is least of what came within its bounds: a limit may have cut it, or calls may have been lacking. */
  readonly least: () => NotedCounts.Counted | undefined
  /** Bounds with a page that is not as long as the last one of what came: so it is no repeated one, unless a limit cut the list. */
  readonly unrepeated: () => ReadonlyArray<Shown.Unrepeated>
  /** Notes that such a page is another one again. */
  readonly forget: (page: NotedCounts.Paged) => void
  /** Notes that so many calls are in some answers only. */
  readonly differ: (calls: number) => void
  /** Takes back what was said of the windows in a range. */
  readonly revise: (range: Micros.Range, coverage: Coverage.Coverage) => void
  /** The parts to read. */
  readonly parts: ReadonlyArray<Micros.Range>
  readonly proven: () => boolean
  readonly windows: () => number
  readonly recent: ReadonlySet<string>
  readonly unplaced: ReadonlySet<string>
  /** Whether calls were seen with two starts. */
  readonly moved: () => number
  /**
   * What this reading showed and brought, for the process that judges the whole, or reads on.
   *
   * @param committed What another one takes over of it. @default all
   */
  readonly evidence: (known: Known, committed?: Evidence.Committed) => Evidence.Evidence
  /** Takes over what the readings of other parts showed and brought. */
  readonly restore: (parts: ReadonlyArray<Evidence.Before>) => void
  /** Forgets what an earlier reading brought of a range: it is read again. */
  readonly forgetRange: (range: Micros.Range) => void
  /** Whether it is known of each call that came, when it starts. */
  readonly isWhole: () => boolean
}

/** @param parts What is read of the range, where an earlier run has read the rest. */
export const make = (
  settings: Settings,
  range: Micros.Range,
  known: () => Known,
  ends: Shown.Ends,
  parts: ReadonlyArray<Micros.Range> = [range]
): Deliveries => {
  const shown = Shown.make(parts)
  const ask = askOf(settings)
  let isWhole = true
  const work: Work = { settings, known, range, shown, lookUp: lookingUp(ask) }
  return {
    note: (evidence) => Shown.note(shown, ends, evidence),
    begin: (logs) => {
      const elsewhere = [...shown.elsewhere]
      for (const log of logs) {
        Shown.note(shown, ends, { log })
        Shown.noteEarly(shown, ends, log)
        for (const key of log.shown.keys()) shown.begun.add(key)
      }
      shown.elsewhere.clear()
      for (const [key, start] of elsewhere) shown.elsewhere.set(key, start)
    },
    deliver: (window) => deliver(work, window),
    rows: () => Shown.rowsOf(shown),
    lost: () => shown.lost,
    between: (bounds) => Shown.between(shown, bounds),
    isExplained: (besides) => Effect.map(settings.repeats, (repeats) => Shown.isExplained(shown, repeats, besides)),
    has: shown.ids.has,
    claim: (id) => {
      shown.ids.add(id)
    },
    withoutStart: shown.withoutStart,
    created: shown.created,
    placed: shown.placed,
    late: late(work, () => Shown.note(shown, ends, { log: ask.log })),
    least: () => Shown.least(shown, horizonOf(settings, known())),
    unrepeated: () => unrepeated(shown, horizonOf(settings, known())),
    forget: (page) => NotedCounts.forgetPage(shown.lengths, page),
    differ: (calls) => {
      // They may be among those that are known.
      shown.differing = Math.max(shown.differing, calls)
    },
    revise: (range, coverage) => {
      shown.revisions.push({ ...range, coverage })
    },
    revised: (known) => revised(work, horizonOf(settings, known)),
    parts: shown.parts,
    proven: () => shown.proven,
    windows: () => shown.delivered.stretches.length,
    recent: shown.recent,
    unplaced: shown.unplaced,
    moved: () => shown.moved.size,
    evidence: (known, committed) =>
      Evidence.save({ from: range.from, to: Shown.hull(shown)?.to ?? range.from }, known, shown, committed),
    restore: (parts) => {
      Evidence.restoreAll(shown, ends, parts, changed)
      isWhole &&= parts.every(({ counted }) => counted === undefined)
    },
    forgetRange: (range) => Shown.forget(shown, range),
    isWhole: () => isWhole
  }
}

const unrepeated = (shown: Shown.Shown, horizon: Micros.Micros): ReadonlyArray<Shown.Unrepeated> =>
  [...Shown.unrepeated(shown).values()].filter(
    (page) => Shown.unexplained(shown, new Map([["", page]]), horizon).length > 0
  )

interface Work {
  readonly settings: Settings
  readonly known: () => Known
  readonly range: Micros.Range
  readonly shown: Shown.Shown
  /** Asks for a row at its own instant again. */
  readonly lookUp: (key: string, start: Micros.Micros) => Effect.Effect<Rows.Row | undefined, AgniError>
}

const lookingUp =
  (ask: Ask.Ask): Work["lookUp"] =>
  (key, start) =>
    Effect.map(Ask.orNothing(ask(1, Ask.around({ start }))), (answer) => answer?.rows.find((row) => row.key === key))

/** Whether a record that could not be decoded comes for the first time. */
const isNew = ({ ids, unplaced }: Shown.Shown, record: Rejected): boolean => {
  const { key, start } = Rows.ofRejected(record)
  if (start === undefined) return !unplaced.has(key) && unplaced.add(key) !== undefined
  return ids.add(key)
}

const deliver = Effect.fnUntraced(function* (
  work: Work,
  window: Coverage.Window
): Effect.fn.Return<Coverage.Window, AgniError> {
  const { known, settings, shown } = work
  // Those that came before, of other stretches too.
  const gone = Shown.hull(shown)
  // From now on what answers show of it is late.
  Shown.reach(shown, window)
  for (const { id } of CallRows.items(window.rows)) {
    shown.awaited.delete(id)
    shown.placed.delete(id)
  }
  for (const record of window.rejected) {
    const { key, start } = Rows.ofRejected(record)
    if (start !== undefined) shown.awaited.delete(key)
  }
  const missing = yield* missingFrom(work, window)
  // All at once, because windows of other stretches come beside it.
  const first = shown.ids.size()
  const done = once(shown, window, missing, gone)
  take(shown, done, horizonOf(settings, known()), { first, end: shown.ids.size() })
  return done
})

/** The window without what came before, and with what was missing from it. */
const once = (
  shown: Shown.Shown,
  window: Coverage.Window,
  { here, missing }: Missing,
  gone: Micros.Range | undefined
): Coverage.Window => {
  const all = CallRows.items(window.rows)
  let items: ReadonlyArray<Item<CallSession>> = all
  let coverage = window.coverage
  const weaken = (to: Coverage.Coverage) => {
    if (coverage._tag === "Proven") coverage = to
  }
  let twice: Set<Item<CallSession>> | undefined
  for (const item of all) {
    if (!shown.ids.add(item.id)) (twice ??= new Set()).add(item)
    if (shown.moved.size > 0 && shown.moved.has(item.id)) weaken(changed)
  }
  const rejected = window.rejected.filter((record) => isNew(shown, record))
  if (twice !== undefined) {
    const came = twice
    items = items.filter((item) => !came.has(item))
    for (const { id } of came) shown.moved.add(id)
    weaken(changed)
    // Of which window it was is not known.
    if (gone !== undefined) shown.revisions.push({ ...gone, coverage: changed })
  }
  if (missing > 0) {
    const found = here.filter(({ key }) => shown.ids.add(key))
    const more = found.flatMap(({ item }) => item ?? [])
    if (more.length > 0) items = [...items, ...more].sort((a, b) => (a.start ?? 0) - (b.start ?? 0))
    rejected.push(...found.flatMap(({ item, rejected }) => (item === undefined ? (rejected ?? []) : [])))
    weaken(differ(missing))
  }
  return items === all && rejected.length === window.rejected.length && coverage === window.coverage
    ? window
    : Windows.make(items, { ...window, rejected, coverage })
}

interface Missing {
  readonly missing: number
  /** Those that come when they are asked for. */
  readonly here: ReadonlyArray<Rows.Row>
}

/** Calls of the window that other answers showed. */
const missingFrom = Effect.fnUntraced(function* (
  { known, lookUp, settings, shown }: Work,
  { from, to }: Coverage.Window
): Effect.fn.Return<Missing, AgniError> {
  const left: Array<readonly [string, Micros.Micros]> = []
  // Those of windows in progress are among them, so it is asked for each window of thousands.
  for (const one of shown.awaited) if (one[1] >= from && one[1] < to) left.push(one)
  for (const [key] of left) shown.awaited.delete(key)
  const missing = left.filter(([key]) => !shown.ids.has(key))
  const here: Array<Rows.Row> = []
  for (const [key, at] of missing.slice(0, mostLookups)) {
    const row = yield* lookUp(key, at)
    if (row?.start !== undefined && row.start >= from && row.start < to) here.push(row)
  }
  // Those that are younger may have appeared meanwhile.
  for (const [key, start] of missing) if (start < horizonOf(settings, known())) Shown.doubt(shown, key)
  return { missing: missing.length, here }
})

/** Notes what was delivered. */
const take = (shown: Shown.Shown, window: Coverage.Window, horizon: Micros.Micros, ids: IdSet.Places): void => {
  const { coverage, extra = 0 } = window
  if (coverage._tag === "Gap") shown.lost = { rows: (shown.lost?.rows ?? 0) + extra, error: coverage.error }
  if (window.to <= horizon) shown.proven &&= window.coverage._tag === "Proven"
  else {
    const keys = [...CallRows.items(window.rows).map(({ id }) => id), ...window.rejected.map(Rows.keyOf)]
    for (const key of keys) {
      shown.recent.add(key)
      if (!shown.begun.has(key)) shown.later++
    }
  }
  shown.delivered.add(window, ids)
}

/** An answer that looks for one of them may show others, of the windows beside it too. */
const late = Effect.fnUntraced(function* (
  { known, lookUp, settings, shown }: Work,
  noteLookups: () => void
): Effect.fn.Return<ReadonlyArray<Rows.Row>, AgniError> {
  const found: Array<Rows.Row> = []
  const horizon = horizonOf(settings, known())
  let lookups = 0
  yield* Gone.doubtBack(shown, lookUp)
  noteLookups()
  // Those that are added while it is read are read as well.
  for (const [key, start] of shown.late) {
    if (shown.ids.has(key)) continue
    shown.revisions.push({ from: start, to: start + 1, coverage: differ(1) })
    if (start < horizon) Shown.doubt(shown, key)
    // A server may make up others each time.
    if (lookups++ >= mostLookups) continue
    const row = yield* lookUp(key, start)
    if (row?.start !== undefined && Shown.isRead(shown, row.start) && shown.ids.add(key)) found.push(row)
    noteLookups()
  }
  return found
})

const byLength = (shown: Shown.Shown, horizon: Micros.Micros) =>
  Shown.unexplained(shown, Shown.unrepeated(shown), horizon).map((one) => ({ ...one, coverage: differ(one.calls) }))

const revised = Effect.fnUntraced(function* (
  { range, settings, shown }: Work,
  horizon: Micros.Micros
): Effect.fn.Return<ReadonlyArray<Windows.Revision>, AgniError> {
  const { delivered, older, readOnce } = shown
  const proven = delivered.stretches.filter((window) => window.proven)
  const byPlace = Shown.lacking(shown, "places", horizon)
  const lacking = [
    ...Shown.lacking(shown, "counts", horizon),
    ...Shown.lacking(shown, "sure", horizon),
    ...Shown.vanished(shown).map((one) => ({ ...one, coverage: differ(one.calls) })),
    // Each page has a place: where no place is too great, none is too long.
    ...(byPlace.length === 0 ? [] : (yield* settings.repeats) ? byLength(shown, horizon) : byPlace)
  ]
  // Some answers lack calls: in what was read once others may be lacking, too.
  const differing = Math.max(shown.differing, ...lacking.map(({ calls }) => calls))
  const all = [
    ...shown.revisions,
    ...proven
      .filter(({ to }) => to > horizon)
      .map(({ from, to }) => ({ from: Math.max(from, horizon), to, coverage: tooYoung })),
    ...(older ? [{ from: range.from, to: range.from + 1, coverage: noBeginning }] : []),
    ...(differing === 0
      ? []
      : proven
          .filter(({ from }) => readOnce.has(from))
          .map(({ from, to }) => ({ from, to, coverage: differ(differing) }))),
    ...lacking
  ]
  return all.filter(({ from, to }) => proven.some((window) => window.from < to && window.to > from))
})
