/**
 * Calls as a source brings them: their ids, starts and JSON are there without decoding them.
 *
 * @since 0.1.0
 */
import * as CallSession from "./CallSession.ts"
import type { Instant } from "./Instant.ts"
import type { Item } from "./Item.ts"
import * as Version from "./Version.ts"

const TypeId: unique symbol = Symbol.for("@callstream/core/model/Rows")

/**
 * Calls in order, each by its place from 0. A copy of what holds them loses nothing.
 *
 * @since 0.1.0
 * @category models
 */
export interface Rows {
  readonly [TypeId]: { readonly items: ReadonlyArray<Item<CallSession.CallSession>>; readonly observedAt: Instant }
  readonly length: number
  readonly id: (place: number) => string
  /** `undefined` for a call without a credible start. */
  readonly start: (place: number) => Instant | undefined
  /** The call as UTF-8 JSON. Nobody writes to it. */
  readonly json: (place: number) => Uint8Array
  readonly decode: (place: number) => CallSession.CallSession
  /** All of them, each decoded once: the next caller gets the same array. */
  readonly sessions: () => ReadonlyArray<CallSession.CallSession>
  /** The version of the answer that held it. */
  readonly observedAt: (place: number) => Version.Version
}

const encoder = new TextEncoder()

/**
 * Rows of items. Those without a version of their own were observed at `observedAt`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (items: ReadonlyArray<Item<CallSession.CallSession>>, observedAt: Instant): Rows => {
  const at = (place: number): Item<CallSession.CallSession> => {
    const item = items[place]
    if (item === undefined) throw new RangeError(`there is no row ${place} of ${items.length}`)
    return item
  }
  let sessions: ReadonlyArray<CallSession.CallSession> | undefined
  return {
    [TypeId]: { items, observedAt },
    length: items.length,
    id: (place) => at(place).id,
    start: (place) => at(place).start,
    json: (place) => {
      const { json, row } = at(place)
      return json === undefined || json.within !== undefined
        ? encoder.encode(JSON.stringify(row))
        : json.bytes.subarray(json.begin, json.end)
    },
    decode: (place) => at(place).row,
    sessions: () => (sessions ??= items.map(({ row }) => row)),
    observedAt: (place) => at(place).version ?? Version.of(observedAt)
  }
}

/**
 * Rows of calls that were decoded, all of the given version if there is one.
 *
 * @since 0.1.0
 * @category constructors
 */
export const ofSessions = (
  sessions: ReadonlyArray<CallSession.CallSession>,
  observedAt: Instant,
  version?: Version.Version
): Rows =>
  make(
    sessions.map((row) => {
      const start = CallSession.startInstant(row)
      // Files by day have a call without a start time under the day of its creation.
      return start === undefined
        ? { id: row.id, start, created: CallSession.createdInstant(row), row, version }
        : { id: row.id, start, row, version }
    }),
    observedAt
  )

/**
 * The rows one by one, as they go to transforms and sinks.
 *
 * @since 0.1.0
 * @category reading
 */
export const items = (rows: Rows): ReadonlyArray<Item<CallSession.CallSession>> => rows[TypeId].items

/**
 * When the rows were observed, by the server's clock, apart from those with a version of their own.
 *
 * @since 0.1.0
 * @category reading
 */
export const observed = (rows: Rows): Instant => rows[TypeId].observedAt
