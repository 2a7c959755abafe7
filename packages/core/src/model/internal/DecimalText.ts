/** Decimals of any size as text: what their digits say, whatever their spelling. */

interface Decimal {
  readonly negative: boolean
  /** Without zeros at either end; empty for zero. */
  readonly digits: string
  /** How many digits are before the point: below 0 when zeros follow it, more than there are when zeros end it. */
  readonly point: bigint
}

const shape = /^\s*([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?\s*$/

const zero = 48

const read = (text: string): Decimal | undefined => {
  const [, sign = "", left = "", right = "", exponent = "0"] = shape.exec(text) ?? [undefined]
  const all = left + right
  if (all === "") return undefined
  let first = 0
  while (all.charCodeAt(first) === zero) first++
  let end = all.length
  while (end > first && all.charCodeAt(end - 1) === zero) end--
  return {
    negative: sign === "-" && end > first,
    digits: all.slice(first, end),
    point: end > first ? BigInt(left.length - first) + BigInt(exponent) : 0n
  }
}

/** Zeros that are written out before an exponent is used: as many as JavaScript itself writes at most. */
const mostZeros = 21n

const expand = ({ digits, negative, point }: Decimal): string => {
  const before = Number(point)
  const text =
    before <= 0
      ? `0.${"0".repeat(-before)}${digits}`
      : before >= digits.length
        ? digits.padEnd(before, "0")
        : `${digits.slice(0, before)}.${digits.slice(before)}`
  return negative ? `-${text}` : text
}

const zerosOf = ({ digits, point }: Decimal): bigint =>
  point <= 0n ? -point : point > BigInt(digits.length) ? point - BigInt(digits.length) : 0n

const [nine, minus, dot] = [57, 45, 46]

/** Whether it is short and canonical already, as nearly all are. */
const isCanonical = (text: string): boolean => {
  const { length } = text
  const first = text.charCodeAt(0) === minus ? 1 : 0
  let point = length
  if (length === first || length > Number(mostZeros)) return false
  for (let at = first; at < length; at++) {
    const character = text.charCodeAt(at)
    if (character === dot && point === length && at > first) point = at
    else if (!(character >= zero && character <= nine)) return false
  }
  // No zero in front of other digits or behind a fraction, and no zero below 0.
  if (text.charCodeAt(first) === zero && point !== first + 1) return false
  return point === length ? text !== "-0" : text.charCodeAt(length - 1) !== zero && point < length - 1
}

/** The one way to write the value, as JSON takes it: plain digits, or an exponent beside many zeros. */
export const canonical = (text: string): string | undefined => {
  if (isCanonical(text)) return text
  const decimal = read(text)
  if (decimal === undefined) return undefined
  const { digits, negative, point } = decimal
  if (digits === "") return "0"
  if (zerosOf(decimal) <= mostZeros) return expand(decimal)
  const power = point - 1n
  const fraction = digits.length === 1 ? "" : `.${digits.slice(1)}`
  return `${negative ? "-" : ""}${digits.slice(0, 1)}${fraction}e${power < 0n ? "" : "+"}${power}`
}

/** The value without an exponent; `undefined` when it is no decimal, or would get more than `most` zeros from it. */
export const plain = (text: string, most: number): string | undefined => {
  const decimal = read(text)
  if (decimal === undefined) return undefined
  if (decimal.digits === "") return "0"
  return zerosOf(decimal) <= BigInt(most) ? expand(decimal) : undefined
}

const order = <A extends bigint | string>(left: A, right: A): number => (left < right ? -1 : left > right ? 1 : 0)

/** Below 0, 0 or above it, for text of decimals; NaN when one is none. */
export const compare = (left: string, right: string): number => {
  const a = read(left)
  const b = read(right)
  if (a === undefined || b === undefined) return Number.NaN
  const signs = [a, b].map(({ digits, negative }) => (digits === "" ? 0 : negative ? -1 : 1))
  const [x = 0, y = 0] = signs
  if (x !== y || x === 0) return x - y
  // Without zeros at their ends, digits behind the same point are in order as text is.
  return x * (order(a.point, b.point) || order(a.digits, b.digits))
}
