/** The calls of a bounded range that have no start: those that were created in it, where the list shows which they are. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import { earliestStart } from "../../model/Limits.ts"
import * as Coverage from "../Coverage.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Count from "../../endpoint/internal/Count.ts"
import type { Known } from "./Known.ts"
import { differ } from "./Deliveries.ts"
import type * as Micros from "../../endpoint/internal/Micros.ts"
import * as Windows from "./Windows.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import { type Created, type IsLoose, moved, readByCreation } from "./ReadByCreation.ts"
import { ask as askOf, horizonFor, type Settings, temper } from "./Settings.ts"

/** More pages in front are not read for the few that may be meant. */
const mostInFront = 50

/** More are not looked for one by one. */
const mostLookups = 50

/** While calls come and start, a count and the pages after it agree only between two of them: it is tried a few times. */
const attempts = 4

const day = 86_400 * Ask.second

/** What a reading knows of these calls. */
export interface About {
  readonly known: () => Known
  /** The calls that are there, dated or not, about. */
  readonly calls: number
  /** How many windows brought. */
  readonly delivered: () => number
  /** Whether it came with a window already. */
  readonly isDelivered: (key: string) => boolean
  /** Calls that answers listed without a start time, and when such calls were created. */
  readonly listed: () => ReadonlySet<string>
  readonly shown: () => ReadonlyMap<string, Micros.Micros>
  /** Of those that came for bounds in which they were created, when that was. */
  readonly placed: () => ReadonlyMap<string, Micros.Micros>
  readonly note: (log: Ask.Log) => void
}

/**
 * How many there are at all is the count without bounds, less the count of those with a start. They are found in front of the
 * list, where an order by start puts them, or by the order of creation where the server understands it. Where neither is so,
 * only their number is reported: if a limit makes it impossible to count them, of those that answers listed. A start more than a day after the latest clock is none.
 *
 * @param range in which they were created: from `-Infinity` on where it has no beginning.
 */
export const window = (
  settings: Settings,
  range: Micros.Range,
  about: About
): Effect.Effect<Coverage.Window | undefined, AgniError> =>
  Effect.suspend(() => {
    const ask = askOf(settings)
    return Ask.catchPoison(find(settings, ask, range, about), (error) =>
      Effect.succeed(unread(range, ask.log, error))
    ).pipe(
      // Without these requests it is unknown which there are.
      Effect.catchIf(Ask.isRefusal, () => Effect.undefined),
      Effect.ensuring(Effect.sync(() => about.note(ask.log))),
      Effect.map((window) => window ?? listed(range, ask.log, about))
    )
  })

/** It is unknown how many there are, and which of them were created in the range: at least those that answers listed. */
const listed = (range: Micros.Range, log: Ask.Log, about: About): Coverage.Window | undefined => {
  const unassigned = [...about.listed()].filter((key) => !about.isDelivered(key)).length
  return unassigned === 0
    ? undefined
    : Windows.make([], {
        from: range.to,
        to: range.to,
        rejected: [],
        coverage: { _tag: "Proven" },
        outside: { created: 0, unassigned },
        requests: log.requests,
        observedAt: log.observedAt ?? 0
      })
}

/**
 * A page of them cannot be read, although the server answers. The calls with a start time still came, so the run continues, and
 * the verdict reports the missing ones.
 */
const unread = (range: Micros.Range, log: Ask.Log, error: AgniError): Coverage.Window =>
  Windows.make([], {
    from: range.to,
    to: range.to,
    rejected: [],
    coverage: { _tag: "Gap", reason: { _tag: "Unreadable", problem: error.reason.message }, error },
    requests: log.requests,
    observedAt: log.observedAt ?? 0
  })

/** Where starts that are credible, or lie in the range, end. */
const endOfStarts = ({ latest }: Settings, { to }: Micros.Range): Micros.Micros => Math.max(to, latest + day)

