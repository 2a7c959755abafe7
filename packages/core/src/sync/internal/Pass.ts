/** One pass of a sync: what is read, in which order, and what is noted before it is delivered. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import * as CoverageSet from "../../coverage/CoverageSet.ts"
import type { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { CallSession } from "../../model/CallSession.ts"
import type { Micros } from "../Tail.ts"
import type { Item } from "../../model/Item.ts"
import type { Rejected } from "../../model/Rejected.ts"
import * as CallRows from "../../model/Rows.ts"
import * as Instant from "../../model/Instant.ts"
import * as Version from "../../model/Version.ts"
import * as Outline from "../../model/internal/Outline.ts"
import * as HalfSipHash from "../../model/internal/HalfSipHash.ts"
import * as Coverage from "../../history/Coverage.ts"
import * as History from "../../history/History.ts"
import type { EndpointProfile } from "../../endpoint/EndpointProfile.ts"
import * as Probes from "../../endpoint/internal/Probes.ts"
import type { Entry, Lease, Span } from "../Ledger.ts"
import { LedgerError } from "../LedgerError.ts"
import type { Judge, Look, Options, Why } from "../Sync.ts"
import type * as Allowance from "./Allowance.ts"
import * as Covered from "./Covered.ts"
import * as Decide from "./Decide.ts"
import * as Decisions from "./Decisions.ts"
import * as EmptyWindows from "./EmptyWindows.ts"
import * as Endpoint from "./Endpoint.ts"
import * as FrontSearch from "./FrontSearch.ts"
import * as Lateness from "./Lateness.ts"
import * as ReadAhead from "./ReadAhead.ts"
import * as SyncState from "./SyncState.ts"
import * as Unread from "./Unread.ts"

const { second } = Decide

export interface Settings {
  readonly lease: Lease
  readonly options: Options
  readonly filters: Pick<Options, "agentId" | "channel" | "callerNumber">
  readonly from: Micros
  readonly horizon: number
  readonly remember: number
  readonly audits: ReadonlyArray<number>
  readonly worth: number
  /** Requests a day at most. */
  readonly maxRequests: number | undefined
}

/** A run of passes over one lease: what it knows by now. */
export interface Run {
  readonly settings: Settings
  /** What the endpoint does, as far as it is known. */
  readonly profile: EndpointProfile
  /** What reading to a proof has to see of the endpoint: asked for once, when it is needed. */
  readonly seen: Effect.Effect<Probes.Seen, AgniError | LedgerError, AgniClient>
  /** Requests that this pass may make. */
  readonly allowance: Allowance.Allowance
  /** When this pass began. */
  readonly began: Micros
  /** When the pass before it began, if there was one. */
  readonly before: Micros | undefined
  state: SyncState.SyncState
  head: number
  /** The server's clock; this machine's where that is earlier. */
  now: Micros
  isFirst: boolean
  /** Calls that were read in this pass. */
  looked: number
  /** Whether the server could be asked how many calls are behind the watermark. */
  isCounted: boolean
  /** Set while what is noted is delivered next. "later": what consumers may show is noted when it is delivered. @default nobody asks */
  judge: Judge | "later" | undefined
}

/** One reading. */
export interface Read {
  readonly why: Why
  readonly items: ReadonlyArray<Item<CallSession>>
  readonly rejected: ReadonlyArray<Rejected>
  readonly requests: number
  /** The range that came whole: who is not in it is absent. */
  readonly whole?: Span | undefined
  readonly uncounted: Endpoint.Looked["uncounted"]
  /** Calls that were looked for and should have come. */
  readonly expected?: ReadonlyArray<Entry> | undefined
  /** More records that could not be read, which are reported by another reading. */
  readonly unread?: ReadonlyArray<Rejected> | undefined
  /** The ledger was empty when this reading began, and a reading brings each call once: none of them is known. */
  readonly isNew?: boolean | undefined
}

const none: ReadonlyMap<string, Entry> = new Map()

/** One ledger is of one organization: another one's calls would all be new, and the ones it has all removed. */
const checkOrganization = (run: Run, items: ReadonlyArray<Item<CallSession>>): Effect.Effect<void, LedgerError> =>
  Effect.suspend(() => {
    for (const organizationId of Outline.organizationsOf(items)) {
      const digest = HalfSipHash.digest(new TextEncoder().encode(organizationId), run.settings.lease.key)
      run.state = { organization: digest, ...run.state }
      if (run.state.organization !== digest) {
        return Effect.fail(new LedgerError({ reason: { _tag: "OtherOrganization", name: run.settings.lease.name } }))
      }
    }
    return Effect.void
  })

