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
  /** What a transform made of them beforehand. */
  readonly made?: Made | undefined
  /** What a sync has to know of them. @default it is read from the sessions */
  readonly outlines?: Outlines | undefined
}

/** See `Outline`, which makes and reads them. */
export interface Outlines {
  /** Of the content of each facet, two words. */
  readonly sums: Uint32Array<ArrayBuffer>
  readonly ended: Float64Array<ArrayBuffer>
  /** What the status says, and which milestones are reached. */
  readonly flags: Uint8Array<ArrayBuffer>
  /** Ids of agents, each once, and which one each session has. */
  readonly agents: ReadonlyArray<string>
  readonly agentOf: Uint32Array<ArrayBuffer>
  readonly organizations: ReadonlyArray<string>
}

/** What a transform made of sessions, as far as JSON can say it. */
export interface Made {
  /** For each session whether it is left out, among the rows, or not known. */
  readonly outcomes: Uint8Array<ArrayBuffer>
  /** A JSON array of the rows, and where in it each one ends. */
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly ends: Uint32Array<ArrayBuffer>
}

export const leftOut = 0
export const amongRows = 1
export const notKnown = 2

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

const textOf = (session: CallSession.CallSession): string => Json.escapeLineEnds(JSON.stringify(session))

export const pack = (sessions: ReadonlyArray<CallSession.CallSession>, mayRound?: boolean): Packed => {
  const texts = sessions.map(textOf)
  const broken = new Set(texts.flatMap((text, i) => (Json.hasHalf(text) ? [i] : [])))
  return { ...columnsOf(sessions), ...listOf(texts), broken, mayRound }
}

/**
 * Of a list that came as it is written.
 *
 * @param sessions For columns: no other field of them is read.
 * @param others Those that are written in another way, each by its place.
 */
export const ofList = (
  { bytes, ends }: Pick<Made, "bytes" | "ends">,
  sessions: ReadonlyArray<CallSession.CallSession>,
  others: ReadonlyMap<number, CallSession.CallSession>,
  mayRound: boolean
): Packed => {
  const columns = columnsOf(sessions)
  if (others.size === 0) return { ...columns, bytes, ends, broken: nobody, mayRound }
  const broken = new Set<number>()
  const pieces = sessions.map((_, i) => {
    const other = others.get(i)
    if (other === undefined) return bytes.subarray(beginOf(ends, i), ends[i])
    const text = textOf(other)
    if (Json.hasHalf(text)) broken.add(i)
    return encoder.encode(text)
  })
  return { ...columns, ...joined(pieces), broken, mayRound }
}

/** Pieces of JSON as a list of them. */
const joined = (pieces: ReadonlyArray<Uint8Array>): Pick<Made, "bytes" | "ends"> => {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length + 1, 1))
  const ends = new Uint32Array(pieces.length)
  let end = 1
  for (const [i, piece] of pieces.entries()) {
    bytes.set(piece, end)
    end += piece.length
    ends[i] = end
    bytes[end++] = comma
  }
  bytes[0] = open
  bytes[bytes.length - 1] = close
  return { bytes, ends }
}

