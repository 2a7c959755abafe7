/** Formats figures for people. */
/** `Intl` would take 5 ms to load. */
export const count = (value: number): string => String(Math.round(value)).replace(/\B(?=(?:\d{3})+$)/g, ",")

/** `1 request`, `2 requests`. */
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`

const units = [
  [86_400, "d"],
  [3600, "h"],
  [60, "min"],
  [1, "s"]
] as const

/** A length of time in milliseconds, in its two largest units. */
export const duration = (millis: number): string => {
  if (millis < 1000) return `${Math.round(millis)} ms`
  if (millis < 59_950) return `${(millis / 1000).toFixed(1)} s`
  let rest = Math.round(millis / 1000)
  const at = units.findIndex(([seconds]) => rest >= seconds)
  const parts: Array<string> = []
  for (const [seconds, unit] of units.slice(at, at + 2)) {
    const amount = Math.floor(rest / seconds)
    rest -= amount * seconds
    if (amount > 0) parts.push(`${amount} ${unit}`)
  }
  return parts.join(" ")
}
