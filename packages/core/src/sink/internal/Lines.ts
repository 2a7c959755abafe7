/** Rows as lines of JSON, each with what a file's account of itself needs. */
import type { Instant } from "../../model/Instant.ts"
import type { Item, Refused } from "../SessionSink.ts"

export interface Line {
  readonly text: string
  readonly start: Instant | undefined
}

/** JSON's own words would name what the row holds. */
const reason = "the row is not JSON: it holds a bigint or itself, or a toJSON that fails, or is nothing at all"

/** What is made into text at once: no more than that is held beside the rows, whatever a window holds. */
const charactersPerPiece = 1024 * 1024

/** Lines in pieces, made as they are asked for. Rows that JSON cannot say go to `refused`. */
export function* pieces(
  items: ReadonlyArray<Item<unknown>>,
  refused: Array<Refused>
): Generator<ReadonlyArray<Line>, void> {
  let lines: Array<Line> = []
  let characters = 0
  for (const { id, row, start } of items) {
    const text = stringify(row)
    if (text === undefined) {
      refused.push({ id, reason })
      continue
    }
    lines.push({ text, start })
    characters += text.length
    if (characters < charactersPerPiece) continue
    yield lines
    lines = []
    characters = 0
  }
  if (lines.length > 0) yield lines
}

/** The types promise text, but there is none for `undefined` and functions. */
const stringify = (row: unknown): string | undefined => {
  try {
    return JSON.stringify(row)
  } catch {
    return undefined
  }
}

export const join = (lines: ReadonlyArray<Line>): string =>
  lines.length === 0 ? "" : `${lines.map(({ text }) => text).join("\n")}\n`

const encoder = new TextEncoder()
const newline = 10

/**
 * Encodes into a buffer that it uses again: what it gives holds until the next call. Line by line, because one character
 * beyond Latin-1 makes all of a joined text twice as wide, and its encoding several times slower.
 */
export const makeEncoder = (): ((lines: ReadonlyArray<Line>) => Uint8Array) => {
  let buffer = new Uint8Array()
  return (lines) => {
    // No character of a string takes more than three bytes.
    const most = lines.reduce((sum, { text }) => sum + 3 * text.length + 1, 0)
    if (buffer.length < most) buffer = new Uint8Array(most)
    let end = 0
    for (const { text } of lines) {
      end += encoder.encodeInto(text, buffer.subarray(end)).written
      buffer[end++] = newline
    }
    return buffer.subarray(0, end)
  }
}
