/** What a record is: its fields, and the schemas made of them. */
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"

/** An open set of strings: any text is valid, the known ones complete in an editor. */
export type OpenString<Known extends string> = Known | (string & {})

/**
 * Statuses that are documented or were seen; any other text may come.
 *
 * @since 0.1.0
 * @category models
 */
export type KnownStatus =
  | "completed"
  | "failed"
  | "no_answer"
  | "busy"
  | "voicemail"
  | "in_progress"
  | "in-progress"
  | "In Progress"
  | "ended"
  | "ringing"
  | "pending"
  | "active"
  | "error"

/**
 * Channels that are documented or were seen; any other text may come.
 *
 * @since 0.1.0
 * @category models
 */
export type KnownChannel = "voice" | "web" | "sip" | "phone" | "inbound_call" | "outbound_call" | "web_call"

/**
 * Disconnect reasons that are documented or were seen; any other text may come.
 *
 * @since 0.1.0
 * @category models
 */
export type KnownDisconnectReason =
  | "user_hangup"
  | "customer_hangup"
  | "agent_hangup"
  | "caller_hangup"
  | "timeout"
  | "error"

const openString = <Known extends string>(): Schema.Codec<OpenString<Known>> => Schema.revealCodec(Schema.String)
const optional = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))
const text = optional(Schema.String)
const number = optional(Schema.Finite)
const object = optional(Schema.Record(Schema.String, Schema.Unknown))

const CreditBreakdownFields = Schema.Struct({
  channel: text,
  duration_sec: number,
  model_credits: number,
  provider_credits: number,
  provider_managed: optional(Schema.Boolean),
  telephony_type: text,
  total_credits: number
})

/**
 * What a call cost, in the vendor's credits. Its keys are snake_case on the wire and stay so.
 *
 * @since 0.1.0
 * @category models
 */
export interface CreditBreakdown extends Schema.Schema.Type<typeof CreditBreakdownFields> {}

/**
 * The schema of `CreditBreakdown`; fields that the contract does not name are kept.
 *
 * @since 0.1.0
 * @category schemas
 */
export const CreditBreakdown: Schema.Codec<CreditBreakdown> = Schema.revealCodec(
  Schema.StructWithRest(CreditBreakdownFields, [Schema.Record(Schema.String, Schema.Unknown)]).annotate({
    identifier: "CreditBreakdown"
  })
)

/**
 * The contract's 26 fields, for schemas of your own: `Fields.fields.status` is the schema of one. It drops all other fields.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Fields = Schema.Struct({
  id: Schema.String.check(Schema.isNonEmpty()),
  agentId: text,
  organizationId: text,
  roomId: text,
  callerNumber: text,
  calleeNumber: text,
  callerName: text,
  callerEmail: text,
  channel: optional(openString<KnownChannel>()),
  status: optional(openString<KnownStatus>()),
  summary: text,
  metadata: object,
  errorMessage: text,
  disconnectReason: optional(openString<KnownDisconnectReason>()),
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
 * One call session. Every field but `id` may be absent or `null`, and the two stay apart from `""` and `0`. Timestamps
 * are the wire's own text, `durationSec` is in seconds, `callLatencyMs` in milliseconds, `costTotal` an exact decimal
 * without a currency or an exponent. Fields that the contract does not name are kept at run time but are not in the type,
 * so that a misspelt field does not compile. The types are those of the contract: a value that the server sends with
 * another type is kept as it came, and a number that a double would round is an `ExactNumber`.
 *
 * @since 0.1.0
 * @category models
 */
export interface CallSession extends Schema.Schema.Type<typeof Fields> {}

const rest = [Schema.Record(Schema.String, Schema.Unknown)] as const
const identifier = "CallSession"

/**
 * The contract's schema of `CallSession` in its camelCase form: it fails for a value of another type, which `fromWire`
 * keeps. JSON Schema and OpenAPI refer to it by its identifier, `CallSession`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const CallSession: Schema.Codec<CallSession> = Schema.revealCodec(
  Schema.StructWithRest(Fields, rest).annotate({ identifier })
)

/**
 * Schemas of your own for fields of a call. Each field stays optional, and may be `null`.
 *
 * @since 0.1.0
 * @category models
 */
export type OwnSchemas = { readonly [K in Exclude<keyof CallSession, "id">]?: Schema.Constraint }

/**
 * A call with your own schemas in it: decoded (`Type`) or as JSON (`Encoded`).
 *
 * @since 0.1.0
 * @category models
 */
export type SessionWith<Own extends OwnSchemas, Side extends "Type" | "Encoded" = "Type"> = Omit<
  CallSession,
  keyof Own
> & { readonly [K in keyof Own]?: (Own[K] extends Schema.Constraint ? Own[K][Side] : never) | null }

type Services<Own extends OwnSchemas, Side extends "DecodingServices" | "EncodingServices"> = {
  [K in keyof Own]: Own[K] extends Schema.Constraint ? Own[K][Side] : never
}[keyof Own]

/**
 * The schema of a call with your own schemas in it, such as that of `metadata`. `CallSessions.decodeWith` applies it to a
 * stream, and unwraps the values of `postCallAnalysisResult` before.
 *
 * @since 0.1.0
 * @category schemas
 */
export const schemaWith = <const Own extends OwnSchemas>(
  own: Own
): Schema.Codec<
  SessionWith<Own>,
  SessionWith<Own, "Encoded">,
  Services<Own, "DecodingServices">,
  Services<Own, "EncodingServices">
> => {
  const fields: Record<string, Schema.Constraint> = { ...Fields.fields }
  for (const [name, schema] of Object.entries(own)) fields[name] = optional(schema)
  const schema: unknown = Schema.StructWithRest(Schema.Struct(fields), rest).annotate({ identifier })
  // The types of fields that are not known here are those of the schemas that were given.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return schema as ReturnType<typeof schemaWith<Own>>
}

/**
 * The names of the contract's 26 fields, in its order.
 *
 * @since 0.1.0
 * @category models
 */
export const fieldNames: ReadonlyArray<keyof CallSession> = Struct.keys(Fields.fields)
