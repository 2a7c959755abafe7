/** What the files of a rotated output are called: `calls-00001.ndjson`, `calls-2026-07-31.ndjson`. */
import type { Calendar } from "../../model/Calendar.ts"
import type { Instant } from "../../model/Instant.ts"

export type Rotation = "day" | { readonly bytes: number }

export interface Naming {
  readonly manifest: string
  /** @param repeat From 1: a day that comes again after its file was complete. */
  readonly of: (key: string, repeat: number) => string
  /** Whether a run of the same name could have called a file so, also one that was compressed in another way. */
  readonly isPart: (name: string) => boolean
}

const part = /^-(?:\d{5,}|\d{4}-\d\d-\d\d|undated)(?:-\d+)?(?:\.\w+)*$/

/** @param base The name that was given, without its folder. */
export const make = (base: string, compression = ""): Naming => {
  const plain = compression !== "" && base.endsWith(compression) ? base.slice(0, -compression.length) : base
  const dot = plain.lastIndexOf(".")
  const stem = dot > 0 ? plain.slice(0, dot) : plain
  const extension = base.slice(stem.length)
  return {
    manifest: `${stem}.manifest.json`,
    of: (key, repeat) => `${stem}-${key}${repeat === 1 ? "" : `-${repeat}`}${extension}`,
    isPart: (name) => name.startsWith(`${stem}-`) && part.test(name.slice(stem.length))
  }
}

export const ofNumber = (number: number): string => String(number).padStart(5, "0")

const undated = "undated"

/** What the file of a start is called after: its day in the calendar. */
export const ofStart = (calendar: Calendar, start: Instant | undefined): string =>
  start === undefined ? undated : calendar.day(start).date

/** When the day is over; never, for what has no day. */
export const endOf = (calendar: Calendar, key: string): Instant => calendar.dayOf(key)?.to ?? Infinity