/** Notes what was read, and gives what became of it. Nothing is delivered before it is noted. */
export const note = Effect.fnUntraced(function* (
  run: Run,
  read: Read,
  next: (state: SyncState.SyncState) => SyncState.SyncState = (state) => state
): Effect.fn.Return<Look, LedgerError> {
  const { lease } = run.settings
  yield* checkOrganization(run, read.items)
  const known = read.isNew === true ? none : yield* lease.byId(read.items.map(({ id }) => id))
  const fresh = Decisions.fresh(run, read, known)
  const { changes, clock, entries, settlement } = fresh ?? Decisions.of(run, read, known)
  run.head += fresh?.page.size ?? 0
  const isKnown = read.whole !== undefined && read.isNew !== true
  const held = [...(isKnown ? yield* lease.between(read.whole) : []), ...(read.expected ?? [])]
  const absent = yield* Unread.absent(run, read, held)
  for (const entry of absent.entries) entries.set(entry.id, entry)
  const lateness = Lateness.after(run, read, known)
  run.state = next({
    ...run.state,
    settlement,
    uncounted: absent.uncounted,
    lateness,
    ...(clock === 0 ? {} : { clock: Version.of(clock) })
  })
  run.looked += read.items.length
  const judge = run.judge === "later" || changes.length === 0 ? undefined : run.judge
  if (fresh !== undefined) yield* judge?.fresh(changes, fresh.page) ?? Effect.void
  const shown = judge === undefined || fresh !== undefined ? entries : yield* judge.changes(changes, entries)
  yield* SyncState.note(lease, run.state, run.head, [...shown.values()], fresh?.page)
  return {
    why: read.why,
    changes,
    rejected: read.rejected,
    requests: read.requests,
    watermark: Instant.of(run.state.watermark)
  }
})

export const rangeOf = ({ from, to }: Span): CoverageSet.Range => ({ from: Instant.of(from), to: Instant.of(to) })

interface Reading extends Pick<History.Options, "withoutStart"> {
  /** What started before was read by a pass that was stopped. */
  readonly resume?: Micros | undefined
  /** See `Read`. */
  readonly isNew?: boolean | undefined
  /** Calls without a start time that a window shows to be absent. */
  readonly onExpected?: ((expected: ReadonlyArray<Entry>) => void) | undefined
}

/** The windows of a range, as an export reads them. */
export const windows = (
  { seen, settings: { filters, horizon, maxRequests, options } }: Run,
  { from, to }: { readonly from: Micros; readonly to?: Micros | undefined },
  { resume, withoutStart }: Pick<Reading, "resume" | "withoutStart"> = {}
): Stream.Stream<Coverage.Window, AgniError | LedgerError, AgniClient> =>
  Stream.unwrap(
    Effect.map(seen, (seen) =>
      History.windows(
        { from: Instant.of(from), to: to === undefined ? undefined : Instant.of(to) },
        {
          ...filters,
          horizon: horizon / 1000,
          // Of requests that are limited, none is for what may not be noted any more.
          ahead: maxRequests === undefined,
          hold: "objects",
          keepGoing: options.keepGoing ?? false,
          concurrency: options.concurrency,
          resume: resume === undefined ? undefined : Instant.of(resume),
          withoutStart
        }
      ).pipe(Stream.provideService(Probes.Probed, seen))
    )
  )

/** That calls without a start time were looked for, and whether any came. */
const lookedFor = (run: Run, { changes }: Look, hidden = run.state.withoutStart?.hidden ?? 0): void => {
  const idle = changes.length > 0 ? 0 : 1 + (run.state.withoutStart?.idle ?? 0)
  run.state = { ...run.state, withoutStart: { at: run.began, idle, hidden } }
}

/** Calls without a start time, where no other call is left with which a window could show them. */
const alone = (
  run: Run,
  why: Why,
  onExpected: Reading["onExpected"]
): Stream.Stream<Look, AgniError | LedgerError, AgniClient> =>
  Stream.fromIterableEffect(
    Effect.gen(function* () {
      const { controls, pages } = yield* run.seen
      if (run.profile.filterProblem !== undefined || controls.length > 0) return []
      const isEmpty = pages.every(({ rows }) => rows.length === 0)
      if (isEmpty && (yield* run.settings.lease.withoutStart).length === 0) return []
      const found = yield* FrontSearch.all(run)
      const look = yield* note(run, { ...found, why, rejected: [], uncounted: [] })
      lookedFor(run, look)
      onExpected?.(found.expected ?? [])
      return [look]
    })
  )

type Noting = Effect.Effect<ReadonlyArray<Look>, LedgerError>

/** Holds back windows that are proven to be empty. */
const holding = (run: Run, why: Why, isNew: boolean | undefined) => {
  const held = Ref.makeUnsafe<EmptyWindows.EmptyWindows | undefined>(undefined)
  const flush: Noting = Effect.flatMap(Ref.getAndSet(held, undefined), (windows) => {
    if (windows === undefined) return Effect.succeed([])
    const { next, range, requests } = windows
    const read = { why, items: [], rejected: [], uncounted: [], requests, whole: range, isNew }
    return Effect.map(note(run, read, next), (look) => [look])
  })
  const hold = Effect.fnUntraced(function* (
    window: Coverage.Window
  ): Effect.fn.Return<ReadonlyArray<Look>, LedgerError> {
    const next = Covered.by(run, window)
    const joined = EmptyWindows.add(yield* Ref.get(held), window, next)
    const looks = joined === undefined ? yield* flush : []
    const windows = joined ?? EmptyWindows.add(undefined, window, next)
    yield* Ref.set(held, windows)
    const isFull = windows !== undefined && EmptyWindows.isFull(windows, run.settings.maxRequests)
    return isFull ? [...looks, ...(yield* flush)] : looks
  })
  return { flush, hold }
}

