/** Records of a response as the reader needs them: decoded or not, with their start and their key. */
import * as CallSession from "../../model/CallSession.ts"
import * as Instant from "../../model/Instant.ts"
import type { Item } from "../../model/Item.ts"
import type { Page } from "../../model/Page.ts"
import * as CanonicalJson from "../../model/internal/CanonicalJson.ts"
import * as Packed from "../../model/internal/Packed.ts"
import type { Rejected } from "../../model/Rejected.ts"
import * as CallRows from "../../model/Rows.ts"
import * as Version from "../../model/Version.ts"
import type { Range } from "./Micros.ts"

/** A record of a response, decoded or not, by what the walk needs of it. */
export interface Row {
  readonly key: string
  /** `undefined` without a credible one. */
  readonly start: Instant.Instant | undefined
  readonly item: Item<CallSession.CallSession> | undefined
  readonly rejected: Rejected | undefined
}

/** A row with a credible start. */
export type Dated = Row & { readonly start: Instant.Instant }

export const isDated = (row: Row): row is Dated => row.start !== undefined

/** A record that cannot be placed by its start: it goes with the window that it came for. */
export const isUnplaced = ({ rejected, start }: Row): boolean => start === undefined && rejected !== undefined

const textOf = (raw: unknown, ...names: ReadonlyArray<string>): string | undefined => {
  if (typeof raw !== "object" || raw === null) return undefined
  for (const [name, value] of Object.entries(raw)) if (names.includes(name) && typeof value === "string") return value
  return undefined
}

const instantIn = (raw: unknown, ...names: ReadonlyArray<string>): Instant.Instant | undefined =>
  CallSession.credibleInstant(textOf(raw, ...names))

const namesOf = {
  agentId: ["agentId", "agent_id"],
  channel: ["channel"],
  callerNumber: ["callerNumber", "caller_number"]
} as const

/** A field as a row has it, also one of a record that did not decode. */
export const textIn = ({ item, rejected }: Row, name: keyof typeof namesOf): string | undefined =>
  item === undefined ? textOf(rejected?.raw, ...namesOf[name]) : (item.row[name] ?? undefined)

/** A record that did not decode may still have an id. */
export const idOf = ({ raw }: Rejected): string | undefined => textOf(raw, "id") || undefined

/** Without an id it is known by what it says. */
export const keyOf = (rejected: Rejected): string =>
  idOf(rejected) ?? `=${CanonicalJson.write(withoutRecording(rejected.raw))}`

/** Each response has other signatures of recording URLs. */
const withoutRecording = (raw: unknown): unknown =>
  typeof raw === "object" && raw !== null && !Array.isArray(raw)
    ? { ...raw, recordingUrl: undefined, recording_url: undefined }
    : raw

const ofItem = (item: Item<CallSession.CallSession>, page: Page, index: number): Row => {
  const { id, start } = item
  return { key: id, start, item, rejected: start === undefined ? unreadable(item.row, page, index) : undefined }
}

const unreadable = (session: CallSession.CallSession, page: Page, index: number): Rejected | undefined =>
  hasUnreadableStart(session) ? outOfRange(session, page, index) : undefined

/** Text that is no time, but that the server may understand. */
export const hasUnreadableStart = ({ startedAt }: CallSession.CallSession): boolean => {
  // Other values are kept unchanged, and are no start.
  const text = typeof startedAt === "string" ? startedAt.trim() : ""
  return text !== "" && Instant.parse(text) === undefined
}

/** A session that lies in no range, because its start is text that is no time. */
const outOfRange = (
  raw: CallSession.CallSession,
  { observedAt, page, version }: Pick<Page, "page" | "observedAt" | "version">,
  index: number
): Rejected => ({
  stage: "range",
  reason: "startedAt is not a time that is understood, so the call cannot be placed in the range",
  raw,
  page,
  index,
  observedAt: version ?? Version.of(observedAt)
})

export const ofRejected = (rejected: Rejected): Row => ({
  key: keyOf(rejected),
  start: instantIn(rejected.raw, "startedAt", "started_at"),
  item: undefined,
  rejected
})

/** When it was queued. Read when it is asked for: of most rows nobody wants to know. */
export const createdOf = ({ item, rejected }: Row): Instant.Instant | undefined =>
  item === undefined ? instantIn(rejected?.raw, "createdAt", "created_at") : Packed.createdInstant(item)

/** The page's rows in the server's order. */
export const ofPage = (page: Page): ReadonlyArray<Row> => {
  const items = CallRows.items(page.rows)
  if (page.rejected.length === 0) return items.map((item, index) => ofItem(item, page, index))
  const rows: Array<Row> = []
  const rejected = new Map(page.rejected.map((record) => [record.index, record]))
  let next = 0
  const length = items.length + page.rejected.length
  for (let index = 0; index < length; index++) {
    const record = rejected.get(index)
    const item = record === undefined ? items[next++] : undefined
    if (record !== undefined) rows.push(ofRejected(record))
    else if (item !== undefined) rows.push(ofItem(item, page, index))
  }
  return rows
}

