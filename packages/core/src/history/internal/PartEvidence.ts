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
import * as Bytes from "../../model/internal/Bytes.ts"
import type * as Micros from "../../endpoint/internal/Micros.ts"
import type { Piece } from "./Delivered.ts"
import * as IdSet from "./IdSet.ts"
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
  /** The hull of all that was read, and its parts. */
  range: Schema.Struct(range),
  parts: Schema.Array(Schema.Struct(range)),
  known: KnownFacts,
  windows: Schema.Array(
    Schema.Struct({
      ...range,
      proven: Schema.Boolean,
      calls: Schema.Number,
      rows: Schema.Number,
      /** How many of the starts, and of the ids, are of it. */
      starts: Schema.Number,
      ids: Schema.Number,
      extra: Schema.Number,
      inside: Schema.Number
    })
  ),
  /** The starts and the hashes of the ids of all windows, one window after another, eight bytes each. */
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

/** A window, and the hashes of its ids. */
interface Saved extends Piece {
  readonly hashes: Uint32Array
}

const saved = (windows: ReadonlyArray<Saved>): Pick<Evidence, "ids" | "starts" | "windows"> => ({
  windows: windows.map(({ calls, extra, from, hashes, inside, proven, rows, starts, to }) => ({
    from,
    to,
    proven,
    calls,
    rows,
    starts: starts.length,
    ids: hashes.length / 2,
    extra,
    inside
  })),
  starts: Bytes.concat(windows.map(({ starts }) => bytesOf(starts))),
  ids: Bytes.concat(windows.map(({ hashes }) => bytesOf(hashes)))
})

const windowsIn = (evidence: Evidence): ReadonlyArray<Saved> => {
  // A copy begins where numbers of eight bytes may.
  const starts = new Float64Array(evidence.starts.slice().buffer)
  const hashes = new Uint32Array(evidence.ids.slice().buffer)
  let start = 0
  let id = 0
  return evidence.windows.map((window) => {
    const one = {
      ...window,
      starts: starts.subarray(start, start + window.starts),
      hashes: hashes.subarray(2 * id, 2 * (id + window.ids))
    }
    start += window.starts
    id += window.ids
    return one
  })
}

/** What of a reading another one takes over: the rest is read again. */
export interface Committed {
  readonly parts: ReadonlyArray<Micros.Range>
  /**
   * Of the calls that were listed and did not come yet: all, or those of the probes. A process that is saved with each commit has no
   * more, because those of the windows in progress would be most of it.
   */
  readonly listed: "all" | "probes"
}

/** @param committed What is taken over of it. @default all that was read */
export const save = (range: Micros.Range, known: Known, shown: Shown.Shown, committed?: Committed): Evidence => {
  const parts = (committed?.parts ?? [range]).flatMap(({ from, to }) => {
    const part = { from: Math.max(range.from, from), to: Math.min(range.to, to) }
    return part.from < part.to ? [part] : []
  })
  const isSafe = ({ from, to }: Micros.Range) => parts.some((part) => from >= part.from && to <= part.to)
  const windows = shown.delivered.stretches.filter((window) => committed === undefined || isSafe(window))
  const awaited = [...shown.awaited].filter(([key]) => committed?.listed !== "probes" || shown.begun.has(key))
  return {
    range: committed === undefined ? range : { from: parts[0]?.from ?? range.from, to: parts.at(-1)?.to ?? range.from },
    parts,
    known: { ...known, span: known.span, cut: known.cut },
    ...saved(windows.map((window) => ({ ...window, hashes: shown.ids.hashes(window.ids) }))),
    listed: SavedProbes.withIds([...shown.elsewhere, ...awaited, ...shown.late]),
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

/** Only of these parts, in which windows begin and end: what lies beyond is read again. */
export const within = (evidence: Evidence, parts: ReadonlyArray<Micros.Range>): Evidence => {
  const kept = windowsIn(evidence).filter(({ from, to }) => parts.some((part) => from >= part.from && to <= part.to))
  return {
    ...evidence,
    range: { from: parts[0]?.from ?? evidence.range.from, to: parts.at(-1)?.to ?? evidence.range.from },
    parts,
    ...saved(kept)
  }
}

const addAll = <A>(to: Set<A>, from: Iterable<A>): void => {
  for (const one of from) to.add(one)
}

/** What a process delivered. */
export interface Delivered {
  /** Whether a call was. */
  readonly has: (id: string) => boolean
  /** Whether a range was, all of it. */
  readonly covers: (range: Micros.Range) => boolean
  /** How many calls that start in a range were. */
  readonly startsIn: (range: Micros.Range) => number
}

/** Which calls of its windows were delivered. */
export const deliveredIn = (evidence: Evidence): Delivered => {
  const ids = IdSet.make()
  const windows = windowsIn(evidence)
  for (const { hashes } of windows) ids.addHashes(hashes)
  const all = Shown.joined(windows.map(({ from, to }) => ({ from, to })))
  return {
    has: ids.has,
    covers: ({ from, to }) => all.some((part) => part.from <= from && part.to >= to),
    startsIn: ({ from, to }) =>
      windows
        .filter((window) => window.from < to && window.to > from)
        .reduce((sum, { starts }) => sum + starts.filter((start) => start >= from && start < to).length, 0)
  }
}

/** Adds it to what this process knows; how many of its calls came from another part too. */
export const restore = (shown: Shown.Shown, evidence: Evidence): number => {
  for (const part of evidence.parts) Shown.reach(shown, part)
  let twice = 0
  for (const { hashes, ...piece } of windowsIn(evidence)) twice += shown.delivered.put(piece, hashes)
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

/** A part that other processes read: the last one has the evidence of what it read itself. */
export interface Before {
  readonly evidence: Evidence | undefined
  /** Read by an earlier process, which left the number of its calls only. */
  readonly counted: (Micros.Range & { readonly rows: number; readonly proven: boolean }) | undefined
}

/**
 * Takes over what the readings of other parts showed and brought.
 *
 * @param moved What the windows are whose calls came from another part too.
 */
export const restoreAll = (
  shown: Shown.Shown,
  ends: Shown.Ends,
  parts: ReadonlyArray<Before>,
  moved: Coverage.Coverage
): void => {
  let twice = 0
  for (const { counted, evidence } of parts) {
    if (evidence !== undefined) twice += restore(shown, evidence)
    if (counted === undefined) continue
    const { from, proven, rows, to } = counted
    // Nobody looks for its calls one by one, so none of what is said of it is taken back.
    const piece = { from, to, proven: false, calls: rows, rows, starts: new Float64Array(), extra: rows, inside: 0 }
    shown.delivered.put(piece, new Uint32Array())
    shown.proven &&= proven
  }
  // All of them must be there, before it is known which of the listed ones are missing.
  for (const { evidence } of parts)
    for (const [key, start] of evidence?.listed ?? []) {
      Shown.noteRow(shown, ends, key, start)
      shown.begun.add(key)
    }
  const all = Shown.hull(shown)
  // Of which part it was is not known.
  if (twice > 0 && all !== undefined) shown.revisions.push({ ...all, coverage: moved })
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