/** Reads a range to its proof: what is new, a hole, an audit. */
export const prove = (
  run: Run,
  why: Why,
  range: { readonly from: Micros; readonly to?: Micros | undefined },
  reading?: Reading
): Stream.Stream<Look, AgniError | LedgerError, AgniClient> => {
  const rest = reading?.withoutStart === "skip" ? Stream.empty : alone(run, why, reading?.onExpected)
  const { flush, hold } = holding(run, why, reading?.isNew)
  return ReadAhead.windows(windows(run, range, reading), run.settings).pipe(
    Stream.tapError((error) => (error._tag === "AgniError" ? flush : Effect.void)),
    Stream.mapEffect(
      Effect.fnUntraced(function* (window) {
        const local = (yield* Clock.currentTimeMillis) * 1000
        run.now = Math.max(run.now, local < year2000 ? window.observedAt : Math.min(local, window.observedAt))
        if (EmptyWindows.isOne(window)) return yield* hold(window)
        const before = yield* flush
        const { from, rejected, rows, to } = window
        const isProven = window.coverage._tag === "Proven"
        const isWithoutStart = from === to
        const uncounted = Endpoint.uncountedIn(rejected)
        const extra = window.extra === undefined ? [] : [{ at: from, rows: window.extra }]
        const came = CallRows.items(rows)
        const { expected, items, requests, unread } = isWithoutStart
          ? yield* FrontSearch.find(run, why, range.from, window, came)
          : { items: came, requests: 0, expected: undefined, unread: undefined }
        const read = {
          why,
          items,
          rejected,
          requests: window.requests + requests,
          uncounted: [...uncounted, ...extra],
          expected,
          unread
        }
        // A window that is too recent to be proven was still read whole, but calls may have come into it meanwhile.
        const look = yield* note(
          run,
          isWithoutStart ? read : { ...read, isNew: reading?.isNew, ...(isProven ? { whole: { from, to } } : {}) },
          Covered.by(run, window)
        )
        if (isWithoutStart) {
          lookedFor(run, look, window.outside?.unassigned)
          reading?.onExpected?.(expected ?? [])
        }
        return [...before, look]
      })
    ),
    Stream.concat(Stream.fromEffect(flush)),
    Stream.flattenIterable,
    Stream.concat(rest)
  )
}

/** A machine whose clock is earlier has none that runs. */
const year2000 = 946_684_800_000_000

interface Looked {
  readonly look: Look
  /** Whether all of the range came. */
  readonly isWhole: boolean
  /** How many calls came. */
  readonly calls: number
}

/** A look at a range that is expected to fill one page, and what it shows. */
export const lookAt = Effect.fnUntraced(function* (
  run: Run,
  endpoint: Endpoint.Endpoint,
  why: Why,
  range: Span
): Effect.fn.Return<Looked, AgniError | LedgerError> {
  const before = endpoint.requests()
  const looked = yield* endpoint.look(range)
  const { isWhole, items } = looked
  const requests = endpoint.requests() - before
  const look = yield* note(run, { ...looked, why, requests, whole: isWhole ? range : undefined })
  return { look, isWhole, calls: items.length }
})

export const look = (
  run: Run,
  endpoint: Endpoint.Endpoint,
  why: Why,
  range: Span
): Effect.Effect<Look, AgniError | LedgerError> => Effect.map(lookAt(run, endpoint, why, range), ({ look }) => look)

/** A range in parts of about a page each, by what is known of it. */
export const pages = Effect.fnUntraced(function* (
  { profile: { pageSize }, settings: { lease } }: Run,
  { from, to }: Span
): Effect.fn.Return<ReadonlyArray<Span>, LedgerError> {
  const known = yield* lease.between({ from, to })
  const size = Math.max(1, Math.floor(0.9 * pageSize))
  const cuts = known.flatMap(({ start = from }, i) => {
    const cut = Math.floor(start / second) * second
    return i > 0 && i % size === 0 && cut > from ? [cut] : []
  })
  const begins = [from, ...new Set(cuts)]
  return begins.map((begin, i) => ({ from: begin, to: begins[i + 1] ?? to }))
})

/** Ranges before the watermark that are not proven, first those that were tried longest ago. */
export const holes = ({ settings: { remember }, now, state }: Run): ReadonlyArray<Span> =>
  state.coverage.entries
    .filter(({ range, verdict }) => verdict !== "proven" && range.to > now - remember)
    .sort((left, right) => left.asOf - right.asOf)
    .map(({ range }) => range)
