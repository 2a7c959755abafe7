/** Content in one spelling: what two answers may write differently of the same thing is equal text here. */
import { ExactNumber } from "../ExactNumber.ts"
import * as DecimalText from "./DecimalText.ts"
import { isObject } from "./Json.ts"

/** A piece that is written as it is, between values that are not written yet. */
class Piece {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** A number as text: `1` and `"1"` are one value, because a protobuf gateway writes long numbers as text. */
export const numberText = (value: number | ExactNumber): string => {
  const text = String(value)
  // JavaScript writes these in the same way.
  if (typeof value === "number" && (value === 0 || (Math.abs(value) >= 1e-6 && Math.abs(value) < 1e21))) return text
  return DecimalText.canonical(text) ?? text
}

const ofNumber = (value: number | ExactNumber): string => JSON.stringify(numberText(value))

const membersOf = (value: Readonly<Record<string, unknown>>): ReadonlyArray<string> =>
  Object.keys(value)
    .filter((key) => value[key] !== null && value[key] !== undefined)
    .sort()

/**
 * Much like JSON: sorted keys, no members that are `null`, numbers as text, URLs without their signatures, and a comma after each
 * value. It does not recurse: a record may be nested deeper than the stack.
 */
export const write = (root: unknown): string => {
  if (typeof root === "string") return JSON.stringify(withoutSignature(root))
  if (typeof root === "number") return ofNumber(root)
  let out = ""
  const waiting: Array<unknown> = [root]
  while (waiting.length > 0) {
    const value = waiting.pop()
    if (value instanceof Piece) out += value.text
    else if (typeof value === "string") out += JSON.stringify(withoutSignature(value))
    else if (typeof value === "number" || value instanceof ExactNumber) out += ofNumber(value)
    else if (Array.isArray(value)) {
      out += "["
      waiting.push(new Piece("]"))
      for (let i = value.length - 1; i >= 0; i--) waiting.push(new Piece(","), value[i])
    } else if (isObject(value)) {
      out += "{"
      waiting.push(new Piece("}"))
      for (const key of membersOf(value).toReversed()) {
        waiting.push(new Piece(","), value[key], new Piece(`${JSON.stringify(key)}:`))
      }
    } else if (value === true || value === false) out += String(value)
    else out += "null"
  }
  return out
}

/** Query parameters that sign a URL, and that differ each time it is given out. */
const signing =
  /^(x-(amz|goog|ms)-.*|signature|sig|expires|policy|key-pair-id|awsaccesskeyid|googleaccessid|token|access_token)$/i
/** Those of Azure are words of two or three letters, so they count only beside `sig`. */
const besideSig = /^(s[a-z]{1,2}|sk[a-z]{1,3})$/i

const nameOf = (parameter: string): string => parameter.replace(/=.*$/s, "")

/** A URL without the parameters that sign it; other text as it is. */
export const withoutSignature = (text: string): string => {
  // Most text is none: its first letter says so.
  if ((text.charCodeAt(0) | 32) !== 104 || !/^https?:\/\//i.test(text)) return text
  const at = text.indexOf("?")
  if (at === -1) return text
  const [query = "", ...fragment] = text.slice(at + 1).split("#")
  const parameters = query.split("&")
  const isAzure = parameters.some((one) => nameOf(one).toLowerCase() === "sig")
  const kept = parameters.filter((one) => {
    const name = nameOf(one)
    return !signing.test(name) && !(isAzure && besideSig.test(name))
  })
  return [
    text.slice(0, at),
    ...(kept.length === 0 ? [] : ["?", kept.join("&")]),
    ...fragment.map((one) => `#${one}`)
  ].join("")
}
