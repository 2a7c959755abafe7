/**
 * The names of the files of a rotated output: `calls-00001.ndjson`, `calls-2026-07-31.ndjson`, and for calls without a
 * start time `calls-2026-07-31-without-start.ndjson`, by the day of their creation. Where several processes write an output,
 * what one of them wrote is in the name: `calls-2026-07-31-3f9a1c2e-12-mhq2k9ab.ndjson`.
 */
import type { Calendar } from "../../../model/Calendar.ts"
import type { Instant } from "../../../model/Instant.ts"

export type { Rotation } from "../Manifest.ts"

export interface Naming {
  readonly manifest: string
  /** @param repeat From 1: a day that comes again after its file was complete. */
  readonly of: (key: string, repeat: number) => string
  /** Whether a run of the same name could have called a file so, also one that was compressed in another way. */
  readonly isPart: (name: string) => boolean
  /** Of such a name its key: a number, a day, a day of calls without a start time, or `without-start`. */
  readonly keyOf: (name: string) => string | undefined
  /** Whether this run could call a file so. */
  readonly isOwn: (name: string) => boolean
  /** Of a file that one of several processes wrote, the tag of its run. */
  readonly runOf: (name: string) => string | undefined
}

/** What of a run by several processes writes: the nth stretch from 0 or the ending, and the epoch of who does. */
export interface Writer {
  readonly run: string
  readonly nth: number | "end"
  readonly epoch: number
}

/** What the names of a run's files have in common. */
export const runTag = (run: string): string => run.slice(0, 8)

const tagOf = (writer: Writer | undefined): string =>
  writer === undefined
    ? ""
    : `-${runTag(writer.run)}-${writer.nth === "end" ? writer.nth : writer.nth + 1}-${writer.epoch.toString(36)}`

const part =
  /^-(\d{5,}|\d{4}-\d\d-\d\d(?:-without-start)?|without-start)(?:-\d+)?(?:-([\da-f]{8})-(?:\d+|end)-[\da-z]+)?(?:\.\w+)*$/

/** What Hive calls the partition of rows whose value is null. */
const noDay = "__HIVE_DEFAULT_PARTITION__"

const partitionOf = (key: string): string => {
  if (isNumber(key)) return ""
  return `date=${/^\d{4}-\d\d-\d\d/.exec(key)?.[0] ?? noDay}/`
}

const inPartition = (path: string): string => path.replace(/^date=[^/]+\//, "")

/** @param base The name that was given, without its folder.
 * @param partitions Files of days are in folders as Hive names them.
 * @param writer One of several processes, each of which writes files of its own. */
export const make = (base: string, compression = "", partitions = false, writer?: Writer): Naming => {
  const plain = compression !== "" && base.endsWith(compression) ? base.slice(0, -compression.length) : base
  const dot = plain.lastIndexOf(".")
  const stem = dot > 0 ? plain.slice(0, dot) : plain
  const extension = base.slice(stem.length)
  const tag = tagOf(writer)
  const matched = (path: string) => {
    const name = inPartition(path)
    return name.startsWith(`${stem}-`) ? part.exec(name.slice(stem.length)) : null
  }
  const keyOf = (path: string) => matched(path)?.[1]
  return {
    manifest: `${stem}.manifest.json`,
    of: (key, repeat) =>
      `${partitions ? partitionOf(key) : ""}${stem}-${key}${repeat === 1 ? "" : `-${repeat}`}${tag}${extension}`,
    isPart: (name) => keyOf(name) !== undefined,
    keyOf,
    isOwn: (path) => {
      const name = inPartition(path)
      const key = keyOf(path)
      return (
        key !== undefined &&
        /^(?:-\d+)?$/.test(name.slice(`${stem}-${key}`.length, name.length - extension.length)) &&
        name.endsWith(extension)
      )
    },
    runOf: (path) => matched(path)?.[2]
  }
}

export const ofNumber = (number: number): string => String(number).padStart(5, "0")

const withoutStart = "without-start"

/** What the file of a call is called after: the day of its start in the calendar, or else that of its creation. */
export const ofCall = (
  calendar: Calendar,
  { created, start }: { readonly start: Instant | undefined; readonly created?: Instant | undefined }
): string =>
  start !== undefined
    ? calendar.day(start).date
    : created === undefined
      ? withoutStart
      : `${calendar.day(created).date}-${withoutStart}`

/** Whether it is the key of calls without a start time. */
export const isWithoutStart = (key: string): boolean => key.endsWith(withoutStart)

export const isNumber = (key: string): boolean => /^\d+$/.test(key)

/** From when to when the day of a key is in the calendar. */
export const dayRange = (
  calendar: Calendar,
  key: string
): { readonly from: Instant; readonly to: Instant } | undefined =>
  isNumber(key) ? undefined : calendar.dayOf(key.replace(`-${withoutStart}`, ""))

/** When the day is over; never, for what has no day. Calls without a start time come at the end. */
export const endOf = (calendar: Calendar, key: string): number =>
  isWithoutStart(key) ? Infinity : (calendar.dayOf(key)?.to ?? Infinity)
