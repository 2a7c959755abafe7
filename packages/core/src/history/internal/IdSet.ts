/** Ids as hashes of eight bytes: who was delivered is remembered in ten bytes or so an id, instead of a hundred. */

export interface IdSet {
  readonly has: (id: string) => boolean
  /** Whether it is new. */
  readonly add: (id: string) => boolean
  readonly size: () => number
  readonly clear: () => void
  /** Adds ids by their hashes; how many of them were there. */
  readonly addHashes: (hashes: Uint32Array) => number
}

/** Beyond so many, which are 64 MB, no further one is remembered. */
const most = 4_000_000

const hashInto = (hashes: Uint32Array, at: number, id: string): void => {
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
  hashes[at] = a ^ (a >>> 13)
  // Both zero is an empty slot.
  hashes[at + 1] = (b ^ (b >>> 16) ^ id.length) >>> 0 || 1
}

/** The hashes of ids, in pairs of numbers. */
export const hashesOf = (ids: ReadonlyArray<string>): Uint32Array => {
  const hashes = new Uint32Array(2 * ids.length)
  for (let i = 0; i < ids.length; i++) hashInto(hashes, 2 * i, ids[i] ?? "")
  return hashes
}

export const make = (limit: number = most): IdSet => {
  let slots = 1 << 10
  let table = new Uint32Array(2 * slots)
  let size = 0
  let high = 0
  let low = 0
  const hashed = new Uint32Array(2)
  const hash = (id: string): void => {
    hashInto(hashed, 0, id)
    high = hashed[0] ?? 0
    low = hashed[1] ?? 0
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
    clear: () => {
      table.fill(0)
      size = 0
    },
    has: (id) => {
      hash(id)
      return table[find() + 1] !== 0
    },
    add: (id) => {
      hash(id)
      return addHash()
    },
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
