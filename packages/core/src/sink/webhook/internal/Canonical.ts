/** Text of a JSON value, the same for the same content. */
import { ExactNumber } from "../../../model/ExactNumber.ts"

/**
 * A JSON value as text that is the same for the same content: keys sorted, no spaces, and signed URLs without their
 * signatures, which differ in each answer of the API. A recording counts by its path and presence.
 */
export const encode = (value: unknown): string => write("", value)

const write = (key: string, value: unknown): string => {
  if (typeof value === "string") return JSON.stringify(withoutSignature(key, value))
  if (value instanceof ExactNumber) return value.text
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map((item) => write("", item)).join(",")}]`
  return `{${Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, item]) => `${JSON.stringify(name)}:${write(name, item)}`)
    .join(",")}}`
}

const signed = /^https?:\/\/[^?#]*\?(?:.*&)?(?:x-amz-signature|x-goog-signature|signature|sig|token)=/i

const withoutSignature = (key: string, text: string): string =>
  key === "recordingUrl" || signed.test(text) ? text.replace(/[?#].*$/s, "") : text
