/** Limits how many calls that pass the conditions are delivered: the newest, the oldest, or the first. */
import {
  type AgniClient,
  type AgniError,
  type CallSession,
  Coverage,
  CoverageSet,
  Extremes,
  Instant,
  type Page,
  Position,
  Rows,
  type Source
} from "@callstream/core"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import type { Passes } from "../job/Job.ts"

type Read<A> = Stream.Stream<A, AgniError, AgniClient>
type Batch = Pick<Page, "rows" | "rejected" | "observedAt">

type Items = ReturnType<typeof Rows.items>

/** The newest or the oldest that pass. */
export interface Keep {
  readonly side: "newest" | "oldest"
  readonly limit: number
  readonly passes: Passes | undefined
  readonly onLeftOut: (sessions: ReadonlyArray<CallSession.CallSession>) => Effect.Effect<void>
}

/** The items that pass; reports how many do not. */
const passing =
  ({ onLeftOut, passes }: Keep) =>
  (batch: Batch): Effect.Effect<Batch> => {
    if (passes === undefined) return Effect.succeed(batch)
    const passed: Array<Items[number]> = []
    const leftOut: Array<CallSession.CallSession> = []
    for (const item of Rows.items(batch.rows)) {
      if (passes(item.row)) passed.push(item)
      else leftOut.push(item.row)
    }
    return Effect.as(onLeftOut(leftOut), whole(passed, batch.rejected, batch.observedAt))
  }

/** A page, of which nothing is proven. */
const whole = (items: Items, rejected: Batch["rejected"], observedAt: Batch["observedAt"]): Coverage.Window =>
  Coverage.make(items, {
    from: Instant.of(0),
    to: Instant.of(0),
    rejected,
    coverage: { _tag: "Provisional", reason: { _tag: "ByPages" } },
    requests: 0,
    observedAt
  })

/** Wraps items in pages. */
export const asWindows = (read: Read<Batch>): Read<Coverage.Window> =>
  Stream.map(read, (batch) => whole(Rows.items(batch.rows), batch.rejected, batch.observedAt))

/** The newest or oldest of a walk over pages. */
export const extremes = (read: Read<Batch>, keep: Keep): Read<Source.Unit> =>
  read.pipe(
    Stream.mapEffect(passing(keep)),
    Extremes[keep.side](keep.limit),
    Stream.map(({ rejected, rows }): Source.Unit => ({ _tag: "Page", rows, rejected }))
  )

/** The newest or oldest of a history. A last page without rows has the coverage of the part that was read. */
export const extremesOf = (windows: Read<Coverage.Window>, keep: Keep): Read<Source.Unit> =>
  Stream.unwrap(
    Effect.map(Ref.make(CoverageSet.empty), (known) =>
      Stream.concat(
        extremes(
          Stream.tap(windows, (window) => Ref.update(known, (set) => cover(set, window))),
          keep
        ),
        Stream.fromEffect(
          Effect.map(Ref.get(known), (coverage): Source.Unit => ({
            _tag: "Page",
            rows: Rows.make([], Instant.of(0)),
            rejected: [],
            coverage
          }))
        )
      )
    )
  )

/** How many of the items are needed until `limit` of them have passed, and how many passed. */
const cutOf = (items: Items, limit: number, passes: Passes | undefined) => {
  if (passes === undefined) return { end: Math.min(items.length, limit), passed: Math.min(items.length, limit) }
  let passed = 0
  for (const [at, { row }] of items.entries()) {
    if (passes(row)) passed++
    if (passed === limit) return { end: at + 1, passed }
  }
  return { end: items.length, passed }
}

/** The part after the last call was not read, so it is not proven. */
const limited = (coverage: Coverage.Coverage, limit: number): Coverage.Coverage => {
  return coverage._tag === "Proven" ? { _tag: "Provisional", reason: { _tag: "StoppedAtLimit", limit } } : coverage
}

/** The windows until `limit` calls have passed; of the last one only the calls up to there. */
export const first = (windows: Read<Coverage.Window>, limit: number, passes: Passes | undefined): Read<Source.Unit> =>
  Stream.suspend(() => {
    let left = limit
    return windows.pipe(
      Stream.map((window) => {
        const items = Rows.items(window.rows)
        const { end, passed } = cutOf(items, left, passes)
        left -= passed
        if (left > 0) return { window, last: false }
        const { coverage, from, observedAt, outside, rejected, requests, to } = window
        const rest = { from, to, rejected, requests, observedAt, ...(outside === undefined ? {} : { outside }) }
        return {
          window: Coverage.make(items.slice(0, end), { ...rest, coverage: limited(coverage, limit) }),
          last: true
        }
      }),
      Stream.takeUntil(({ last }) => last),
      Stream.map(({ window }) => unitOf(window))
    )
  })

const reasonOf = (coverage: Coverage.Coverage): Pick<CoverageSet.Part, "reason"> =>
  coverage._tag === "Proven" ? {} : { reason: coverage.reason }

const partOf = (window: Coverage.Window): CoverageSet.Part => ({
  verdict: Coverage.verdict(window.coverage),
  ...reasonOf(window.coverage),
  count: window.rows.length,
  final: window.settled,
  requests: window.requests,
  asOf: window.observedAt
})

/** Replaces the coverage of earlier windows that a later answer contradicted. */
const revise = (set: CoverageSet.CoverageSet, { revised = [] }: Coverage.Window): CoverageSet.CoverageSet => ({
  ...set,
  entries: set.entries.map((entry) => {
    const doubt = revised.find(({ from, to }) => from < entry.range.to && entry.range.from < to)?.coverage
    return entry.verdict !== "proven" || doubt === undefined
      ? entry
      : { ...entry, verdict: Coverage.verdict(doubt), ...reasonOf(doubt) }
  })
})

/** Adds a window to the coverage, unless it only counts calls outside the range. */
const cover = (set: CoverageSet.CoverageSet, window: Coverage.Window): CoverageSet.CoverageSet => {
  const { coverage, from, outside, to } = window
  const part = partOf(window)
  const revised = revise(set, window)
  if (from < to) return CoverageSet.replace(revised, { ...part, range: { from, to } })
  const countsOnly = outside !== undefined && outside.unassigned > 0 && part.count === 0 && coverage._tag === "Proven"
  return CoverageSet.addWithoutStart(revised, countsOnly ? undefined : part, outside)
}

/** Calls without a start time come in no order. */
const unitOf = (window: Coverage.Window): Source.Unit => {
  const { from, rejected, revised = [], rows, to } = window
  if (from < to) {
    const coverage = { ...partOf(window), range: { from, to } }
    return { _tag: "Window", rows, rejected, range: { from, to }, coverage, to: Position.of(to) }
  }
  const doubts = revised.map(({ coverage, from, to }) => ({
    verdict: Coverage.verdict(coverage),
    ...reasonOf(coverage),
    requests: 0,
    asOf: window.observedAt,
    range: { from, to }
  }))
  return {
    _tag: "Page",
    rows,
    rejected,
    coverage: cover(doubts.reduce(CoverageSet.replace, CoverageSet.empty), window)
  }
}
