/**
 * The coverage of a range of start time, as a value: the parts that were read, and the verdict on each.
 *
 * A run adds what it reads, a checkpoint keeps the value, and several processes that read parts of a range can be judged
 * together.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { CoverageReason } from "./CoverageReason.ts"
import { EndpointLimits } from "./EndpointLimits.ts"
import * as Merging from "./internal/Merging.ts"
import * as Instant from "../model/Instant.ts"
import { Position } from "../model/Position.ts"

/**
 * A range of start time, `from <= start < to`, in microseconds since the epoch.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Range = Schema.Struct({ from: Instant.Instant, to: Instant.Instant })

/**
 * @since 0.1.0
 * @category models
 */
export type Range = typeof Range.Type

/**
 * - `proven`: every call of the range came.
 * - `provisional`: the range may still change; read it again later.
 * - `unprovable`: calls may be missing.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Verdict = Schema.Literals(["proven", "provisional", "unprovable"])

/**
 * @since 0.1.0
 * @category models
 */
export type Verdict = typeof Verdict.Type

/**
 * The coverage of one part.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Part = Schema.Struct({
  verdict: Verdict,
  reason: Schema.optionalKey(CoverageReason),
  /** Calls that came. Unknown for the rest of an entry after a part was removed. */
  count: Schema.optionalKey(Schema.Int),
  /** Of those without a start time: calls that have one, and came after their window was read. */
  dated: Schema.optionalKey(Schema.Int),
  /** Calls that are not expected to change any more; not known where `count` is not. */
  final: Schema.optionalKey(Schema.Int),
  /** Requests that it took. */
  requests: Schema.Int,
  /** When the first of it was observed, by the server's clock: the verdict holds as of then. */
  asOf: Instant.Instant
})

/**
 * @since 0.1.0
 * @category models
 */
export type Part = typeof Part.Type

/**
 * The coverage of a range.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Entry = Schema.Struct({ ...Part.fields, range: Range })

/**
 * @since 0.1.0
 * @category models
 */
export type Entry = typeof Entry.Type

/**
 * Calls without a start time that are not in a bounded range.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Outside = Schema.Struct({
  /** Created outside the range. */
  created: Schema.Int,
  /** The API does not show which of them were created in the range. */
  unassigned: Schema.Int
})

/**
 * @since 0.1.0
 * @category models
 */
export type Outside = typeof Outside.Type

/**
 * Observations of the endpoint during the run that a person should know.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Endpoint = Schema.Struct({
  ...EndpointLimits.fields,
  /** How far the clocks of the server and of this machine are apart, in microseconds, where that is more than two minutes. */
  clocksApart: Schema.optionalKey(Schema.Int)
})

/**
 * @since 0.1.0
 * @category models
 */
export type Endpoint = typeof Endpoint.Type

/**
 * The coverage of several ranges, and of the calls without a start time, which are in no range.
 *
 * @since 0.1.0
 * @category schemas
 */
export const CoverageSet = Schema.Struct({
  /** Ascending, none over another. */
  entries: Schema.Array(Entry),
  /** Committed positions: neighbours are not merged across them, so that `rewind` to them is exact. */
  seams: Schema.Array(Position),
  /** Calls without a start time that came, where those were asked for. */
  withoutStart: Schema.optionalKey(Part),
  /** Calls without a start time that exist and did not come, where they were counted. */
  outside: Schema.optionalKey(Outside),
  /** Calls of entries that were divided: how many of them each part has is not known. */
  divided: Schema.optionalKey(Schema.Struct({ count: Schema.Int, final: Schema.Int })),
  endpoint: Schema.optionalKey(Endpoint)
})

/**
 * @since 0.1.0
 * @category models
 */
export type CoverageSet = typeof CoverageSet.Type

/**
 * Two entries that both speak of a range.
 *
 * @since 0.1.0
 * @category errors
 */
export class Overlap extends Schema.TaggedError<Overlap>()("Overlap", { range: Range, other: Range }) {
  override get message(): string {
    const tell = ({ from, to }: Range) => `[${from}, ${to})`
    return `${tell(this.range)} overlaps ${tell(this.other)}: both say what is known of one range`
  }
}

/**
 * Nothing is known.
 *
 * @since 0.1.0
 * @category constructors
 */
export const empty: CoverageSet = { entries: [], seams: [] }

/**
 * Adds what is known of a range of which nothing was known. An entry of no length adds nothing.
 *
 * @since 0.1.0
 * @category combining
 */
export const add = (self: CoverageSet, entry: Entry): Result.Result<CoverageSet, Overlap> => {
  if (Merging.isEmpty(entry.range)) return Result.succeed(self)
  const at = Merging.placeOf(self.entries, entry.range.from)
  const neighbours = [self.entries[at - 1], self.entries[at]]
  const other = neighbours.find((one) => one !== undefined && Merging.overlaps(one.range, entry.range))
  if (other !== undefined) return Result.fail(new Overlap({ range: entry.range, other: other.range }))
  return Result.succeed(Merging.insert(self, at, entry))
}

/**
 * Puts an entry in the place of all that was known of its range.
 *
 * @since 0.1.0
 * @category combining
 */
