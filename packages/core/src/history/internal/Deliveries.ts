/**
 * Compares the delivered calls with those that any answer showed: each call that was listed with a start in the range must come, once,
 * or its window is not proven. It is the one place where windows, which know nothing of each other, meet.
 */
import * as Effect from "effect/Effect"
import type { AgniError } from "../../model/AgniError.ts"
import type { CallSession } from "../../model/CallSession.ts"
import type { Item } from "../../model/Item.ts"
import * as Coverage from "../Coverage.ts"
import type { Rejected } from "../../model/Rejected.ts"
import * as CallRows from "../../model/Rows.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import * as Delivered from "./Delivered.ts"
import * as IdSet from "./IdSet.ts"
import type { Evidence, Known } from "./Known.ts"
import * as Rows from "../../endpoint/internal/Rows.ts"
import { ask as askOf, horizonOf, noBeginning, type Settings, tooYoung } from "./Settings.ts"
import type * as Micros from "../../endpoint/internal/Micros.ts"
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
  readonly note: (evidence: Pick<Evidence, "log" | "repeats" | "once">) => void
  /** The window, without what came before, and with what others showed of it. */
  readonly deliver: (window: Coverage.Window) => Effect.Effect<Coverage.Window, AgniError>
  /** Rows delivered, as the server counts them: with those of gaps that cannot be had. */
  readonly rows: () => number
  /** Those that cannot be had, about, and why, if there are any. */
  readonly lost: () => { readonly rows: number; readonly error: AgniError } | undefined
  /** Rows delivered that start between the bounds, and those that start at one of them besides. */
  readonly between: (bounds: Ask.Bounds) => Delivered.Number
  /** Whether no count is greater than what came within its bounds, these besides, which are delivered at the end. */
  readonly isExplained: (besides: {
    readonly starts: ReadonlyArray<Micros.Micros>
    readonly withoutStart: number
  }) => boolean
  /** Whether it was delivered. */
  readonly has: (id: string) => boolean
  /** Notes that it comes with the calls without a start time. */
  readonly claim: (id: string) => void
  /** Ids that were listed without a start time. */
  readonly withoutStart: ReadonlySet<string>
  /** When calls were created that were listed without a credible start. */
  readonly created: ReadonlyMap<string, Micros.Micros>
  /** Rows that were shown only when the window that they belong to was gone: they come at the end. */
  readonly late: Effect.Effect<ReadonlyArray<Rows.Row>, AgniError>
  /** New coverage of windows that a later answer contradicted. */
  readonly revised: (known: Known) => ReadonlyArray<Windows.Revision>
  /** Takes back what was said of the windows in a range. */
  readonly revise: (range: Micros.Range, coverage: Coverage.Coverage) => void
  /** Whether each window that is older than the horizon is proven. */
  readonly proven: () => boolean
  readonly windows: () => number
  /** Ids of calls that start after the horizon: a replica that lags may still show them without a start time. */
  readonly recent: ReadonlySet<string>
  /** Keys of what could not be placed: it may come for two windows that touch. */
  readonly unplaced: ReadonlySet<string>
  /** Whether calls were seen with two starts. */
  readonly moved: () => number
}

/** Which ends of a range were given. */
export interface Ends {
  /** Neither: then any count is one of it. */
  readonly whole: boolean
  /** It begins where the calls do: none may be older. */
  readonly fromOldest: boolean
}

