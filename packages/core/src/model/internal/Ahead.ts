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
export const make = (apply: Apply, sessions: ReadonlyArray<CallSession>): Packed.Made =>
  ofTexts(sessions.map((session) => textOf(apply, session)))

/** Of rows as `textOf` gives them. */
export const ofTexts = (all: ReadonlyArray<string | undefined>): Packed.Made => {
  const outcomes = new Uint8Array(all.length)
  const texts: Array<string> = []
  for (let i = 0; i < all.length; i++) {
    const text = all[i]
    outcomes[i] = text === undefined ? Packed.leftOut : text === "" ? Packed.notKnown : Packed.amongRows
    if (text !== undefined && text !== "") texts.push(text)
  }
  return { outcomes, ...Packed.listOf(texts) }
}

/** The row as JSON; `undefined` for one that is left out, the empty text for one that is not known. */
export const textOf = (apply: Apply, session: CallSession): string | undefined => {
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

/** A call within a text, as `JSON.stringify` writes it, and the fields of it that a transform needs, by begin and end. */
export interface Partly {
  readonly text: string
  readonly begin: number
  readonly end: number
  readonly parts: ReadonlyArray<number>
}

/**
 * The same as `textOf` for a transform that needs these fields only: they are decoded, and the rest of the row is the text
 * that came. `whole` is for a row that has other fields than the call.
 */
export const ofParts = (apply: Apply, call: Partly, whole: () => string | undefined): string | undefined => {
  const { begin, end, parts, text } = call
  let json = ""
  for (let i = 0; i < parts.length; i += 2) json += `${i === 0 ? "" : ","}${text.slice(parts[i], parts[i + 1])}`
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a call with some of its fields
    const given = JSON.parse(`{${json}}`) as CallSession
    const row = apply(given)
    if (row === undefined) return undefined
    if (!isPlain(row)) return ""
    return row === given
      ? text.slice(begin, end)
      : (spliced(call, Object.entries(given), Object.entries(row)) ?? whole())
  } catch {
    return ""
  }
}

type Entries = ReadonlyArray<readonly [string, unknown]>

const spliced = ({ begin, end, parts, text }: Partly, given: Entries, made: Entries): string | undefined => {
  if (made.length !== given.length || 2 * given.length !== parts.length) return undefined
  let line = ""
  let done = begin
  for (const [i, [name, before]] of given.entries()) {
    const [madeName, value] = made[i] ?? []
    if (madeName !== name) return undefined
    if (value === before) continue
    // The types promise text for everything.
    const json: string | undefined = JSON.stringify(value)
    if (json === undefined) return undefined
    if (Json.hasHalf(json)) return ""
    line += `${text.slice(done, parts[2 * i])}${JSON.stringify(name)}:${Json.escapeLineEnds(json)}`
    done = parts[2 * i + 1] ?? end
  }
  return line + text.slice(done, end)
}
