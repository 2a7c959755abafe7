/** The endpoint's contract as an OpenAPI document, made from the schemas and the query of the model. */
import { CallSession, CreditBreakdown, fieldNames } from "@callstream/core/model/CallSession"
import * as CallSessionQuery from "@callstream/core/model/CallSessionQuery"
import { endpointPath } from "../../src/testing/AgniSimulator.ts"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { OpenAPIV3 } from "openapi-types"

type JsonSchema = OpenAPIV3.SchemaObject

/** What the model's schemas leave open: they take more than is documented, because more was seen. */
interface Documented {
  readonly description: string
  readonly integer?: true
  readonly format?: "date-time"
  readonly nullable?: true
}

const sessionFields = {
  id: { description: "Identifies the call. The one field that every record has." },
  agentId: { description: "The voice agent that spoke." },
  organizationId: { description: "The organization that the call belongs to." },
  roomId: { description: "The room in which the call was held." },
  callerNumber: { description: "Who called, in E.164 form; empty for a call from the web." },
  calleeNumber: { description: "Who was called, in E.164 form; empty for a call from the web." },
  callerName: { description: "The caller's name, where it is known." },
  callerEmail: { description: "The caller's e-mail address, where it is known." },
  channel: { description: "How the call came about, such as inbound_call. Open: new values may come." },
  status: { description: "What became of the call, such as completed. Open: new values may come." },
  summary: { description: "The call in a few sentences, once it was analysed." },
  metadata: { description: "The customer's own values." },
  errorMessage: { description: "What went wrong, where something did." },
  disconnectReason: { description: "Why the call ended, such as user_hangup. Open: new values may come." },
  promptDynamicVariables: { description: "The variables of the agent's prompt, by the customer's names." },
  extractDynamicVariables: {
    description: "What was extracted from the call, by the customer's names; null where nothing was.",
    nullable: true
  },
  callLatencyMs: { description: "How long the agent took to answer, in milliseconds.", integer: true },
  startedAt: { description: "When the call started; left out while it has not.", format: "date-time" },
  endedAt: { description: "When the call ended; left out while it has not.", format: "date-time" },
  durationSec: { description: "How long the call lasted, in seconds.", integer: true },
  createdAt: { description: "When the call was queued.", format: "date-time" },
  recordingUrl: { description: "Where the recording can be fetched. Signed, so a secret, and it expires." },
  costTotal: { description: "The cost as a decimal, without a currency." },
  agentName: { description: "The agent's name." },
  postCallAnalysisResult: { description: "The analysis after the call, by the customer's names." },
  creditBreakdown: { description: "The cost by its parts, in the vendor's credits." }
} as const satisfies Record<keyof CallSession, Documented>

const creditFields = {
  channel: { description: "How the call came about." },
  duration_sec: { description: "The seconds that were charged.", integer: true },
  model_credits: { description: "Credits for models." },
  provider_credits: { description: "Credits for telephony." },
  provider_managed: { description: "Whether the vendor provides the telephony." },
  telephony_type: { description: "Which telephony was used." },
  total_credits: { description: "Credits in all." }
} as const satisfies Record<keyof CreditBreakdown, Documented>

/** The type that a schema of the model has beside null. */
const typeOf = (schema: Schema.Constraint, field: string): "string" | "number" | "boolean" | "object" => {
  const { definitions, schema: root } = Schema.toJsonSchemaDocument(schema)
  // A schema with an identifier is a definition.
  const resolved = (found: unknown): Readonly<Record<string, unknown>> => {
    const { $ref } = Object(found)
    return typeof $ref === "string" ? Object(definitions[$ref.replace("#/$defs/", "")]) : Object(found)
  }
  const found: unknown = Object(resolved(root)["properties"])[field]
  const alternatives: ReadonlyArray<unknown> = Object(found).anyOf ?? [found]
  for (const alternative of alternatives) {
    const { type } = resolved(alternative)
    if (type === "string" || type === "number" || type === "boolean" || type === "object") return type
  }
  throw new Error(`the schema of ${field} has no type that a document can name`)
}

const propertyOf = (schema: Schema.Constraint, name: string, documented: Documented): JsonSchema => {
  const { description, format, integer, nullable } = documented
  return {
    description,
    type: integer === true ? "integer" : typeOf(schema, name),
    ...(nullable === true ? { nullable: true } : {}),
    ...(format === undefined ? {} : { format })
  }
}

const propertiesOf = (schema: Schema.Constraint, fields: Readonly<Record<string, Documented>>) =>
  Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, propertyOf(schema, name, field)]))