export const replace = (self: CoverageSet, entry: Entry): CoverageSet => {
  if (Merging.isEmpty(entry.range)) return self
  const { from, to } = entry.range
  const entries = self.entries.flatMap((one) =>
    Merging.overlaps(one.range, entry.range)
      ? [Merging.trim(one, one.range.from, from), Merging.trim(one, to, one.range.to)].filter(
          ({ range }) => !Merging.isEmpty(range)
        )
      : [one]
  )
  return Merging.insert({ ...self, entries }, Merging.placeOf(entries, from), entry)
}

/**
 * Takes back what was said of a range, where that was stronger. How many calls each part of a divided entry has is not known; their sum
 * stays (`divided`).
 *
 * @since 0.1.0
 * @category combining
 */
export const weaken = (
  self: CoverageSet,
  { range, reason, verdict }: Pick<Entry, "range" | "verdict"> & { readonly reason: CoverageReason }
): CoverageSet => {
  const divided: Array<Entry> = []
  const entries = self.entries.flatMap((one) => {
    if (!Merging.overlaps(one.range, range) || weaker(one.verdict, verdict) === one.verdict) return [one]
    const from = Instant.max(one.range.from, range.from)
    const to = Instant.min(one.range.to, range.to)
    const parts = [
      Merging.trim(one, one.range.from, from),
      { ...Merging.trim(one, from, to), verdict, reason },
      Merging.trim(one, to, one.range.to)
    ].filter((part) => !Merging.isEmpty(part.range))
    if (parts.length > 1) divided.push(one)
    return parts.map((part, i) => ({ ...part, requests: i === 0 ? one.requests : 0 }))
  })
  return Merging.divide({ ...self, entries }, divided)
}

/**
 * Forgets all from a position on, and the calls without a start time: they are read again.
 *
 * @since 0.1.0
 * @category combining
 */
export const rewind = (self: CoverageSet, at: Position): CoverageSet => ({
  entries: self.entries.flatMap((one) => {
    const kept = Merging.trim(one, one.range.from, Instant.of(Math.min(at, one.range.to)))
    return Merging.isEmpty(kept.range) ? [] : [kept]
  }),
  seams: self.seams,
  ...(self.endpoint === undefined ? {} : { endpoint: self.endpoint })
})

/**
 * Says which positions are committed. Neighbours of equal verdict and reason are one entry, except across these.
 *
 * @since 0.1.0
 * @category combining
 */
export const commit = (self: CoverageSet, seams: Iterable<Position>): CoverageSet => {
  const next = [...new Set(seams)].sort((left, right) => left - right)
  if (next.length === self.seams.length && next.every((one, i) => one === self.seams[i])) return self
  const entries: Array<Entry> = []
  const divided: Array<Entry> = []
  for (const one of self.entries) {
    const last = entries.at(-1)
    if (last !== undefined && Merging.canMerge(last, one, next)) {
      divided.push(...Merging.losesCount(last, one))
      entries[entries.length - 1] = Merging.merge(last, one)
    } else entries.push(one)
  }
  return Merging.divide({ ...self, entries, seams: next }, divided)
}

/**
 * Adds what is known of the calls without a start time, and how many of them did not come.
 *
 * @since 0.1.0
 * @category combining
 */
export const addWithoutStart = (self: CoverageSet, part: Part | undefined, outside?: Outside): CoverageSet => ({
  ...self,
  ...(part === undefined
    ? {}
    : { withoutStart: self.withoutStart === undefined ? part : Merging.both(self.withoutStart, part) }),
  ...(outside === undefined ? {} : { outside })
})

/**
 * Adds observations of the endpoint; earlier ones stay, unless they are observed again.
 *
 * @since 0.1.0
 * @category combining
 */
export const addEndpoint = (self: CoverageSet, endpoint: Endpoint | undefined): CoverageSet =>
  endpoint === undefined ? self : { ...self, endpoint: { ...self.endpoint, ...endpoint } }

/**
 * Whether the calls without a start time were read too, all of a history or those that were created in a range.
 *
 * @since 0.1.0
 * @category reading
 */
export const hasWithoutStart = ({ outside, withoutStart }: CoverageSet): boolean =>
  withoutStart !== undefined && (outside === undefined || outside.unassigned === 0 || outside.created > 0)

/**
 * What several sets say together of a whole range: the weakest of all that is known of it, and of the calls without a
 * start. Where nothing is known of a part of the range, the whole is unprovable.
 *
 * @since 0.1.0
 * @category reading
 */
export const verdict = (sets: ReadonlyArray<CoverageSet>, whole: Range): Result.Result<Verdict, Overlap> => {
  const entries = sets
    .flatMap(({ entries }) => entries.filter(({ range }) => Merging.overlaps(range, whole)))
    .sort((left, right) => left.range.from - right.range.from)
  let found: Verdict = "proven"
  let reached = whole.from
  let last: Entry | undefined
  for (const entry of entries) {
    const { from, to } = entry.range
    if (last !== undefined && from < last.range.to) {
      return Result.fail(new Overlap({ range: entry.range, other: last.range }))
    }
    if (from > reached) found = "unprovable"
    found = weaker(found, entry.verdict)
    reached = to
    last = entry
  }
  if (reached < whole.to) found = "unprovable"
  for (const { withoutStart } of sets) if (withoutStart !== undefined) found = weaker(found, withoutStart.verdict)
  return Result.succeed(found)
}

/**
 * The weaker of two verdicts.
 *
 * @since 0.1.0
 * @category combining
 */
export const weaker: (left: Verdict, right: Verdict) => Verdict = Merging.weaker
