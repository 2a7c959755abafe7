/**
 * Which page of a ledger has a call, by its id: a number for each call that is in one, in the memory of the run, because an index
 * in the database would cost as much as the calls themselves. What it finds must be checked: another id may have the same hash,
 * and the page may be there no longer.
 */
import * as EntryBytes from "./EntryBytes.ts"

const { uuidBytes } = EntryBytes

/** More pages than one ledger has: both together are a whole number that a double can hold. */
const places = 2 ** 21

/** So many ids are looked for in a map before they are sorted in among the others. */
const most = 50_000

const wordAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)

/** Of 16 bytes, 32 bits. */
const hashAt = (bytes: Uint8Array, at: number): number => {
  let hash = 0
  for (let i = 0; i < uuidBytes; i += 4)
    hash = Math.imul((hash ^ wordAt(bytes, at + i)) >>> 0, 0x9e3779b1) ^ (hash >>> 15)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return (hash ^ (hash >>> 13)) >>> 0
}

export interface PageIndex {
  /** The first commits of pages. */
  readonly firsts: Array<number>
  /** Of each call its hash and the place of its page, sorted. */
  sorted: Float64Array
  /** Those that came since. */
  recent: Array<number>
  readonly byHash: Map<number, Array<number>>
}

const make = (): PageIndex => ({ firsts: [], sorted: new Float64Array(), recent: [], byHash: new Map() })

const settle = (index: PageIndex): void => {
  const all = new Float64Array(index.sorted.length + index.recent.length)
  all.set(index.sorted)
  all.set(index.recent, index.sorted.length)
  index.sorted = all.sort()
  index.recent = []
  index.byHash.clear()
}

/** Adds a page: its ids, 16 bytes each. */
export const add = (index: PageIndex, first: number, ids: Uint8Array): void => {
  const place = index.firsts.push(first) - 1
  for (let at = 0; at < ids.length; at += uuidBytes) {
    const hash = hashAt(ids, at)
    index.recent.push(places * hash + place)
    const known = index.byHash.get(hash)
    if (known === undefined) index.byHash.set(hash, [place])
    else known.push(place)
  }
  if (index.recent.length > most) settle(index)
}

/** The index of these pages. */
export const of = (pages: ReadonlyArray<{ readonly first: number; readonly ids: Uint8Array }>): PageIndex => {
  const index = make()
  const sorted = new Float64Array(pages.reduce((sum, { ids }) => sum + ids.length / uuidBytes, 0))
  let next = 0
  for (const { first, ids } of pages) {
    const place = index.firsts.push(first) - 1
    for (let at = 0; at < ids.length; at += uuidBytes) sorted[next++] = places * hashAt(ids, at) + place
  }
  index.sorted = sorted.sort()
  return index
}

/** The first place in a sorted list that is not before a number. */
const placeOf = (sorted: Float64Array, number: number): number => {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] ?? Infinity) < number) low = middle + 1
    else high = middle
  }
  return low
}

/** The first commits of pages that may have one of these calls. */
export const find = (index: PageIndex, ids: Iterable<string>): ReadonlySet<number> => {
  const found = new Set<number>()
  if (index.firsts.length === 0) return found
  const bytes = new Uint8Array(uuidBytes)
  const take = (place: number) => {
    const first = index.firsts[place]
    if (first !== undefined) found.add(first)
  }
  for (const id of ids) {
    if (!EntryBytes.isUuid(id)) continue
    EntryBytes.putUuid(id, bytes, 0)
    const hash = hashAt(bytes, 0)
    for (const place of index.byHash.get(hash) ?? []) take(place)
    const { sorted } = index
    for (let i = placeOf(sorted, places * hash); i < sorted.length; i++) {
      const place = (sorted[i] ?? 0) - places * hash
      if (place >= places) break
      take(place)
    }
  }
  return found
}
