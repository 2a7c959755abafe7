/** What a table keeps of an entry besides the columns that it is found by, as bytes. */
import { Milestone } from "../../model/Change.ts"
import type { Micros } from "../Tail.ts"
import * as Version from "../../model/Version.ts"
import type { Entry } from "../Ledger.ts"
import { laters } from "../Settlement.ts"

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
export const uuidBytes = 16
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Where the digits of each byte are in a UUID. */
const uuidPlaces = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]
const digits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))
const digitOf = (character: number): number => (character < 58 ? character - 48 : character - 87)

export const isUuid = (id: string): boolean => uuid.test(id)

/** Writes the 16 bytes of a UUID. */
export const putUuid = (id: string, bytes: Uint8Array, to: number): void => {
  for (let i = 0; i < uuidBytes; i++) {
    const at = uuidPlaces[i] ?? 0
    bytes[to + i] = 16 * digitOf(id.charCodeAt(at)) + digitOf(id.charCodeAt(at + 1))
  }
}

/** A UUID as its 16 bytes. Other text behind how many bytes of padding there are, so that it never has 16. */
export const ofId = (id: string): Uint8Array => {
  if (isUuid(id)) {
    const bytes = new Uint8Array(uuidBytes)
    putUuid(id, bytes, 0)
    return bytes
  }
  const text = encoder.encode(id)
  const padding = text.length === uuidBytes - 1 ? 1 : 0
  const bytes = new Uint8Array(1 + padding + text.length)
  bytes[0] = padding
  bytes.set(text, 1 + padding)
  return bytes
}

export const toId = (bytes: Uint8Array): string => {
  if (bytes.length !== uuidBytes) return decoder.decode(bytes.subarray(1 + (bytes[0] ?? 0)))
  const at = (i: number) => digits[bytes[i] ?? 0] ?? ""
  const begin = `${at(0)}${at(1)}${at(2)}${at(3)}-${at(4)}${at(5)}-${at(6)}${at(7)}-${at(8)}${at(9)}-`
  return `${begin}${at(10)}${at(11)}${at(12)}${at(13)}${at(14)}${at(15)}`
}

const second = 1_000_000
export const statuses = ["open", "answered", "unanswered"] as const
const gones = [undefined, "left", "removed"] as const
const showns = ["never", "shown", "left"] as const

const bitsOf = <A>(all: ReadonlyArray<A>, some: ReadonlyArray<A>): number =>
  all.reduce((bits, one, i) => (some.includes(one) ? bits | (1 << i) : bits), 0)

/** The lists for all bits: the same few are in a million entries. */
const listsOf = <A>(all: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: 1 << all.length }, (_, bits) => all.filter((_, i) => (bits & (1 << i)) !== 0))

export const milestonesOf = listsOf(Milestone.literals)
export const lacksOf = listsOf(laters)

/** Where entries are encoded before they are copied: more bytes than one has. */
const scratch = new Uint8Array(512)
const scratchView = new DataView(scratch.buffer)
let end = 0

/** Whole numbers in seven bits a byte, the least first; negative ones in between, so that small ones are short. */
const count = (n: number): void => {
  let rest = n
  for (; rest >= 128; rest = Math.floor(rest / 128)) scratch[end++] = (rest % 128) + 128
  scratch[end++] = rest
}

const whole = (n: number): void => count(n < 0 ? -2 * n - 1 : 2 * n)

/** Reads what a writer wrote. Beyond the end all is `NaN`. */
const makeReader = (bytes: Uint8Array, from: number) => {
  let at = from
  const count = (): number => {
    let [n, unit] = [0, 1]
    for (;;) {
      const byte = bytes[at++]
      if (byte === undefined) return Number.NaN
      n += (byte % 128) * unit
      if (byte < 128) return n
      unit *= 128
    }
  }
  const whole = () => {
    const n = count()
    return n % 2 === 1 ? -(n + 1) / 2 : n / 2
  }
  return { count, whole, isAtEnd: () => at === bytes.length }
}

/** Bytes before those of varying length: digests, flags, and when it was first seen. */
const fixed = 26

