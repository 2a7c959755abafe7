/** A range that is read in one piece, or in stretches in parallel by one reading. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { Window } from "../Coverage.ts"
import type * as Ask from "../../endpoint/internal/Ask.ts"
import * as Clocks from "../../endpoint/internal/Clocks.ts"
import type * as Micros from "../../endpoint/internal/Micros.ts"
import * as Patience from "../../endpoint/internal/Patience.ts"
import * as Probes from "../../endpoint/internal/Probes.ts"
import * as SavedProbes from "../../endpoint/internal/SavedProbes.ts"
import * as EndpointProfile from "../../endpoint/EndpointProfile.ts"
import type * as Asked from "./Asked.ts"
import * as Beginning from "./Beginning.ts"
import * as Cut from "./Cut.ts"
import * as CutTasks from "./CutTasks.ts"
import type * as Evidence from "./PartEvidence.ts"
import * as Ending from "./Ending.ts"
import * as Partitioner from "./Partitioner.ts"
import * as ReadBefore from "./ReadBefore.ts"
import * as Readers from "./Readers.ts"
import * as Reading from "./Reading.ts"
import { type Settings, tooYoung } from "./Settings.ts"
import * as Task from "./Task.ts"
import * as Undated from "./Undated.ts"
import * as UndatedFront from "./UndatedFront.ts"
import * as UnfilteredReading from "./UnfilteredReading.ts"
import * as WindowTelemetry from "./WindowTelemetry.ts"
import * as Windows from "./Windows.ts"
import * as WithoutStart from "./WithoutStart.ts"

/** The options of a history that decide how it is read. */
export interface Options extends Ask.Filters {
  readonly concurrency?: number | undefined
  readonly withoutStart?: "include" | "skip" | undefined
  readonly keepGoing?: boolean | undefined
  readonly ahead?: boolean | undefined
  readonly order?: "oldest" | "newest" | undefined
  readonly hold?: "json" | "objects" | undefined
  readonly horizon?: Duration.Input | undefined
  readonly profile?: EndpointProfile.EndpointProfile | undefined
  readonly pageSize?: number | undefined
  readonly pagesPerWindow?: number | undefined
}

/** How many stretches are read at the same time, and which: those that are there are not cut again. */
export interface Beside extends Cut.Options {
  readonly stretches?: ReadonlyArray<ReadBefore.Begun> | undefined
  /** Answers since the probes, before this process began. @default none */
  readonly logs?: ReadonlyArray<Ask.Log> | undefined
  /** The evidence of an earlier reading of the one that is left. @default none */
  readonly resumed?: Evidence.Evidence | undefined
  /** All of them were read by other processes, and this is what those know. @default some are still to be read */
  readonly read?: ReadonlyArray<ReadBefore.Proof> | undefined
}

const probe = Effect.fnUntraced(function* (
  range: Asked.Asked,
  filters: Ask.Filters,
  { ahead = false, pageSize, pagesPerWindow = Partitioner.least, profile }: Options,
  inOnePiece: boolean
) {
  const bounded = range.from !== undefined
  const whole = !bounded && range.to === undefined
  const measureFrom = whole && ahead && inOnePiece ? 3 * pagesPerWindow : undefined
  return (
    (yield* Probes.Probed) ??
    (yield* Probes.probe({ filters, pageSize, profile, deep: false, bounded, whole, measureFrom }))
  )
})

/** Where the reading of a stretch begins, and instants that no window spans. */
interface Place {
  readonly from?: Micros.Micros | undefined
  readonly cuts: ReadonlyArray<Micros.Micros>
}

/** A range that is read in one piece, or in stretches in parallel. */
export interface RangeReading {
  readonly stretches: ReadonlyArray<Cut.Stretch>
  readonly windows: (stretch: number, at: Place) => Stream.Stream<Window, AgniError, AgniClient>
  readonly closing: Stream.Stream<Window, AgniError, AgniClient>
  /** What the probes saw, and other answers before the first window: another process reads on with it. */
  readonly begun: Effect.Effect<SavedProbes.SavedProbes, AgniError>
  /**
   * What its answers showed and its windows brought; nothing where no answer is evidence.
   *
   * @param committed What another one takes over of it. @default all
   */
  readonly evidence: (committed?: Evidence.Committed) => Evidence.Evidence | undefined
  /** Rows delivered, of an earlier reading too. */
  readonly rows: () => number
  /** Notes answers that no window is of, after the last one. */
  readonly noteRest: () => void
}

/** Logs what the probes saw. */
const report = Effect.fnUntraced(function* (profile: EndpointProfile.EndpointProfile, clocks: Clocks.Clocks) {
  yield* Effect.forEach(EndpointProfile.facts(profile), ({ about, text }) =>
    Effect.annotateLogs(Effect.logDebug(`${about}: ${text}`), "callstream.endpoint.fact", about)
  )
  if (clocks.apart > Clocks.notable)
    yield* Effect.annotateLogs(
      Effect.logWarning(Clocks.describe(clocks)),
      "callstream.clocks_apart",
      Math.round(clocks.apart / 1e6)
    )
})

