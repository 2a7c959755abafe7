/** Two redactions as one. */
import type { Redaction } from "../TransformContract.ts"

export const bothOf = (first: Redaction | undefined, second: Redaction | undefined): Redaction | undefined => {
  if (first === undefined || second === undefined) return first ?? second
  return {
    label: `${first.label} | ${second.label}`,
    apply: (value) => {
      const one = first.apply(value)
      const other = second.apply(one.value)
      return {
        value: other.value,
        fields: [...new Set([...one.fields, ...other.fields])],
        text: (text) => other.text(one.text(text))
      }
    }
  }
}