/** Texts of JSON as a list of them, and where in it each one ends. */
export const listOf = (texts: ReadonlyArray<string>): Pick<Made, "bytes" | "ends"> => {
  const ends = new Uint32Array(texts.length)
  let end = 1
  for (const [i, text] of texts.entries()) {
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
  return { bytes, ends }
}

const [open = 0, comma = 0, close = 0] = encoder.encode("[,]")

/** What reads a response again: as many sessions as there are ids. */
export type Read = (packed: Packed) => ReadonlyArray<CallSession.CallSession>

/** A page of rows, and how it is read. */
interface Held<out A> {
  readonly read: () => ReadonlyArray<A>
  times: number
  rows: ReadonlyArray<A> | undefined
}

const hold = <A>(read: () => ReadonlyArray<A>): Held<A> => ({ read, times: 0, rows: undefined })

const readList = ({ bytes, mayRound = true }: Pick<Packed, "bytes" | "mayRound">): unknown => {
  const text = decoder.decode(bytes)
  return mayRound ? ExactNumber.parseJson(text) : JSON.parse(text)
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what `pack` wrote
const readArray: Read = (packed) => readList(packed) as ReadonlyArray<CallSession.CallSession>

/** Those that were read last. Rows of pages that touch alternate for a while. */
const recent: Array<Held<unknown>> = []
const mostRecent = 3

/**
 * All of a page: that is faster than one by one, and those who want one session mostly want its neighbours. Where rows of
 * many pages alternate, one that is read for the third time is kept as objects.
 */
const whole = <A>(held: Held<A>): ReadonlyArray<A> => {
  if (held.rows !== undefined) return held.rows
  const rows = held.read()
  held.rows = rows
  held.times++
  if (held.times < 3) {
    recent.push(held)
    const oldest = recent.length > mostRecent ? recent.shift() : undefined
    if (oldest !== undefined) oldest.rows = undefined
  }
  return rows
}

const rowOf = <A>(held: Held<A>, i: number): A => {
  const row = whole(held)[i]
  if (row === undefined) throw new Error("a page was read again, and has fewer calls")
  return row
}

const beginOf = (ends: Uint32Array, i: number): number => (i === 0 ? 1 : (ends[i - 1] ?? 0) + 1)

/** The rows of a page that the transform with this function made. */
interface MadeRows {
  readonly by: unknown
  readonly made: Made
  readonly held: Held<object>
}

/** Small, because there are as many as there are sessions: what is seldom asked for is read from the page's columns. */
class PackedItem implements Item<CallSession.CallSession> {
  readonly id: string
  readonly start: Instant.Instant | undefined
  readonly version: Version | undefined
  readonly page: Page
  readonly i: number
  /** Its place among the rows that a transform made. */
  readonly place: number

  constructor(page: Page, i: number, place: number, version: Version | undefined) {
    const { ids, starts } = page.packed
    this.id = ids[i] ?? ""
    this.start = instantAt(starts, i)
    this.version = version
    this.page = page
    this.i = i
    this.place = place
  }

  get created(): Instant.Instant | undefined {
    return instantAt(this.page.packed.created, this.i)
  }
  get settled(): boolean {
    return this.page.packed.settled[this.i] === 1
  }
  get json(): JsonBytes | undefined {
    const { broken, bytes, ends } = this.page.packed
    if (ends === undefined || broken.has(this.i)) return undefined
    return { bytes, begin: beginOf(ends, this.i), end: ends[this.i] ?? 0 }
  }
  get row(): CallSession.CallSession {
    return rowOf(this.page.held, this.i)
  }
}

/** A row that a transform made of a session. */
class MadeItem implements Item<object> {
  readonly id: string
  readonly start: Instant.Instant | undefined
  readonly created: Instant.Instant | undefined
  readonly version: Version | undefined
  readonly json: JsonBytes
  private readonly held: Held<object>
  private readonly place: number

  constructor({ created, id, place, start, version }: PackedItem, { held, made }: MadeRows) {
    const { bytes, ends } = made
    this.id = id
    this.start = start
    this.created = created
    this.version = version
    this.json = { bytes, begin: beginOf(ends, place), end: ends[place] ?? 0 }
    this.held = held
    this.place = place
  }

  get row(): object {
    return rowOf(this.held, this.place)
  }
}

interface Page {
  readonly packed: Packed
  readonly held: Held<CallSession.CallSession>
  readonly rows: MadeRows | undefined
}

const instantAt = (instants: Float64Array, i: number): Instant.Instant | undefined => {
  const instant = instants[i]
  return instant === undefined || Number.isNaN(instant) ? undefined : Instant.of(instant)
}

/**
 * @param versionAt The version of the session at a place.
 * @param read What reads those that are held beside their response.
 * @param by The function of the transform that made the rows.
 */
export const unpack = (
  packed: Packed,
  versionAt: (i: number) => Version | undefined,
  read: Read = readArray,
  by?: unknown
): ReadonlyArray<Item<CallSession.CallSession>> => {
  const { made, mayRound } = packed
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what `Ahead.make` wrote
  const readMade = (bytes: Made["bytes"]) => readList({ bytes, mayRound }) as ReadonlyArray<object>
  const page: Page = {
    packed,
    held: hold(() => read(packed)),
    rows: made === undefined || by === undefined ? undefined : { by, made, held: hold(() => readMade(made.bytes)) }
  }
  let place = 0
  return packed.ids.map((_, i) => {
    const item = new PackedItem(page, i, place, versionAt(i))
    if (made?.outcomes[i] === amongRows) place++
    return item
  })
}

/** What the transform with this function made of the item beforehand: its row, nothing, or that is not known. */
export const madeBy = (item: Item<unknown>, by: unknown): Item<object> | "left out" | undefined => {
  const rows = item instanceof PackedItem ? item.page.rows : undefined
  if (!(item instanceof PackedItem) || rows === undefined || rows.by !== by) return undefined
  const outcome = rows.made.outcomes[item.i]
  return outcome === amongRows ? new MadeItem(item, rows) : outcome === leftOut ? "left out" : undefined
}

/** The outlines that the item is in, and its place in them. */
export const outlineOf = (item: Item<unknown>): { readonly outlines: Outlines; readonly place: number } | undefined => {
  const outlines = outlinesOf(item)
  return outlines === undefined ? undefined : { outlines, place: placeOf(item) }
}

export const outlinesOf = (item: Item<unknown>): Outlines | undefined =>
  item instanceof PackedItem ? item.page.packed.outlines : undefined

export const placeOf = (item: Item<unknown>): number => (item instanceof PackedItem ? item.i : 0)

type SessionItem = Item<CallSession.CallSession>

export const isSettled = (item: SessionItem): boolean =>
  item instanceof PackedItem ? item.settled : CallSession.isSettled(item.row)

export const createdInstant = (item: SessionItem): Instant.Instant | undefined =>
  item instanceof PackedItem ? item.created : (item.created ?? CallSession.createdInstant(item.row))
