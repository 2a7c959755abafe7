/** Exact decimals as text, without going through a number. */

/** Digits before and behind the point: what DECIMAL(38, 18) holds. */
const whole = 20
const fraction = 18

const zero = 48
const point = 46

const shape = /^\s*([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?\s*$/

/** The one way to write the value; `undefined` when it is no decimal, or has too many digits. */
export const canonical = (text: string): string | undefined => (isCanonical(text) ? text : rewritten(text))

/** `12`, `0.0425`: digits without a zero too many, which is how nearly all come. */
const isCanonical = (text: string): boolean => {
  const { length } = text
  if (length === 0 || length > whole) return false
  let dot = -1
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at)
    if (code === point && dot === -1 && at > 0) dot = at
    else if (!(code >= zero && code < zero + 10)) return false
  }
  if (text.charCodeAt(0) === zero && length > 1 && dot !== 1) return false
  return dot === -1 || (length - dot - 1 <= fraction && text.charCodeAt(length - 1) !== zero && dot < length - 1)
}

const rewritten = (text: string): string | undefined => {
  const match = shape.exec(text)
  if (match === null) return undefined
  const [, sign = "", left = "", right = "", power = "0"] = match
  if (left === "" && right === "") return undefined
  const digits = left + right
  const first = digits.search(/[1-9]/)
  if (first === -1) return "0"
  const significant = digits.replace(/0+$/, "").slice(first)
  // How many of the significant digits are before the point; may be negative, or more than there are.
  const before = left.length - first + Number(power)
  const behind = Math.max(0, significant.length - before)
  if (before > whole || behind > fraction) return undefined
  const integer = before <= 0 ? "0" : significant.slice(0, before).padEnd(before, "0")
  const rest = before >= significant.length ? "" : significant.slice(Math.max(0, before)).padStart(behind, "0")
  return `${sign === "-" ? "-" : ""}${integer}${rest === "" ? "" : `.${rest}`}`
}
