/** The calls of a bounded range that have no start: those that were created in it, where the list shows which they are. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import { earliestStart } from "../../model/Limits.ts"
import * as Coverage from "../Coverage.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Count from "../../endpoint/internal/Count.ts"
import * as AtEnd from "./AtEnd.ts"
import type { Known } from "./Known.ts"
import * as Later from "./Later.ts"
import { differ } from "./Deliveries.ts"
import type * as Micros from "../../endpoint/internal/Micros.ts"
import * as Windows from "./Windows.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import { ask as askOf, horizonFor, type Settings, temper } from "./Settings.ts"
import * as Step from "./Step.ts"

/** More pages in front are not read for the few that may be meant. */
const mostInFront = 50
const mostIdle = 3

/** So few pages at the end are always read. */
const leastAtEnd = 3

/** While calls come and start, a count and the pages after it agree only between two of them: it is tried a few times. */
const attempts = 4

const day = 86_400 * Ask.second

const byCreation: Ask.Sort = { by: "created_at", order: "desc" }

/** What a reading knows of these calls. */
export interface About {
  readonly known: () => Known
  /** The calls that are there, dated or not, about. */
  readonly calls: number
  /** How many windows brought. */
  readonly delivered: () => number
  /** Whether it came with a window already. */
  readonly isDelivered: (key: string) => boolean
  /** When the calls were created that answers showed without a start time. */
  readonly shown: () => ReadonlyMap<string, Micros.Micros>
  readonly note: (log: Ask.Log) => void
}

/**
 * How many there are at all is the count without bounds, less the count of those with a start. They are found in front of the
 * list, where an order by start puts them, by the order of creation where the server understands it, or at the end of the list.
 * Where none of these is so, only their number is reported. A start more than a day after the latest clock is none.
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
      Effect.ensuring(Effect.sync(() => about.note(ask.log)))
    )
  })

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
  const { isDelivered, known, shown } = about
  const end = endOfStarts(settings, range)
  const isLoose: IsLoose = ({ start }) => start === undefined || start >= end
  const creationOf = (row: Rows.Row) => (isLoose(row) ? Rows.createdOf(row) : undefined)
  const isIn = (created: Micros.Micros | undefined) =>
    created !== undefined && created >= range.from && created < range.to
  const isMeant = (row: Rows.Row) => isIn(creationOf(row))
  const done = (meant: ReadonlyArray<Rows.Row>, coverage: Coverage.Coverage, outside: Coverage.Outside | undefined) => {
    const rows = meant.filter(({ key }) => !isDelivered(key))
    // Each that any answer showed must be among them.
    const keys = new Set(meant.map(({ key }) => key))
    const missing = [...shown(), ...ask.log.created].filter(
      ([key, created]) => isIn(created) && !keys.has(key) && !isDelivered(key)
    )
    const isRead = outside === undefined || outside.unassigned === 0 || outside.created > 0
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
          missing.length > 0 && isRead && coverage._tag === "Proven"
            ? differ(new Set(missing.map(([key]) => key)).size)
            : coverage
        ),
        outside,
        requests: ask.log.requests,
        observedAt: ask.log.observedAt ?? 0
      }
    )
  }
  const count = (near?: AtEnd.There) => countThem(settings, ask, end, about, near)
  const byCreation = () => readByCreation(settings, ask, range, isLoose)
  const counted = yield* count()
  if (counted?.there === 0) return done([], { _tag: "Proven" }, nothingOutside)
  if (counted === undefined) {
    // A limit on the width of a range hides how many there are, and no page of the order of creation.
    const created = yield* byCreation()
    return created === undefined ? undefined : done(created.rows.filter(isMeant), created.coverage, undefined)
  }
  const atFront = yield* frontBetween(ask, counted, count, isLoose)
  const { front } = atFront
  const { dated } = atFront.counted
  let { there } = atFront.counted
  const doneWith = (rows: ReadonlyArray<Rows.Row>, coverage: Coverage.Coverage) => {
    const meant = rows.filter(isMeant)
    const unassigned = there - meant.length
    if (rows.length !== there) return done(meant, coverage, { created: 0, unassigned: Math.max(0, unassigned) })
    const unknown = rows.filter((row) => creationOf(row) === undefined).length
    return done(meant, coverage, { created: unassigned - unknown, unassigned: unknown })
  }
  if (front.rows.length === there) return doneWith(front.rows, { _tag: "Proven" })
  const created = yield* byCreation()
  if (created === undefined) {
    const { size } = settings
    // As many requests as the range itself took, at most.
    const most = Math.max(leastAtEnd, Math.ceil(about.delivered() / size))
    const end = yield* readAtEnd(ask, range, front.rows, { counted: { dated, there }, count, isLoose, most, size })
    there = end.there
    return doneWith(end.rows, end.coverage)
  }
  const again = (yield* count({ dated, there }))?.there
  const meant = created.rows.filter(isMeant)
  const outside = { created: Math.max(0, there - meant.length), unassigned: 0 }
  return done(meant, again === there ? created.coverage : moved, outside)
})

const moved: Coverage.Coverage = {
  _tag: "Provisional",
  reason: { _tag: "WithoutStartMoved" }
}

/** Whether a row has no start that is credible. */
type IsLoose = (row: Rows.Row) => boolean

