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
  /** A JSON array of them; or, without `ends`, the response that they came in. */
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Where in the array each one ends: the next begins one byte, a comma, later. */
  readonly ends: Uint32Array<ArrayBuffer> | undefined
  /** Those with half of a surrogate pair in a text: their JSON is not fit for a file. */
  readonly broken: ReadonlySet<number>
  /** Whether `JSON.parse` may round one of their numbers. @default it is looked for */
  readonly mayRound?: boolean | undefined
}

type Columns = Pick<Packed, "ids" | "starts" | "created" | "settled">

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const usual = 1 << 20
const tooLong = 8 * usual

/** What sessions are encoded into before it is known how long they get: not kept after an exceptionally long page. */
let buffer = new Uint8Array(usual)

const columnsOf = (sessions: ReadonlyArray<CallSession.CallSession>): Columns => {
  const { length } = sessions
  const ids: Array<string> = []
  const starts = new Float64Array(length)
  const created = new Float64Array(length)
  const settled = new Uint8Array(length)
  for (const [i, session] of sessions.entries()) {
    ids.push(session.id)
    starts[i] = CallSession.startInstant(session) ?? Number.NaN
    created[i] = CallSession.createdInstant(session) ?? Number.NaN
    settled[i] = CallSession.isSettled(session) ? 1 : 0
  }
  return { ids, starts, created, settled }
}

const nobody: ReadonlySet<number> = new Set()

/** Beside the response that they came in: it is read again when one of them is asked for. */
export const beside = (
  response: Uint8Array<ArrayBuffer>,
  sessions: ReadonlyArray<CallSession.CallSession>,
  mayRound: boolean
): Packed => ({ ...columnsOf(sessions), bytes: response, ends: undefined, broken: nobody, mayRound })

export const pack = (sessions: ReadonlyArray<CallSession.CallSession>, mayRound?: boolean): Packed => {
  const ends = new Uint32Array(sessions.length)
  const broken = new Set<number>()
  let end = 1
  for (const [i, session] of sessions.entries()) {
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
  return { ...columnsOf(sessions), bytes, ends, broken, mayRound }
}

const [open = 0, comma = 0, close = 0] = encoder.encode("[,]")

/** What reads a response again: as many sessions as there are ids. */
export type Read = (packed: Packed) => ReadonlyArray<CallSession.CallSession>

/** A page of them, and how it is read. */
interface Held {
  readonly packed: Packed
  readonly read: Read
  times: number
  sessions: ReadonlyArray<CallSession.CallSession> | undefined
}

const readArray: Read = ({ bytes, mayRound = true }) => {
  const text = decoder.decode(bytes)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what `pack` wrote
  return (mayRound ? ExactNumber.parseJson(text) : JSON.parse(text)) as ReadonlyArray<CallSession.CallSession>
}

/** Those that were read last. Rows of pages that touch alternate for a while. */
const recent: Array<Held> = []
const mostRecent = 3

/**
 * All of a page: that is faster than one by one, and those who want one session mostly want its neighbours. Where rows of
 * many pages alternate, one that is read for the third time is kept as objects.
 */
const whole = (held: Held): ReadonlyArray<CallSession.CallSession> => {
  if (held.sessions !== undefined) return held.sessions
  const sessions = held.read(held.packed)
  held.sessions = sessions
  held.times++
  if (held.times < 3) {
    recent.push(held)
    const oldest = recent.length > mostRecent ? recent.shift() : undefined
    if (oldest !== undefined) oldest.sessions = undefined
  }
  return sessions
}

const none = new Uint32Array()

class PackedItem implements Item<CallSession.CallSession>, JsonBytes {
  readonly id: string
  readonly start: Instant.Instant | undefined
  readonly created: Instant.Instant | undefined
  readonly settled: boolean
  readonly version: Version | undefined
  readonly begin: number
  readonly end: number
  private readonly held: Held
  private readonly i: number

  constructor(held: Held, i: number, version: Version | undefined) {
    const { created, ends = none, ids, settled, starts } = held.packed
    this.held = held
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
    return this.held.packed.bytes
  }
  get json(): JsonBytes | undefined {
    const { broken, ends } = this.held.packed
    return ends === undefined || broken.has(this.i) ? undefined : this
  }
  get row(): CallSession.CallSession {
    const session = whole(this.held)[this.i]
    if (session === undefined) throw new Error("a page was read again, and has fewer sessions")
    return session
  }
}

const instantAt = (instants: Float64Array, i: number): Instant.Instant | undefined => {
  const instant = instants[i]
  return instant === undefined || Number.isNaN(instant) ? undefined : Instant.of(instant)
}

/**
 * @param versionAt The version of the session at a place.
 * @param read What reads those that are held beside their response.
 */
export const unpack = (
  packed: Packed,
  versionAt: (i: number) => Version | undefined,
  read: Read = readArray
): ReadonlyArray<Item<CallSession.CallSession>> => {
  const held: Held = { packed, read, times: 0, sessions: undefined }
  return packed.ids.map((_, i) => new PackedItem(held, i, versionAt(i)))
}

type SessionItem = Item<CallSession.CallSession>

export const isSettled = (item: SessionItem): boolean =>
  item instanceof PackedItem ? item.settled : CallSession.isSettled(item.row)

export const createdInstant = (item: SessionItem): Instant.Instant | undefined =>
  item instanceof PackedItem ? item.created : (item.created ?? CallSession.createdInstant(item.row))