const find = Effect.fnUntraced(function* (
  settings: Settings,
  ask: Ask.Ask,
  range: Micros.Range,
  about: About
): Effect.fn.Return<Coverage.Window | undefined, AgniError> {
  const { isDelivered, known, placed, shown } = about
  const end = endOfStarts(settings, range)
  const isLoose: IsLoose = ({ start }) => start === undefined || start >= end
  const creationOf = (row: Rows.Row) => (isLoose(row) ? Rows.createdOf(row) : undefined)
  const isIn = (created = NaN) => created >= range.from && created < range.to
  const all = () => new Map([...shown(), ...ask.log.created])
  const elsewhere = () => [...all().values()].filter((created) => !isIn(created)).length
  const isMeant = (row: Rows.Row) => isIn(creationOf(row))
  const ofBounds = yield* readPlaced(
    ask,
    new Map([...placed(), ...shown()].filter(([, created]) => isIn(created))),
    placed()
  )
  const done = (
    others: ReadonlyArray<Rows.Row>,
    coverage: Coverage.Coverage,
    outside: Coverage.Outside | undefined
  ) => {
    const meant = new Map([...ofBounds, ...others].map((row) => [row.key, row]))
    const rows = [...meant.values()].filter(({ key }) => !isDelivered(key))
    // Of those that the server does not show, or that do not say when they were created, the number is all that is known.
    const isRead = outside === undefined || outside.unassigned === 0
    // Each other that any answer showed must be among them.
    const missing = [...all()].filter(
      ([key, created]) => isIn(created) && (isRead || placed().has(key)) && !meant.has(key) && !isDelivered(key)
    )
    return Windows.make(
      rows.flatMap(({ item }) => item ?? []),
      {
        from: range.to,
        to: range.to,
        rejected: rows.flatMap(({ item, rejected }) => (item === undefined ? (rejected ?? []) : [])),
        coverage: temper(
          settings,
          known(),
          ask.log,
          { from: range.from, to: Math.min(range.to, horizonFor(settings, known(), ask.log)) },
          missing.length > 0 && coverage._tag === "Proven" ? differ(missing.length) : coverage
        ),
        outside,
        requests: ask.log.requests,
        observedAt: ask.log.observedAt ?? 0
      }
    )
  }
  const count = () => countThem(settings, ask, end, about)
  const byCreation = () => readByCreation(settings, ask, range, isLoose, all)
  const counted = yield* count()
  if (counted === undefined) {
    // A limit on the width of a range hides how many there are, and no page of the order of creation.
    const created = yield* byCreation()
    const meant = created?.rows.filter(isMeant) ?? []
    // The windows counted those that came for bounds: where pages by creation show no other one, it does not matter how they follow.
    const isCounted = placed().size > 0 && meant.every(({ key }) => placed().has(key))
    if (created !== undefined) return done(meant, isCounted ? { _tag: "Proven" } : created.coverage, undefined)
    return placed().size === 0 ? undefined : done([], { _tag: "Proven" }, { created: elsewhere(), unassigned: 0 })
  }
  const { front, there } = yield* readCounted(ask, counted, count, isLoose)
  if (front.rows.length === there) {
    const meant = front.rows.filter(isMeant)
    const unassigned = front.rows.filter((row) => creationOf(row) === undefined).length
    // Counts of bounds have those that are placed by their creation: where that is elsewhere, only listed ones are known.
    const listed = there > 0 ? 0 : elsewhere()
    const outside: Coverage.Outside = { created: Math.max(there - meant.length - unassigned, listed), unassigned }
    if (placed().size === 0 && listed === 0) fronts.set(outside, new Set(front.rows.map(({ key }) => key)))
    return done(meant, front.lacks ? moved : { _tag: "Proven" }, outside)
  }
  const behind = yield* readElsewhere(there, count, byCreation)
  const { coverage, rows } = behind
  if (rows === undefined) return done([], coverage, { created: 0, unassigned: behind.there })
  const meant = rows.filter(isMeant)
  return done(meant, coverage, { created: Math.max(0, behind.there - meant.length), unassigned: 0 })
})

/**
 * The calls that came for bounds in which they were created. The windows counted them among the others, so it is known which there are: they
 * are only requested again. Where a server places some so, it places all, also those before the first call with a start time, which no
 * window has.
 */
const readPlaced = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  known: ReadonlyMap<string, Micros.Micros>,
  cameSo: ReadonlyMap<string, Micros.Micros>
): Effect.fn.Return<ReadonlyArray<Rows.Row>, AgniError> {
  const placed = cameSo.size === 0 ? cameSo : known
  const found = Rows.makeHeld()
  const seen = Rows.makeHeld()
  const created = [...placed.values()].sort((a, b) => a - b)
  const [from = 0] = created
  const bounds = Ask.boundsOf({ from, to: created.at(-1) ?? from })
  const note = (rows: ReadonlyArray<Rows.Row>) => {
    found.add(rows.filter(({ key, start }) => start === undefined && placed.has(key)))
    return seen.add(rows) > 0
  }
  for (let page = 1, isNew = true; isNew && found.size() < placed.size; page++)
    isNew = note((yield* Ask.orNothing(ask(page, bounds)))?.rows ?? [])
  // A limit may hide some of so many, or of bounds so far apart.
  const hidden = [...placed].filter(([key]) => !found.rows.has(key)).slice(0, mostLookups)
  for (const [key, start] of hidden)
    if (!found.rows.has(key)) note((yield* Ask.orNothing(ask(1, Ask.around({ start }))))?.rows ?? [])
  return [...found.rows.values()]
})

/** Those that are not in front, if the order of creation shows them, and how many there are. */
const readElsewhere = Effect.fnUntraced(function* (
  first: number,
  count: () => Effect.Effect<number | undefined, AgniError>,
  byCreation: () => Effect.Effect<Created, AgniError>
) {
  let there = first
  let created = yield* byCreation()
  let again = yield* count()
  // Where a call came or left between the two parts of a count, that one was of no time. Calls that were created together change places.
  for (let left = attempts; left > 1 && again !== undefined; left--) {
    if (again === there && created?.coverage._tag !== "Provisional") break
    there = again
    if (created !== undefined) created = yield* byCreation()
    again = yield* count()
  }
  return created === undefined
    ? { rows: undefined, there, coverage: { _tag: "Proven" } as const }
    : { rows: created.rows, there, coverage: again === there ? created.coverage : moved }
})

