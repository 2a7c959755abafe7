/**
 * A call session: one conversation of a voice agent, with the 26 fields of the endpoint's contract.
 *
 * @since 0.1.0
 */
import * as BigDecimal from "effect/BigDecimal"
import type * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as ExactNumber from "./ExactNumber.ts"
import * as Instant from "./Instant.ts"
import { earliestStart } from "./Limits.ts"
import * as Outcome from "./Outcome.ts"
import * as DecimalText from "./internal/DecimalText.ts"
import { isObject } from "./internal/Json.ts"
import { type CallSession, fieldNames } from "./SessionSchema.ts"

export {
  CallSession,
  CreditBreakdown,
  fieldNames,
  Fields,
  type KnownChannel,
  type KnownDisconnectReason,
  type KnownStatus,
  type OpenString,
  type OwnSchemas,
  schemaWith,
  type SessionWith
} from "./SessionSchema.ts"

const camelOf: ReadonlyMap<string, string> = new Map(
  fieldNames.map((name) => [name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), name])
)

/**
 * A record of the older edition under the names of the newer one: only the record's own keys, never the customer's
 * inside it. A key that is there in both spellings keeps its camelCase value, and the other passes through as it is.
 */
const toCamelCase = (record: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(record).map(([key, value]) => {
      const camel = camelOf.get(key)
      return [camel !== undefined && !Object.hasOwn(record, camel) ? camel : key, value]
    })
  )

const hasSnakeCase = (record: Readonly<Record<string, unknown>>): boolean => {
  for (const key in record) {
    if (key.includes("_") && camelOf.has(key)) return true
  }
  return false
}

const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

/** A 64-bit integer comes as text from a protobuf gateway. */
const toNumber = (value: unknown): unknown =>
  typeof value === "string" && decimal.test(value.trim()) ? (ExactNumber.fromText(value.trim()) ?? value) : value

/** Zeros that an exponent stands for: more of them would be an attack, not a cost. */
const mostZeros = 1000

/** Digits without an exponent. Other text stays what it is, also `0.30`. */
const toCost = (value: unknown): unknown => {
  if (typeof value === "number" || ExactNumber.isExactNumber(value)) {
    return DecimalText.plain(String(value), mostZeros) ?? value
  }
  return typeof value === "string" && /[eE]/.test(value) ? (DecimalText.plain(value, mostZeros) ?? value) : value
}

const numericCredits = ["duration_sec", "model_credits", "provider_credits", "total_credits"] as const

const hasNumericText = (record: Readonly<Record<string, unknown>>): boolean => {
  for (const key of numericCredits) if (typeof record[key] === "string") return true
  return false
}

const toCredits = (credits: unknown): unknown => {
  if (!isObject(credits) || !hasNumericText(credits)) return credits
  return Object.fromEntries(
    Object.entries(credits).map(([name, credit]) => [
      name,
      numericCredits.some((numeric) => numeric === name) ? toNumber(credit) : credit
    ])
  )
}

const changes: ReadonlyMap<string, (value: unknown) => unknown> = new Map([
  ["durationSec", toNumber],
  ["callLatencyMs", toNumber],
  ["costTotal", toCost],
  ["creditBreakdown", toCredits]
])
const changing = [...changes]

/**
 * The same record with numbers where the contract says numbers and text where it says text, copied only when something
 * differs: nearly every record of the documented edition is returned as it came.
 */
const normalize = (input: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
  const record = hasSnakeCase(input) ? toCamelCase(input) : input
  if (changing.every(([key, change]) => change(record[key]) === record[key])) return record
  return Object.fromEntries(
    Object.entries(record).map(([key, value]) => {
      const change = changes.get(key)
      return [key, change === undefined ? value : change(value)]
    })
  )
}

/** An id of another type than text. */
const numberAsId = (id: unknown): string | undefined =>
  (typeof id === "number" && Number.isFinite(id)) || ExactNumber.isExactNumber(id) ? String(id) : undefined

