/** Rows that a transform makes in the thread that decodes, ahead of their delivery. */
import type { CallSession } from "../CallSession.ts"
import * as Json from "./Json.ts"
import * as Packed from "./Packed.ts"

/** A function of one record: `undefined` leaves it out. */
type Apply = (session: CallSession) => object | undefined

/**
 * What the function makes of the sessions. What is not plain is left to those who deliver the session, where there are
 * letters and warnings for it: a record for which it throws, a row that is no plain object or that JSON cannot say, and
 * half of a surrogate pair.
 */
export const make = (apply: Apply, sessions: ReadonlyArray<CallSession>): Packed.Made => {
  const outcomes = new Uint8Array(sessions.length)
  const texts: Array<string> = []
  for (const [i, session] of sessions.entries()) {
    const text = textOf(apply, session)
    outcomes[i] = text === undefined ? Packed.leftOut : text === "" ? Packed.notKnown : Packed.amongRows
    if (text !== undefined && text !== "") texts.push(text)
  }
  return { outcomes, ...Packed.listOf(texts) }
}

/** The row as JSON; `undefined` for one that is left out, the empty text for one that is not known. */
const textOf = (apply: Apply, session: CallSession): string | undefined => {
  try {
    const row = apply(session)
    if (row === undefined) return undefined
    const text = isPlain(row) ? JSON.stringify(row) : ""
    return Json.hasHalf(text) ? "" : Json.escapeLineEnds(text)
  } catch {
    return ""
  }
}

/** No class of its own, nor something that will have the row later. */
const isPlain = (row: object): boolean => Object.getPrototypeOf(row) === Object.prototype && !("then" in row)
