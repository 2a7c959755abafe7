/** Calls that an export or a sync wrote, read again: what all readers of them have in common. */
import { CallSession, ExactNumber, type SinkError } from "@callstream/core"
import * as Result from "effect/Result"
import type * as Stream from "effect/Stream"
import type { UsageError } from "../../option/UsageError.ts"

/** Some of the calls, and how many rows beside them were none. */
export interface Read {
  readonly calls: ReadonlyArray<CallSession.CallSession>
  readonly unreadable: number
}

export type Reading<R = never> = Stream.Stream<Read, UsageError | SinkError, R>

/** The fields that a report or a bill reads. Others are read only where a condition or a group names them. */
export const fields: ReadonlyArray<string> = [
  "id",
  "agentId",
  "agentName",
  "callerNumber",
  "calleeNumber",
  "callerName",
  "callerEmail",
  "channel",
  "status",
  "errorMessage",
  "disconnectReason",
  "callLatencyMs",
  "startedAt",
  "endedAt",
  "durationSec",
  "createdAt",
  "costTotal",
  "creditBreakdown"
]

/** The columns of a table to read: those that are wanted, the key, and what did not fit into its column. */
export const wantedColumns = (wanted: ReadonlySet<string>, there: ReadonlyArray<string>): ReadonlyArray<string> =>
  there.filter((name) => wanted.has(name) || name === "session_id" || name === "extra")

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The JSON of a column, without rounding a number; anything else as it is. */
export const fromJson = (value: unknown): unknown => {
  if (typeof value !== "string") return value
  try {
    return ExactNumber.parseJson(value)
  } catch {
    return value
  }
}

/** Columns that hold JSON as text in tables. */
export const jsonColumns: ReadonlySet<string> = new Set([
  "metadata",
  "promptDynamicVariables",
  "extractDynamicVariables",
  "postCallAnalysisResult",
  "creditBreakdown",
  "extra"
])

/** The record of a row: empty cells say nothing, and `extra` has what did not fit into its column. */
export const recordOf = (row: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
  const { extra, session_id: key, ...cells } = row
  const known = Object.entries(cells).filter(([, value]) => value !== null && value !== undefined)
  return {
    ...(key === null || key === undefined ? {} : { id: key }),
    ...(isObject(extra) ? extra : {}),
    ...Object.fromEntries(known)
  }
}

/** Rows as calls. */
export const toRead = (rows: ReadonlyArray<unknown>): Read => {
  const calls: Array<CallSession.CallSession> = []
  for (const row of rows) {
    const read = CallSession.fromWire(row)
    if (Result.isSuccess(read)) calls.push(read.success)
  }
  return { calls, unreadable: rows.length - calls.length }
}
