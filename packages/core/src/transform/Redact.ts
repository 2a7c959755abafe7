/**
 * Takes personal data out of records.
 *
 * @since 0.1.0
 */
import * as Redactor from "./internal/Redactor.ts"
import { fromRecord } from "./internal/Row.ts"
import { make, type Transform } from "./Transform.ts"

/**
 * What is taken out:
 *
 * - `phone`: `callerNumber`, `calleeNumber`, `customerNumber`, wherever else in the record these very numbers are, values
 *   under keys such as `mobile`, and phone numbers in any text and any key of the record.
 * - `email`: `callerEmail`, and e-mail addresses in any text and any key.
 * - `name`: `callerName`, wherever else in the record that very name is, and values under keys such as
 *   `customer_name` or `lastName`. Other names inside running text cannot be told from other words: `freeText` is for
 *   them. `agentName` is the name of a voice agent and stays.
 * - `recording`: `recordingUrl`, and signed URLs in any text.
 * - `freeText`: `summary`, `errorMessage`, and every text in `metadata`, in the dynamic variables, in the analysis and in
 *   fields that the contract does not name. Numbers and booleans stay.
 *
 * @since 0.1.0
 * @category models
 */
export type Class = "phone" | "email" | "name" | "recording" | "freeText"

/**
 * The names of the classes.
 *
 * @since 0.1.0
 * @category models
 */
export const classes: ReadonlyArray<Class> = Redactor.classes

/**
 * A hash that only the holder of a key can compute, so that values cannot be found again by trying them all: there are
 * few enough phone numbers for that. The same value has the same hash, so rows can still be joined.
 *
 * @since 0.1.0
 * @category models
 */
export interface KeyedHash {
  /** Tells keys apart and says nothing about them. It is in the label: with another key it is another pipeline. */
  readonly fingerprint: string
  /** Gives 32 hexadecimal digits in lower case, by which a hash is known again and not hashed once more. */
  readonly hash: (text: string) => string
}

/**
 * What stands in place of a value: nothing, `[phone]`, or its hash as `phone_9f86d081…`.
 *
 * @since 0.1.0
 * @category models
 */
export type Mode = "drop" | "mask" | KeyedHash

/**
 * How to redact.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /**
   * The calling code of numbers without one, digits only, such as `"49"`: then `030 1234567`, `0049 30 1234567` and
   * `+49 30 1234567` have the same hash. Matters to hashes only.
   */
  readonly callingCode?: string | undefined
}

const modeName = (mode: Mode): string => (typeof mode === "string" ? mode : `hash:${mode.fingerprint}`)

/**
 * The record without the data of the given classes, the very same object when there was none in it. Timestamps, costs,
 * other numbers and booleans stay as they are. The record's own numbers go from every field, an `id` that holds one becomes
 * a hash as a whole (in the mode `hash`; otherwise the number in it is masked); the key of the row, by which sinks know it,
 * stays. `drop` takes fields out and their columns with them, and found text out of longer text; the other modes put text in
 * its place. Redacting twice changes nothing.
 *
 * It goes by the names of fields: redact before you rename, flatten, or select from inside an object.
 *
 * ```ts
 * Redact.redact({ phone: "mask", email: "mask", recording: "drop" })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const redact = <A extends object>(
  what: { readonly [K in Class]?: Mode | undefined },
  options: Options = {}
): Transform<A, A> => {
  const chosen = classes.flatMap((name) => {
    const mode = what[name]
    return mode === undefined ? [] : [{ name, mode }]
  })
  const redactor = Redactor.make(new Map(chosen.map(({ mode, name }) => [name, mode])), options.callingCode)
  const hashes = chosen.some(({ mode }) => typeof mode !== "string")
  const code = hashes && options.callingCode !== undefined ? ` +${options.callingCode}` : ""
  const label = `redact ${chosen.map(({ mode, name }) => `${name}=${modeName(mode)}`).join(",")}${code}`
  return make({
    label,
    redaction: { label, apply: redactor.applyToJson },
    columns: (columns) => columns.filter(({ name }) => !redactor.drops(name)),
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- text stays text, and what is dropped may be absent
    apply: (record) => redactor.apply(fromRecord(record)) as A
  })
}