const nothingOutside: Coverage.Outside = { created: 0, unassigned: 0 }

/** The number of calls without a start time, and with one; nothing if it cannot be counted. */
const countThem = Effect.fnUntraced(function* (
  settings: Settings,
  ask: Ask.Ask,
  end: Micros.Micros,
  { calls, delivered, known }: About,
  near?: AtEnd.There
): Effect.fn.Return<AtEnd.There | undefined, AgniError> {
  const repeats = yield* settings.repeats
  const { size } = settings
  const dated = { after: earliestStart, before: Ask.ceilSecond(end) + Ask.second }
  const all = yield* Count.rows(
    ask,
    {},
    { expected: Math.max(1, near === undefined ? calls : near.there + near.dated), size, repeats }
  )
  // An outage may answer so, and a limit on depth or results.
  const least = Math.max(settings.controls.length, delivered())
  if (all === undefined || all < least || all >= known().deepest) return undefined
  // Each call of the list came with a start.
  if (all === delivered()) return { there: 0, dated: all }
  const withStart = yield* Count.rows(ask, dated, { expected: Math.max(1, near?.dated ?? all), size, repeats })
  // A limit on the width of a range hides calls, which would count as without a start time: both ends must be seen.
  if (withStart !== undefined && withStart < all) yield* ask(1, dated)
  const oldest = settings.controls[0]?.start ?? Infinity
  const newest = settings.controls.findLast(({ start }) => start < end)?.start ?? -Infinity
  const isWhole = withStart === all || ask.log.width >= newest - oldest
  return withStart === undefined || withStart > all || !isWhole
    ? undefined
    : { there: all - withStart, dated: withStart }
})

interface Front {
  readonly rows: ReadonlyArray<Rows.Row>
  /** Whether they come before all others, on pages that were read to the first of those. */
  readonly isAtFront: boolean
}

/** Those on the first pages of the list without bounds. */
const readFront = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  there: number,
  isLoose: IsLoose
): Effect.fn.Return<Front, AgniError> {
  const found = Rows.makeHeld()
  let isFirst = true
  let isAtFront = false
  for (let page = 1; page <= mostInFront && found.size() !== there; page++) {
    const { rows } = yield* ask(page, {})
    const loose = rows.filter(isLoose)
    found.add(loose)
    const ends = loose.length < rows.length
    isFirst &&= rows.slice(0, loose.length).every(isLoose)
    isAtFront = isFirst && ends && found.size() > 0
    if (loose.length === 0 || isAtFront || (!isFirst && found.size() > there)) break
  }
  return { rows: [...found.rows.values()], isAtFront }
})

type Counting = (near: AtEnd.There) => Effect.Effect<AtEnd.There | undefined, AgniError>

/** The front of the list, and a count before it that agrees with it if it can. */
const frontBetween = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  first: AtEnd.There,
  count: Counting,
  isLoose: IsLoose
): Effect.fn.Return<{ readonly front: Front; readonly counted: AtEnd.There }, AgniError> {
  let counted = first
  let front = yield* readFront(ask, counted.there, isLoose)
  for (let left = attempts; left > 1 && front.isAtFront && front.rows.length !== counted.there; left--) {
    const before = counted
    counted = (yield* count(before)) ?? before
    // Others are elsewhere, where nothing moved.
    if (counted.there === before.there) break
    front = yield* readFront(ask, counted.there, isLoose)
  }
  return { front, counted }
})