/**
 * In one piece, unless it is said how many stretches are read in parallel.
 *
 * @param scope in which the whole may be counted while the last windows are. @default nothing is
 * @param resumed The evidence of an earlier reading of what comes before, where it is read in one piece. @default none
 */
export const open = Effect.fnUntraced(function* (
  range: Asked.Asked,
  options: Options,
  beside: Beside | undefined,
  scope?: Scope.Scope,
  resumed?: Evidence.Evidence
): Effect.fn.Return<RangeReading, AgniError, AgniClient> {
  const { agentId, callerNumber, channel, concurrency = 4, keepGoing = false, search, status } = options
  const filters = { agentId, status, channel, callerNumber, search }
  const client = yield* AgniClient
  const list = Patience.make(client.list)
  const seen = yield* probe(range, filters, options, beside === undefined)
  const { profile } = seen
  const clocks = Clocks.make(seen.localNow, seen.log)
  yield* report(profile, clocks)
  const newestFirst = options.order === "newest"
  const asked = Beginning.boundsOf(range, seen, clocks, newestFirst)
  const bounds = newestFirst || beside !== undefined ? asked : Beginning.boundsAfter(asked, resumed?.range)
  const { all, from, to, whole } = bounds
  if (range.from !== undefined && range.from >= all.to) {
    const later = notYet(range.from, all.to, seen.serverNow)
    return {
      stretches: [{ from: later.from, to: later.to }],
      windows: () => Stream.make(later),
      closing: Stream.empty,
      ...UnfilteredReading.noEvidence(seen)
    }
  }
  const { filterProblem } = profile
  const { ahead = false, hold, horizon, pagesPerWindow, withoutStart } = options
  if (filterProblem !== undefined) {
    const about = { filterProblem, filters, size: profile.pageSize, resumed, now: seen.serverNow }
    const patient = AgniClient.of({ ...client, list })
    return {
      ...UnfilteredReading.make(range, bounds, options, beside, about, patient),
      ...UnfilteredReading.noEvidence(seen)
    }
  }
  const readers = ahead && beside === undefined ? Readers.readersFor(concurrency, seen) : concurrency
  const settings = Beginning.settingsOf(list, filters, range, seen, clocks, {
    concurrency: readers,
    hold,
    horizon,
    pagesPerWindow
  })
  const stretches =
    beside === undefined
      ? [{ from, to }]
      : (beside.stretches ?? (yield* Cut.cut(settings, seen, { from, to }, whole, beside)))
  return yield* readAll(
    beside === undefined ? settings : Readers.inStretches(settings, seen, options, beside),
    range,
    bounds,
    seen,
    stretches,
    {
      ahead,
      beside,
      resumed,
      scope,
      // Where all windows are read at once, the small ones at both ends have a place besides: they would be read last, and alone.
      concurrency: Readers.perReader(
        readers > concurrency ? readers + 1 : concurrency,
        Math.min(stretches.length, beside?.sideBySide ?? 1)
      ),
      enough: concurrency,
      keepGoing,
      limits: options.profile?.limits,
      clocksApart: clocks.apart > Clocks.notable ? Math.round(clocks.apart) : undefined,
      earliest: clocks.earliest,
      newestFirst,
      withoutStart: withoutStart !== "skip" && settings.controls.length > 0
    }
  )
})

const everything: Micros.Range = { from: -Infinity, to: Infinity }

/** The window of the calls without a start time that were created in a bounded range. */
const withoutStartIn = (
  settings: Settings,
  range: Micros.Range,
  seen: Probes.Seen,
  { known, ledger }: Effect.Success<ReturnType<typeof Reading.make>>
) =>
  Effect.suspend(() =>
    WithoutStart.window(settings, range, {
      known,
      calls: seen.about,
      delivered: ledger.rows,
      listed: () => ledger.withoutStart,
      shown: () => ledger.created,
      placed: () => ledger.placed,
      isDelivered: (key) => ledger.has(key) || ledger.unplaced.has(key),
      note: (log) => ledger.note({ log })
    })
  )

/** The window of the calls of a whole history that are in no other one. */
const inNoWindow = (
  settings: Settings,
  range: Micros.Range,
  { early, known, ledger }: Effect.Success<ReturnType<typeof Reading.make>>,
  inPart: boolean,
  keepGoing: boolean
) => Effect.suspend(() => Undated.window(settings, range, { ledger, inPart, known, early }, keepGoing))

/** The first look behind the windows of a whole history, while the last of them are counted. */
const earlyOf = (settings: Settings, range: Micros.Range, scope: Scope.Scope | undefined): Reading.Options["early"] =>
  scope && { look: (rows) => UndatedFront.early(settings, range, rows), scope }

const belowOf = (seen: Probes.Seen) => {
  const listed = Probes.listed(seen)
  return (task: Task.Task): Task.Task =>
    listed !== undefined && Task.isElsewhere(seen.log.shown, everything, task) ? { ...task, below: listed } : task
}

