/** Instants as databases read them. */
import type { Instant } from "../../../model/Instant.ts"
import type { Version } from "../../../model/Version.ts"

const day = 86_400_000_000

let lastDay = Number.NaN
let lastDate = ""

const pairs = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, "0"))

/** `2026-07-31T07:16:10.117605Z`, always as long, so that it sorts as text: the years of an instant have four digits. */
export const format = (instant: Instant | Version): string => {
  const days = Math.floor(instant / day)
  if (days !== lastDay) {
    lastDay = days
    lastDate = new Date(days * 86_400_000).toISOString().slice(0, 10)
  }
  const rest = instant - days * day
  const seconds = Math.floor(rest / 1_000_000)
  const micros = rest - seconds * 1_000_000
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  const digits = String(1_000_000 + micros).slice(1)
  return `${lastDate}T${pairs[hours]}:${pairs[minutes - hours * 60]}:${pairs[seconds - minutes * 60]}.${digits}Z`
}

/** `format` for versions, of which many in a row are the same. */
export const repeated = (): ((version: Version) => string) => {
  let last = Number.NaN
  let text = ""
  return (version) => {
    if (version !== last) {
      last = version
      text = format(version)
    }
    return text
  }
}

const [dash, colon, point, letterT, letterZ] = [45, 58, 46, 84, 90]

/** The same, of the text that the instant was read from: with six digits behind the point it is that already, with three nearly. */
export const text = (instant: Instant, from: string): string => {
  const { length } = from
  if (
    (length !== 27 && length !== 24) ||
    from.charCodeAt(4) !== dash ||
    from.charCodeAt(7) !== dash ||
    from.charCodeAt(10) !== letterT ||
    from.charCodeAt(13) !== colon ||
    from.charCodeAt(16) !== colon ||
    from.charCodeAt(19) !== point ||
    from.charCodeAt(length - 1) !== letterZ
  ) {
    return format(instant)
  }
  return length === 27 ? from : `${from.slice(0, 23)}000Z`
}
