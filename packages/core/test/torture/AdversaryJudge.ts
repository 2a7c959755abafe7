/** A run over a case, and what it must hold: whether something that was shown is missing where it was called proven. */
import * as CoverageReason from "@callstream/core/coverage/CoverageReason"
import { AgniClient } from "@callstream/core/client/AgniClient"
import { startInstant } from "@callstream/core/model/CallSession"
import { type Verdict, verdict, weaker, type Window } from "@callstream/core/history/Coverage"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import { began, type Case } from "./Adversaries.ts"
import * as Adversary from "./Adversary.ts"
import * as AdversaryClient from "./AdversaryClient.ts"
import {
  horizon,
  horizonOf,
  idsWithTwoStarts,
  isProvable,
  isSteady,
  margin,
  mostTogether,
  second
} from "./AdversaryProvable.ts"
import { finalCoverage, windows as read } from "./Histories.ts"
import { Killed } from "./KilledReading.ts"
import * as VirtualTime from "./VirtualTime.ts"

export interface Judgement {
  readonly verdict: Verdict
  /** Whether all that is older than the horizon is proven. */
  readonly provenToHorizon: boolean
  /** Whether that could be had. */
  readonly possible: boolean
  readonly requests: number
  readonly windows: number
  readonly proven: number
  readonly reasons: ReadonlyArray<string>
  readonly wrong: ReadonlyArray<string>
}

type Said = ReturnType<typeof finalCoverage>

interface Truth {
  readonly from: number
  readonly to: number
  readonly whole: boolean
  readonly delivered: ReadonlySet<string>
  /** Rows that are there throughout and did not come. */
  readonly missing: ReadonlyArray<Adversary.Row>
}

const truthOf = (one: Case, server: Adversary.Server, windows: ReadonlyArray<Window>): Truth => {
  const { from = -Infinity, to = windows.at(-1)?.to ?? began } = one.range
  const whole = one.range.from === undefined && one.range.to === undefined
  const delivered = new Set(windows.flatMap(({ rows }) => rows.sessions().map(({ id }) => id)))
  const twice = idsWithTwoStarts(one)
  const missing = one.rows.filter((row) => {
    const { id, start } = row
    if (delivered.has(id) || twice.has(id) || !isSteady(row, server.now())) return false
    return start === undefined ? whole : start >= from && start < to
  })
  return { from, to, whole, delivered, missing }
}

/**
 * Ids that were in a count of bounds that reach no further than the range: of wider ones it is not told which rows they
 * count. A count tells a number, and not which rows they are. So one that may be of some of the rows only (its page was not
 * the last one, or a limit had cut it) speaks for a row that did not come when fewer came within its bounds; and so does each
 * count for a row that some answers hid: when it comes back just as another one leaves, the number stays the same, and no
 * answer differs from those of a server on which neither happened. A row that no answer hid must come if any count had it.
 */
const inCounts = (
  one: Case,
  { counted: exactly, counts, withheld }: Pick<Adversary.Server, "counts" | "counted" | "withheld">,
  { delivered }: Truth
): ReadonlySet<string> => {
  const counted = new Set([...exactly].filter((id) => !withheld.has(id)))
  const came = one.rows.filter(({ id }) => delivered.has(id))
  for (const { after, before, front, given } of counts) {
    if (front.every(({ id }) => delivered.has(id))) continue
    // A call may have had another start when it was counted, or none yet.
    const startsOf = ({ created, moves = [], start }: Adversary.Row) => [
      start ?? (one.server.coalesces === true ? created : undefined),
      ...moves.map((move) => move.start)
    ]
    const isWithin = (start = NaN) => start >= after && start <= before
    const within = given ? came.filter((row) => startsOf(row).some(isWithin)) : came
    if (within.length < front.length) for (const { id } of front) counted.add(id)
  }
  return counted
}

/** Newest first, those with a length descend. */
const ascending = ({ read }: Case, windows: ReadonlyArray<Window>): ReadonlyArray<Window> => {
  if (read.order !== "newest") return windows
  const dated = windows.filter(({ from, to }) => from < to)
  const others = windows.filter(({ from, to }) => from >= to)
  // Pages come in the server's order, and the range after them.
  return windows[0] === others[0] ? windows : [...dated.toReversed(), ...others]
}

