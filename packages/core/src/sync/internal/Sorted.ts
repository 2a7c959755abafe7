/** Ids in the order of a number each: found by binary search, because a list in memory is asked in each pass. */
import type { Micros } from "../Tail.ts"

export interface Sorted {
  readonly add: (key: number, id: string) => void
  readonly remove: (key: number, id: string) => void
  /** How many there are with `from <= key < to`. */
  readonly count: (from: Micros, to: Micros) => number
  /** By key, then id. */
  readonly ids: (from: Micros, to: Micros, limit?: number) => ReadonlyArray<string>
}

export const make = (): Sorted => {
  const keys: Array<number> = []
  const ids: Array<string> = []
  const placeOf = (key: number, id: string): number => {
    let low = 0
    let high = keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = keys[middle] ?? 0
      if (other < key || (other === key && (ids[middle] ?? "") < id)) low = middle + 1
      else high = middle
    }
    return low
  }
  return {
    add: (key, id) => {
      const at = placeOf(key, id)
      keys.splice(at, 0, key)
      ids.splice(at, 0, id)
    },
    remove: (key, id) => {
      const at = placeOf(key, id)
      if (ids[at] !== id) return
      keys.splice(at, 1)
      ids.splice(at, 1)
    },
    count: (from, to) => Math.max(0, placeOf(to, "") - placeOf(from, "")),
    ids: (from, to, limit = Infinity) => {
      const first = placeOf(from, "")
      return ids.slice(first, Math.min(placeOf(to, ""), first + limit))
    }
  }
}

/** Ids by a number each that often becomes another one: kept in buckets, in no order. */
export interface Buckets {
  readonly add: (key: number, id: string) => void
  readonly remove: (key: number, id: string) => void
  /** Those with a key up to there, and some with a later one of the same bucket. */
  readonly upTo: (key: number) => ReadonlyArray<string>
}

export const makeBuckets = (width: number): Buckets => {
  const buckets = new Map<number, Set<string>>()
  const of = (key: number) => Math.floor(key / width)
  return {
    add: (key, id) => {
      const bucket = buckets.get(of(key)) ?? new Set()
      buckets.set(of(key), bucket.add(id))
    },
    remove: (key, id) => {
      const bucket = buckets.get(of(key))
      bucket?.delete(id)
      if (bucket?.size === 0) buckets.delete(of(key))
    },
    upTo: (key) => {
      const found: Array<string> = []
      for (const [at, bucket] of buckets) if (at <= of(key)) found.push(...bucket)
      return found
    }
  }
}
