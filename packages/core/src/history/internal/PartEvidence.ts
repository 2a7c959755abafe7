/**
 * What the reading of a part showed and brought, as JSON: the process that judges the whole has it from each part, as if it
 * had read them all itself.
 */
import * as Schema from "effect/Schema"
import { CoverageReason } from "../../coverage/CoverageReason.ts"
import { AgniError } from "../../model/AgniError.ts"
import type * as Coverage from "../Coverage.ts"
import * as NotedCounts from "../../endpoint/internal/NotedCounts.ts"
import * as SavedProbes from "../../endpoint/internal/SavedProbes.ts"
import type * as Micros from "../../endpoint/internal/Micros.ts"
import type { Known } from "./Known.ts"
import * as Shown from "./Shown.ts"
import type * as Windows from "./Windows.ts"

const range = { from: Schema.Number, to: Schema.Number }
const Strings = Schema.ReadonlySet(Schema.String)

const KnownFacts = Schema.Struct({
  order: Schema.Literals(["unknown", "start", "other"]),
  width: Schema.Number,
  refused: Schema.Number,
  differs: Schema.Boolean,
  earliest: Schema.Number,
  deepest: Schema.Number,
  span: Schema.UndefinedOr(Schema.Number),
  cut: Schema.UndefinedOr(Schema.Boolean),
  whole: Schema.Number,
  requests: Schema.Number,
  worth: Schema.Number
})

export const Evidence = Schema.Struct({
  /** The part that was read. */
  range: Schema.Struct(range),
  known: KnownFacts,
  windows: Schema.Array(
    Schema.Struct({
      ...range,
      proven: Schema.Boolean,
      calls: Schema.Number,
      rows: Schema.Number,
      /** How many of the starts are of it. */
      starts: Schema.Number,
      extra: Schema.Number,
      inside: Schema.Number
    })
  ),
  /** The starts of all windows, eight bytes each, and the hashes of the ids, eight bytes each. */
  starts: Schema.Uint8ArrayFromBase64,
  ids: Schema.Uint8ArrayFromBase64,
  /** Listed, with a start, and not delivered by this reading. */
  listed: Schema.ReadonlyMap(Schema.String, Schema.Number),
  withoutStart: Strings,
  recent: Strings,
  unplaced: Strings,
  ...SavedProbes.listedFields,
  ...SavedProbes.countFields,
  revisions: Schema.Array(
    Schema.Struct({ ...range, verdict: Schema.Literals(["Provisional", "Unprovable"]), reason: CoverageReason })
  ),
  readOnce: Schema.Array(Schema.Number),
  lost: Schema.UndefinedOr(Schema.Struct({ rows: Schema.Number, error: AgniError })),
  proven: Schema.Boolean,
  later: Schema.Number,
  differing: Schema.Number,
  gone: Schema.optionalKey(Schema.ReadonlyMap(Schema.String, Schema.Number)),
  older: Schema.Boolean
})

export type Evidence = typeof Evidence.Type

const withIds = (keys: Iterable<string>): ReadonlySet<string> => new Set([...keys].filter(SavedProbes.hasId))

const revisionOf = ({ coverage, from, to }: Windows.Revision): ReadonlyArray<Evidence["revisions"][number]> =>
  coverage._tag === "Proven"
    ? []
    : [{ from, to, verdict: coverage._tag === "Provisional" ? "Provisional" : "Unprovable", reason: coverage.reason }]

const bytesOf = ({ buffer, byteLength, byteOffset }: Float64Array | Uint32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)

const startsOf = (windows: ReadonlyArray<{ readonly starts: Float64Array }>): Float64Array => {
  const all = new Float64Array(windows.reduce((sum, { starts }) => sum + starts.length, 0))
  let next = 0
  for (const { starts } of windows) {
    all.set(starts, next)
    next += starts.length
  }
  return all
}