/** At the end of the list, and with what is in front of it, between two counts that agree. */
const readAtEnd = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  range: Micros.Range,
  front: ReadonlyArray<Rows.Row>,
  {
    count,
    counted: first,
    ...options
  }: Pick<AtEnd.Options, "isLoose" | "most" | "size"> & {
    readonly counted: AtEnd.There
    readonly count: Counting
  }
): Effect.fn.Return<
  { readonly rows: ReadonlyArray<Rows.Row>; readonly there: number; readonly coverage: Coverage.Coverage },
  AgniError
> {
  let counted = first
  for (let left = attempts; ; left--) {
    const { dated, there } = counted
    const about = { ...options, there: there - front.length, dated: dated + front.length }
    const end = yield* AtEnd.read(ask, range, about)
    if (end.rows.length === 0) return { rows: [], there, coverage: { _tag: "Proven" } }
    const rows = [...new Map([...front, ...end.rows].map((row) => [row.key, row])).values()]
    if (rows.length === there) return { rows, there, coverage: { _tag: "Proven" } }
    const again = yield* count(counted)
    const isStill = again?.there === there && again.dated === dated
    const coverage: Coverage.Coverage = end.isRange && isStill ? { _tag: "Proven" } : moved
    if (isStill || left === 1) return { rows, there, coverage }
    counted = again ?? counted
  }
})

/** Pages in the order of creation; nothing where the server does not go so deep. */
const byCreationOf = (ask: Ask.Ask, range: Micros.Range) => {
  const look = (page: number, size: number) =>
    Effect.map(
      Effect.catchIf(ask(page, {}, { size, sort: byCreation }), Ask.isRefusal, () =>
        Effect.succeed<{ readonly rows: ReadonlyArray<Rows.Row> }>({ rows: [] })
      ),
      ({ rows }) => rows
    )
  return { look, isLater: Later.than(range) }
}

/**
 * All calls that were created in the range, where the server orders by creation, with calls without a start time among them. Each
 * page holds the last row of the one before it, in the place where it must be.
 */
const readByCreation = Effect.fnUntraced(function* (
  { size }: Settings,
  ask: Ask.Ask,
  range: Micros.Range,
  isLoose: IsLoose
): Effect.fn.Return<
  { readonly rows: ReadonlyArray<Rows.Row>; readonly coverage: Coverage.Coverage } | undefined,
  AgniError
> {
  const pages = byCreationOf(ask, range)
  const first = yield* pages.look(1, size)
  // By creation, and not by start: otherwise a call without a start time has no place.
  if (first.length === 0 || !Later.descends(Later.createdIn(first))) return undefined
  const begin = Math.max(1, yield* Later.last(pages, first, size))
  const held = Rows.makeHeld()
  let step: Step.Step | undefined = { page: begin, size, skip: (begin - 1) * size }
  let read = step.skip
  let seam: string | undefined
  let shifted = false
  let amongOthers = false
  let idle = 0
  while (step !== undefined && idle < mostIdle) {
    const { page, size: asked, skip }: Step.Step = step
    const rows: ReadonlyArray<Rows.Row> = page === 1 && asked === size ? first : yield* pages.look(page, asked)
    // Where a row must be again nothing comes: so deep the server does not go.
    if (rows.length === 0 || !Later.descends(Later.createdIn(rows))) return undefined
    if (seam !== undefined && rows[read - skip - 1]?.key !== seam) shifted = true
    idle = held.add(rows) === 0 ? idle + 1 : 0
    const loose = rows.filter(isLoose).length
    amongOthers ||= loose > 0 && loose < rows.length
    if (rows.length < asked || Later.createdIn(rows).some((created) => created < range.from)) {
      return amongOthers ? { rows: [...held.rows.values()], coverage: shifted ? moved : { _tag: "Proven" } } : undefined
    }
    read = skip + rows.length
    seam = rows.at(-1)?.key
    step = Step.overlapping(read, size)
  }
  return undefined
})
