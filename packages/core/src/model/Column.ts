/**
 * A column of a table: its name and what its values are.
 *
 * @since 0.1.0
 */
import { type CallSession, fieldNames } from "./CallSession.ts"
import type { CreditBreakdown } from "./SessionSchema.ts"

/**
 * What the values of a column are:
 *
 * - `text`: text as it came.
 * - `integer`, `number`: numbers, whole ones and any finite ones.
 * - `decimal`: an exact decimal, such as a cost.
 * - `timestamp`: a point in time, to the microsecond.
 * - `date`: a day of a calendar, as `2026-07-31`.
 * - `boolean`.
 * - `json`: objects and lists.
 * - `any`: unknown, such as a value under a customer's key. Text stays text, anything else is its JSON.
 *
 * @since 0.1.0
 * @category models
 */
export type Type = "text" | "integer" | "number" | "decimal" | "timestamp" | "date" | "boolean" | "json" | "any"

/**
 * A column.
 *
 * @since 0.1.0
 * @category models
 */
export interface Column {
  readonly name: string
  readonly type: Type
  /**
   * It was chosen by name, with all the others: a table of chosen columns has exactly these, and no `extra` beside them.
   *
   * @default false
   */
  readonly chosen?: true
}

const sessionTypes: { readonly [K in keyof CallSession]?: Type } = {
  startedAt: "timestamp",
  endedAt: "timestamp",
  createdAt: "timestamp",
  durationSec: "integer",
  callLatencyMs: "integer",
  costTotal: "decimal",
  metadata: "json",
  promptDynamicVariables: "json",
  extractDynamicVariables: "json",
  postCallAnalysisResult: "json",
  creditBreakdown: "json"
}

/**
 * The columns of a call session: the contract's 26 fields, in its order.
 *
 * @since 0.1.0
 * @category constants
 */
export const ofSession: ReadonlyArray<Column> = fieldNames.map((name) => ({ name, type: sessionTypes[name] ?? "text" }))

const creditTypes: { readonly [K in keyof Required<CreditBreakdown>]: Type } = {
  channel: "text",
  duration_sec: "number",
  model_credits: "number",
  provider_credits: "number",
  provider_managed: "boolean",
  telephony_type: "text",
  total_credits: "number"
}

/**
 * The columns of a credit breakdown: the keys that the contract names, in its order, without the object's name.
 *
 * @since 0.1.0
 * @category constants
 */
export const ofCredits: ReadonlyArray<Column> = Object.entries(creditTypes).map(([name, type]) => ({ name, type }))

/**
 * The names of the columns.
 *
 * @since 0.1.0
 * @category reading
 */
export const names = (columns: ReadonlyArray<Column>): ReadonlyArray<string> => columns.map(({ name }) => name)

/**
 * What the values of the column with this name are: `undefined` when there is none.
 *
 * @since 0.1.0
 * @category reading
 */
export const typeOf = (columns: ReadonlyArray<Column>, name: string): Type | undefined =>
  columns.find((column) => column.name === name)?.type

/**
 * Whether two tables have the same columns, in the same order.
 *
 * @since 0.1.0
 * @category reading
 */
export const same = (left: ReadonlyArray<Column>, right: ReadonlyArray<Column>): boolean =>
  left === right ||
  (left.length === right.length &&
    left.every(
      ({ chosen, name, type }, index) =>
        right[index]?.name === name && right[index].type === type && right[index].chosen === chosen
    ))