/** What has nothing to do with the server: each call once, in its window, and windows that tile the range. */
const isMalformed = ({ range }: Case, windows: ReadonlyArray<Window>): ReadonlyArray<string> => {
  const wrong: Array<string> = []
  const ids = windows.flatMap(({ rows }) => rows.sessions().map(({ id }) => id))
  if (new Set(ids).size !== ids.length) wrong.push("a session came twice")
  for (const [i, window] of windows.entries()) {
    const before = windows[i - 1]
    if (before !== undefined && before.to !== window.from) wrong.push("the windows do not tile the range")
    const starts = window.rows.sessions().map((session) => startInstant(session) ?? -Infinity)
    const tells = verdict(window.coverage) !== "unprovable" && window.from < window.to
    if (tells && starts.some((start) => start < window.from || start >= window.to))
      wrong.push("a session lies outside its window")
  }
  const { from, to } = range
  if (from !== undefined && windows[0]?.from !== from) wrong.push("the windows begin elsewhere")
  if (to !== undefined && windows.length > 0 && windows.at(-1)?.to !== to) wrong.push("the windows end elsewhere")
  return wrong
}

/**
 * A bounded range brings the calls without a start that were created in it, or says how many there are of which the server
 * does not show it.
 */
const undatedWrong = (
  one: Case,
  server: Adversary.Server,
  windows: ReadonlyArray<Window>,
  { delivered, from, to, whole }: Truth
): ReadonlyArray<string> => {
  const last = windows.at(-1)
  if (whole || last === undefined || last.from !== last.to || last.coverage._tag !== "Proven") return []
  const { created, unassigned } = last.outside ?? { created: Infinity, unassigned: 0 }
  const twice = idsWithTwoStarts(one)
  const undated = one.rows.filter(
    (row) => row.start === undefined && server.listed.has(row.id) && !twice.has(row.id) && isSteady(row, server.now())
  )
  const came = last.rows.sessions().filter((call) => startInstant(call) === undefined && !twice.has(call.id)).length
  // A last window that neither brings such calls nor says how many there are is there for something else.
  if (last.outside === undefined && came === 0) return []
  const wrong: Array<string> = []
  if (undated.length > came + created + unassigned)
    wrong.push(`${undated.length} without a start were listed: ${came} came, ${created + unassigned} are told of`)
  // Where the server shows which they are.
  const isShown = unassigned === 0 || created > 0 || came > 0
  const meant = undated.filter((row) => row.created >= from && row.created < to && !delivered.has(row.id))
  if (isShown && meant.length > 0) wrong.push(`${meant.length} without a start, created in the range, are missing`)
  return wrong
}

/** Where nothing was read nothing is proven, as a coverage report says. */
const weakest = (said: Said): Verdict =>
  said.reduce<Verdict>(
    (sum, { coverage }) => weaker(sum, verdict(coverage)),
    said.length === 0 ? "provisional" : "proven"
  )

/**
 * The windows that are old enough, and that of the calls without a start: unless the list without bounds ends, because of a
 * limit, before all calls came. Then nobody can count the calls without a start.
 */
const oldOf = (one: Case, said: Said): Said => {
  const isUncountable = one.rows.length > mostTogether(one)
  return said.filter(({ from, to }) => from < Math.min(to, horizonOf(one)) || (from === to && !isUncountable))
}

const isProvenToHorizon = (one: Case, said: Said): boolean =>
  said.length > 0 && oldOf(one, said).every(({ coverage }) => coverage._tag === "Proven")