export const save = (range: Micros.Range, known: Known, shown: Shown.Shown): Evidence => {
  const { delivered } = shown
  return {
    range: { from: range.from, to: range.to },
    known: { ...known, span: known.span, cut: known.cut },
    windows: delivered.stretches.map(({ starts, ...rest }) => ({ ...rest, starts: starts.length })),
    starts: bytesOf(startsOf(delivered.stretches)),
    ids: bytesOf(shown.ids.hashes()),
    listed: SavedProbes.withIds([...shown.elsewhere, ...shown.awaited, ...shown.late]),
    withoutStart: withIds(shown.withoutStart),
    recent: withIds(shown.recent),
    unplaced: withIds(shown.unplaced),
    created: SavedProbes.withIds(shown.created),
    placed: SavedProbes.withIds(shown.placed),
    moved: withIds(shown.moved),
    counts: shown.counts,
    places: shown.places,
    lengths: shown.lengths,
    sure: shown.sure,
    failing: shown.failing,
    revisions: shown.revisions.flatMap(revisionOf),
    readOnce: [...shown.readOnce],
    lost: shown.lost,
    proven: shown.proven,
    later: shown.later,
    differing: shown.differing,
    gone: SavedProbes.withIds(shown.gone),
    older: shown.older
  }
}

const addAll = <A>(to: Set<A>, from: Iterable<A>): void => {
  for (const one of from) to.add(one)
}

const addDelivered = ({ delivered, ids }: Shown.Shown, evidence: Evidence): number => {
  // A copy begins where numbers of eight bytes may.
  const starts = new Float64Array(evidence.starts.slice().buffer)
  let next = 0
  for (const window of evidence.windows) {
    delivered.put({ ...window, starts: starts.subarray(next, next + window.starts) })
    next += window.starts
  }
  return ids.addHashes(new Uint32Array(evidence.ids.slice().buffer))
}

/** Adds it to what this process knows; how many of its calls came from another part too. */
export const restore = (shown: Shown.Shown, evidence: Evidence): number => {
  Shown.reach(shown, evidence.range)
  const twice = addDelivered(shown, evidence)
  for (const [key, at] of evidence.created) shown.created.set(key, at)
  Shown.notePlaced(shown, new Map(evidence.placed))
  addAll(shown.withoutStart, evidence.withoutStart)
  addAll(shown.recent, evidence.recent)
  addAll(shown.unplaced, evidence.unplaced)
  addAll(shown.moved, evidence.moved)
  addAll(shown.readOnce, evidence.readOnce)
  for (const name of ["counts", "places", "sure", "failing"] as const)
    for (const counted of evidence[name].values()) NotedCounts.noteCount(shown[name], counted, counted.rows)
  for (const page of evidence.lengths.values()) NotedCounts.notePage(shown.lengths, page)
  for (const { from, reason, to, verdict } of evidence.revisions)
    shown.revisions.push({ from, to, coverage: { _tag: verdict, reason } satisfies Coverage.Coverage })
  const { lost } = evidence
  if (lost !== undefined) shown.lost = { rows: (shown.lost?.rows ?? 0) + lost.rows, error: lost.error }
  shown.proven &&= evidence.proven
  shown.later += evidence.later
  shown.differing += evidence.differing
  for (const [key, start] of evidence.gone ?? []) shown.gone.set(key, start)
  shown.older ||= evidence.older
  return twice
}

/** What several processes know of the endpoint, together. */
export const foldKnown = (left: Known, right: Known): Known => ({
  order: left.order === "other" || right.order === "unknown" ? left.order : right.order,
  width: Math.max(left.width, right.width),
  refused: Math.min(left.refused, right.refused),
  differs: left.differs || right.differs,
  earliest: Math.min(left.earliest, right.earliest),
  deepest: Math.min(left.deepest, right.deepest),
  span: left.span ?? right.span,
  cut: left.cut === true || right.cut === true,
  whole: Math.max(left.whole, right.whole),
  requests: left.requests + right.requests,
  worth: left.worth + right.worth
})
