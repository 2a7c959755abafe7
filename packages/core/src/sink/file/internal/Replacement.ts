/** What a run may replace of an earlier output of the same name, what it leaves there, and when it must not begin. */
import type { Calendar } from "../../../model/Calendar.ts"
import * as Instant from "../../../model/Instant.ts"
import type { Covers } from "../../SessionSink.ts"
import type { File } from "../Manifest.ts"
import { OutputError } from "../OutputError.ts"
import type { Uncovered } from "../../OutputReason.ts"
import * as PartName from "./PartName.ts"

/** What a run reads, and when it begins. */
export interface Scope {
  readonly covers: Covers | undefined
  readonly now: Instant.Instant
  /** Whose days the files have. */
  readonly calendar: Calendar
}

/** In microseconds; infinite where there is no bound. */
interface Range {
  readonly from: number
  readonly to: number
}

export interface Plan {
  /** The new manifest names them too. */
  readonly kept: ReadonlyArray<File>
  /** They are replaced, or go when the run is complete. */
  readonly superseded: ReadonlyArray<File>
  /** Files that no manifest names, and that are written over where the run has something for their day. */
  readonly strangers: ReadonlyArray<string>
}

export type Verdict = Plan | { readonly name: string; readonly refused: Refusal }
type Refusal = Uncovered

const rangeOf = ({ covers, now }: Scope): Range | undefined =>
  covers === undefined ? undefined : { from: covers.from ?? -Infinity, to: Math.min(covers.to ?? now, now) }

const isWhole = ({ covers }: Scope): boolean =>
  covers !== undefined && covers.from === undefined && covers.to === undefined

const overlap = (one: Range, other: Range): boolean => Math.max(one.from, other.from) < Math.min(one.to, other.to)

const holds = (outer: Range, inner: Range): boolean => outer.from <= inner.from && outer.to >= inner.to

const textOf = (micros: number): string | null => (Number.isFinite(micros) ? Instant.format(Instant.of(micros)) : null)

const instantOf = (text: string | null, otherwise: number): number =>
  (text === null ? undefined : Instant.parse(text)) ?? otherwise

/** Whether the run means to read the calls of a file of this key. */
const isMeant = ({ covers }: Scope, key: string): boolean =>
  !PartName.isWithoutStart(key) || covers?.withoutStart !== "skip"

/** Whether it did. */
export const isRead = (scope: Scope, key: string, hasWithoutStart: boolean): boolean =>
  !PartName.isWithoutStart(key) || isWhole(scope) || hasWithoutStart

/** What the manifest says that the file of this key covers; nothing when the run covers none of it for sure. */
export const claim = (scope: Scope, key: string, hasWithoutStart: boolean): File["covers"] => {
  const range = rangeOf(scope)
  const day = PartName.dayRange(scope.calendar, key)
  if (range === undefined || !isRead(scope, key, hasWithoutStart)) return undefined
  const from = Math.max(range.from, day?.from ?? -Infinity)
  const to = Math.min(range.to, day?.to ?? Infinity)
  return from < to ? { from: textOf(from), to: textOf(to), filters: scope.covers?.filters ?? "" } : undefined
}

/**
 * @param old What the earlier manifest names, of one that is complete without what it had still to remove.
 * @param strangers Files of days that it does not name, and that the run would write over.
 */
export const plan = (options: {
  readonly old: ReadonlyArray<File>
  readonly strangers: ReadonlyArray<string>
  readonly naming: PartName.Naming
  readonly byDay: boolean
  readonly scope: Scope
}): Verdict => {
  const { byDay, naming, old, scope, strangers } = options
  const range = rangeOf(scope)
  const filters = scope.covers?.filters ?? ""
  const narrower = (kept: string | undefined) => filters !== "" && filters !== kept
  const kept: Array<File> = []
  const superseded: Array<File> = []

  for (const file of old) {
    const { covers, name } = file
    const key = naming.keyOf(name)
    if (key === undefined) continue
    // Files up to a size are one output, which is replaced as a whole.
    if (PartName.isNumber(key)) superseded.push(file)
    else if (range === undefined) return { name, refused: unknown }
    else if (isWhole(scope)) {
      if (narrower(covers?.filters)) return { name, refused: filtered(filters) }
      superseded.push(file)
    } else {
      const day = PartName.dayRange(scope.calendar, key)
      // A file that has no day, and one of calls that the run does not read, is of no range.
      const had = day === undefined || !isMeant(scope, key) ? undefined : hadRange(file, day, scope.now)
      const touched = had !== undefined && day !== undefined && (overlap(had, range) || overlap(day, range))
      if (!touched && byDay) kept.push(file)
      else if (had === undefined || !holds(range, had)) return { name, refused: partly(had, range) }
      else if (narrower(covers?.filters)) return { name, refused: filtered(filters) }
      else superseded.push(file)
    }
  }
  for (const name of byDay ? strangers : []) {
    const key = naming.keyOf(name) ?? ""
    const day = PartName.dayRange(scope.calendar, key)
    if (range === undefined) return { name, refused: unknown }
    if (day === undefined || isWhole(scope) || !isMeant(scope, key) || !overlap(day, range)) continue
    if (!holds(range, { from: day.from, to: Math.min(day.to, scope.now) })) return { name, refused: byHand(day) }
  }
  return { kept, superseded, strangers }
}

/** Of a file that does not say what it covers: all of its day, as far as that was over. */
const hadRange = ({ covers }: File, day: Range, now: Instant.Instant): Range =>
  covers === undefined
    ? { from: day.from, to: Math.min(day.to, now) }
    : { from: instantOf(covers.from, -Infinity), to: instantOf(covers.to, Infinity) }

const open = ({ from, to }: Range) => {
  const [begin, end] = [textOf(from), textOf(to)]
  return { ...(begin === null ? {} : { from: begin }), ...(end === null ? {} : { to: end }) }
}

const unknown: Refusal = { _tag: "Unknown" }

const filtered = (filters: string): Refusal => ({ _tag: "Filtered", filters })

const byHand = (day: Range): Refusal => ({ _tag: "ByHand", from: Instant.format(Instant.of(day.from)) })

const partly = (had: Range | undefined, range: Range): Refusal =>
  had === undefined
    ? { _tag: "WithoutStart" }
    : {
        _tag: "Partly",
        had: open(had),
        reads: open(range),
        missing: { from: had.from < range.from, to: had.to > range.to }
      }

export const toError = (target: string, gap: Refusal): OutputError =>
  new OutputError({ target, operation: "open", reason: { _tag: "Uncovered", gap } })