/** What is called proven, against what was shown. */
const provenWrong = (
  one: Case,
  server: Adversary.Server,
  windows: ReadonlyArray<Window>,
  said: Said
): ReadonlyArray<string> => {
  const wrong: Array<string> = []
  const truth = truthOf(one, server, windows)
  const { missing, to } = truth
  const counted = inCounts(one, server, truth)
  const shown = missing.filter(({ id }) => server.listed.has(id) || counted.has(id))
  // A count that reaches beyond the horizon may be of calls that came meanwhile: it speaks against the set, not a window.
  const countedOld = inCounts(
    one,
    {
      ...server,
      counted: server.countedOld,
      counts: server.counts.filter(({ before }) => before <= began - horizon + margin)
    },
    truth
  )
  const shownOld = missing.filter(({ id }) => server.listed.has(id) || countedOld.has(id))
  if (weakest(said) === "proven" && shown.length > 0)
    wrong.push(`proven, and ${shown.length} that were shown are missing`)
  // A whole history ends with what is too young: the rest of it is a set of its own.
  const old = shown.filter(({ start = -Infinity }) => start < began - horizon)
  const isClaimed =
    said.length > 0 &&
    said.every(
      ({ coverage, from, to }) => coverage._tag === "Proven" || (from < to && from >= began - horizon - second)
    )
  if (isClaimed && old.length > 0) wrong.push(`proven up to the horizon, and ${old.length} that were shown are missing`)
  for (const { coverage, from, to } of said) {
    if (coverage._tag !== "Proven" || from === to) continue
    // A process whose predecessors left nothing has a clock of its own.
    const clock = one.read.killed === undefined ? began : server.now()
    if (to > clock - horizon + second) wrong.push("proven beyond the horizon")
    const lost = shownOld.filter(({ start = -Infinity }) => start >= from && start < to)
    if (lost.length > 0) wrong.push(`${lost.length} that were shown are missing from a window that is proven`)
  }
  if (one.range.to === undefined && windows.length > 0) {
    const behind = one.rows.filter(
      ({ id, start = -Infinity }) => start >= to && server.listed.has(id) && !truth.delivered.has(id)
    )
    if (behind.length > 0) wrong.push(`${behind.length} that were listed lie behind the end of the range`)
  }
  return [...wrong, ...undatedWrong(one, server, windows, truth)]
}

/** Where nothing hides calls but a limit, which can be found and worked around, a proof is one that all came. */
const silentlyWrong = (one: Case, server: Adversary.Server, windows: ReadonlyArray<Window>): ReadonlyArray<string> => {
  const { missing } = truthOf(one, server, windows)
  const old = missing.filter(({ start = Infinity }) => start < horizonOf(one))
  return old.length === 0 ? [] : [`proven, and ${old.length} that no answer showed are missing`]
}

const judge = (one: Case, server: Adversary.Server, windows: ReadonlyArray<Window>): Judgement => {
  const said = finalCoverage(windows)
  const provenToHorizon = isProvenToHorizon(one, said)
  // Where a request fails as often as it is tried, a run ends, or leaves a gap and continues: no reader has what was on that page.
  const possible = isProvable(one, server) && (provenToHorizon || !server.isGivenUp())
  return {
    verdict: weakest(said),
    provenToHorizon,
    possible,
    requests: server.requests(),
    windows: said.length,
    proven: said.filter(({ coverage }) => coverage._tag === "Proven").length,
    reasons: [
      ...new Set(
        oldOf(one, said).flatMap(({ coverage }) =>
          "reason" in coverage ? [CoverageReason.describe(coverage.reason)] : []
        )
      )
    ],
    wrong: [
      ...isMalformed(one, windows),
      ...provenWrong(one, server, windows, said),
      ...(possible && provenToHorizon ? silentlyWrong(one, server, windows) : [])
    ]
  }
}

/** The server of a case. */
export const open = (one: Case, limit = 20_000): Adversary.Server => {
  const { from = -Infinity, to = Infinity } = one.range
  const range = { after: from - margin, before: to + margin }
  return Adversary.serve(one.rows, one.server, {
    began,
    step: one.step,
    seed: one.seed,
    limit,
    range,
    horizon: began - horizon + margin
  })
}

/** The windows of a case. */
export const windows = (one: Case, server = open(one)) =>
  Stream.runCollect(read(one)).pipe(
    Effect.provideService(AgniClient, one.client === true ? AdversaryClient.make(server) : server.client),
    Effect.provideService(References.MinimumLogLevel, "None"),
    Effect.provideService(Killed, (left) => server.forget((id) => left?.listed.has(id) ?? false)),
    Random.withSeed(one.seed),
    VirtualTime.make(server)
  )

/**
 * Whether the run of a case may end in an error: a record that fails each page may be the only one, or the first of a list that filters
 * after paging, and requests may fail eight times by chance.
 */
export const mayFail = ({ server }: Case): boolean => server.poison !== undefined || server.flaky !== undefined

/** One case from end to end. */
export const run = (one: Case) => runOn(one, open(one))

/** The same on a server that is given. */
export const runOn = (one: Case, server: Adversary.Server) =>
  Effect.map(windows(one, server), (all) => judge(one, server, ascending(one, all)))
