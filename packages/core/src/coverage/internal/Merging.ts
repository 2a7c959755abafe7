/** Entries of a coverage that become one, are cut or take their place, and what then is known of their calls. */
import * as Instant from "../../model/Instant.ts"
import { of, type Position } from "../../model/Position.ts"
import { type CoverageReason, merge as mergeReasons } from "../CoverageReason.ts"
import type { CoverageSet, Entry, Part, Range, Verdict } from "../CoverageSet.ts"

const rank: Readonly<Record<Verdict, number>> = { proven: 0, provisional: 1, unprovable: 2 }

export const weaker = (left: Verdict, right: Verdict): Verdict => (rank[left] >= rank[right] ? left : right)

export const isEmpty = ({ from, to }: Range): boolean => from >= to

export const overlaps = (left: Range, right: Range): boolean => left.from < right.to && right.from < left.to

/** Where an entry goes that begins there: mostly at the end. */
export const placeOf = (entries: ReadonlyArray<Entry>, from: Instant.Instant): number =>
  entries.findLastIndex(({ range }) => range.from < from) + 1

export const insert = (self: CoverageSet, at: number, entry: Entry): CoverageSet => {
  const before = self.entries[at - 1]
  const after = self.entries[at]
  const joinsBefore = before !== undefined && canMerge(before, entry, self.seams)
  const left = joinsBefore ? merge(before, entry) : entry
  const joinsAfter = after !== undefined && canMerge(left, after, self.seams)
  const one = joinsAfter ? merge(left, after) : left
  const from = joinsBefore ? at - 1 : at
  const entries = self.entries.toSpliced(from, (joinsAfter ? at + 1 : at) - from, one)
  return divide({ ...self, entries }, [
    ...(joinsBefore ? losesCount(before, entry) : []),
    ...(joinsAfter ? losesCount(left, after) : [])
  ])
}

/** Of two that become one, the one whose count is lost, because that of the other is not known. */
export const losesCount = (left: Entry, right: Entry): ReadonlyArray<Entry> =>
  left.count === undefined ? [right] : right.count === undefined ? [left] : []

export const canMerge = (left: Entry, right: Entry, seams: ReadonlyArray<Position>): boolean =>
  left.range.to === right.range.from &&
  left.verdict === right.verdict &&
  (left.reason === undefined) === (right.reason === undefined) &&
  reasonsOf(left, right).length < 2 &&
  !seams.includes(of(right.range.from))

const reasonsOf = (left: Part, right: Part): ReadonlyArray<CoverageReason> =>
  mergeReasons([left, right].flatMap(({ reason }) => reason ?? []))

export const merge = (left: Entry, right: Entry): Entry => ({
  ...both(left, right),
  range: { from: left.range.from, to: right.range.to }
})

export const both = (left: Part, right: Part): Part => {
  const verdict = weaker(left.verdict, right.verdict)
  const [reason] = reasonsOf(...(verdict === left.verdict ? ([left, right] as const) : ([right, right] as const)))
  return {
    verdict,
    ...(reason === undefined ? {} : { reason }),
    ...(left.count === undefined || right.count === undefined ? {} : { count: left.count + right.count }),
    ...(left.dated === undefined && right.dated === undefined ? {} : { dated: (left.dated ?? 0) + (right.dated ?? 0) }),
    ...(left.final === undefined || right.final === undefined ? {} : { final: left.final + right.final }),
    requests: left.requests + right.requests,
    asOf: Instant.min(left.asOf, right.asOf)
  }
}

/** The entry, or its part in a smaller range, whose number of calls is unknown. */
export const trim = (entry: Entry, from: Instant.Instant, to: Instant.Instant): Entry => {
  if (from === entry.range.from && to === entry.range.to) return entry
  const { asOf, reason, requests, verdict } = entry
  return { verdict, ...(reason === undefined ? {} : { reason }), requests, asOf, range: { from, to } }
}

/** Keeps the sum of the calls of entries whose counts are gone. */
export const divide = (self: CoverageSet, entries: ReadonlyArray<Entry>): CoverageSet => {
  if (entries.length === 0) return self
  const { count, final } = self.divided ?? { count: 0, final: 0 }
  return {
    ...self,
    divided: {
      count: entries.reduce((sum, entry) => sum + (entry.count ?? 0), count),
      final: entries.reduce((sum, entry) => sum + (entry.final ?? 0), final)
    }
  }
}
