/** Rows as lines of JSON, each with what a file's account of itself needs. */
import type { Instant } from "../../model/Instant.ts"
import type { Item, Refused } from "../SessionSink.ts"

export interface Line {
  readonly text: string
  readonly start: Instant | undefined
}

export interface Lines {
  readonly lines: ReadonlyArray<Line>
  readonly refused: ReadonlyArray<Refused>
}

/** JSON's own words would name what the row holds. */
const reason = "the row is not JSON: it holds a bigint or itself, or a toJSON that fails, or is nothing at all"

export const fromItems = (items: ReadonlyArray<Item<unknown>>): Lines => {
  const lines: Array<Line> = []
  const refused: Array<Refused> = []
  for (const { id, row, start } of items) {
    const text = stringify(row)
    if (text === undefined) refused.push({ id, reason })
    else lines.push({ text, start })
  }
  return { lines, refused }
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
