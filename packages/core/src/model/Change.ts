/**
 * What became of a call between two looks at it: which parts of its record differ, without keeping the record.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as CallSession from "./CallSession.ts"
import * as ContentFields from "./internal/ContentFields.ts"
import * as ContentSum from "./internal/ContentSum.ts"
import * as HalfSipHash from "./internal/HalfSipHash.ts"
import { isObject } from "./internal/Json.ts"
import { Version } from "./Version.ts"

/**
 * A part of a record that becomes final by itself:
 *
 * - `lifecycle`: status, times, duration, how it ended
 * - `cost`: `costTotal`, `creditBreakdown`
 * - `recording`: whether there is one, and its path
 * - `analysis`: `postCallAnalysisResult`, `extractDynamicVariables`, `summary`
 * - `rest`: all other fields, those that the contract does not name included
 *
 * @since 0.1.0
 * @category schemas
 */
export const Facet = Schema.Literals(ContentFields.facets)

/**
 * @since 0.1.0
 * @category models
 */
export type Facet = typeof Facet.Type

/**
 * All facets, in the order of their digests.
 *
 * @since 0.1.0
 * @category models
 */
export const facets: ReadonlyArray<Facet> = Facet.literals

/**
 * What a call reached: `completed` when its status says that it ended, `cost`, `recording` and `analysis` when it has one,
 * `final` when nothing more is expected.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Milestone = Schema.Literals(["completed", "cost", "recording", "analysis", "final"])

/**
 * @since 0.1.0
 * @category models
 */
export type Milestone = typeof Milestone.Type

/**
 * - `created`: the call was not known before.
 * - `updated`: its content is another one.
 * - `left`: it is no longer in the range: it starts earlier now.
 * - `removed`: the API no longer lists it.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Kind = Schema.Literals(["created", "updated", "left", "removed"])

/**
 * @since 0.1.0
 * @category models
 */
export type Kind = typeof Kind.Type

/**
 * A change without its content, as it can be kept and sent.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Change = Schema.Struct({
  kind: Kind,
  id: Schema.String,
  /** Facets that differ from the version before; all of them where that version is not known. */
  facets: Schema.Array(Facet),
  /** Milestones that this version is the first one to reach; all that it reached where `previous` is `null`. */
  milestones: Schema.Array(Milestone),
  /** Rises with each version of a call, from run to run: a hybrid clock over the server's, in microseconds. */
  sequence: Version,
  /** The sequence of the version before; `null` where a consumer may not have it. */
  previous: Schema.NullOr(Version)
})

/**
 * @since 0.1.0
 * @category models
 */
export type Change = typeof Change.Type

/**
 * A key of digests: two words of 32 bits. Digests of different keys cannot be compared.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Key = Schema.Tuple([Schema.Int, Schema.Int])

/**
 * @since 0.1.0
 * @category models
 */
export type Key = typeof Key.Type

/**
 * Words of the sums of one record.
 *
 * @since 0.1.0
 * @category digests
 */
export const width = 2 * facets.length

/**
 * Sums of the facets of records, in the order of `facets`, two words each: what `digests` are made of. They have no key, so that
 * a thread can make them that knows of no ledger; they are nothing to keep.
 *
 * @since 0.1.0
 * @category digests
 */
export const sums = (sessions: ReadonlyArray<CallSession.CallSession>): Uint32Array<ArrayBuffer> => {
  const all = new Uint32Array(width * sessions.length)
  for (let i = 0; i < sessions.length; i++) {
    const session = sessions[i]
    if (isObject(session)) ContentSum.add(session, ContentFields.of, all, width * i)
  }
  return all
}

/**
 * The digests of the record at a place of `sums`.
 *
 * @since 0.1.0
 * @category digests
 */
export const digestsAt = (all: Uint32Array, place: number, key: Key): ReadonlyArray<number> => {
  const found: Array<number> = []
  for (let i = 0; i < facets.length; i++) found.push(signedDigestAt(all, place, i, key) >>> 0)
  return found
}

/**
 * One of them, as a signed number.
 *
 * @since 0.1.0
 * @category digests
 */
export const signedDigestAt = (all: Uint32Array, place: number, facet: number, key: Key): number => {
  const at = 2 * (facets.length * place + facet)
  return HalfSipHash.signedOf((all[at] ?? 0) | 0, (all[at + 1] ?? 0) | 0, key)
}

/**
 * A keyed digest of 32 bits for each facet, in the order of `facets`: equal for equal content, and of different content
 * equal once in 4 billion. Not content: the order of keys, how a number or a time is spelt, `null` or absent, and what signs a
 * URL.
 *
 * @since 0.1.0
 * @category digests
 */
export const digests = (session: CallSession.CallSession, key: Key): ReadonlyArray<number> =>
  digestsAt(sums([session]), 0, key)

/**
 * A keyed digest of 32 bits of a row that a transform made. It ignores the order of keys, `1` or `"1"`, `null` or absent, and what
 * signs a URL.
 *
 * @since 0.1.0
 * @category digests
 */
export const rowDigest = (row: unknown, key: Key): number => {
  const [low, high] = ContentSum.of(row)
  return HalfSipHash.ofWords(low, high, key)
}

/**
 * The facets in which two lists of digests differ.
 *
 * @since 0.1.0
 * @category digests
 */
export const differing = (left: ReadonlyArray<number>, right: ReadonlyArray<number>): ReadonlyArray<Facet> =>
  facets.filter((_, i) => left[i] !== right[i])

/**
 * The milestones that a record shows; `final` is for `Settlement` to say.
 *
 * @since 0.1.0
 * @category reading
 */
export const milestones = (session: CallSession.CallSession): ReadonlyArray<Milestone> => {
  const { postCallAnalysisResult, recordingUrl } = session
  return [
    ...(CallSession.statusClass(session) === "open" ? [] : ["completed" as const]),
    ...(CallSession.hasCost(session) ? ["cost" as const] : []),
    ...(typeof recordingUrl === "string" && recordingUrl !== "" ? ["recording" as const] : []),
    ...(isObject(postCallAnalysisResult) && Object.keys(postCallAnalysisResult).length > 0 ? ["analysis" as const] : [])
  ]
}
