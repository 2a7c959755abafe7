/** Reads a small history, and holds what is called proven against what was there. */
import type { AgniError } from "@callstream/core/model/AgniError"
import type { Window } from "@callstream/core/history/Coverage"
import * as Instant from "@callstream/core/model/Instant"
import * as CallRows from "@callstream/core/model/Rows"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scheduler from "effect/Scheduler"
import * as Stream from "effect/Stream"
import type * as Rows from "../../src/endpoint/internal/ListedRows.ts"
import { fold, type Known, make as makeKnown } from "../../src/history/internal/Known.ts"
import * as Reading from "../../src/history/internal/Reading.ts"
import { readRange } from "../../src/history/internal/ReadRange.ts"
import type { Settings } from "../../src/history/internal/Settings.ts"
import type { Task } from "../../src/history/internal/Task.ts"
import { finalCoverage } from "./HistoryJudge.ts"
import type { History } from "./SmallHistories.ts"
import * as SmallServer from "./SmallServer.ts"
import type { Shape } from "./SmallShapes.ts"

const second = 1_000_000
const hour = 3600 * second

/** So far bounds may reach beyond what is read. */
const margin = 4 * second

/** Whatever happens, a reading of so few rows ends. */
const mostRequests = 2000

const controlOf = ({ id, start }: SmallServer.Row): Rows.Dated => ({
  key: id,
  start: Instant.of(start),
  item: undefined,
  rejected: undefined
})

const settingsOf = (
  { concurrency, maxCharacters, mostOverlapping, perWindow, rows, traits }: Shape,
  server: SmallServer.Server
): Settings => ({
  list: (query) => (server.requests() > mostRequests ? Effect.die(new Error("it does not end")) : server.list(query)),
  filters: {},
  size: traits.size,
  sort: { by: undefined, order: undefined },
  repeats: Effect.succeed(traits.beyond !== "empty"),
  controls: [rows[0], rows.at(-1)].flatMap((row) => (row === undefined ? [] : [controlOf(row)])),
  ends: { newest: false, oldest: false },
  hold: (rows) => rows,
  horizon: 2 * hour,
  now: SmallServer.began,
  seen: SmallServer.began,
  latest: SmallServer.began,
  doubt: undefined,
  logs: new Set(),
  perWindow,
  mostOverlapping,
  maxCharacters,
  concurrency
})

interface Told {
  readonly from: number
  readonly to: number
  readonly isProven: boolean
  readonly ids: ReadonlySet<string>
  /** The requests that it took, both included. */
  readonly first: number
  readonly last: number
}

const idsOf = (windows: ReadonlyArray<Window>): ReadonlyArray<string> =>
  windows.flatMap(({ rows }) => CallRows.items(rows).map(({ id }) => id))

/** One task after another, as a scheduler with one worker takes them. */
const readWindow = Effect.fnUntraced(function* (
  shape: Shape,
  server: SmallServer.Server
): Effect.fn.Return<ReadonlyArray<Told>, AgniError> {
  const { counted, expected, range } = shape
  const settings = settingsOf(shape, server)
  let known: Known = { ...makeKnown(SmallServer.began), ...shape.known }
  const tasks: Array<Task> = [{ ...range, expected, counted }]
  const told: Array<Told> = []
  for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) {
    const first = server.requests() + 1
    const outcome = yield* readRange(settings, known, task)
    known = fold(known, outcome.evidence)
    if (outcome._tag === "Split") tasks.unshift(...outcome.parts)
    else
      for (const window of outcome.windows) {
        const { coverage, from, to } = window
        const ids = new Set(idsOf([window]))
        told.push({ from, to, isProven: coverage._tag === "Proven", ids, first, last: server.requests() })
      }
  }
  return told
})

/** Two tasks, and the ending. */
const readAll = Effect.fnUntraced(function* (
  shape: Shape,
  server: SmallServer.Server
): Effect.fn.Return<{ readonly told: ReadonlyArray<Told>; readonly isTwice: boolean }, AgniError> {
  const { concurrency, counted, expected, range } = shape
  const settings = settingsOf(shape, server)
  const reading = yield* Reading.make(settings, range, [range], {
    concurrency,
    keepGoing: false,
    limits: undefined,
    clocksApart: undefined,
    end: range.to,
    ends: { whole: false, fromOldest: false, newestFirst: false },
    earliest: SmallServer.began,
    logs: []
  })
  const middle = (range.from + range.to) / 2
  const rest = Effect.succeed([
    { from: range.from, to: middle, expected, counted },
    { from: middle, to: range.to, expected, counted }
  ])
  const windows = yield* Stream.runCollect(reading.windows({ first: [], rest }, () => false))
  reading.noteAll()
  const closing = yield* reading.closing(undefined)
  const all = closing === undefined ? windows : [...windows, closing]
  const ids = idsOf(all)
  const unique = new Set(ids)
  const last = server.requests()
  const told = finalCoverage(all)
    .filter(({ from, to }) => from < to)
    .map(({ coverage, from, to }) => ({ from, to, isProven: coverage._tag === "Proven", ids: unique, first: 1, last }))
  return { told, isTwice: unique.size < ids.length }
})

