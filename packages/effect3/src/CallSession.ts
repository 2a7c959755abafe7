/**
 * A call session: one conversation of a voice agent, with the 26 fields of the endpoint's contract.
 *
 * @since 0.1.0
 */
import { calls } from "@callstream/client/bridge"
import type * as Bridge from "@callstream/client/bridge"
import * as BigDecimal from "effect/BigDecimal"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** Any text is valid; the known ones complete in an editor. */
const openString = <Known extends string>() => Schema.make<Bridge.OpenString<Known>>(Schema.String.ast)
const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(Schema.NullOr(schema), { exact: true })
const text = optional(Schema.String)
const number = optional(Schema.Finite)
const object = optional(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
const rest = Schema.Record({ key: Schema.String, value: Schema.Unknown })

const creditFields = {
  channel: text,
  duration_sec: number,
  model_credits: number,
  provider_credits: number,
  provider_managed: optional(Schema.Boolean),
  telephony_type: text,
  total_credits: number
}

/**
 * What a call cost, in the vendor's credits.
 *
 * @since 0.1.0
 * @category models
 */
export type CreditBreakdown = Bridge.CreditBreakdown

/**
 * The schema of `CreditBreakdown`; fields that the contract does not name are kept.
 *
 * @since 0.1.0
 * @category schemas
 */
export const CreditBreakdown: Schema.Schema<CreditBreakdown> = Schema.make(Schema.Struct(creditFields, rest).ast)

/**
 * The contract's 26 fields, for schemas of your own: `Fields.fields.status` is the schema of one. It drops all other fields.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Fields = Schema.Struct({
  id: Schema.NonEmptyString,
  agentId: text,
  organizationId: text,
  roomId: text,
  callerNumber: text,
  calleeNumber: text,
  callerName: text,
  callerEmail: text,
  channel: optional(openString<Bridge.KnownChannel>()),
  status: optional(openString<Bridge.KnownStatus>()),
  summary: text,
  metadata: object,
  errorMessage: text,
  disconnectReason: optional(openString<Bridge.KnownDisconnectReason>()),
  promptDynamicVariables: object,
  extractDynamicVariables: object,
  callLatencyMs: number,
  startedAt: text,
  endedAt: text,
  durationSec: number,
  createdAt: text,
  recordingUrl: text,
  costTotal: text,
  agentName: text,
  postCallAnalysisResult: object,
  creditBreakdown: optional(CreditBreakdown)
})

/**
 * One call session. Every field but `id` may be absent or `null`. Timestamps are the API's own text, `durationSec` is in seconds,
 * `callLatencyMs` in milliseconds, `costTotal` an exact decimal without a currency. Fields that the contract does not name are kept
 * at run time. A value that the server sends with another type is kept as it came, and a number that a double would round is an
 * object whose `String(…)` has all digits.
 *
 * @since 0.1.0
 * @category models
 */
export type CallSession = Bridge.CallSession

/**
 * The contract's schema of `CallSession`: it fails for a value of another type, which streams deliver as it came.
 *
 * @since 0.1.0
 * @category schemas
 */
export const CallSession: Schema.Schema<CallSession> = Schema.make<CallSession>(
  Schema.Struct(Fields.fields, rest).ast
).annotations({ identifier: "CallSession" })

/**
 * Schemas of your own for fields of a call. Each field stays optional, and may be `null`.
 *
 * @since 0.1.0
 * @category models
 */
export type OwnSchemas = { readonly [Name in Exclude<keyof CallSession, "id">]?: Schema.Schema.All }

/**
 * A call with your own schemas in it: decoded (`Type`) or as JSON (`Encoded`).
 *
 * @since 0.1.0
 * @category models
 */
export type SessionWith<Own extends OwnSchemas, Side extends "Type" | "Encoded" = "Type"> = Omit<
  CallSession,
  keyof Own
> & { readonly [Name in keyof Own]?: (Own[Name] extends Schema.Schema.All ? Own[Name][Side] : never) | null }

type Services<Own extends OwnSchemas> = {
  [Name in keyof Own]: Own[Name] extends Schema.Schema.All ? Schema.Schema.Context<Own[Name]> : never
}[keyof Own]

/**
 * The schema of a call with your own schemas in it, such as that of `metadata`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const schemaWith = <const Own extends OwnSchemas>(
  own: Own
): Schema.Schema<SessionWith<Own>, SessionWith<Own, "Encoded">, Services<Own>> => {
  const fields: Record<string, Schema.Struct.Field> = { ...Fields.fields }
  for (const [name, schema] of Object.entries(own)) {
    fields[name] = Schema.optionalWith(Schema.NullOr(schema), { exact: true })
  }
  return Schema.make<SessionWith<Own>, SessionWith<Own, "Encoded">, Services<Own>>(
    Schema.Struct(fields, rest).ast
  ).annotations({ identifier: "CallSession" })
}

const decimalOf = (text: string | undefined): BigDecimal.BigDecimal | undefined =>
  text === undefined ? undefined : Option.getOrUndefined(BigDecimal.fromString(text))

/**
 * The exact cost, without a currency; `undefined` when it is missing or not a decimal, which is not the same as 0.
 *
 * @since 0.1.0
 * @category reading
 */
export const cost = (session: CallSession): BigDecimal.BigDecimal | undefined => decimalOf(calls.cost(session))

/**
 * The exact cost of a call that is not expected to change any more.
 *
 * @since 0.1.0
 * @category reading
 */
export const finalCost = (session: CallSession): BigDecimal.BigDecimal | undefined =>
  decimalOf(calls.finalCost(session))

export const {
  /** The names of the contract's 26 fields, in its order. @since 0.1.0 @category models */
  fieldNames,
  /** When the call started; `undefined` where it has no credible start. @since 0.1.0 @category reading */
  startInstant,
  /** When the call ended. @since 0.1.0 @category reading */
  endInstant,
  /** When the call was queued. @since 0.1.0 @category reading */
  createdInstant,
  /** Who called whom. @since 0.1.0 @category reading */
  direction,
  /** The caller of an inbound call, the callee of an outbound one. @since 0.1.0 @category reading */
  customerNumber,
  /** What became of the call, as one word, whatever the spelling of its status. @since 0.1.0 @category reading */
  outcome,
  /** What the status says: `answered` and `unanswered` calls have ended. @since 0.1.0 @category reading */
  statusClass,
  /** Whether the record is not expected to change any more. @since 0.1.0 @category reading */
  isSettled,
  /** The length of the call in minutes, not rounded. @since 0.1.0 @category reading */
  minutes,
  /** The values of the post-call analysis, whether they came flat or wrapped. @since 0.1.0 @category reading */
  analysisValues
} = calls
