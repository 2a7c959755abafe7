/** The groups of a file, and the rows that do not fill one yet: when they become a group, and whether it fits. */
import * as Effect from "effect/Effect"
import type { Column } from "../../../model/Column.ts"
import { concat } from "../../../model/internal/Bytes.ts"
import type { Cell } from "../../Table.ts"
import type { OutputError } from "../OutputError.ts"
import type { Format } from "../RowGroups.ts"
import * as GroupNote from "./GroupNote.ts"
import type { Line } from "./Lines.ts"
import { type Content, type Mark, nothing, withLines } from "./Part.ts"
import { type PartialFile, writeAnd } from "./PartialFile.ts"
import * as TailHash from "./TailHash.ts"

interface Settings {
  readonly format: Format
  readonly columns: () => ReadonlyArray<Column>
  /** More bytes than this never go into the file, unless one row alone is longer. */
  readonly limit: number
}

export interface State {
  /** In the file, and what they hold. */
  groups: ReadonlyArray<GroupNote.GroupNote>
  content: Content
  /** Rows that fill no group yet, and how many characters they have. */
  pending: ReadonlyArray<Line>
  characters: number
  /** The end of the file is written. */
  closed: boolean
  /** The pending rows of which was last known how long the file were with them. */
  fitted: Fitted
}

interface Fitted {
  readonly groups: ReadonlyArray<GroupNote.GroupNote>
  readonly first: Line | undefined
  readonly characters: number
  readonly length: number
}

export interface GroupWriter {
  readonly settings: Settings
  readonly file: PartialFile
  readonly state: State
}

/** @param closed The end of the file is there. */
export const initial = (closed: boolean): State => ({
  groups: [],
  content: nothing,
  pending: [],
  characters: 0,
  closed,
  fitted: { groups: [], first: undefined, characters: 0, length: Infinity }
})

export const setPending = (state: State, lines: ReadonlyArray<Line>): void => {
  state.pending = lines
  state.characters = lines.reduce((sum, { text }) => sum + text.length, 0)
}

export const rewind = (state: State, { content, groups, pending }: Mark): void => {
  state.content = content
  state.groups = state.groups.slice(0, groups)
  setPending(state, pending)
}

/** Takes rows, and writes groups while there is enough for one; `false` when one does not fit. */
export const add = (self: GroupWriter, lines: ReadonlyArray<Line>): Effect.Effect<boolean, OutputError> => {
  const { state } = self
  state.pending = state.pending.length === 0 ? lines : [...state.pending, ...lines]
  for (const { text } of lines) state.characters += text.length
  return fill(self)
}

/** Writes what is pending, whole groups or not; `false` when it does not fit. */
export const drain = (self: GroupWriter, bound: number): Effect.Effect<boolean, OutputError> =>
  putWhile(self, ({ pending }) => pending.length > 0, bound)

/** The rows that stay pending must fit: the next run adds them here if this one ends after a flush. */
export const settle = Effect.fnUntraced(function* (self: GroupWriter): Effect.fn.Return<boolean, OutputError> {
  const { settings, state } = self
  if (!(yield* fill(self))) return false
  if (settings.limit === Infinity) return true
  while (state.pending.length > 0 && !isAlone(state, state.pending) && !(yield* fits(self))) {
    if (!(yield* putGroup(self, settings.limit))) return false
  }
  return true
})

/** Writes the end of the file. */
export const close = Effect.fnUntraced(function* (self: GroupWriter): Effect.fn.Return<void, OutputError> {
  const { file, settings, state } = self
  if (state.closed || file.finished) return
  // Rows that did not fit are already in another part.
  yield* drain(self, Infinity)
  const end = endOf(settings, state.groups)
  yield* writeAnd(file, file.end().bytes === 0 ? concat([settings.format.begin, end]) : end, () => {
    state.closed = true
  })
})

const endOf = ({ columns, format }: Settings, notes: ReadonlyArray<GroupNote.GroupNote>): Uint8Array =>
  format.end(
    columns(),
    notes.map(({ about }) => about)
  )

