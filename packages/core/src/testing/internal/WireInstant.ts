/** Instants are microseconds since the epoch, as numbers. */

const iso = /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(Z|z|[+-]\d{2}:?\d{2})?)?$/

/** ISO 8601 as a Go server takes it; a missing zone is UTC. Digits below the microsecond are dropped. */
export const parse = (text: string): number | undefined => {
  const match = iso.exec(text)
  if (match === null) return undefined
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "", zone = "Z"] = match
  const monthIndex = Number(month) - 1
  const date = new Date(Date.UTC(Number(year), monthIndex, Number(day), Number(hour), Number(minute), Number(second)))
  // A day that the calendar doesn't have rolls over in `Date.UTC`; a server refuses it.
  if (date.getUTCMonth() !== monthIndex && Number(hour) < 24) return undefined
  if (monthIndex > 11 || Number(hour) > 24 || Number(minute) > 59 || Number(second) > 60) return undefined
  const micros = Number(fraction.padEnd(6, "0").slice(0, 6))
  return (date.getTime() - zoneMillis(zone)) * 1000 + micros
}

const zoneMillis = (zone: string): number => {
  if (zone === "Z" || zone === "z") return 0
  const digits = zone.slice(1).replace(":", "")
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2))
  return (zone[0] === "-" ? -minutes : minutes) * 60_000
}

/** How an instant is spelled on the wire. */
export type Spelling = "seconds" | "millis" | "micros" | "offset" | "go"

const two = (n: number): string => (n < 10 ? `0${n}` : String(n))

// Neighbouring records mostly share their day, whose text is the dear part.
let lastDay = NaN
let lastDayText = ""

const second = (instant: number): string => {
  const seconds = Math.floor(instant / 1e6)
  const day = Math.floor(seconds / 86_400)
  if (day !== lastDay) {
    lastDayText = new Date(day * 86_400_000).toISOString().slice(0, 11)
    lastDay = day
  }
  const rest = seconds - day * 86_400
  return `${lastDayText}${two(Math.floor(rest / 3600))}:${two(Math.floor(rest / 60) % 60)}:${two(rest % 60)}`
}

const microsOf = (instant: number): string => String(instant - Math.floor(instant / 1e6) * 1e6).padStart(6, "0")

/** Spells an instant; `go` is what Go's `time.Time.String()` prints, which drops the fraction's trailing zeros. */
export const format = (instant: number, spelling: Spelling): string => {
  switch (spelling) {
    case "seconds":
      return `${second(instant)}Z`
    case "millis":
      return `${second(instant)}.${microsOf(instant).slice(0, 3)}Z`
    case "micros":
      return `${second(instant)}.${microsOf(instant)}Z`
    case "offset":
      return `${second(instant + 19_800_000_000)}.${microsOf(instant)}+05:30`
    case "go": {
      const fraction = microsOf(instant).replace(/0+$/, "")
      return `${second(instant).replace("T", " ")}${fraction === "" ? "" : `.${fraction}`} +0000 UTC`
    }
  }
}

/** Go's zero time: what an unset `time.Time` looks like on the wire. */
export const goZero = "0001-01-01T00:00:00Z"