const hasId = (record: Readonly<Record<string, unknown>>): record is Readonly<Record<string, unknown>> & CallSession =>
  typeof record["id"] === "string" && record["id"] !== ""

/**
 * Reads one record of the wire, in either edition: snake_case keys of the record itself become camelCase, numeric text
 * becomes a number, a cost its digits without an exponent, an id that is a number its digits. A record that needs none of
 * this is the result itself, not a copy. Any other value is kept as it came, also where the contract says another type.
 * Fails only for what is no object and for an object without an id, with a reason that names no value.
 *
 * @since 0.1.0
 * @category decoding
 */
export const fromWire = (raw: unknown): Result.Result<CallSession, string> => {
  if (!isObject(raw)) return Result.fail("the record is no object")
  const record = normalize(raw)
  if (hasId(record)) return Result.succeed(record)
  const id = numberAsId(record["id"])
  return id === undefined ? Result.fail('the record has no id at ["id"]') : Result.succeed({ ...record, id })
}

/**
 * A timestamp of a record in microseconds since the epoch; `undefined` for none, for what is no time, and for years
 * before 2000: Go writes a time that was never set as the year 1.
 *
 * @since 0.1.0
 * @category reading
 */
export const credibleInstant = (timestamp: unknown): Instant.Instant | undefined => {
  if (typeof timestamp !== "string") return undefined
  const instant = Instant.parse(timestamp)
  return instant !== undefined && instant >= earliestStart ? instant : undefined
}

/**
 * When the call started, in microseconds since the epoch. `undefined` when it has no start, or one before the year
 * 2000: Go writes a time that was never set as the year 1.
 *
 * @since 0.1.0
 * @category reading
 */
export const startInstant = (session: CallSession): Instant.Instant | undefined => credibleInstant(session.startedAt)

/**
 * When the call ended, in microseconds since the epoch; years before 2000 count as none.
 *
 * @since 0.1.0
 * @category reading
 */
export const endInstant = (session: CallSession): Instant.Instant | undefined => credibleInstant(session.endedAt)

/**
 * When the call was queued, in microseconds since the epoch; years before 2000 count as none.
 *
 * @since 0.1.0
 * @category reading
 */
export const createdInstant = (session: CallSession): Instant.Instant | undefined => credibleInstant(session.createdAt)

/**
 * Who called whom: `"inbound"` when the customer called the agent, `"outbound"` when the agent called the customer,
 * `"unknown"` when the record does not say.
 *
 * @since 0.1.0
 * @category reading
 */
export type Direction = "inbound" | "outbound" | "unknown"

const directionIn = (value: unknown): Direction | undefined => {
  if (typeof value !== "string") return undefined
  const lower = value.toLowerCase()
  return lower.includes("inbound") ? "inbound" : lower.includes("outbound") ? "outbound" : undefined
}

/**
 * Who called whom, as the channel (or the channel or telephony type of the credit breakdown) says. Calls from the web are
 * `"unknown"`.
 *
 * @since 0.1.0
 * @category reading
 */
export const direction = (session: CallSession): Direction =>
  directionIn(session.channel) ??
  directionIn(session.creditBreakdown?.channel) ??
  directionIn(session.creditBreakdown?.telephony_type) ??
  "unknown"

/**
 * The customer's number: the caller of an inbound call, the callee of an outbound one; `undefined` when there is none or
 * the direction is not known.
 *
 * @since 0.1.0
 * @category reading
 */
export const customerNumber = (session: CallSession): string | undefined => {
  const way = direction(session)
  const found = way === "inbound" ? session.callerNumber : way === "outbound" ? session.calleeNumber : undefined
  return typeof found === "string" && found !== "" ? found : undefined
}

/**
 * The exact cost, without a currency; `undefined` when it is missing or not a decimal, which is not the same as 0.
 *
 * @since 0.1.0
 * @category reading
 */
export const cost = (session: CallSession): BigDecimal.BigDecimal | undefined => {
  const total = costText(session)
  return total === undefined ? undefined : Option.getOrUndefined(BigDecimal.fromString(total))
}

