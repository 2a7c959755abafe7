/** A partial file of rows, and what it holds. */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Instant } from "../../../model/Instant.ts"
import type { OutputError } from "../OutputError.ts"
import * as GroupBuffers from "./GroupBuffers.ts"
import type { Line } from "./Lines.ts"
import * as PartialFile from "./PartialFile.ts"
import type { Place } from "./Place.ts"
import * as TailHash from "./TailHash.ts"
import * as Workbook from "./Workbook.ts"

export interface Content {
  readonly rows: number
  /** The least and the greatest start of its rows. */
  readonly from: Instant | null
  readonly to: Instant | null
}

export const nothing: Content = { rows: 0, from: null, to: null }

export const withLines = (content: Content, lines: ReadonlyArray<Line>): Content => {
  let { from, to } = content
  for (const { start } of lines) {
    if (start === undefined) continue
    if (from === null || start < from) from = start
    if (to === null || start > to) to = start
  }
  return { rows: content.rows + lines.length, from, to }
}

/** A value: keeping one is keeping a place to go back to. */
export interface Mark {
  readonly end: TailHash.End
  readonly content: Content
  readonly pending: ReadonlyArray<Line>
  /** Of rows that are written in groups, how many groups there are. */
  readonly groups: number
  /** Of a workbook, what continues it. */
  readonly workbook?: Workbook.State | undefined
}

export const unwritten: Mark = { end: TailHash.start, content: nothing, pending: [], groups: 0 }

/** Of rows that are written in groups: what does not fill one yet waits in another file. */
const Groups = Schema.Struct({
  /** Those that wait included. */
  rows: Schema.Int,
  /** The end of the file is written. */
  closed: Schema.Boolean,
  waiting: Schema.NullOr(GroupBuffers.Position),
  /** Where the file cannot be read before it is complete: what its groups are, in another one. */
  notes: Schema.optionalKey(PartialFile.Position)
})

/** Of a workbook: all that continues it. */
const BegunWorkbook = Schema.Struct({
  state: Workbook.State,
  /** The end of the file is written. */
  closed: Schema.Boolean
})

/** The position of a part that is safe on disk. */
export const Position = Schema.Struct({
  ...PartialFile.Position.fields,
  groups: Schema.optionalKey(Groups),
  workbook: Schema.optionalKey(BegunWorkbook)
})
export type Position = typeof Position.Type

/** Of the files in which it waits for its name, too. */
export const positionsOf = (position: Position): ReadonlyArray<PartialFile.Position> => {
  const { notes, waiting } = position.groups ?? {}
  return [
    position,
    ...(waiting === undefined || waiting === null ? [] : [waiting]),
    ...(notes === undefined ? [] : [notes])
  ]
}

export interface Part {
  /** Opened again after it had got its name: there is nothing left to write. */
  readonly finished: boolean
  /** What it holds, that of which it is pending included. */
  readonly content: () => Content
  readonly mark: () => Mark
  readonly rewind: (mark: Mark) => void
  /** Takes the lines; they are in the file when enough came, or after a `drain`. `false` as there. */
  readonly add: (lines: ReadonlyArray<Line>) => Effect.Effect<boolean, OutputError>
  /** As much as must be in the file before a flush; `false` as for `drain`. */
  readonly settle: Effect.Effect<boolean, OutputError>
  /** Writes what is pending; `false` when that went beyond the limit, and some of it is pending still. */
  readonly drain: Effect.Effect<boolean, OutputError>
  /** Gives back what is pending, for another part. */
  readonly release: () => ReadonlyArray<Line>
  /** Safe from a power failure when it returns. */
  readonly sync: Effect.Effect<Position, OutputError>
  /** All of it is in the file, which only waits for its name: gives back the handle. */
  readonly seal: Effect.Effect<void, OutputError>
  /** Can be called again after it failed. */
  readonly finish: Effect.Effect<void, OutputError>
}

export interface Options {
  readonly place: Place
  readonly path: string
  readonly force: boolean
  readonly from: Position | undefined
  readonly content: Content
  /** More bytes than this never go into the file, unless one line alone is longer; the rest stays pending. */
  readonly limit: number
}