/** The rest of an entry: `agent` is the place of its agent's id in a list that is kept once. Times are near to when it was first seen. */
export const encode = (entry: Entry, agent: number): Uint8Array => {
  const { born, changed, counted, created, digests, doubted, ended, firstSeen, gone, lacks, milestones } = entry
  const { owed, readAt, row, sequence, shown, start } = entry
  const flags =
    statuses.indexOf(entry.status) |
    (gones.indexOf(gone) << 2) |
    (bitsOf(Milestone.literals, milestones) << 4) |
    (bitsOf(laters, lacks) << 9) |
    (owed ? 1 << 12 : 0) |
    (counted ? 1 << 13 : 0) |
    (doubted?.as === "absent" ? 1 << 14 : 0) |
    (row === undefined ? 0 : 1 << 15)
  const first = Math.floor(firstSeen / second)
  end = fixed
  const since = (instant: Micros) => whole(Math.floor(instant / second) - first)
  // One more than the distance, and 0 where there is none.
  const orNone = (instant: Micros | undefined) => {
    if (instant === undefined) return count(0)
    const distance = first - Math.floor(instant / second)
    count(1 + (distance < 0 ? -2 * distance - 1 : 2 * distance))
  }
  since(readAt)
  orNone(created)
  orNone(ended)
  since(sequence)
  count(sequence - Math.floor(sequence / second) * second)
  count(start === undefined ? 0 : start - Math.floor(start / second) * second)
  whole(changed - born)
  count(showns.length * agent + showns.indexOf(shown))
  if (row !== undefined) count(row)
  if (doubted !== undefined) since(doubted.since)
  if (doubted !== undefined && doubted.first !== doubted.since) since(doubted.first)
  for (let i = 0; i < 5; i++) scratchView.setUint32(4 * i, digests[i] ?? 0)
  scratchView.setUint16(20, flags)
  scratchView.setUint32(22, first)
  return scratch.slice(0, end)
}

/** An entry from its row, with its start in whole seconds; nothing for bytes that `encode` did not make. */
export const decode = (
  { changed, due, id, start }: Pick<Entry, "id" | "start" | "changed" | "due">,
  bytes: Uint8Array,
  agents: ReadonlyArray<string>
): Entry | undefined => {
  if (bytes.length < fixed) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const flags = view.getUint16(20)
  const first = view.getUint32(22)
  const { count, isAtEnd, whole } = makeReader(bytes, fixed)
  const since = () => (first + whole()) * second
  const orNone = (): Micros | undefined => {
    const n = count()
    if (n === 0) return undefined
    const distance = (n - 1) % 2 === 1 ? -n / 2 : (n - 1) / 2
    return (first - distance) * second
  }
  const [readAt, created, ended] = [since(), orNone(), orNone()]
  const sequence = since() + count()
  const fraction = count()
  const born = changed - whole()
  const place = count()
  const agent = agents[Math.floor(place / showns.length)]
  const shown = showns[place % showns.length]
  const row = (flags & (1 << 15)) === 0 ? undefined : count()
  const doubtedSince = isAtEnd() ? undefined : since()
  const firstDoubted = doubtedSince === undefined || isAtEnd() ? doubtedSince : since()
  const status = statuses[flags & 3]
  if (
    agent === undefined ||
    shown === undefined ||
    status === undefined ||
    !isAtEnd() ||
    Number.isNaN(firstDoubted ?? 0)
  )
    return undefined
  const as = (flags & (1 << 14)) === 0 ? "back" : "absent"
  return {
    id,
    start: start === undefined ? undefined : start + fraction,
    changed,
    due,
    agent,
    status,
    created,
    ended,
    digests: [view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12), view.getUint32(16)],
    milestones: milestonesOf[(flags >>> 4) & 31] ?? [],
    lacks: lacksOf[(flags >>> 9) & 7] ?? [],
    sequence: Version.of(sequence),
    readAt,
    firstSeen: first * second,
    born,
    doubted:
      doubtedSince === undefined || firstDoubted === undefined
        ? undefined
        : { as, since: doubtedSince, first: firstDoubted },
    gone: gones[(flags >>> 2) & 3],
    owed: (flags & (1 << 12)) !== 0,
    counted: (flags & (1 << 13)) !== 0,
    shown,
    row
  }
}
