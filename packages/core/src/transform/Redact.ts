/**
 * What personal data can be taken out of records, and what takes its place.
 *
 * @since 0.1.0
 */
import * as PersonalFields from "./internal/PersonalFields.ts"

/**
 * The classes of personal data:
 *
 * - `phone`: `callerNumber`, `calleeNumber`, `customerNumber`, wherever else in the record these very numbers are, values
 *   under keys such as `mobile`, and phone numbers in any text and any key of the record.
 * - `email`: `callerEmail`, and e-mail addresses in any text and any key.
 * - `name`: `callerName`, wherever else in the record that very name is, and values under keys such as
 *   `customer_name` or `lastName`. Other names inside running text look like other words: `freeText` is for
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
export const classes: ReadonlyArray<Class> = PersonalFields.classes

/**
 * A hash that only the holder of a key can compute, so that values cannot be found again by trying them all: there are
 * few enough phone numbers for that. The same value has the same hash, so rows can still be joined.
 *
 * @since 0.1.0
 * @category models
 */
export interface KeyedHash {
  /** Identifies the key without revealing it. It is part of the label: with another key it is another pipeline. */
  readonly fingerprint: string
  /** Returns 32 hexadecimal digits in lower case; a value of that form is not hashed again. */
  readonly hash: (text: string) => string
}

/**
 * What replaces a value: nothing, `[phone]`, or its hash as `phone_9f86d081…`.
 *
 * @since 0.1.0
 * @category models
 */
export type Mode = "drop" | "mask" | KeyedHash

/**
 * The mode of each class; a class without one is not redacted.
 *
 * @since 0.1.0
 * @category models
 */
export type Modes = { readonly [K in Class]?: Mode | undefined }

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
