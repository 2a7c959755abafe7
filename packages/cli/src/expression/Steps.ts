/** How much work a condition may take for one record: lists inside lists are a product of their lengths. */
import { Transform } from "@callstream/core"
import type { Compiled } from "./Compiled.ts"

/** Two nested lists of a thousand items with a short condition; about a tenth of a second. */
export const limit = 5_000_000

/** Reading so many characters of text, or so many keys of an object, is one step. */
const perStep = 32

export interface Steps {
  /** Before each record. */
  readonly begin: () => void
  /** Throws when the record has used up its steps. */
  readonly take: (count: number) => void
  /** The work of going through text or keys of this number once. Short ones cost nothing more. */
  readonly read: (length: number) => void
}

export const make = (): Steps => {
  let left = limit
  const take = (count: number) => {
    left -= count
    if (left < 0)
      throw new Transform.TransformError(`the condition takes more than ${limit.toLocaleString("en")} steps`)
  }
  return {
    begin: () => {
      left = limit
    },
    take,
    read: (length) => {
      if (length >= perStep) take(Math.floor(length / perStep))
    }
  }
}

/** Counts the text that comes out. */
export const counting = (compiled: Compiled, steps: Steps): Compiled => ({
  type: compiled.type,
  run: (session) => {
    const value = compiled.run(session)
    if (typeof value === "string") steps.read(value.length)
    return value
  }
})

/** How many nodes are evaluated each time, those of inner loops once. */
export const sizeOf = (node: unknown): number => {
  if (Array.isArray(node)) return node.reduce((sum: number, one) => sum + sizeOf(one), 0)
  return typeof node === "object" && node !== null && "op" in node && "args" in node ? 1 + sizeOf(node.args) : 0
}
