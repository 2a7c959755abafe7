/** How many calls of those that pass the conditions: the newest, the oldest, or the first that come. */
import { type AgniClient, type AgniError, type CallSession, Coverage, Extremes, type Page } from "@callstream/core"
import * as Stream from "effect/Stream"
import type { Passes } from "../job/Job.ts"

type Read<A> = Stream.Stream<A, AgniError, AgniClient>
type Batch = Pick<Page, "sessions" | "rejected" | "observedAt">

type Items = ReturnType<typeof Coverage.items>
type OnLeftOut = (sessions: ReadonlyArray<CallSession.CallSession>) => void

/** Only what passes; what does not is reported. */
const passing =
  (passes: Passes | undefined, onLeftOut: OnLeftOut) =>
  (batch: Batch): Batch => {
    if (passes === undefined) return batch
    const passed: Array<Items[number]> = []
    const leftOut: Array<CallSession.CallSession> = []
    for (const item of Coverage.items(batch)) {
      if (passes(item.row)) passed.push(item)
      else leftOut.push(item.row)
    }
    onLeftOut(leftOut)
    return whole(passed, batch.rejected, batch.observedAt)
  }

const whole = (items: Items, rejected: Batch["rejected"], observedAt: Batch["observedAt"]): Coverage.Window =>
  Coverage.make(items, {
    from: 0,
    to: 0,
    rejected,
    coverage: { _tag: "Provisional", reason: "read page by page" },
    requests: 0,
    observedAt
  })

/** Where there are no windows, everything is one: it is committed when all of it is there. */
export const asWindows = (read: Read<Batch>): Read<Coverage.Window> =>
  Stream.suspend(() => {
    // What is kept of all that was read was observed when the first of it was, at least.
    let first = Infinity
    return Stream.map(read, (batch) => {
      first = Math.min(first, batch.observedAt)
      return whole(Coverage.items(batch), batch.rejected, first)
    })
  })

/** The newest or the oldest few of those that pass. */
export const extremes = (
  read: Read<Batch>,
  {
    limit,
    onLeftOut,
    passes,
    side
  }: {
    readonly side: "newest" | "oldest"
    readonly limit: number
    readonly passes: Passes | undefined
    readonly onLeftOut: OnLeftOut
  }
): Read<Coverage.Window> =>
  Stream.suspend(() => {
    let first = Infinity
    const noted = Stream.map(read, (batch) => {
      first = Math.min(first, batch.observedAt)
      return passing(passes, onLeftOut)(batch)
    })
    return Stream.map(Extremes[side](limit)(noted), (batch) => whole(Coverage.items(batch), batch.rejected, first))
  })

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

/** Nobody knows what would have come behind the last one. */
const limited = (coverage: Coverage.Coverage, limit: number): Coverage.Coverage => {
  const reason = `stopped at the limit of ${limit}`
  return coverage._tag === "Proven"
    ? { _tag: "Provisional", reason }
    : { ...coverage, reason: `${coverage.reason}; ${reason}` }
}

/** The windows until `limit` calls have passed; of the last one only the calls up to there. */
export const first = (
  windows: Read<Coverage.Window>,
  limit: number,
  passes: Passes | undefined
): Read<Coverage.Window> =>
  Stream.suspend(() => {
    let left = limit
    return windows.pipe(
      Stream.map((window) => {
        const items = Coverage.items(window)
        const { end, passed } = cutOf(items, left, passes)
        left -= passed
        if (left > 0) return window
        const { coverage, from, observedAt, outside, rejected, requests, to } = window
        const rest = { from, to, rejected, requests, observedAt, ...(outside === undefined ? {} : { outside }) }
        return Coverage.make(items.slice(0, end), { ...rest, coverage: limited(coverage, limit) })
      }),
      Stream.takeUntil(() => left === 0)
    )
  })
