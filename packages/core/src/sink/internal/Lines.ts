/** Rows as lines of text, each with what a file's account of itself needs. */
import type { Instant } from "../../model/Instant.ts"
import type { Item, Refused } from "../SessionSink.ts"

export interface Line {
  /** Without what ends it. */
  readonly text: string
  readonly start: Instant | undefined
}

/** JSON's own words would name what the row holds. */
const reason = "the row is not JSON: it holds a bigint or itself, or a toJSON that fails, or is nothing at all"

/** What is made into text at once: no more than that is held beside the rows, whatever a window holds. */
const charactersPerPiece = 512 * 1024

/** Lines in pieces, made as they are asked for. Rows that JSON cannot say, for which `textOf` throws, go to `refused`. */
export function* pieces(
  items: ReadonlyArray<Item<unknown>>,
  refused: Array<Refused>,
  textOf: (item: Item<unknown>) => string | undefined
): Generator<ReadonlyArray<Line>, void> {
  let lines: Array<Line> = []
  let characters = 0
  for (const item of items) {
    const text = tryText(textOf, item)
    if (text === undefined) {
      refused.push({ id: item.id, reason })
      continue
    }
    lines.push({ text, start: item.start })
    characters += text.length
    if (characters < charactersPerPiece) continue
    yield lines
    lines = []
    characters = 0
  }
  if (lines.length > 0) yield lines
}

const tryText = (textOf: (item: Item<unknown>) => string | undefined, item: Item<unknown>): string | undefined => {
  try {
    return textOf(item)
  } catch {
    return undefined
  }
}

export type Terminator = "\n" | "\r\n"

export const join = (lines: ReadonlyArray<Line>, terminator: Terminator): string =>
  lines.length === 0 ? "" : `${lines.map(({ text }) => text).join(terminator)}${terminator}`

const encoder = new TextEncoder()

/**
 * Encodes into a buffer that it uses again: what it gives holds until the next call. Line by line, because one character
 * beyond Latin-1 makes all of a joined text twice as wide, and its encoding several times slower.
 */
export const makeEncoder = (terminator: Terminator): ((begin: string, lines: ReadonlyArray<Line>) => Uint8Array) => {
  let buffer = new Uint8Array()
  const ending = encoder.encode(terminator)
  return (begin, lines) => {
    // No character of a string takes more than three bytes.
    const most = lines.reduce((sum, { text }) => sum + 3 * text.length + ending.length, 3 * begin.length)
    if (buffer.length < most) buffer = new Uint8Array(most)
    let end = encoder.encodeInto(begin, buffer).written
    for (const { text } of lines) {
      end += encoder.encodeInto(text, buffer.subarray(end)).written
      for (const byte of ending) buffer[end++] = byte
    }
    return buffer.subarray(0, end)
  }
}
