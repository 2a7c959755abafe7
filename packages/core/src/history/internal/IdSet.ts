/** Ids as hashes of eight bytes, in the order in which they came: who was delivered is remembered in 16 to 32 bytes an id. */

export interface IdSet {
  readonly has: (id: string) => boolean
  /** Whether it is new. */
  readonly add: (id: string) => boolean
  readonly size: () => number
  readonly clear: () => void
  /** Adds ids by their hashes; how many of them were there. */
  readonly addHashes: (hashes: Uint32Array) => number
  /** The hashes of those that came from one size of the set on until another, in pairs of numbers. A view: `clear` changes it. */
  readonly hashes: (places: Places) => Uint32Array
}

/** Ids that came after each other: from this size of the set on, and until that one. */
export interface Places {
  readonly first: number
  readonly end: number
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
  hashes[at + 1] = b ^ (b >>> 16) ^ id.length
}

export const make = (limit: number = most): IdSet => {
  /** By its hash the number of an id, from 1; 0 where none is. At most every second one is taken. */
  let slots = new Uint32Array(1 << 10)
  /** One id more than may come: that which is looked for. */
  let hashes = new Uint32Array(slots.length + 2)
  let size = 0
  /** Where the id behind the last one is, or would be. */
  const find = (): number => {
    const high = hashes[2 * size] ?? 0
    const low = hashes[2 * size + 1] ?? 0
    let slot = (high ^ low) & (slots.length - 1)
    for (;;) {
      const at = 2 * (slots[slot] ?? 0) - 2
      if (at < 0 || (hashes[at] === high && hashes[at + 1] === low)) return slot
      slot = (slot + 1) & (slots.length - 1)
    }
  }
  const grow = (): void => {
    const all = hashes
    const count = size
    slots = new Uint32Array(2 * slots.length)
    hashes = new Uint32Array(slots.length + 2)
    hashes.set(all)
    for (size = 0; size < count; size++) slots[find()] = size + 1
  }
  /** Adds the id behind the last one, if it is new. */
  const addLast = (): boolean => {
    const slot = find()
    if (slots[slot] !== 0) return false
    if (size >= limit) return true
    slots[slot] = ++size
    if (2 * size === slots.length) grow()
    return true
  }
  return {
    size: () => size,
    clear: () => {
      slots.fill(0)
      size = 0
    },
    has: (id) => {
      hashInto(hashes, 2 * size, id)
      return slots[find()] !== 0
    },
    add: (id) => {
      hashInto(hashes, 2 * size, id)
      return addLast()
    },
    addHashes: (some) => {
      let there = 0
      for (let at = 0; at < some.length; at += 2) {
        hashes[2 * size] = some[at] ?? 0
        hashes[2 * size + 1] = some[at + 1] ?? 0
        if (!addLast()) there++
      }
      return there
    },
    hashes: ({ end, first }) => hashes.subarray(2 * first, 2 * end)
  }
}
