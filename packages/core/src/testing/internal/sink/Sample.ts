/** Sessions for a sink to hold, and their way into it. */
import type { CallSession } from "../../../model/CallSession.ts"
import { startInstant } from "../../../model/CallSession.ts"
import * as Column from "../../../model/Column.ts"
import * as Instant from "../../../model/Instant.ts"
import * as Position from "../../../model/Position.ts"
import * as Version from "../../../model/Version.ts"
import type { Batch, Item } from "../../../sink/SessionSink.ts"

const begin = Instant.parse("2026-07-30T20:00:00Z") ?? 0
const hour = 3_600_000_000

/** An hour apart, over midnight and more than one day. */
export const session = (index: number, fields: Partial<CallSession> = {}): CallSession => ({
  id: `session-${String(index).padStart(5, "0")}`,
  agentName: "Ava",
  callerNumber: `+1555${String(1_000_000 + index)}`,
  channel: index % 2 === 0 ? "voice" : "web",
  startedAt: Instant.format(Instant.of(begin + index * hour)),
  durationSec: index,
  costTotal: `0.${String(index).padStart(4, "0")}`,
  metadata: { index, nested: { list: [index, null, true] } },
  errorMessage: null,
  ...fields
})

const undated = (index: number): CallSession => session(index, { startedAt: null })

/** In the order in which a pipeline brings them: by start, those without one at the end. */
export const sessions = (count: number): ReadonlyArray<CallSession> =>
  Array.from({ length: count }, (_, index) => (index === count - 1 && count > 3 ? undated(index) : session(index)))

export const observed = Version.of(begin + 1000 * hour)

/** After everything, the sessions without a start time included. */
const last = Instant.of(begin + 100_000 * hour)

export const startOf = (session: CallSession): Instant.Instant => startInstant(session) ?? last

/** The cursor of a commit that has all sessions before this place. */
export const cursorAt = (sessions: ReadonlyArray<CallSession>, place: number): Position.Cursor => {
  const next = sessions[place]
  return next === undefined ? "end" : Position.of(startOf(next))
}

export const batch = (sessions: ReadonlyArray<CallSession>, observedAt = observed): Batch<CallSession> => ({
  items: sessions.map((session): Item<CallSession> => ({ id: session.id, start: startInstant(session), row: session })),
  columns,
  observedAt
})

/** Rows with a version of their own, in a batch of another one. */
export const withVersion = (
  sessions: ReadonlyArray<CallSession>,
  version: Version.Version,
  observedAt: Version.Version
): Batch<CallSession> => {
  const { items, ...rest } = batch(sessions, observedAt)
  return { ...rest, items: items.map((item) => ({ ...item, row: item.row, version })) }
}

/** Cut into pieces of these widths, over and over. */
export const cut = <A>(array: ReadonlyArray<A>, widths: ReadonlyArray<number>): ReadonlyArray<ReadonlyArray<A>> => {
  const pieces: Array<ReadonlyArray<A>> = []
  for (let at = 0, turn = 0; at < array.length; turn++) {
    const width = widths[turn % widths.length] ?? 1
    pieces.push(array.slice(at, at + width))
    at += width
  }
  return pieces
}

const odd = [
  "",
  " ",
  "null",
  "a\nb\r\nc\td",
  "\u0000\u0007\u001b[31m",
  "\u0085\u2028\u2029\ufeff",
  "\u202e\u2066\u200f",
  "\"quoted\", 'so', `so`, \\ and /",
  "=1+1",
  "Zoë 日本語 مرحبا 👩‍💻 😀",
  "a;b,c|d\te",
  "x".repeat(10_000)
]

export const oddSessions: ReadonlyArray<CallSession> = odd.map((text, index) =>
  session(index, { summary: text, callerName: text, metadata: { [`key ${text.slice(0, 20)}`]: text } })
)

/** Columns stay the same from batch to batch, as in a pipeline. */
const columns: ReadonlyArray<Column.Column> = Column.ofSession.filter(({ name }) =>
  [...sessions(5), ...oddSessions].some((session) => Object.hasOwn(session, name))
)