const fronts = new WeakMap<Coverage.Outside, ReadonlySet<string>>()

/** The ids of all calls without a start time that exist, whenever they were created; nothing where a window did not read them all. */
export const allIn = ({ outside }: Coverage.Window): ReadonlySet<string> | undefined =>
  outside === undefined ? undefined : fronts.get(outside)

/** The number of calls without a start time; nothing if it cannot be counted. */
const countThem = Effect.fnUntraced(function* (
  settings: Settings,
  ask: Ask.Ask,
  end: Micros.Micros,
  { calls, delivered, known }: About
): Effect.fn.Return<number | undefined, AgniError> {
  const repeats = yield* settings.repeats
  const { size } = settings
  const dated = { after: earliestStart, before: Ask.ceilSecond(end) + Ask.second }
  // The two ends of the list may have said that it has fewer than came.
  const about = { expected: Math.max(calls, delivered()), size, repeats, fixed: ask.log.rounds }
  const counting = (of: typeof about) => (size: number) => Count.rows(ask, {}, { ...of, size })
  // An outage may answer so, and a limit on depth or results.
  const least = Math.max(settings.controls.length, delivered())
  const isCredible = (all: number) => all >= least && all < known().deepest
  // Each call of the list came with a start.
  if (calls <= delivered() && isCredible(delivered()) && (yield* counting(about)(size)) === delivered()) return 0
  // Calls come more often than they leave: one that came between the two counts must not take the place of one without a start time.
  const withStart = yield* Count.rows(ask, dated, { ...about, fixed: undefined })
  // The count is nearer than the estimate of the probes, unless both are about the same page.
  const isNear = withStart === undefined || Math.abs(about.expected - withStart) < size
  const aboutAll = { ...about, expected: isNear ? about.expected : withStart }
  const all = yield* counting(aboutAll)(size)
  if (all === undefined || !isCredible(all)) return undefined
  const mayBeCut = all % Count.lengthOf(aboutAll) === 0
  if (mayBeCut && (about.fixed || (yield* Count.isCutOff(counting(aboutAll), all, size)))) return undefined
  const oldest = settings.controls[0]?.start ?? Infinity
  const newest = settings.controls.findLast(({ start }) => start < end)?.start ?? -Infinity
  const isWide = () => ask.log.width >= newest - oldest
  // A limit on the width of a range hides calls, which would count as without a start time: both ends must be seen.
  if (withStart !== undefined && withStart < all && !isWide()) yield* ask(1, dated)
  // One that hides all of them leaves no width, if all known ones start together.
  const isWhole = withStart === all || (isWide() && withStart !== 0)
  return withStart === undefined || withStart > all || !isWhole ? undefined : all - withStart
})

/** Those in front, and how many there are: counted and read again while both do not agree. */
const readCounted = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  counted: number,
  count: () => Effect.Effect<number | undefined, AgniError>,
  isLoose: IsLoose
): Effect.fn.Return<{ readonly front: Front; readonly there: number }, AgniError> {
  let there = counted
  let front = yield* readFront(ask, there, isLoose)
  const isRight = () => front.rows.length === there && !front.lacks
  for (let left = attempts; left > 1 && front.isAtFront && !isRight(); left--) {
    const before = there
    there = (yield* count()) ?? before
    // Others are elsewhere, where nothing moved.
    if (there === before && !front.lacks) break
    front = yield* readFront(ask, there, isLoose)
  }
  return { front, there }
})

interface Front {
  readonly rows: ReadonlyArray<Rows.Row>
  /** Whether they come before all others, on pages that were read to the first of those. */
  readonly isAtFront: boolean
  /** Whether pages have more places for them than they are: one that is listed twice takes the place of another one. */
  readonly lacks: boolean
}

/** Those on the first pages of the list without bounds. */
const readFront = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  there: number,
  isLoose: IsLoose
): Effect.fn.Return<Front, AgniError> {
  const found = Rows.makeHeld()
  let places = 0
  let isFirst = true
  let isAtFront = false
  // Behind a page that holds no others there may be more.
  let isOpen = false
  for (let page = 1; page <= mostInFront && (isOpen || found.size() !== there); page++) {
    const { rows } = yield* ask(page, {})
    const loose = rows.filter(isLoose)
    found.add(loose)
    places += loose.length
    const ends = loose.length < rows.length
    isFirst &&= rows.slice(0, loose.length).every(isLoose)
    isAtFront = isFirst && ends && found.size() > 0
    isOpen = isFirst && !ends
    if (loose.length === 0 || isAtFront || (!isFirst && found.size() > there)) break
  }
  return { rows: [...found.rows.values()], isAtFront, lacks: isAtFront && places > found.size() }
})
