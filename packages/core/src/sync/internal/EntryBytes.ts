/** What a table keeps of an entry besides the columns that it is found by, as bytes. */
import { Milestone } from "../../model/Change.ts"
import type { Micros } from "../Tail.ts"
import * as Version from "../../model/Version.ts"
import type { Entry } from "../Ledger.ts"
import { laters } from "../Settlement.ts"

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const uuidBytes = 16
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Where the digits of each byte are in a UUID. */
const uuidPlaces = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]
const digits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))
const digitOf = (character: number): number => (character < 58 ? character - 48 : character - 87)

/** A UUID as its 16 bytes. Other text behind how many bytes of padding there are, so that it never has 16. */
export const ofId = (id: string): Uint8Array => {
  if (uuid.test(id)) {
    const bytes = new Uint8Array(uuidBytes)
    for (const [i, at] of uuidPlaces.entries()) {
      bytes[i] = 16 * digitOf(id.charCodeAt(at)) + digitOf(id.charCodeAt(at + 1))
    }
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
  let id = ""
  for (let i = 0; i < uuidBytes; i++)
    id += `${i === 4 || i === 6 || i === 8 || i === 10 ? "-" : ""}${digits[bytes[i] ?? 0]}`
  return id
}

const second = 1_000_000
const statuses = ["open", "answered", "unanswered"] as const
const gones = [undefined, "left", "removed"] as const
const showns = ["never", "shown", "left"] as const

const bitsOf = <A>(all: ReadonlyArray<A>, some: ReadonlyArray<A>): number =>
  all.reduce((bits, one, i) => (some.includes(one) ? bits | (1 << i) : bits), 0)

const withBits = <A>(all: ReadonlyArray<A>, bits: number): ReadonlyArray<A> =>
  all.filter((_, i) => (bits & (1 << i)) !== 0)

/** Whole numbers in seven bits a byte, the least first; negative ones in between, so that small ones are short. */
const makeWriter = () => {
  const bytes: Array<number> = []
  const count = (n: number): void => {
    let rest = n
    for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
    bytes.push(rest)
  }
  return { bytes, count, whole: (n: number) => count(n < 0 ? -2 * n - 1 : 2 * n) }
}

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
  const { bytes, count, whole } = makeWriter()
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
  const all = new Uint8Array(fixed + bytes.length)
  const view = new DataView(all.buffer)
  for (const [i, digest] of digests.entries()) view.setUint32(4 * i, digest)
  view.setUint16(20, flags)
  view.setUint32(22, first)
  all.set(bytes, fixed)
  return all
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
    digests: [0, 4, 8, 12, 16].map((at) => view.getUint32(at)),
    milestones: withBits(Milestone.literals, flags >>> 4),
    lacks: withBits(laters, flags >>> 9),
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