/** A value that is nested too deep for JSON and the stack waits unchanged. */
const tryPack = (items: ReadonlyArray<Item<CallSession.CallSession>>) => {
  try {
    return Packed.unpack(Packed.pack(items.map(({ row }) => row)), (i) => items[i]?.version)
  } catch {
    return undefined
  }
}

/** The same rows, so that they can wait for a window to be proven. */
export const pack = (rows: ReadonlyArray<Row>): ReadonlyArray<Row> => {
  const loose = rows.flatMap(({ item }) => (item === undefined || item.json !== undefined ? [] : [item]))
  if (loose.length === 0) return rows
  const packed = tryPack(loose)
  if (packed === undefined) return rows
  let next = 0
  return rows.map((row) =>
    row.item === undefined || row.item.json !== undefined ? row : { ...row, item: packed[next++] }
  )
}

/** Whether no row starts later than one before it. */
export const isNewestFirst = (rows: ReadonlyArray<Row>): boolean => {
  let last = Infinity
  for (const { start } of rows) {
    if (start === undefined) continue
    if (start > last) return false
    last = start
  }
  return true
}

/** Whether rows that were created in the other order have the newest start first: only an order by start does that. */
export const showsOrderByStart = (rows: ReadonlyArray<Row>): boolean => {
  if (rows.length < 3 || !isNewestFirst(rows)) return false
  let oldestCreated = Infinity
  let itsStart = 0
  for (const row of rows) {
    const { start } = row
    const created = start === undefined ? undefined : createdOf(row)
    if (start === undefined || created === undefined) continue
    if (created > oldestCreated && start < itsStart) return true
    if (created < oldestCreated) {
      oldestCreated = created
      itsStart = start
    }
  }
  return false
}

export const distinctStarts = (rows: ReadonlyArray<Row>): number =>
  new Set(rows.flatMap(({ start }) => (start === undefined ? [] : [start]))).size

/** Rows held by key, and how many rows of the server they stand for: a server may list one twice in a response. */
export interface Held {
  readonly rows: ReadonlyMap<string, Row>
  readonly size: () => number
  /** Adds a response's rows; how many of them were new. */
  readonly add: (rows: ReadonlyArray<Row>) => number
  /** Takes over what another one holds. */
  readonly merge: (other: Held) => void
  readonly repeats: ReadonlyMap<string, number>
}

export const makeHeld = (): Held => {
  const held = new Map<string, Row>()
  const repeats = new Map<string, number>()
  let extra = 0
  const repeat = (key: string, times: number) => {
    const known = repeats.get(key) ?? 0
    if (times <= known) return
    repeats.set(key, times)
    extra += times - known
  }
  return {
    rows: held,
    repeats,
    merge: (other) => {
      for (const [key, row] of other.rows) held.set(key, row)
      for (const [key, times] of other.repeats) repeat(key, times)
    },
    size: () => held.size + extra,
    add: (rows) => {
      const before = held.size
      let again: Array<string> | undefined
      let size = before
      for (const row of rows) {
        // A later answer is the newer version of a record.
        held.set(row.key, row)
        if (held.size === size) (again ??= []).push(row.key)
        else size++
      }
      for (const key of again ?? []) {
        const times = rows.reduce((times, row) => (row.key === key ? times + 1 : times), 0)
        repeat(key, times - 1)
      }
      return held.size - before
    }
  }
}

/** The held rows of the range, by start. Rows come from the newest to the oldest, so most are reversed already. */
export const within = (held: Held, { from, to }: Range): ReadonlyArray<Dated> => {
  const rows: Array<Dated> = []
  held.rows.forEach((row) => {
    if (isDated(row) && row.start >= from && row.start < to) rows.push(row)
  })
  return rows.reverse().sort(byStart)
}

/** No two have the same key. */
const byStart = (left: Dated, right: Dated): number => left.start - right.start || (left.key < right.key ? -1 : 1)

export const middleOf = (rows: ReadonlyArray<Dated>): Dated | undefined => rows[Math.floor(rows.length / 2)]

/** As many rows and the same ones, in whatever order: a page that comes again. */
export const sameRows = (left: ReadonlyArray<Row>, right: ReadonlyArray<Row>): boolean =>
  left.length === right.length && isWithin(left, right) && isWithin(right, left)

/** As many rows, all with a start, which start at the same times. */
export const sameStarts = (left: ReadonlyArray<Row>, right: ReadonlyArray<Row>): boolean => {
  const starts = (rows: ReadonlyArray<Row>) => rows.flatMap(({ start }) => start ?? []).sort((a, b) => a - b)
  const [one, other] = [starts(left), starts(right)]
  return left.length === right.length && other.length === right.length && other.every((start, i) => start === one[i])
}

/** Whether at least half of the rows are the same: a repeated page, in which equal rows may have another order. */
export const alike = (left: ReadonlyArray<Row>, right: ReadonlyArray<Row>): boolean => {
  const keys = new Set(left.map(({ key }) => key))
  return 2 * right.filter(({ key }) => keys.has(key)).length >= Math.max(left.length, right.length)
}

/** Whether each of the rows is on the page. */
export const isWithin = (rows: ReadonlyArray<Row>, page: ReadonlyArray<Row>): boolean => {
  const keys = new Set(page.map(({ key }) => key))
  return rows.every(({ key }) => keys.has(key))
}
