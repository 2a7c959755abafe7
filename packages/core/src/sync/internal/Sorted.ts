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
