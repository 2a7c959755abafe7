/** Makes a dead letter of a rejected record or row, without personal data that the pipeline redacts. */
import type { RejectedRow } from "../../model/RejectedRow.ts"
import type { Rejected } from "../../model/Rejected.ts"
import type { Version } from "../../model/Version.ts"
import type { Redaction } from "../../transform/TransformContract.ts"

/** A row that a sink rejected, and the record that it was made of. */
interface RefusedRow {
  readonly id: string
  readonly sink: string
  readonly reason: string
  readonly record: unknown
  readonly row: unknown
  readonly observedAt: Version
}

export interface Letters {
  readonly ofRecord: (rejected: Pick<Rejected, "stage" | "reason" | "raw" | "observedAt">) => RejectedRow
  readonly ofRow: (refused: RefusedRow) => RejectedRow
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const idOf = (value: unknown): string | undefined =>
  isObject(value) && typeof value["id"] === "string" && value["id"] !== "" ? value["id"] : undefined

/** A letter cannot hold values that JSON does not have, or that are nested too deep. */
const isJson = (value: unknown): boolean => {
  try {
    return JSON.stringify(value) !== undefined
  } catch {
    return false
  }
}

const notKept = "it cannot be written as JSON, so it is not kept"

/** The key of a row, where the letter has none. */
const keyOf = (id: string | undefined, kept: unknown): { readonly id?: string } =>
  id === undefined || idOf(kept) === id ? {} : { id }

/** @param redaction `undefined` keeps the record unchanged. */
export const make = (redaction: Redaction | undefined, keepsRaw: boolean): Letters => {
  const redact = (value: unknown) => {
    if (redaction === undefined || keepsRaw) return undefined
    try {
      return redaction.apply(value)
    } catch {
      return { value: undefined, fields: [], text: () => notKept }
    }
  }

  const ofRecord: Letters["ofRecord"] = ({ observedAt, raw, reason, stage }) => {
    const redacted = redact(raw)
    const record = redacted === undefined ? raw : redacted.value
    const kept = isJson(record)
    const text = redacted?.text ?? ((same: string) => same)
    return {
      // The label of a transform may hold the values of a condition, but none of the record.
      stage: redacted === undefined ? stage : (redaction?.apply(null).text(stage) ?? stage),
      reason: kept ? text(reason) : `${text(reason)}; ${notKept}`,
      ...keyOf(idOf(raw), record),
      record: kept ? record : null,
      ...(redacted === undefined || redaction === undefined
        ? {}
        : { redaction: { label: redaction.label, fields: redacted.fields } }),
      observedAt
    }
  }

  return {
    ofRecord,
    ofRow: ({ id, observedAt, reason, record, row, sink }) => {
      if (keepsRaw || !isJson(row)) {
        const letter = ofRecord({ stage: "sink", reason, raw: record, observedAt })
        return { ...letter, sink, ...keyOf(id, letter.record) }
      }
      return { stage: "sink", sink, reason: redact(record)?.text(reason) ?? reason, ...keyOf(id, row), row, observedAt }
    }
  }
}