/** Runs an effect of many fibers at once, in an order that is always the same: nothing in it waits for time to pass. */
const runNow = <A, E>(effect: Effect.Effect<A, E>): Exit.Exit<A, E> => {
  const turns: Array<() => void> = []
  const scheduler = new Scheduler.MixedScheduler("async", (turn) => {
    turns.push(turn)
    return () => {
      turns.splice(turns.indexOf(turn), 1)
    }
  })
  const fiber = Effect.runFork(effect, { scheduler })
  for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) turn()
  return fiber.pollUnsafe() ?? Exit.die(new Error("it waits"))
}

export interface Judgement {
  readonly wrong: ReadonlyArray<string>
  /** Rows that were there and are missing from windows that are proven, also those of which nobody could know. */
  readonly missing: ReadonlyArray<string>
  readonly requests: number
  readonly windows: number
  readonly proven: number
}

const isLimited = ({ depth, results, span }: SmallServer.Traits): boolean => (results ?? depth ?? span) !== undefined

const isUncertain = (traits: SmallServer.Traits): boolean => traits.ties !== "stable" || isLimited(traits)

/**
 * Each second answer has rows that start together in another order, and lacks a row: however often it is asked, it looks like a server
 * that has another row less.
 */
const isInRhythm = (events: History["events"], { ties }: SmallServer.Traits): boolean =>
  ties !== "stable" && events.some((event) => event.kind === "stale" || (event.kind === "hides" && event.every === 2))

/**
 * A row that was there with one start throughout a window's requests is missing from it although it is proven. Where an answer lacked it
 * although it was there, another one must have listed it: what no answer shows nobody can know. Where rows that start together turn
 * around, it must have been listed or counted, and where a limit hides some, listed: one that leaves and one that takes its place are like
 * a row that stays.
 */
const missingFrom = (
  { events, shape: { range, rows, traits } }: History,
  server: SmallServer.Server,
  { first, from, ids, isProven, last, to }: Told
) =>
  rows.flatMap(
    ({ id }, row): ReadonlyArray<{ readonly id: string; readonly isWrong: boolean; readonly text: string }> => {
      if (!isProven || ids.has(id)) return []
      const start = server.steady(row, first, last)
      if (start === undefined || start < from || start >= to) return []
      const isListed = server.listed.get(id)?.some((number) => number >= first && number <= last) === true
      const hides = server.isHidden(row, first, last)
      // A count of wider bounds does not say which rows it counts.
      const isCounted = server.counts.some(
        ({ after, before, ids: all, number }) =>
          number >= first &&
          number <= last &&
          after >= range.from - margin &&
          before <= range.to + margin &&
          all.has(id)
      )
      const isShown = isListed || (!hides && isCounted && !isLimited(traits) && !isInRhythm(events, traits))
      const mayHide = hides || (events.length > 0 && isUncertain(traits))
      return [{ id, isWrong: isShown || !mayHide, text: `${id} is missing${isListed ? ", and was listed" : ""}` }]
    }
  )

/** So many requests a reading takes when nothing happens. */
export const requestsOf = (shape: Shape): number => run({ shape, events: [] }).requests

export const run = (history: History): Judgement => {
  const { events, shape } = history
  const server = SmallServer.serve(shape.rows, shape.traits, events)
  const exit = runNow(
    shape.reads === "range"
      ? readAll(shape, server)
      : Effect.map(readWindow(shape, server), (told) => ({ told, isTwice: false }))
  )
  if (Exit.isFailure(exit))
    return { wrong: [`failed: ${String(exit.cause)}`], missing: [], requests: server.requests(), windows: 0, proven: 0 }
  const { isTwice, told } = exit.value
  const missing = told.flatMap((one) => missingFrom(history, server, one))
  return {
    wrong: [
      ...missing.filter(({ isWrong }) => isWrong).map(({ text }) => text),
      ...(isTwice ? ["a row came twice"] : [])
    ],
    missing: missing.map(({ id }) => id),
    requests: server.requests(),
    windows: told.length,
    proven: told.filter(({ isProven }) => isProven).length
  }
}