/** The last window. */
const lastOf = (
  settings: Settings,
  range: {
    readonly asked: Asked.Asked
    readonly all: Micros.Range
    readonly whole: boolean
    readonly wholeRange: Micros.Range
    readonly inPart: boolean
  },
  seen: Probes.Seen,
  reading: Effect.Success<ReturnType<typeof Reading.make>>,
  { keepGoing, withoutStart }: { readonly keepGoing: boolean; readonly withoutStart: boolean }
) => {
  const { all, asked, inPart, whole, wholeRange } = range
  if (whole) return inNoWindow(settings, wholeRange, reading, inPart, keepGoing)
  if (!withoutStart) return Effect.undefined
  return withoutStartIn(settings, { from: asked.from ?? -Infinity, to: all.to }, seen, reading)
}

/** The windows of the stretches, and the last one, of the calls without a start time. */
const readAll = Effect.fnUntraced(function* (
  settings: Settings,
  asked: Asked.Asked,
  { all, whole }: Beginning.Bounds,
  seen: Probes.Seen,
  stretches: ReadonlyArray<ReadBefore.Begun>,
  options: Omit<Reading.Options, "before" | "early" | "end" | "ends" | "logs"> & {
    readonly scope: Scope.Scope | undefined
    readonly beside: Beside | undefined
    readonly resumed: Evidence.Evidence | undefined
    readonly ahead: boolean
    readonly withoutStart: boolean
    readonly newestFirst: boolean
  }
): Effect.fn.Return<RangeReading, AgniError> {
  const { ahead, beside, newestFirst, resumed } = options
  const isFromOldest = asked.from === undefined
  const isResumed = resumed !== undefined
  const { before, inPart, parts, range } =
    beside?.read === undefined
      ? ReadBefore.resume(
          ReadBefore.toRead(stretches, all, newestFirst),
          beside?.resumed ?? resumed,
          resumed !== undefined
        )
      : ReadBefore.of(beside.read, all, Math.min(settings.now, options.earliest) - settings.horizon)
  const wholeRange = { from: range.from, to: all.to }
  const reading = yield* Reading.make(settings, range, parts, {
    ...options,
    end: all.to,
    // What lies beside a part was counted too.
    // An earlier reading may have found another first call.
    ends: { whole: whole && !inPart, fromOldest: isFromOldest && (isResumed || range.from === all.from), newestFirst },
    logs: [seen.log, ...settings.logs, ...(beside?.logs ?? [])],
    before,
    early: earlyOf(settings, wholeRange, whole && !inPart && !isResumed ? options.scope : undefined)
  })
  if (Beginning.hasEnded(asked, seen)) reading.ledger.revise({ from: all.to - 1, to: all.to }, tooYoung)
  const below = belowOf(seen)
  const last = lastOf(settings, { asked, all, whole, wholeRange, inPart }, seen, reading, options)
  // What cut the range into stretches, or came beyond the end of the list, is evidence for the last window, too.
  const closing = WindowTelemetry.ofClosing(
    Effect.andThen(Effect.sync(reading.noteAll), Effect.flatMap(last, reading.closing))
  )
  const readers = yield* Ref.make(0)
  const ending = Ending.make(closing, ahead ? options.scope : undefined)
  return {
    stretches,
    windows: (nth, at) =>
      Stream.suspend(() => {
        const one = ReadBefore.restOf({ ...(stretches[nth] ?? range), at: at.from })
        // An empty window would count as that of the calls without a start time.
        if ((at.from ?? resumed) !== undefined && one.from >= one.to) return Stream.empty
        // A sink may have lost what it had of it.
        if (isResumed) reading.ledger.forgetRange(one)
        // Nobody waits for the first calls of a stretch.
        const shape = { newestFirst, small: isFromOldest && beside === undefined, ahead }
        const tasks = Partitioner.tasks(
          one,
          [...at.cuts, reading.horizon(), settings.latest],
          seen,
          shape,
          settings.latest
        )
        const rest = CutTasks.cut(settings, tasks.rest.map(below), {
          rows: one.from === stretches[nth]?.from ? stretches[nth].rows : undefined,
          measured: seen.measured && !newestFirst,
          note: reading.noteCut
        })
        // While others read stretches there are no requests to spare.
        const isAlone = () => Ref.getUnsafe(readers) === 1
        return Readers.counted(readers, reading.windows({ first: tasks.first.map(below), rest }, isAlone, ending.begin))
      }),
    closing: ending.outputs,
    begun: Effect.suspend(() => SavedProbes.save(seen, settings.logs)),
    evidence: reading.evidence,
    rows: reading.rows,
    noteRest: reading.noteRest
  }
})

/** A range that begins later than the server's clock: calls may still come into it. */
const notYet = (from: Micros.Micros, to: Micros.Micros, now: Micros.Micros): Window =>
  Windows.make([], {
    from,
    to: Math.max(from, to),
    rejected: [],
    coverage: { _tag: "Provisional", reason: { _tag: "AfterNow" } },
    requests: 0,
    observedAt: now
  })
