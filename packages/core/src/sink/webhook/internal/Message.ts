/** Events about calls, and the messages that carry them. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { parseJson } from "../../../model/ExactNumber.ts"
import * as Instant from "../../../model/Instant.ts"
import { of, Version } from "../../../model/Version.ts"
import { fit, type Repairs, stringify } from "../../../model/internal/Json.ts"
import { type Batch, type Refused, versionOf } from "../../SessionSink.ts"
import type { Change } from "../../../model/Change.ts"
import * as ChangeEvent from "../../internal/ChangeEvent.ts"
import type { Body, WebhookEvent } from "../WebhookEvent.ts"
import * as Canonical from "./Canonical.ts"
import * as Sha256 from "./Sha256.ts"

/** One event, written as JSON. */
export interface Event {
  /** The session's id. */
  readonly session: string
  readonly sequence: Version
  readonly json: string
  /** The id of the message and its body, where the event is not sent as it is. */
  readonly own?: { readonly id: string; readonly body: string } | undefined
}

/** One request's worth. The id is made of the body: the same id means the same bytes. */
export interface Message {
  readonly id: string
  /** Of its first event. */
  readonly sequence: Version
  readonly body: Uint8Array<ArrayBuffer>
  readonly events: ReadonlyArray<Event>
  /** One event as the body itself, instead of a batch. */
  readonly plain: boolean
}

const encoder = new TextEncoder()
const batchType = "call_session.batch"

/** The events of a batch, in its order, and the rows that are no JSON. */
export const events = Effect.fnUntraced(function* (
  batch: Batch<unknown>,
  organization: string,
  repairs: Repairs,
  shape?: Body
) {
  const refused: Array<Refused> = []
  const rows: Array<
    Omit<Event, "session"> & {
      readonly id: string
      readonly change: Change | undefined
      /** Of an event of an export. */
      readonly content: Uint8Array<ArrayBuffer> | undefined
    }
  > = []
  for (const item of batch.items) {
    const { id, row } = item
    try {
      const json: string | undefined = JSON.stringify(row)
      if (json === undefined) throw new TypeError("no JSON")
      const sequence = versionOf(batch, item)
      const content =
        item.change === undefined
          ? // Of the texts as they came: two keys may be one when they are repaired.
            encoder.encode(
              `[${JSON.stringify(organization)},${JSON.stringify(id)},${Canonical.encode(parseJson(json))}]`
            )
          : undefined
      rows.push({ id, sequence, change: item.change, json: fit(json, repairs), content })
    } catch {
      refused.push({ id, reason: "the row cannot be written as JSON" })
    }
  }
  const digests = yield* Sha256.hexOf(rows.flatMap(({ content }) => content ?? []))
  let next = 0
  const ofChange = ChangeEvent.ids(organization)
  const whose = JSON.stringify(organization)
  const made = rows.map(({ change, id, json, sequence }): Event => {
    const event = change === undefined ? `evt_${short(digests[next++])}` : ofChange(change)
    const { changed, milestones, previousSequence, type } = change === undefined ? observed : ChangeEvent.fields(change)
    const before = change === undefined ? "" : `"previousSequence":${previousSequence},`
    const what =
      change === undefined ? "" : `"changed":${JSON.stringify(changed)},"milestones":${JSON.stringify(milestones)},`
    return {
      session: id,
      sequence,
      json: `{"id":"${event}","type":"${type}","timestamp":"${Instant.format(Instant.of(sequence))}","sequence":${sequence},${before}"organization":${whose},"sessionId":${stringify(id) ?? ""},${what}"data":${json}}`
    }
  })
  return shape === undefined ? { refused, events: made } : shaped(made, shape, refused)
})

const isEvent = Schema.is(Schema.Struct({ id: Schema.String, sessionId: Schema.String }))

/** Two calls may have equal bodies, so the message is known by its event. */
const shaped = (events: ReadonlyArray<Event>, shape: Body, refused: Array<Refused>) => ({
  refused,
  events: events.flatMap((event): ReadonlyArray<Event> => {
    try {
      const parsed = parseJson(event.json)
      if (!isEvent(parsed)) return []
      // Written above.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      const body = shape(parsed as WebhookEvent)
      if (body === undefined || body === null) return []
      return [{ ...event, own: { id: parsed.id.replace(/^evt_/, "msg_"), body: stringify(body) ?? "null" } }]
    } catch {
      refused.push({ id: event.session, reason: "no body could be made of it" })
      return []
    }
  })
})

