/** What a run over a case delivered and said, held against what there is. */
import { type Case, optionsOf, rangeOf, startAt } from "./HistoryCase.ts"
import { everything, type World } from "./HistoryServer.ts"
import * as CoverageReason from "@callstream/core/coverage/CoverageReason"
import { startInstant } from "@callstream/core/model/CallSession"
import * as Instant from "../../src/model/Instant.ts"
import { type Verdict, verdict, weaker, type Window } from "@callstream/core/history/Coverage"
import * as Duration from "effect/Duration"

/** What was delivered, and what of it is wrong: nothing, unless there is a bug. */
export interface Judgement {
  readonly verdict: Verdict
  readonly complete: boolean
  readonly requests: number
  /** Windows, and how many of them are proven. */
  readonly windows: number
  readonly proven: number
  readonly reasons: ReadonlyArray<string>
  readonly wrong: ReadonlyArray<string>
}

/** What is said of each stretch when the last window has come: it may take back what was said before. */
export const finalCoverage = (windows: ReadonlyArray<Window>): ReadonlyArray<Said> => {
  let said: ReadonlyArray<Said> = windows.map(({ coverage, from, to }) => ({ coverage, from, to }))
  for (const { revised = [] } of windows) {
    for (const revision of revised) said = said.flatMap((one) => revise(one, revision))
  }
  return said
}

type Said = Pick<Window, "coverage" | "from" | "to">

/** As the coverage report has it: less is known of the part that was contradicted, and of the rest what was. */
const revise = (one: Said, { coverage, from, to }: Said): ReadonlyArray<Said> => {
  if (one.from >= to || one.to <= from || verdict(one.coverage) !== "proven") return [one]
  return [
    { ...one, to: Instant.max(one.from, from) },
    { coverage, from: Instant.max(one.from, from), to: Instant.min(one.to, to) },
    { ...one, from: Instant.min(one.to, to) }
  ].filter((part) => part.from < part.to)
}

/** Ids visible throughout, of the range and filters, that are not among these. */
export const missed = (one: Case, { simulator }: World, ids: Iterable<string>): ReadonlyArray<string> => {
  const { agentId, callerNumber, channel, status } = one.read
  const { from, to } = one.range
  const missing = simulator.missed(ids, { agentId, channel, status, ...rangeOf({ from, to }) })
  if (callerNumber === undefined || missing.length === 0) return missing
  const { rows } = everything(optionsOf(one.simulator), { callerNumber })
  const meant = new Set(rows.map(({ id }) => id))
  return missing.filter((id) => meant.has(id))
}

/** Holds what was delivered against what there is. */
export const judge = (one: Case, world: World, windows: ReadonlyArray<Window>): Judgement => {
  const wrong: Array<string> = []
  const ids = windows.flatMap(({ rejected, rows }) => [
    ...rows.sessions().map(({ id }) => id),
    ...rejected.map(({ index }) => `rejected ${index}`)
  ])
  if (new Set(ids).size !== ids.length) wrong.push("a session came twice")
  for (const [i, window] of windows.entries()) {
    const before = windows[i - 1]
    if (window.to < window.from) wrong.push("a window ends before it begins")
    if (before !== undefined && before.to !== window.from) wrong.push("the windows do not tile the range")
    const starts = window.rows.sessions().map((session) => startInstant(session) ?? -Infinity)
    const undated = window.from === window.to
    const outside = (start: number) => start < window.from || start >= window.to
    if (window.coverage._tag !== "Unprovable" && !undated && starts.some(outside)) {
      wrong.push("a session lies outside its window")
    }
    if (window.coverage._tag !== "Unprovable" && starts.some((start, k) => start < (starts[k - 1] ?? -Infinity))) {
      wrong.push("a window is not in order")
    }
  }
  const { from, to } = one.range
  const end = windows.at(-1)?.to
  if (from !== undefined && windows.length > 0 && windows[0]?.from !== Math.min(from, end ?? from)) {
    wrong.push("the windows begin elsewhere")
  }
  if (to !== undefined && (windows.length === 0 ? from !== undefined && from < to : end !== to)) {
    wrong.push("the windows end elsewhere")
  }
  const missing = new Set(missed(one, world, ids))
  const began = world.simulator.requests[0]?.at ?? startAt
  const horizon = began - Duration.toMillis(Duration.fromInputUnsafe(one.read.horizon ?? "2 hours")) * 1000
  // What has no start is as old as its creation: nothing is claimed of what is younger than the horizon.
  const truth = world.simulator
    .truth()
    .filter(({ createdAt, id, startedAt }) => missing.has(id) && (startedAt !== undefined || createdAt < horizon))
  const said = finalCoverage(windows)
  const total = said.map(({ coverage }) => verdict(coverage)).reduce(weaker, "proven")
  const claimed = truth.filter(({ startedAt }) =>
    startedAt === undefined
      ? windows.at(-1)?.coverage._tag === "Proven" && windows.at(-1)?.from === windows.at(-1)?.to
      : said.some((window) => startedAt >= window.from && startedAt < window.to && window.coverage._tag === "Proven")
  )
  // What starts after the end of the range was not asked for.
  const meant = truth.filter(({ startedAt }) => startedAt === undefined || startedAt < (end ?? Infinity))
  if (claimed.length > 0) wrong.push(`${claimed.length} sessions are missing from windows that are proven`)
  if (total === "proven" && meant.length > 0) wrong.push(`proven, and ${meant.length} sessions are missing`)
  const reasons = windows.flatMap(({ coverage }) =>
    "reason" in coverage ? [CoverageReason.describe(coverage.reason)] : []
  )
  return {
    verdict: total,
    complete: meant.length === 0,
    requests: world.simulator.requests.length,
    windows: windows.length,
    proven: windows.filter(({ coverage }) => coverage._tag === "Proven").length,
    reasons: [...new Set(reasons)],
    wrong
  }
}