/** A row that is the whole file is written whatever its length. */
const isAlone = ({ groups }: State, lines: ReadonlyArray<Line>): boolean => groups.length === 0 && lines.length === 1

/** A group of as many characters as the file may have bytes nearly always fits. */
const charactersAtMost = ({ format, limit }: Settings): number => Math.min(format.charactersPerGroup, limit)

const fill = (self: GroupWriter): Effect.Effect<boolean, OutputError> => {
  const most = charactersAtMost(self.settings)
  const { rowsPerGroup } = self.settings.format
  return putWhile(
    self,
    ({ characters, pending }) => pending.length >= rowsPerGroup || characters >= most,
    self.settings.limit
  )
}

const putWhile = Effect.fnUntraced(function* (
  self: GroupWriter,
  isEnough: (state: State) => boolean,
  bound: number
): Effect.fn.Return<boolean, OutputError> {
  while (isEnough(self.state)) if (!(yield* putGroup(self, bound))) return false
  return true
})

const nextGroup = ({ settings, state: { pending } }: GroupWriter): ReadonlyArray<Line> => {
  const most = charactersAtMost(settings)
  let count = 0
  let sum = 0
  while (count < pending.length && count < settings.format.rowsPerGroup && sum < most)
    sum += pending[count++]?.text.length ?? 0
  return count === pending.length ? pending : pending.slice(0, count)
}

/** `false` when it does not fit beside what is in the file. */
const putGroup = Effect.fnUntraced(function* (
  self: GroupWriter,
  bound: number
): Effect.fn.Return<boolean, OutputError> {
  const { file, settings, state } = self
  let lines = nextGroup(self)
  for (;;) {
    const { bytes, content, length, note } = yield* encode(self, lines)
    if (bound !== Infinity && !isAlone(state, lines) && length() > bound) {
      if (state.groups.length > 0) return false
      lines = lines.slice(0, Math.ceil(lines.length / 2))
      continue
    }
    const known = { ...note, digest: yield* TailHash.digest(concat([bytes])) }
    const begin = file.end().bytes === 0 ? [settings.format.begin] : []
    const { length: count } = lines
    yield* writeAnd(file, concat([...begin, bytes, GroupNote.toBytes(known)]), () => {
      state.groups = [...state.groups, known]
      state.content = content
      setPending(state, state.pending.slice(count))
    })
    return true
  }
})

const isCells = (value: unknown): value is ReadonlyArray<Cell> => Array.isArray(value)

const cellsOf = ({ text }: Line): ReadonlyArray<Cell> => {
  const value: unknown = JSON.parse(text)
  return isCells(value) ? value : []
}

const encode = ({ file, settings, state }: GroupWriter, lines: ReadonlyArray<Line>) =>
  Effect.sync(() => {
    const { columns, format } = settings
    const at = Math.max(format.begin.length, file.end().bytes)
    const { about, bytes } = format.group(columns(), lines.map(cellsOf), at)
    const content = withLines(state.content, lines)
    const note = { at, ...content, length: bytes.length, digest: GroupNote.noDigest, about }
    /** How long the file were if this group was its last one. */
    const length = () =>
      at + bytes.length + GroupNote.toBytes(note).length + endOf(settings, [...state.groups, note]).length
    return { bytes, content, length, note }
  })

/** Whether the file may hold the pending rows too. */
const fits = Effect.fnUntraced(function* (self: GroupWriter): Effect.fn.Return<boolean> {
  const { settings, state } = self
  const { characters, fitted, groups, pending } = state
  const [first] = pending
  // Each character more takes three bytes at most, whatever the format makes of it.
  const isKnown = fitted.groups === groups && fitted.first === first && fitted.characters <= characters
  if (isKnown && fitted.length + 3 * (characters - fitted.characters) <= settings.limit) return true
  const length = (yield* encode(self, pending)).length()
  state.fitted = { groups, first, characters, length }
  return length <= settings.limit
})
