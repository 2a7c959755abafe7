/**
 * Exact sums of costs. A cost has no currency: it is in the unit that the API uses.
 *
 * @since 0.1.0
 */
import * as BigDecimal from "effect/BigDecimal"

/**
 * The sum of no costs.
 *
 * @since 0.1.0
 * @category constants
 */
export const zero: BigDecimal.BigDecimal = BigDecimal.make(0n, 0)

/**
 * The sum as plain digits, without an exponent and without zeros that end a fraction: `1234.5`.
 *
 * @since 0.1.0
 * @category reading
 */
export const format = (amount: BigDecimal.BigDecimal): string => {
  const { scale, value } = BigDecimal.normalize(amount)
  const negative = value < 0n
  const digits = (negative ? -value : value).toString()
  const text =
    scale <= 0
      ? digits.padEnd(digits.length - scale, "0")
      : `${digits.padStart(scale + 1, "0").slice(0, -scale)}.${digits.padStart(scale + 1, "0").slice(-scale)}`
  return negative ? `-${text}` : text
}

/**
 * The sum rounded half away from zero to so many digits behind the point, as text with all of them.
 *
 * @since 0.1.0
 * @category reading
 */
export const toFixed = (amount: BigDecimal.BigDecimal, digits: number): string => {
  const rounded = BigDecimal.round(amount, { scale: digits, mode: "half-from-zero" })
  const [whole = "0", fraction = ""] = format(rounded).split(".")
  return digits === 0 ? whole : `${whole}.${fraction.padEnd(digits, "0")}`
}
