/** The calls of a bounded range that have no start: those that were created in it, where the list shows which they are. */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import * as Coverage from "../Coverage.ts"
import * as Ask from "./Ask.ts"
import * as Count from "./Count.ts"
import type { Known } from "./Known.ts"
import * as Rows from "./Rows.ts"
import { ask as askOf, horizonFor, type Settings, temper } from "./Settings.ts"

/** More pages in front are not read for the few that may be meant. */
const mostInFront = 50

/** A server that repeats itself beyond the end is given up here. */
const mostPages = 2 ** 20
const mostIdle = 3

const byCreation: Ask.Sort = { by: "created_at", order: "desc" }

/**
 * How many there are at all is the count without bounds, less the count of those with a start. They are found in front of the
 * list, where an order by start puts them, or by the order of creation where the server understands it. Where neither is so,
 * only their number is told.
 */
export const window = (
  settings: Settings,
  known: () => Known,
  range: Coverage.Range,
  about: number,
  note: (log: Ask.Log) => void
): Effect.Effect<Coverage.Window | undefined, AgniError> =>
  Effect.suspend(() => {
    const ask = askOf(settings)
    return find(settings, ask, known, range, about).pipe(
      // What cannot be asked here leaves it open which there are.
      Effect.catchIf(Ask.isRefusal, () => Effect.undefined),
      Effect.ensuring(Effect.sync(() => note(ask.log)))
    )
  })

const find = Effect.fnUntraced(function* (
  settings: Settings,
  ask: Ask.Ask,
  known: () => Known,
  range: Coverage.Range,
  about: number
): Effect.fn.Return<Coverage.Window | undefined, AgniError> {
  const done = (
    rows: ReadonlyArray<Rows.Row>,
    coverage: Coverage.Coverage,
    outside: number | undefined
  ): Coverage.Window =>
    Coverage.make(
      rows.flatMap(({ item }) => item ?? []),
      {
        from: range.to,
        to: range.to,
        rejected: rows.flatMap(({ item, rejected }) => (item === undefined ? (rejected ?? []) : [])),
        coverage,
        outside,
        requests: ask.log.requests,
        observedAt: ask.log.observedAt ?? 0
      }
    )
  const there = yield* countThem(settings, ask, about)
  if (there === undefined) return undefined
  const isMeant = (row: Rows.Row) => {
    const created = row.start === undefined ? Rows.createdOf(row) : undefined
    return created !== undefined && created >= range.from && created < range.to
  }
  const claim = (coverage: Coverage.Coverage) =>
    temper(
      settings,
      known(),
      ask.log,
      { from: range.from, to: Math.min(range.to, horizonFor(settings, known(), ask.log)) },
      coverage
    )
  if (there === 0) return done([], claim({ _tag: "Proven" }), 0)
  const inFront = yield* readFront(ask, there)
  if (inFront !== undefined) {
    const meant = inFront.filter(isMeant)
    return done(meant, claim({ _tag: "Proven" }), there - meant.length)
  }
  const created = yield* readByCreation(settings, ask, range)
  if (created === undefined) return done([], claim({ _tag: "Proven" }), there)
  const again = yield* countThem(settings, ask, about)
  const meant = created.rows.filter(isMeant)
  const moved: Coverage.Coverage = {
    _tag: "Provisional",
    reason: "calls without a start came or went while they were read"
  }
  return done(meant, claim(again === there && !created.moved ? { _tag: "Proven" } : moved), there - meant.length)
})

