/** Where the entries of a ledger in memory are found. */
import { type Entry, isAbsent } from "../LedgerEntry.ts"
import type { Micros } from "../Tail.ts"
import * as Sorted from "./Sorted.ts"

/** By start and by when they are due those that are not gone, all by their commits. */
export interface Places {
  readonly start: Sorted.Sorted
  readonly due: Sorted.Buckets
  readonly changed: Sorted.Sorted
  readonly withoutStart: Set<string>
  readonly absent: Set<string>
  readonly gone: Set<string>
}

export const make = (): Places => ({
  start: Sorted.make(),
  due: Sorted.makeBuckets(600_000_000),
  changed: Sorted.make(),
  withoutStart: new Set(),
  absent: new Set(),
  gone: new Set()
})

/** By what an entry is found; `undefined` where it is not. */
const keysOf = (entry: Entry | undefined) => {
  const { changed, due, gone, start } = entry ?? {}
  const isThere = entry !== undefined && gone === undefined
  const absent = isThere && isAbsent(entry)
  return {
    changed,
    start: isThere ? start : undefined,
    due: isThere && !absent ? due : undefined,
    withoutStart: isThere && start === undefined,
    absent,
    gone: gone !== undefined
  }
}

const second = 1_000_000

/** The least start of calls that are new since a commit. */
export const earliest = (entries: ReadonlyArray<Entry>, commit: number): Micros | undefined => {
  const starts = entries.flatMap(({ born, gone, start }) =>
    born <= commit || gone !== undefined || start === undefined ? [] : [Math.floor(start / second) * second]
  )
  return starts.length === 0 ? undefined : starts.reduce((least, start) => Math.min(least, start))
}

/** Moves an entry to where it is found now. Of most that are read nothing changes. */
export const move = (places: Places, id: string, before: Entry | undefined, after: Entry | undefined): void => {
  const [old, next] = [keysOf(before), keysOf(after)]
  for (const by of ["start", "due", "changed"] as const) {
    const [from, to] = [old[by], next[by]]
    if (from === to) continue
    if (from !== undefined) places[by].remove(from, id)
    if (to !== undefined) places[by].add(to, id)
  }
  for (const by of ["withoutStart", "absent", "gone"] as const) {
    if (next[by]) places[by].add(id)
    else places[by].delete(id)
  }
}