/** An event of an export: it knows nothing of an earlier one. */
const observed = { type: "call_session.observed", previousSequence: null, changed: [], milestones: [] }

/** 128 bits of a digest. */
const short = (digest: string | undefined): string => (digest ?? "").slice(0, 32)

/**
 * A repeated call is in a later round, the earlier sequence first: the messages of a round are sent in parallel, and rounds
 * one after another.
 */
export const rounds = (events: ReadonlyArray<Event>): ReadonlyArray<ReadonlyArray<Event>> => {
  const rounds: Array<Array<Event>> = []
  const times = new Map<string, number>()
  for (const event of inOrder(events)) {
    const round = times.get(event.session) ?? 0
    times.set(event.session, round + 1)
    const earlier = rounds[round]
    if (earlier === undefined) rounds[round] = [event]
    else earlier.push(event)
  }
  return rounds
}

/** By sequence where sessions repeat, otherwise as they come: neighbours share their page, and go together. */
const inOrder = (events: ReadonlyArray<Event>): ReadonlyArray<Event> =>
  new Set(events.map(({ session }) => session)).size === events.length
    ? events
    : events.toSorted((left, right) => left.sequence - right.sequence)

/** Cut into pieces of so many events and bytes of body at most; an event that is larger goes by itself. */
export const cut = (
  events: ReadonlyArray<Event>,
  limits: { readonly size: number; readonly bytes: number }
): ReadonlyArray<ReadonlyArray<Event>> => {
  const pieces: Array<Array<Event>> = []
  let piece: Array<Event> = []
  let bytes = 0
  for (const event of events) {
    const length = encoder.encode(event.json).length + 1
    if (piece.length > 0 && (piece.length >= limits.size || bytes + length > limits.bytes)) {
      pieces.push(piece)
      piece = []
    }
    if (piece.length === 0) bytes = envelopeBytes
    piece.push(event)
    bytes += length
  }
  if (piece.length > 0) pieces.push(piece)
  return pieces
}

const write = (events: ReadonlyArray<Event>, sequence: Version, plain: boolean): string => {
  const all = events.map(({ json }) => json).join(",")
  return plain
    ? all
    : `{"type":"${batchType}","timestamp":${JSON.stringify(Instant.format(Instant.of(sequence)))},"data":{"events":[${all}]}}`
}

const envelopeBytes = write([], of(1), false).length

/** The message of these events. */
export const make = (events: ReadonlyArray<Event>, plain: boolean): Effect.Effect<Message> => {
  const sequence = events[0]?.sequence ?? of(0)
  const own = events[0]?.own
  if (own !== undefined) {
    return Effect.succeed({ id: own.id, sequence, body: encoder.encode(own.body), events, plain })
  }
  const body = encoder.encode(write(events, sequence, plain))
  return Effect.map(idOf(body), (id) => ({ id, sequence, body, events, plain }))
}

const idOf = (body: Uint8Array<ArrayBuffer>): Effect.Effect<string> =>
  Effect.map(Sha256.hexOf([body]), ([digest]) => `msg_${short(digest)}`)

/** The two halves of a message with more than one event, the earlier one first. */
export const halves = ({ events, plain }: Message): Effect.Effect<readonly [Message, Message]> => {
  const middle = Math.ceil(events.length / 2)
  return Effect.all([make(events.slice(0, middle), plain), make(events.slice(middle), plain)])
}

const EventJson = Schema.StructWithRest(Schema.Struct({ sessionId: Schema.String, sequence: Version }), [
  Schema.Record(Schema.String, Schema.Unknown)
])
const decode = Schema.decodeUnknownOption(
  Schema.Union([
    EventJson,
    Schema.Struct({
      type: Schema.Literal(batchType),
      data: Schema.Struct({ events: Schema.NonEmptyArray(EventJson) })
    })
  ])
)

const tryParse = Option.liftThrowable(parseJson)

/** A message as it was written; none when the bytes are not those that had this id. */
export const read = (id: string, body: Uint8Array<ArrayBuffer>): Effect.Effect<Option.Option<Message>> =>
  Effect.map(idOf(body), (found) =>
    found !== id
      ? Option.none()
      : Option.map(Option.flatMap(tryParse(new TextDecoder().decode(body)), decode), (json): Message => {
          const plain = "sessionId" in json
          const all = plain ? [json] : json.data.events
          return {
            id,
            body,
            plain,
            sequence: all[0].sequence,
            events: all.map((event) => ({
              session: event.sessionId,
              sequence: event.sequence,
              json: stringify(event) ?? ""
            }))
          }
        })
  )
