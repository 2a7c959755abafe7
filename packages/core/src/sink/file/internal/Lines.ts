/** Rows as lines of text, each with what the manifest of a file needs. */
import type { Instant } from "../../../model/Instant.ts"
import type { JsonBytes } from "../../../model/Item.ts"
import type { Item, Refused } from "../../SessionSink.ts"

export interface Line {
  /** Without what ends it; read from `json` where there is that. */
  readonly text: string
  readonly json?: JsonBytes | undefined
  readonly start: Instant | undefined
  readonly created?: Instant | undefined
}

const decoder = new TextDecoder()

const lengthOf = ({ begin, end, within }: JsonBytes): number =>
  end - begin + (within === undefined ? 0 : within.length + within.after.length)

/** Writes the JSON into a buffer, and gives where it ends. */
const write = ({ begin, bytes, end, within }: JsonBytes, into: Uint8Array, at: number): number => {
  const row = bytes.subarray(begin, end)
  if (within === undefined) {
    into.set(row, at)
    return at + row.length
  }
  const { after, length } = within
  within.write(into, at)
  into.set(row, at + length)
  into.set(after, at + length + row.length)
  return at + length + row.length + after.length
}

class JsonLine implements Line {
  readonly json: JsonBytes
  readonly start: Instant | undefined
  readonly created: Instant | undefined
  constructor(json: JsonBytes, { created, start }: Item<unknown>) {
    this.json = json
    this.start = start
    this.created = created
  }
  get text(): string {
    const line = new Uint8Array(lengthOf(this.json))
    write(this.json, line, 0)
    return decoder.decode(line)
  }
}

/** JSON's own words would name what the row holds. */
const reason = "the row is not JSON: it holds a bigint or itself, or a toJSON that fails, or is nothing at all"

/** Characters of text that are made at a time, so that memory does not depend on the size of a window. */
const charactersPerPiece = 512 * 1024

/** Of a row, text, or the bytes that it is held as already; nothing for what cannot be said. */
type TextOf = (item: Item<unknown>) => string | JsonBytes | undefined

/** Lines in pieces, made as they are asked for. Rows that JSON cannot say, for which `textOf` throws, go to `refused`. */
export function* pieces(
  items: ReadonlyArray<Item<unknown>>,
  refused: Array<Refused>,
  textOf: TextOf
): Generator<ReadonlyArray<Line>, void> {
  let lines: Array<Line> = []
  let characters = 0
  for (const item of items) {
    const text = tryText(textOf, item)
    if (text === undefined) {
      refused.push({ id: item.id, reason })
      continue
    }
    if (typeof text === "string") {
      const { created, start } = item
      lines.push({ text, start, created })
      characters += text.length
    } else {
      lines.push(new JsonLine(text, item))
      characters += lengthOf(text)
    }
    if (characters < charactersPerPiece) continue
    yield lines
    lines = []
    characters = 0
  }
  if (lines.length > 0) yield lines
}

const tryText = (textOf: TextOf, item: Item<unknown>): ReturnType<TextOf> => {
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

/** No character of a string takes more than three bytes. */
const bytesAtMost = (line: Line): number => (line.json === undefined ? 3 * line.text.length : lengthOf(line.json))

/**
 * Encodes into a buffer that it uses again: what it gives holds until the next call. Line by line, because one character
 * beyond Latin-1 makes all of a joined text twice as wide, and its encoding several times slower.
 */
export const makeEncoder = (terminator: Terminator): ((begin: string, lines: ReadonlyArray<Line>) => Uint8Array) => {
  let buffer = new Uint8Array()
  const ending = encoder.encode(terminator)
  const [first = 0, second] = ending
  return (begin, lines) => {
    const most = lines.reduce((sum, line) => sum + bytesAtMost(line) + ending.length, 3 * begin.length)
    if (buffer.length < most) buffer = new Uint8Array(most)
    let end = encoder.encodeInto(begin, buffer).written
    for (const line of lines) {
      const { json } = line
      end =
        json === undefined
          ? end + encoder.encodeInto(line.text, buffer.subarray(end)).written
          : write(json, buffer, end)
      buffer[end++] = first
      if (second !== undefined) buffer[end++] = second
    }
    return buffer.subarray(0, end)
  }
}