/** How many calls without a start there are; nothing where that cannot be counted. */
const countThem = Effect.fnUntraced(function* (
  settings: Settings,
  ask: Ask.Ask,
  about: number
): Effect.fn.Return<number | undefined, AgniError> {
  const repeats = yield* settings.repeats
  const { size } = settings
  const dated = { after: Date.UTC(2000, 0, 1) * 1000, before: settings.latest + 86_401 * Ask.second }
  const all = yield* Count.rows(ask, {}, { expected: Math.max(1, about), size, repeats })
  // An outage may answer so.
  if (all === undefined || all < settings.controls.length) return undefined
  const withStart = yield* Count.rows(ask, dated, { expected: Math.max(1, all), size, repeats })
  // A limit on the width of a range hides calls, and they would be taken for some without a start: both ends must be seen.
  if (withStart !== undefined && withStart < all) yield* ask(1, dated)
  const oldest = settings.controls[0]?.start ?? Infinity
  const newest = settings.controls.at(-1)?.start ?? -Infinity
  const isWhole = withStart === all || ask.log.width >= newest - oldest
  return withStart === undefined || withStart > all || !isWhole ? undefined : all - withStart
})

/** All of them, where they stand in front of the list without bounds. */
const readFront = Effect.fnUntraced(function* (
  ask: Ask.Ask,
  there: number
): Effect.fn.Return<ReadonlyArray<Rows.Row> | undefined, AgniError> {
  const found = Rows.makeHeld()
  for (let page = 1; page <= mostInFront; page++) {
    const { rows } = yield* ask(page, {})
    const undated = rows.filter(({ start }) => start === undefined)
    if (undated.length === 0) return undefined
    found.add(undated)
    if (found.size() >= there) return found.size() === there ? [...found.rows.values()] : undefined
  }
  return undefined
})

const createdIn = (rows: ReadonlyArray<Rows.Row>): ReadonlyArray<number> =>
  rows.flatMap((row) => Rows.createdOf(row) ?? [])

const descends = (instants: ReadonlyArray<number>): boolean =>
  instants.every((instant, i) => i === 0 || instant <= (instants[i - 1] ?? Infinity))

/** All calls that were created in the range, where the server orders by creation and calls without a start stand among others. */
const readByCreation = Effect.fnUntraced(function* (
  { size }: Settings,
  ask: Ask.Ask,
  range: Coverage.Range
): Effect.fn.Return<{ readonly rows: ReadonlyArray<Rows.Row>; readonly moved: boolean } | undefined, AgniError> {
  const look = (page: number, wanted = size) =>
    Effect.map(
      Effect.catchIf(ask(page, {}, { size: wanted, sort: byCreation }), Ask.isRefusal, () =>
        Effect.succeed<{ readonly rows: ReadonlyArray<Rows.Row> }>({ rows: [] })
      ),
      ({ rows }) => rows
    )
  let page = 1
  let rows = yield* look(page)
  // By creation, and not by start: otherwise a call without a start has no place.
  const isUnderstood = (rows: ReadonlyArray<Rows.Row>) => rows.length > 0 && descends(createdIn(rows))
  if (!isUnderstood(rows)) return undefined
  const isLater = (rows: ReadonlyArray<Rows.Row>) => createdIn(rows).every((created) => created >= range.to)
  // Pages 2, 4, 8 … that are later than the range, then halves.
  let later = 0
  let step = 1
  while (rows.length === size && isLater(rows) && page < mostPages) {
    later = page
    page += step
    step *= 2
    rows = yield* look(page)
  }
  while (page - later > 1) {
    const middle = (page + later) >>> 1
    const found = yield* look(middle)
    if (found.length === size && isLater(found)) later = middle
    else page = middle
  }
  const held = Rows.makeHeld()
  let moved = false
  let seam: string | undefined
  let amongOthers = false
  let idle = 0
  for (page = Math.max(1, page - 1); ; page++) {
    rows = yield* look(page)
    if (rows.length > 0 && !descends(createdIn(rows))) return undefined
    const overlap = seam === undefined ? [] : yield* look(Math.max(1, (page - 1) * size), 1)
    if (seam !== undefined && overlap[0]?.key !== seam) moved = true
    idle = held.add(rows) === 0 ? idle + 1 : 0
    if (idle === mostIdle) break
    const undated = rows.filter(({ start }) => start === undefined).length
    amongOthers ||= undated > 0 && undated < rows.length
    seam = rows.at(-1)?.key
    if (rows.length < size || createdIn(rows).some((created) => created < range.from)) break
  }
  return amongOthers ? { rows: [...held.rows.values()], moved } : undefined
})
