/**
 * A call as a ledger knows it: ids, times, and digests of its content.
 *
 * @since 0.1.0
 */
import type { StatusClass } from "../model/CallSession.ts"
import type { Milestone } from "../model/Change.ts"
import { of as versionOf, type Version } from "../model/Version.ts"
import type { Facts, Later } from "./Settlement.ts"
import type { Micros } from "./Tail.ts"

/**
 * A range of start time, `from <= start < to`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Span {
  readonly from: Micros
  readonly to: Micros
}

/**
 * A range that somebody asked to have read and delivered again. The pass that takes it knows it by its id.
 *
 * @since 0.1.0
 * @category models
 */
export interface Asked extends Span {
  readonly id: string
}

/**
 * - `absent`: the call was not where it should be.
 * - `back`: it went back a step, such as from a final status to an open one.
 *
 * @since 0.1.0
 * @category models
 */
export interface Doubt {
  readonly as: "absent" | "back"
  readonly since: Micros
  /** Since when answers contradict the entry in any way: a call that moved is absent from its place, and seen elsewhere. */
  readonly first: Micros
}

/**
 * A call as the ledger knows it. Every time but `start` is in whole seconds.
 *
 * @since 0.1.0
 * @category models
 */
export interface Entry {
  readonly id: string
  /** `undefined` of a call that never connected. */
  readonly start: Micros | undefined
  readonly created: Micros | undefined
  readonly ended: Micros | undefined
  /** The id of its agent, `""` without one. */
  readonly agent: string
  readonly status: StatusClass
  /** A digest a facet, in the order of `Change.facets`, with the key of the ledger. */
  readonly digests: ReadonlyArray<number>
  /** All that it ever reached. */
  readonly milestones: ReadonlyArray<Milestone>
  /** What it did not have when it was read. */
  readonly lacks: ReadonlyArray<Later>
  /** Of its latest version. */
  readonly sequence: Version
  readonly readAt: Micros
  readonly firstSeen: Micros
  /**
   * The commit in which it was noted first, was back, or passed the filters of consumers from then on: one before it lacks the call.
   * 0 until its next version where that is owed to a consumer without any.
   */
  readonly born: number
  /** The commit of its latest version: a consumer that is before it lacks it. Each commit is of one call. */
  readonly changed: number
  /** When reading it again is next worth a thought; `undefined` when nothing more is expected. */
  readonly due: Micros | undefined
  /** Since when answers contradict this entry. They are accepted when they say the same again ten minutes later. */
  readonly doubted: Doubt | undefined
  /** It is no longer in the range, or no longer listed. */
  readonly gone: "left" | "removed" | undefined
  /** A consumer may lack this version although it acknowledged a later commit: the next time it is read it is a change. */
  readonly owed: boolean
  /** It was counted when it was a day old: see `Settlement.count`. */
  readonly counted: boolean
  /** Whether consumers may show it. */
  readonly shown: Shown
  /**
   * A digest of the row that consumers may show, with the key of the ledger; `undefined` where they show none, or calls as they
   * are, of which `digests` says whether they differ.
   */
  readonly row: number | undefined
}

/**
 * Calls that are new, each with the commit after that of the one before it: a ledger may keep them together.
 *
 * @since 0.1.0
 * @category models
 */
export interface NewCalls {
  readonly size: number
  readonly at: (place: number) => Entry
}

/**
 * - `never`: no version of it passed the filters.
 * - `shown`: a consumer may have a version that passed them. This is noted before the version is delivered.
 * - `left`: after such a version one did not pass, or the call is gone.
 *
 * A ledger whose consumer has no filters leaves it at `never`.
 *
 * @since 0.1.0
 * @category models
 */
export type Shown = "never" | "shown" | "left"

/**
 * Calls by start, then id.
 *
 * @since 0.1.0
 * @category instances
 */
export const byStart = (left: Entry, right: Entry): number =>
  (left.start ?? 0) - (right.start ?? 0) || (left.id < right.id ? -1 : left.id > right.id ? 1 : 0)

/**
 * Whether `forget` forgets it.
 *
 * @since 0.1.0
 * @category reading
 */
export const isBefore = ({ created, firstSeen, start }: Entry, instant: Micros): boolean =>
  (start ?? created ?? firstSeen) < instant

/**
 * Whether it starts in a range; without a start time, whether it was created or first seen in it.
 *
 * @since 0.1.0
 * @category reading
 */
export const isIn = ({ created, firstSeen, start }: Entry, { from, to }: Span): boolean => {
  const at = start ?? created ?? firstSeen
  return at >= from && at < to
}

/**
 * What decides whether more is expected of it.
 *
 * @since 0.1.0
 * @category reading
 */
export const factsOf = ({ agent, created, ended, firstSeen, lacks, start, status }: Entry): Facts => ({
  agent,
  status,
  end: ended ?? start ?? created ?? firstSeen,
  lacks
})

/**
 * Whether it is not gone, and lacks something.
 *
 * @since 0.1.0
 * @category reading
 */
export const isLacking = ({ gone, lacks }: Entry): boolean => gone === undefined && lacks.length > 0

/**
 * Whether it was not where it should be when that was read last.
 *
 * @since 0.1.0
 * @category reading
 */
export const isAbsent = ({ doubted }: Entry): boolean => doubted?.as === "absent"

/**
 * The call with the next sequence, not below `least`. With one, consumers may have versions that this ledger did not give: they
 * may show any call.
 *
 * @since 0.1.0
 * @category combining
 */
export const risen =
  (least: Version) =>
  (entry: Entry): Entry => ({
    ...entry,
    sequence: versionOf(Math.max(entry.sequence + 1, least)),
    shown: least > 0 && entry.shown === "never" ? "left" : entry.shown
  })