const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` })

/** A query with every parameter, so that the model itself says how each is called on the wire. */
const everything: Required<CallSessionQuery.CallSessionQuery> = {
  page: 1,
  pageSize: 1,
  agentId: "0d5cf1a2-0c8e-4f3a-9d1e-7b6f2f1c3a44",
  status: "completed",
  channel: "inbound_call",
  callerNumber: "+14155550123",
  search: "refund",
  sortBy: "started_at",
  sortOrder: "desc",
  startedAfter: "2026-07-31T00:00:00Z",
  startedBefore: "2026-08-01T00:00:00Z"
}

const integer: JsonSchema = { type: "integer", minimum: 1 }
const text: JsonSchema = { type: "string", minLength: 1 }
const time: JsonSchema = { type: "string", format: "date-time" }

const parameterOf: Readonly<Record<string, readonly [description: string, schema: JsonSchema]>> = {
  page: ["Which page, from 1.", { ...integer, default: 1 }],
  page_size: [
    "Records on a page. No maximum is documented; a larger size may be cut without a word.",
    { ...integer, default: 20 }
  ],
  agent_id: ["Calls of one agent.", { type: "string", format: "uuid" }],
  status: ["Calls with this status.", text],
  channel: ["Calls of this channel.", text],
  caller_number: ["Calls from this number, in E.164 form.", { type: "string", pattern: "^\\+[1-9]\\d{1,14}$" }],
  search: ["Calls that the server's search finds.", text],
  sort_by: ["The field to sort by. Which fields are taken is not documented.", text],
  sort_order: ["The direction to sort in.", { type: "string", enum: ["asc", "desc"] }],
  started_after: ["Calls that started after this time. Whether the time itself belongs to it is not documented.", time],
  started_before: [
    "Calls that started before this time. Whether the time itself belongs to it is not documented.",
    time
  ]
}

const parameters = (): Array<OpenAPIV3.ParameterObject> =>
  Result.getOrThrow(CallSessionQuery.toParameters(everything)).map(([name, example]) => {
    const known = parameterOf[name]
    if (known === undefined) throw new Error(`the parameter ${name} has no description`)
    const [description, schema] = known
    const value = schema.type === "integer" ? Number(example) : example
    return { name, in: "query", description, schema, example: value }
  })

const json = (schema: OpenAPIV3.ReferenceObject | JsonSchema) => ({ "application/json": { schema } })
const page = { "text/html": { schema: { type: "string" } } } as const

const failure = (description: string, retried = false): OpenAPIV3.ResponseObject => ({
  description,
  ...(retried
    ? { headers: { "Retry-After": { description: "Seconds, or a date.", schema: { type: "string" } } } }
    : {}),
  content: { ...json(reference("GatewayError")), ...(retried ? page : {}) }
})

const responses = (): OpenAPIV3.ResponsesObject => ({
  "200": { description: "One page. A page without records is beyond the last.", content: json(reference("Page")) },
  "400": failure("The query is wrong."),
  "401": failure("The key is missing or not valid."),
  "403": { description: "The key may not do this.", content: json(reference("Forbidden")) },
  "404": { description: "No such path.", content: { "text/plain": { schema: { type: "string" } } } },
  "429": failure("Too many requests.", true),
  "500": failure("The server failed.", true),
  "503": failure("The server is not there for the moment.", true)
})

const schemas = (): Record<string, JsonSchema> => {
  const properties = propertiesOf(CallSession, sessionFields)
  return {
    Page: {
      type: "object",
      required: ["success", "data"],
      properties: {
        success: { description: "False where the request failed, whatever the status says.", type: "boolean" },
        message: { description: "For people.", type: "string" },
        data: {
          type: "object",
          properties: {
            callSessions: {
              description: "The records of the page. Neither a total nor a token for the next page comes with them.",
              type: "array",
              items: reference("CallSession")
            }
          }
        }
      }
    },
    CallSession: {
      description: "One call. Fields may be added at any time.",
      type: "object",
      required: ["id"],
      properties: {
        ...Object.fromEntries(fieldNames.map((name) => [name, properties[name] ?? {}])),
        creditBreakdown: reference("CreditBreakdown")
      }
    },
    CreditBreakdown: {
      description: sessionFields.creditBreakdown.description,
      type: "object",
      properties: propertiesOf(CreditBreakdown, creditFields)
    },
    GatewayError: {
      type: "object",
      required: ["code", "message"],
      properties: {
        code: { description: "A code of gRPC.", type: "integer" },
        message: { type: "string" },
        details: { type: "array", items: {} }
      }
    },
    Forbidden: {
      type: "object",
      required: ["success", "message"],
      properties: {
        success: { type: "boolean", enum: [false] },
        message: { type: "string" },
        error: { type: "object", properties: { code: { type: "string" }, message: { type: "string" } } }
      }
    }
  }
}

/** Makes the document. */
export const make = (): OpenAPIV3.Document => ({
  openapi: "3.0.3",
  info: {
    title: "Agni call sessions",
    version: "1",
    description:
      "The endpoint that callstream reads, as far as the vendor documents it. What was seen to differ is in wire.md."
  },
  servers: [{ url: "https://api.ravan.ai" }],
  security: [{ apiKey: [] }],
  paths: {
    [endpointPath]: {
      get: {
        operationId: "listCallSessions",
        summary: "Lists call sessions, a page at a time",
        parameters: parameters(),
        responses: responses()
      }
    }
  },
  components: {
    schemas: schemas(),
    securitySchemes: { apiKey: { type: "apiKey", in: "header", name: "X-Api-Key" } }
  }
})