/**
 * Whether there is a cost that is a decimal.
 *
 * @since 0.1.0
 * @category reading
 */
export const hasCost = (session: CallSession): boolean => costText(session) !== undefined

const costText = (session: CallSession): string | undefined => {
  const { costTotal } = session
  // A value of another type than the contract's is kept as it came.
  const total = typeof costTotal === "string" ? costTotal.trim() : ""
  return decimal.test(total) ? total : undefined
}

/**
 * What a status says of a call: `answered` and `unanswered` calls have ended; `open` is every other status, and none.
 *
 * @since 0.1.0
 * @category models
 */
export type StatusClass = "answered" | "unanswered" | "open"

const classes: Readonly<Record<Outcome.Outcome, StatusClass>> = {
  completed: "answered",
  missed: "unanswered",
  busy: "unanswered",
  voicemail: "unanswered",
  failed: "unanswered",
  "in progress": "open",
  other: "open"
}

/**
 * What became of the call, as one word, whatever the spelling of its status.
 *
 * @since 0.1.0
 * @category reading
 */
export const outcome = ({ status }: CallSession): Outcome.Outcome => Outcome.ofStatus(status)

/**
 * What the status of a call says, whatever its spelling.
 *
 * @since 0.1.0
 * @category reading
 */
export const statusClass = (session: CallSession): StatusClass => classes[outcome(session)]

/**
 * Whether the record is not expected to change any more: the status is a final one, and a call that was answered has its
 * end and its cost. Recordings and analyses are not waited for, because not every agent makes them.
 *
 * @since 0.1.0
 * @category reading
 */
export const isSettled = (session: CallSession): boolean => {
  const status = statusClass(session)
  return (
    status === "unanswered" ||
    (status === "answered" && endInstant(session) !== undefined && costText(session) !== undefined)
  )
}

/**
 * The exact cost of a call that is not expected to change any more, without a currency; `undefined` of any other call, and
 * where there is none.
 *
 * @since 0.1.0
 * @category reading
 */
export const finalCost = (session: CallSession): BigDecimal.BigDecimal | undefined =>
  isSettled(session) ? cost(session) : undefined

/**
 * The length of the call in minutes, not rounded; `undefined` when `durationSec` is missing or no number.
 *
 * @since 0.1.0
 * @category reading
 */
export const minutes = ({ durationSec }: CallSession): number | undefined => {
  const seconds: unknown = durationSec
  return typeof seconds === "number" && Number.isFinite(seconds) ? seconds / 60 : undefined
}

const isWrapped = (value: unknown): value is { readonly type: string; readonly value: unknown } =>
  isObject(value) && Object.hasOwn(value, "value") && typeof value["type"] === "string"

/**
 * The values of the post-call analysis by the customer's keys, whether they came flat (`"positive"`) or wrapped
 * (`{ type: "enum", value: "positive" }`). Empty when there is no analysis.
 *
 * @since 0.1.0
 * @category reading
 */
export const analysisValues = (session: CallSession): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(isObject(session.postCallAnalysisResult) ? session.postCallAnalysisResult : {}).map(
      ([key, value]) => [key, isWrapped(value) ? value.value : value]
    )
  )

/**
 * Decodes a call with a schema such as that of `schemaWith`. Values of the post-call analysis come to it without the
 * `{ type, value }` in which the API may wrap each.
 *
 * @since 0.1.0
 * @category decoding
 */
export const decoderWith = <A, RD>(
  schema: Schema.ConstraintDecoder<A, RD>
): ((session: CallSession) => Effect.Effect<A, Schema.SchemaError, RD>) => {
  const decode = Schema.decodeUnknownEffect(schema)
  return (session) => {
    if (!isObject(session.postCallAnalysisResult)) return decode(session)
    // `Object.assign` would set the prototype where a call has a field `__proto__`; no call is of a class.
    // oxlint-disable-next-line typescript/no-misused-spread
    return decode({ ...session, postCallAnalysisResult: analysisValues(session) })
  }
}
