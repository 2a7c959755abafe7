/** What rows are made of, and how one is copied without its prototype getting in the way. */
import { ExactNumber } from "../../model/ExactNumber.ts"

export type Row = Readonly<Record<string, unknown>>

/** The fields of the contract whose keys are the customer's. */
export const customerObjects = [
  "metadata",
  "promptDynamicVariables",
  "extractDynamicVariables",
  "postCallAnalysisResult"
] as const

export { isObject } from "../../model/internal/Json.ts"

/** A record as a row: an interface such as `CallSession` has no index signature. */
export const fromRecord = (record: object): Row => (isContainer(record) ? record : {})

/** An object or a list: something with values under keys. */
export const isContainer = (value: unknown): value is Row =>
  typeof value === "object" && value !== null && !(value instanceof ExactNumber)

/** `row[key] = value`, also for the key `__proto__`, which JSON may hold. */
export const set = (row: Record<string, unknown>, key: string, value: unknown): void => {
  if (key === "__proto__") {
    Object.defineProperty(row, key, { value, enumerable: true, configurable: true, writable: true })
  } else row[key] = value
}

/** A path given in code that is none is a bug of the program. */
export const bug = (transform: string, problem: string): TypeError => new TypeError(`${transform}: ${problem}`)
