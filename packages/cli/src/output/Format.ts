/** Figures as people read them. */

const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 })

export const count = (value: number): string => grouped.format(value)

/** `1 request`, `2 requests`. */
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`

/** A length of time in milliseconds, in its two largest units. */
export const duration = (millis: number): string => {
  if (millis < 1000) return `${Math.round(millis)} ms`
  const seconds = millis / 1000
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`
}

/** An instant in µs, to the second, in UTC. */
export const time = (instant: number): string =>
  `${new Date(Math.floor(instant / 1000)).toISOString().slice(0, 19).replace("T", " ")} UTC`
