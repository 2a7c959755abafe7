/** What an expression can name, and what it finds there. */
import { CallSession, ExactNumber } from "@callstream/core"

/** `time` is a timestamp, which is compared as the moment it is. `any` is known only when a record is there. */
export type Type = "text" | "number" | "bool" | "time" | "list" | "object" | "null" | "any"

export interface Field {
  readonly type: Type
  readonly read: (session: CallSession.CallSession) => unknown
}

const types: { readonly [K in keyof CallSession.CallSession]-?: Type } = {
  id: "text",
  agentId: "text",
  organizationId: "text",
  roomId: "text",
  callerNumber: "text",
  calleeNumber: "text",
  callerName: "text",
  callerEmail: "text",
  channel: "text",
  status: "text",
  summary: "text",
  metadata: "object",
  errorMessage: "text",
  disconnectReason: "text",
  promptDynamicVariables: "object",
  extractDynamicVariables: "object",
  callLatencyMs: "number",
  startedAt: "time",
  endedAt: "time",
  durationSec: "number",
  createdAt: "time",
  recordingUrl: "text",
  costTotal: "text",
  agentName: "text",
  postCallAnalysisResult: "object",
  creditBreakdown: "object"
}

const ofContract = CallSession.fieldNames.map((name): [string, Field] => [
  name,
  { type: types[name], read: (session) => session[name] }
])

const costOf = (session: CallSession.CallSession) => {
  const { costTotal } = session
  return CallSession.cost(session) === undefined ? undefined : ExactNumber.fromText(costTotal ?? "")
}

const derived: Readonly<Record<string, Field>> = {
  outcome: { type: "text", read: CallSession.outcome },
  direction: { type: "text", read: CallSession.direction },
  customerNumber: { type: "text", read: CallSession.customerNumber },
  minutes: { type: "number", read: CallSession.minutes },
  cost: { type: "number", read: costOf },
  finalCost: { type: "number", read: (session) => (CallSession.isSettled(session) ? costOf(session) : undefined) },
  analysis: { type: "object", read: CallSession.analysisValues }
}

/** The contract's fields, and what can be derived from them without a time zone. */
export const fields: ReadonlyMap<string, Field> = new Map([...ofContract, ...Object.entries(derived)])

const direction = ["channel", "creditBreakdown"]

const read: Readonly<Record<string, ReadonlyArray<string>>> = {
  direction,
  customerNumber: [...direction, "callerNumber", "calleeNumber"],
  outcome: ["status"],
  minutes: ["durationSec"],
  cost: ["costTotal"],
  finalCost: ["costTotal", "status", "endedAt"],
  analysis: ["postCallAnalysisResult"]
}

/** The fields of the contract that one of these reads. */
export const readBy = (name: string): ReadonlyArray<string> => (Object.hasOwn(read, name) ? (read[name] ?? []) : [name])