export const make = (
  settings: Settings,
  range: Micros.Range,
  known: () => Known,
  { fromOldest, whole }: Ends
): Deliveries => {
  const ids = IdSet.make()
  /** Shown, and not delivered yet. */
  const awaited = new Map<string, Micros.Micros>()
  /** Shown outside the range, near its ends. */
  const beside = new Map<string, Micros.Micros>()
  const withoutStart = new Set<string>()
  const created = new Map<string, Micros.Micros>()
  const movedIds = new Set<string>()
  const late = new Map<string, Micros.Micros>()
  const counts = new Map<string, Ask.Counted>()
  const delivered = Delivered.make()
  const revisions: Array<Windows.Revision> = []
  /** Where the windows begin that are proven by one reading. */
  const readOnce = new Set<Micros.Micros>()
  const recent = new Set<string>()
  const unplaced = new Set<string>()
  let lost: { readonly rows: number; readonly error: AgniError } | undefined
  const state = { proven: true, until: range.from, differing: 0, older: false }
  const ask = askOf(settings)
  const near = 4 * Ask.second

  /** What reaches beyond the range counts others too. */
  const isOfRange = ({ after, before }: Ask.Counted) =>
    whole || (after >= range.from - near && before <= range.to + near)

  const note: Deliveries["note"] = ({ log, once, repeats }) => {
    if (once !== undefined) readOnce.add(once.from)
    const all = repeats ? [...log.counts.values()] : [...log.counts.values(), ...log.places.values()]
    for (const counted of all) if (isOfRange(counted)) Ask.noteCount(counts, counted, counted.rows)
    for (const id of log.moved) movedIds.add(id)
    for (const [key, at] of log.created) created.set(key, at)
    for (const [key, start] of log.shown) {
      if (start === undefined) withoutStart.add(key)
      else if (start < range.from || start >= range.to) {
        if (fromOldest && start < range.from) state.older = true
        if (start >= range.from - near && start < range.to + near) beside.set(key, start)
      } else if (!ids.has(key)) (start < state.until ? late : awaited).set(key, start)
    }
  }

  const isNew = (record: Rejected) => {
    const { key, start } = Rows.ofRejected(record)
    if (start === undefined) return !unplaced.has(key) && unplaced.add(key) !== undefined
    awaited.delete(key)
    return ids.add(key)
  }

  /** Asks for a row at its own instant again. */
  const lookUp = Effect.fnUntraced(function* (key: string, start: Micros.Micros) {
    const answer = yield* Ask.orNothing(ask(1, Ask.around({ start })))
    return answer?.rows.find((row) => row.key === key)
  })

  const deliver = Effect.fnUntraced(function* (window: Coverage.Window): Effect.fn.Return<Coverage.Window, AgniError> {
    const all = CallRows.items(window.rows)
    let items: ReadonlyArray<Item<CallSession>> = all
    let coverage = window.coverage
    const weaken = (to: Coverage.Coverage) => {
      if (coverage._tag === "Proven") coverage = to
    }
    let twice: Set<Item<CallSession>> | undefined
    for (const item of all) {
      if (!ids.add(item.id)) (twice ??= new Set()).add(item)
      awaited.delete(item.id)
      if (movedIds.size > 0 && movedIds.has(item.id)) weaken(changed)
    }
    const rejected = window.rejected.filter(isNew)
    if (twice !== undefined) {
      const came = twice
      items = items.filter((item) => !came.has(item))
      for (const { id } of came) movedIds.add(id)
      weaken(changed)
      // Of which window it was is not known.
      revisions.push({ from: range.from, to: window.from, coverage: changed })
    }
    const missing = [...awaited].filter(([, start]) => start >= window.from && start < window.to)
    if (missing.length > 0) {
      const found: Array<Rows.Row> = []
      for (const [key, start] of missing.slice(0, mostLookups)) {
        const row = yield* lookUp(key, start)
        if (row !== undefined) found.push(row)
      }
      const here = found.filter(
        ({ key, start }) => start !== undefined && start >= window.from && start < window.to && ids.add(key)
      )
      const more = here.flatMap(({ item }) => item ?? [])
      if (more.length > 0) items = [...items, ...more].sort((a, b) => (a.start ?? 0) - (b.start ?? 0))
      rejected.push(...here.flatMap(({ item, rejected }) => (item === undefined ? (rejected ?? []) : [])))
      for (const [key] of missing) awaited.delete(key)
      weaken(differ(missing.length))
      state.differing += missing.length
    }
    const done =
      items === all && rejected.length === window.rejected.length && coverage === window.coverage
        ? window
        : Windows.make(items, { ...window, rejected, coverage })
    take(done)
    return done
  })

  const take = (window: Coverage.Window): void => {
    const { coverage, extra = 0 } = window
    if (coverage._tag === "Gap") lost = { rows: (lost?.rows ?? 0) + extra, error: coverage.error }
    state.until = Math.max(state.until, window.to)
    if (window.to <= horizonOf(settings, known())) state.proven &&= window.coverage._tag === "Proven"
    else {
      for (const { id } of CallRows.items(window.rows)) recent.add(id)
      for (const record of window.rejected) recent.add(Rows.keyOf(record))
    }
    delivered.add(window)
  }

  const between: Deliveries["between"] = (bounds) => {
    const { after = -Infinity, before = Infinity } = bounds
    let { at, within } = delivered.between(bounds)
    for (const [id, start] of beside) {
      if (ids.has(id)) continue
      if (start > after && start < before) within++
      else if (start === after || start === before) at++
    }
    return { within, at }
  }

  return {
    note,
    deliver,
    rows: delivered.rows,
    lost: () => lost,
    between,
    isExplained: ({ starts, withoutStart }) => {
      const others = Float64Array.from(starts).sort()
      return [...counts.values()].every((counted) => {
        const all = counted.after === -Infinity && counted.before === Infinity
        const here = between(counted)
        const besides = Delivered.count(others, counted)
        return counted.rows <= here.within + here.at + besides.within + besides.at + (all ? withoutStart : 0)
      })
    },
    has: ids.has,
    claim: (id) => {
      ids.add(id)
    },
    withoutStart,
    created,
    late: Effect.gen(function* () {
      note({ repeats: false, log: ask.log })
      const found: Array<Rows.Row> = []
      for (const [key, start] of late) {
        if (ids.has(key)) continue
        revisions.push({ from: start, to: start + 1, coverage: differ(1) })
        state.differing++
        if (found.length >= mostLookups) continue
        const row = yield* lookUp(key, start)
        if (row?.start !== undefined && row.start >= range.from && row.start < range.to && ids.add(key)) found.push(row)
      }
      late.clear()
      return found
    }),
    revise: (range, coverage) => {
      revisions.push({ ...range, coverage })
    },
    revised: (known) => {
      const horizon = horizonOf(settings, known)
      for (const { from, proven, to } of delivered.stretches) {
        if (proven && to > horizon)
          revisions.push({ from: Math.max(from, Math.min(horizon, to - 1)), to, coverage: tooYoung })
      }
      if (state.older) revisions.push({ from: range.from, to: range.from + 1, coverage: noBeginning })
      if (state.differing > 0) {
        for (const { from, proven, to } of delivered.stretches) {
          if (proven && readOnce.has(from)) revisions.push({ from, to, coverage: differ(state.differing) })
        }
      }
      for (const { after, before, rows } of counts.values()) {
        // Calls that are younger may have come since their windows were read.
        if (before > horizon + near) continue
        const { at, within } = between({ after, before })
        if (rows <= within + at) continue
        revisions.push({
          from: after + 2 * Ask.second,
          to: before - 2 * Ask.second,
          coverage: { _tag: "Provisional", reason: { _tag: "CountDiffers", read: within + at, counted: rows } }
        })
      }
      return revisions.filter(({ from, to }) =>
        delivered.stretches.some((window) => window.proven && window.from < to && window.to > from)
      )
    },
    proven: () => state.proven,
    windows: () => delivered.stretches.length,
    recent,
    unplaced,
    moved: () => movedIds.size
  }
}
