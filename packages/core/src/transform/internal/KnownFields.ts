/** The personal data in a record's own fields, which all of its texts are searched for. */
import { isExactNumber } from "../../model/ExactNumber.ts"
import * as Names from "./Names.ts"
import * as OwnNumbers from "./OwnNumbers.ts"
import type { Row } from "./Row.ts"
import * as StandIn from "../../model/internal/StandIn.ts"

export interface KnownFields {
  readonly name: Names.Name | undefined
  readonly phones: ReadonlyArray<OwnNumbers.Known>
  /** Short numbers, which are found only as whole words. */
  readonly short: boolean
  readonly recording: string | undefined
}

/** The classes to redact. */
export interface Wanted {
  readonly names: boolean
  readonly phones: boolean
  readonly recordings: boolean
}

/** A number that a double cannot hold is an object, which writes its digits into JSON. */
export const exactText = (value: unknown): string | undefined => (isExactNumber(value) ? value.text : undefined)

const textOf = (value: unknown): string | undefined => {
  if (typeof value === "string") return value === "" || StandIn.is(value) ? undefined : value
  return typeof value === "number" ? String(value) : exactText(value)
}

const recordingOf = (value: unknown): string | undefined => {
  const url = textOf(value)
  return url === undefined || url.length < 8 ? undefined : url
}

const make = (
  name: Names.Name | undefined,
  phones: ReadonlyArray<OwnNumbers.Known>,
  recording: string | undefined
): KnownFields => ({ name, phones, recording, short: phones.some(({ ending }) => ending === undefined) })

const distinct = (given: ReadonlyArray<unknown>): ReadonlyArray<OwnNumbers.Known> => {
  const found: Array<OwnNumbers.Known> = []
  for (const value of given) {
    const text = textOf(value)
    const phone = text === undefined ? undefined : OwnNumbers.knownOf(text)
    if (
      phone !== undefined &&
      !found.some(({ digits, ending }) => digits === phone.digits && ending === phone.ending)
    ) {
      found.push(phone)
    }
  }
  return found
}

/** Reads a call. */
export const ofSession = (session: Row, { names, phones, recordings }: Wanted): KnownFields => {
  const name = names ? textOf(session["callerName"]) : undefined
  return make(
    name === undefined ? undefined : Names.nameOf(name),
    phones ? distinct([session["callerNumber"], session["calleeNumber"], session["customerNumber"]]) : [],
    recordings ? recordingOf(session["recordingUrl"]) : undefined
  )
}

/** The name of a field in either spelling, for records that are not decoded. */
export const fieldOf = (key: string): string => key.replace(/_([a-z\d])/gi, (_, letter: string) => letter.toUpperCase())

const deepest = 64

/** Reads any JSON, with such fields at any depth. */
export const ofJson = (value: unknown, { names, phones, recordings }: Wanted): KnownFields => {
  const found = new Map<string, Array<unknown>>()
  const look = (inner: unknown, depth: number): void => {
    if (typeof inner !== "object" || inner === null || depth > deepest) return
    for (const [key, held] of Object.entries(inner)) {
      const field = fieldOf(key)
      const more = found.get(field)
      if (more === undefined) found.set(field, [held])
      else more.push(held)
      look(held, depth + 1)
    }
  }
  look(value, 0)
  const all = (field: string): ReadonlyArray<unknown> => found.get(field) ?? []
  const first = (field: string): string | undefined =>
    all(field)
      .map(textOf)
      .find((text) => text !== undefined)
  const name = names ? first("callerName") : undefined
  return make(
    name === undefined ? undefined : Names.nameOf(name),
    phones ? distinct([...all("callerNumber"), ...all("calleeNumber"), ...all("customerNumber")]) : [],
    recordings ? recordingOf(first("recordingUrl")) : undefined
  )
}
