/** What the files of a rotated output are called: `calls-00001.ndjson`, `calls-2026-07-31.ndjson`. */
import type { Calendar } from "../../../model/Calendar.ts"
import type { Instant } from "../../../model/Instant.ts"

export type { Rotation } from "../Manifest.ts"

export interface Naming {
  readonly manifest: string
  /** @param repeat From 1: a day that comes again after its file was complete. */
  readonly of: (key: string, repeat: number) => string
  /** Whether a run of the same name could have called a file so, also one that was compressed in another way. */
  readonly isPart: (name: string) => boolean
  /** Of such a name its key: a number, a day, or `undated`. */
  readonly keyOf: (name: string) => string | undefined
  /** Whether this run could call a file so. */
  readonly isOwn: (name: string) => boolean
}

const part = /^-(\d{5,}|\d{4}-\d\d-\d\d|undated)(?:-\d+)?(?:\.\w+)*$/

/** @param base The name that was given, without its folder. */
export const make = (base: string, compression = ""): Naming => {
  const plain = compression !== "" && base.endsWith(compression) ? base.slice(0, -compression.length) : base
  const dot = plain.lastIndexOf(".")
  const stem = dot > 0 ? plain.slice(0, dot) : plain
  const extension = base.slice(stem.length)
  const keyOf = (name: string) => (name.startsWith(`${stem}-`) ? part.exec(name.slice(stem.length))?.[1] : undefined)
  return {
    manifest: `${stem}.manifest.json`,
    of: (key, repeat) => `${stem}-${key}${repeat === 1 ? "" : `-${repeat}`}${extension}`,
    isPart: (name) => keyOf(name) !== undefined,
    keyOf,
    isOwn: (name) => {
      const key = keyOf(name)
      return (
        key !== undefined &&
        /^(?:-\d+)?$/.test(name.slice(`${stem}-${key}`.length, name.length - extension.length)) &&
        name.endsWith(extension)
      )
    }
  }
}

export const ofNumber = (number: number): string => String(number).padStart(5, "0")

const undated = "undated"

/** What the file of a start is called after: its day in the calendar. */
export const ofStart = (calendar: Calendar, start: Instant | undefined): string =>
  start === undefined ? undated : calendar.day(start).date

export const isNumber = (key: string): boolean => /^\d+$/.test(key)

/** From when to when the day of a key is in the calendar. */
export const dayRange = (
  calendar: Calendar,
  key: string
): { readonly from: Instant; readonly to: Instant } | undefined => (isNumber(key) ? undefined : calendar.dayOf(key))

/** When the day is over; never, for what has no day. */
export const endOf = (calendar: Calendar, key: string): number => calendar.dayOf(key)?.to ?? Infinity
