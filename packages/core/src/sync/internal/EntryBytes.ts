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

/** A UUID as its 16 bytes. Other text behind how many bytes of padding there are, so that it never has 16. */
export const ofId = (id: string): Uint8Array => {
  if (uuid.test(id)) {
    const hex = id.replaceAll("-", "")
    return Uint8Array.from({ length: uuidBytes }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16))
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
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
  return [0, 8, 12, 16, 20].map((from, i, all) => hex.slice(from, all[i + 1] ?? 32)).join("-")
}

const second = 1_000_000
const statuses = ["open", "answered", "unanswered"] as const
const gones = [undefined, "left", "removed"] as const
const showns = ["never", "shown", "left"] as const

const bitsOf = <A>(all: ReadonlyArray<A>, some: ReadonlyArray<A>): number =>
  all.reduce((bits, one, i) => (some.includes(one) ? bits | (1 << i) : bits), 0)

const withBits = <A>(all: ReadonlyArray<A>, bits: number): ReadonlyArray<A> =>
  all.filter((_, i) => (bits & (1 << i)) !== 0)

/** Bytes of an entry that nothing contradicts. */
const usual = 55

/** The rest of an entry: `agent` is the place of its agent's id in a list that is kept once. */
export const encode = (entry: Entry, agent: number): Uint8Array => {
  const { born, counted, created, digests, doubted, ended, firstSeen, gone, lacks, milestones, owed, readAt, shown } =
    entry
  const view = new DataView(new ArrayBuffer(doubted === undefined ? usual : usual + 4))
  const seconds = (at: number, instant: Micros | undefined) =>
    view.setUint32(at, instant === undefined ? 0 : Math.floor(instant / second))
  for (const [i, digest] of digests.entries()) view.setUint32(4 * i, digest)
  view.setFloat64(20, entry.sequence)
  seconds(28, created)
  seconds(32, ended)
  seconds(36, readAt)
  seconds(40, firstSeen)
  view.setUint32(44, born)
  view.setUint32(48, agent)
  const flags =
    statuses.indexOf(entry.status) |
    (gones.indexOf(gone) << 2) |
    (bitsOf(Milestone.literals, milestones) << 4) |
    (bitsOf(laters, lacks) << 9) |
    (owed ? 1 << 12 : 0) |
    (counted ? 1 << 13 : 0) |
    (doubted?.as === "absent" ? 1 << 14 : 0)
  view.setUint16(52, flags)
  view.setUint8(54, showns.indexOf(shown))
  if (doubted !== undefined) seconds(usual, doubted.since)
  return new Uint8Array(view.buffer)
}

/** An entry from its row; nothing for bytes that `encode` did not make. */
export const decode = (
  { changed, due, id, start }: Pick<Entry, "id" | "start" | "changed" | "due">,
  bytes: Uint8Array,
  agents: ReadonlyArray<string>
): Entry | undefined => {
  if (bytes.length !== usual && bytes.length !== usual + 4) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const seconds = (at: number) => view.getUint32(at) * second
  const orNone = (instant: Micros) => (instant === 0 ? undefined : instant)
  const flags = view.getUint16(52)
  const agent = agents[view.getUint32(48)]
  const status = statuses[flags & 3]
  const shown = showns[view.getUint8(54)]
  if (agent === undefined || status === undefined || shown === undefined) return undefined
  return {
    id,
    start,
    changed,
    due,
    agent,
    status,
    created: orNone(seconds(28)),
    ended: orNone(seconds(32)),
    digests: [0, 4, 8, 12, 16].map((at) => view.getUint32(at)),
    milestones: withBits(Milestone.literals, flags >>> 4),
    lacks: withBits(laters, flags >>> 9),
    sequence: Version.of(view.getFloat64(20)),
    readAt: seconds(36),
    firstSeen: seconds(40),
    born: view.getUint32(44),
    doubted:
      bytes.length === usual ? undefined : { as: (flags & (1 << 14)) === 0 ? "back" : "absent", since: seconds(usual) },
    gone: gones[(flags >>> 2) & 3],
    owed: (flags & (1 << 12)) !== 0,
    counted: (flags & (1 << 13)) !== 0,
    shown
  }
}
