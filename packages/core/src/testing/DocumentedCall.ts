/**
 * Calls as the contract documents them, for property tests.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import type { CallSession } from "../model/CallSession.ts"
import { channels, finalStatuses } from "./internal/CallKinds.ts"

const numbers = (from: number, to: number): ReadonlyArray<string> =>
  Array.from({ length: to - from + 1 }, (_, i) => String(from + i).padStart(2, "0"))

const oneOf = (texts: ReadonlyArray<string>) => Schema.Literals(texts)
const optional = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))
const count = (most: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: most }))

const sixty = oneOf(numbers(0, 59))
const hour = oneOf(numbers(0, 23))
/** A time of June 2026 in UTC, with microseconds. */
const time = Schema.TemplateLiteral([
  "2026-06-",
  oneOf(numbers(1, 30)),
  "T",
  hour,
  ":",
  sixty,
  ":",
  sixty,
  ".0000",
  oneOf(numbers(0, 99)),
  "Z"
])
/** Numbers that are kept for fiction. */
const phone = Schema.TemplateLiteral(["+141555501", oneOf(numbers(0, 99))])
const decimal = Schema.TemplateLiteral([count(500), ".", oneOf(numbers(0, 99))])
const id = Schema.TemplateLiteral(["call-", count(1_000_000)])
const own = Schema.Record(
  oneOf(["source", "lead id", "score.total"]),
  Schema.Union([Schema.String, count(100), Schema.Boolean, Schema.Null])
)
const wrapped = Schema.Struct({ type: oneOf(["enum", "text"]), value: oneOf(["positive", "neutral", "negative"]) })

/**
 * The schema of a call with values such as the API has: times in ISO 8601, known statuses and channels, numbers in E.164 form,
 * costs as decimals, customers' keys with spaces and dots. The fields that every call has may be `null`; all others may be absent, too. Give it to
 * `it.effect.prop`, or to `Arbitrary.schema`. Two calls may have the same `id`.
 *
 * @since 0.1.0
 * @category schemas
 */
export const schema: Schema.Codec<CallSession> = Schema.revealCodec(
  Schema.Struct({
    id,
    agentId: Schema.NullOr(oneOf(["0d5cf1a2-0c8e-4f3a-9d1e-7b6f2f1c3a44", "5b0f6f0e-5b0c-4a7e-8d7e-2f0d2f1c9b11"])),
    organizationId: optional(oneOf(["7c1f8b1e-3d61-4c52-9b1a-0f6a0b7a1c22"])),
    roomId: optional(Schema.TemplateLiteral(["call_", id])),
    callerNumber: Schema.NullOr(phone),
    calleeNumber: Schema.NullOr(phone),
    callerName: optional(Schema.String),
    callerEmail: optional(oneOf(["", "asha@example.com", "john.miller@example.org"])),
    channel: Schema.NullOr(oneOf(channels)),
    status: Schema.NullOr(oneOf([...finalStatuses, "in_progress", "ringing"])),
    summary: optional(Schema.String),
    metadata: optional(own),
    errorMessage: optional(oneOf(["", "the line was busy"])),
    disconnectReason: optional(oneOf(["user_hangup", "agent_hangup", "timeout", "error"])),
    promptDynamicVariables: optional(own),
    extractDynamicVariables: optional(own),
    callLatencyMs: optional(count(5000)),
    startedAt: Schema.NullOr(time),
    endedAt: Schema.NullOr(time),
    durationSec: Schema.NullOr(count(7200)),
    createdAt: Schema.NullOr(time),
    recordingUrl: optional(Schema.TemplateLiteral(["https://recordings.example.com/", id])),
    costTotal: Schema.NullOr(decimal),
    agentName: optional(oneOf(["Front Desk", "बिक्री सहायक", 'Support "Tier 1"'])),
    postCallAnalysisResult: optional(
      Schema.Record(oneOf(["sentiment", "next step"]), Schema.Union([wrapped, Schema.String]))
    ),
    creditBreakdown: optional(
      Schema.Struct({
        channel: optional(oneOf(channels)),
        duration_sec: optional(count(7200)),
        model_credits: optional(count(1000)),
        provider_credits: optional(count(1000)),
        provider_managed: optional(Schema.Boolean),
        telephony_type: optional(oneOf(["inbound", "outbound"])),
        total_credits: optional(count(2000))
      })
    )
  }).annotate({ identifier: "DocumentedCall" })
)
