/**
 * Sessions as the JSON that they came as. Objects that live until their window is proven cost more to keep, a garbage
 * collector that carries them from one generation to the next included, than JSON costs to be made and read again: those of
 * a page that are given up at once cost next to nothing. And JSON can be handed to another thread.
 */
import * as CallSession from "../CallSession.ts"
import * as ExactNumber from "../ExactNumber.ts"
import * as Instant from "../Instant.ts"
import type { Item, JsonBytes } from "../Item.ts"
import * as Json from "./Json.ts"
import type { Version } from "../Version.ts"

/** Sessions as columns, of plain data only. What a session does not have is NaN. */
export interface Packed {
  readonly ids: ReadonlyArray<string>
  readonly starts: Float64Array<ArrayBuffer>
  readonly created: Float64Array<ArrayBuffer>
  /** 1 for a session that is not expected to change any more. */
  readonly settled: Uint8Array<ArrayBuffer>
  /** A JSON array of them, and where in it each one ends: the next begins one byte, a comma, later. */
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly ends: Uint32Array<ArrayBuffer>
  /** Those with half of a surrogate pair in a text: their JSON is not fit for a file. */
  readonly broken: ReadonlySet<number>
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const usual = 1 << 20
const tooLong = 8 * usual

/** What sessions are encoded into before it is known how long they get: not kept after an exceptionally long page. */
let buffer = new Uint8Array(usual)

export const pack = (sessions: ReadonlyArray<CallSession.CallSession>): Packed => {
  const { length } = sessions
  const ids: Array<string> = []
  const starts = new Float64Array(length)
  const created = new Float64Array(length)
  const settled = new Uint8Array(length)
  const ends = new Uint32Array(length)
  const broken = new Set<number>()
  let end = 1
  for (const [i, session] of sessions.entries()) {
    ids.push(session.id)
    starts[i] = CallSession.startInstant(session) ?? Number.NaN
    created[i] = CallSession.createdInstant(session) ?? Number.NaN
    settled[i] = CallSession.isSettled(session) ? 1 : 0
    const text = Json.escapeLineEnds(JSON.stringify(session))
    if (Json.hasHalf(text)) broken.add(i)
    // No character of a string takes more than three bytes.
    const most = end + 3 * text.length + 1
    if (most > buffer.length) {
      const longer = new Uint8Array(2 * most)
      longer.set(buffer.subarray(0, end))
      buffer = longer
    }
    end += encoder.encodeInto(text, buffer.subarray(end)).written
    ends[i] = end
    buffer[end++] = comma
  }
  const bytes = buffer.slice(0, Math.max(2, end))
  if (buffer.length > tooLong) buffer = new Uint8Array(usual)
  bytes[0] = open
  bytes[bytes.length - 1] = close
  return { ids, starts, created, settled, bytes, ends, broken }
}

const [open = 0, comma = 0, close = 0] = encoder.encode("[,]")

let latest: Packed | undefined
let itsSessions: ReadonlyArray<CallSession.CallSession> | undefined

const readWhole = new WeakSet<Packed>()

/**
 * The second one in a row of the same page brings all of it: that is faster than one by one, and those who want one session
 * mostly want its neighbours. Only one page is held, and none is read whole twice: where rows of several pages alternate,
 * that would be done for every few of them.
 */
const sessionAt = (packed: Packed, i: number, { begin, end }: JsonBytes): CallSession.CallSession => {
  const { bytes } = packed
  if (packed === latest && (itsSessions !== undefined || !readWhole.has(packed))) {
    readWhole.add(packed)
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what `pack` wrote
    itsSessions ??= ExactNumber.parseJson(decoder.decode(bytes)) as ReadonlyArray<CallSession.CallSession>
    const session = itsSessions[i]
    if (session !== undefined) return session
  }
  latest = packed
  itsSessions = undefined
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what `pack` wrote
  return ExactNumber.parseJson(decoder.decode(bytes.subarray(begin, end))) as CallSession.CallSession
}

class PackedItem implements Item<CallSession.CallSession>, JsonBytes {
  readonly id: string
  readonly start: Instant.Instant | undefined
  readonly created: Instant.Instant | undefined
  readonly settled: boolean
  readonly version: Version | undefined
  readonly begin: number
  readonly end: number
  private readonly packed: Packed
  private readonly i: number

  constructor(packed: Packed, i: number, version: Version | undefined) {
    const { created, ends, ids, settled, starts } = packed
    this.packed = packed
    this.i = i
    this.id = ids[i] ?? ""
    this.start = instantAt(starts, i)
    this.created = instantAt(created, i)
    this.settled = settled[i] === 1
    this.version = version
    this.begin = i === 0 ? 1 : (ends[i - 1] ?? 0) + 1
    this.end = ends[i] ?? 0
  }

  get bytes(): Uint8Array {
    return this.packed.bytes
  }
  get json(): JsonBytes | undefined {
    return this.packed.broken.has(this.i) ? undefined : this
  }
  get row(): CallSession.CallSession {
    return sessionAt(this.packed, this.i, this)
  }
}

const instantAt = (instants: Float64Array, i: number): Instant.Instant | undefined => {
  const instant = instants[i]
  return instant === undefined || Number.isNaN(instant) ? undefined : Instant.of(instant)
}

/** @param versionAt The version of the session at a place. */
export const unpack = (
  packed: Packed,
  versionAt: (i: number) => Version | undefined
): ReadonlyArray<Item<CallSession.CallSession>> => packed.ids.map((_, i) => new PackedItem(packed, i, versionAt(i)))

type SessionItem = Item<CallSession.CallSession>

export const isSettled = (item: SessionItem): boolean =>
  item instanceof PackedItem ? item.settled : CallSession.isSettled(item.row)

export const createdInstant = (item: SessionItem): Instant.Instant | undefined =>
  item instanceof PackedItem ? item.created : (item.created ?? CallSession.createdInstant(item.row))
