/** Ids as hashes of eight bytes: who was delivered is remembered in ten bytes or so an id, instead of a hundred. */

export interface IdSet {
  readonly has: (id: string) => boolean
  /** Whether it is new. */
  readonly add: (id: string) => boolean
  readonly size: () => number
  /** The hashes of all of them, in pairs of numbers. */
  readonly hashes: () => Uint32Array
  /** Adds ids by their hashes; how many of them were there. */
  readonly addHashes: (hashes: Uint32Array) => number
}

/** Beyond so many, which are 64 MB, no further one is remembered. */
const most = 4_000_000

const hashesIn = (table: Uint32Array, size: number): Uint32Array => {
  const hashes = new Uint32Array(2 * size)
  let next = 0
  for (let at = 0; at < table.length; at += 2) {
    if (table[at + 1] === 0) continue
    hashes[next++] = table[at] ?? 0
    hashes[next++] = table[at + 1] ?? 0
  }
  return hashes
}

export const make = (limit: number = most): IdSet => {
  let slots = 1 << 10
  let table = new Uint32Array(2 * slots)
  let size = 0
  let high = 0
  let low = 0
  const hash = (id: string): void => {
    let a = 0x811c9dc5
    let b = 0x1b873593
    for (let i = 0; i < id.length; i++) {
      const code = id.charCodeAt(i)
      a = Math.imul(a ^ code, 0x01000193)
      b = Math.imul(b ^ code, 0x5bd1e995)
      b ^= b >>> 15
    }
    a = Math.imul(a ^ (a >>> 16), 0x85ebca6b)
    b = Math.imul(b ^ (b >>> 13), 0xc2b2ae35)
    high = (a ^ (a >>> 13)) >>> 0
    // Both zero is an empty slot.
    low = (b ^ (b >>> 16) ^ id.length) >>> 0 || 1
  }
  /** Where the hash is, or would be. */
  const find = (): number => {
    let slot = (high ^ low) & (slots - 1)
    for (;;) {
      const at = 2 * slot
      if ((table[at + 1] === 0 && table[at] === 0) || (table[at] === high && table[at + 1] === low)) return at
      slot = (slot + 1) & (slots - 1)
    }
  }
  const put = (): boolean => {
    const at = find()
    if (table[at + 1] !== 0) return false
    table[at] = high
    table[at + 1] = low
    return true
  }
  const grow = (): void => {
    const old = table
    slots *= 2
    table = new Uint32Array(2 * slots)
    for (let at = 0; at < old.length; at += 2) {
      if (old[at + 1] === 0) continue
      high = old[at] ?? 0
      low = old[at + 1] ?? 0
      put()
    }
  }
  const addHash = (): boolean => {
    if (size >= limit) return table[find() + 1] === 0
    if (!put()) return false
    size++
    if (size * 2 > slots) grow()
    return true
  }
  return {
    size: () => size,
    has: (id) => {
      hash(id)
      return table[find() + 1] !== 0
    },
    add: (id) => {
      hash(id)
      return addHash()
    },
    hashes: () => hashesIn(table, size),
    addHashes: (hashes) => {
      let there = 0
      for (let at = 0; at < hashes.length; at += 2) {
        high = hashes[at] ?? 0
        low = hashes[at + 1] ?? 0
        if (!addHash()) there++
      }
      return there
    }
  }
}
