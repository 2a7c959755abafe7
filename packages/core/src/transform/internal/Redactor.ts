/** One pass over a record that replaces what belongs to some classes of personal data. */
import { ExactNumber } from "../../model/ExactNumber.ts"
import * as Emails from "./Emails.ts"
import * as Names from "./Names.ts"
import * as Phones from "./Phones.ts"
import { isObject, type Row, set } from "./Row.ts"
import * as Urls from "./Urls.ts"

export const classes = ["phone", "email", "name", "recording", "freeText"] as const

type Class = (typeof classes)[number]
type Mode = "drop" | "mask" | { readonly hash: (text: string) => string }

/** In place of a value: the key goes too. */
const dropped = Symbol("dropped")

/**
 * How far text is looked into: all of `any`; in a `url` only a `+` marks a phone number, because it is full of digits that
 * are none; in a `token`, such as an id or a state, further only a plain `@` an address; a `room` may be named after
 * a number of the record; a `figure`, such as a time, holds a `+` of its own.
 */
type Depth = "any" | "url" | "token" | "room" | "figure"

interface Field {
  /** The class that the whole value belongs to. */
  readonly whole?: Class
  readonly depth: Depth
}

const text: Field = { depth: "any" }
const token: Field = { depth: "token" }
const figure: Field = { depth: "figure" }

const fields: ReadonlyMap<string, Field> = new Map(
  Object.entries({
    id: token,
    agentId: token,
    organizationId: token,
    roomId: { depth: "room" },
    callerNumber: { whole: "phone", depth: "any" },
    calleeNumber: { whole: "phone", depth: "any" },
    customerNumber: { whole: "phone", depth: "any" },
    callerName: { whole: "name", depth: "any" },
    callerEmail: { whole: "email", depth: "any" },
    channel: token,
    status: token,
    summary: { whole: "freeText", depth: "any" },
    errorMessage: { whole: "freeText", depth: "any" },
    disconnectReason: token,
    startedAt: figure,
    endedAt: figure,
    createdAt: figure,
    startedDate: figure,
    recordingUrl: { whole: "recording", depth: "url" },
    costTotal: figure,
    agentName: text,
    creditBreakdown: text,
    direction: token,
    durationSec: figure,
    callLatencyMs: figure,
    cost: figure
  } satisfies Readonly<Record<string, Field>>)
)

/** What stands in a record besides its patterns. */
interface Known {
  readonly name: string | undefined
  readonly phones: ReadonlyArray<string>
  readonly recording: string | undefined
}

/** What holds for a value because of where it stands. */
interface Place {
  readonly depth: Depth
  /** Every text here is free text. */
  readonly free: boolean
  /** The class that all text here belongs to, because of the key above it. */
  readonly whole: Class | undefined
}

const kinds = new Set(["string", "text", "enum", "number", "integer", "boolean", "date", "datetime", "array", "object"])

/** `{ type: "enum", value: … }`: the type says nothing about anybody. */
const isTypeOfWrapped = (object: Row, key: string): boolean =>
  key === "type" && Object.hasOwn(object, "value") && kinds.has(String(object[key]).toLowerCase())

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" && value !== ""
    ? value
    : typeof value === "number" || value instanceof ExactNumber
      ? String(value)
      : undefined

const nameIn = (record: Row): string | undefined => {
  const name = textOf(record["callerName"])?.trim()
  return name === undefined || name.length < 2 ? undefined : name
}

const phonesIn = (record: Row): ReadonlyArray<string> => {
  const endings = new Set<string>()
  for (const field of ["callerNumber", "calleeNumber", "customerNumber"]) {
    const phone = textOf(record[field])
    const ending = phone === undefined ? undefined : Phones.ending(phone)
    if (ending !== undefined) endings.add(ending)
  }
  return [...endings]
}

const recordingIn = (record: Row): string | undefined => {
  const url = textOf(record["recordingUrl"])
  return url === undefined || url.length < 8 ? undefined : url
}

/** Two keys that become the same one must not cost a value. */
const unused = (key: string, object: Row, out: Row): string => {
  let found = key
  for (let n = 2; Object.hasOwn(out, found) || Object.hasOwn(object, found); n++) found = `${key} (${n})`
  return found
}

/** What is to be different in an object. */
interface Change {
  readonly values: Map<string, unknown>
  /** Of those keys that get another name, or go. */
  readonly keys: Map<string, string | undefined>
}

const changed = (change: Change | undefined, key: string, newKey: string, value: unknown): Change => {
  const { keys, values } = change ?? { values: new Map<string, unknown>(), keys: new Map<string, string | undefined>() }
  if (value === dropped) keys.set(key, undefined)
  else {
    values.set(key, value)
    if (newKey !== key) keys.set(key, newKey)
  }
  return { keys, values }
}

/** When only values change, a copy as a whole: it costs a tenth of one key by key. */
const rebuild = (object: Row, { keys, values }: Change): Row => {
  if (keys.size === 0) {
    const copy: Record<string, unknown> = { ...object }
    for (const [key, value] of values) copy[key] = value
    return copy
  }
  const out: Record<string, unknown> = {}
  for (const key of Object.keys(object)) {
    const newKey = keys.has(key) ? keys.get(key) : key
    if (newKey === undefined) continue
    set(out, newKey === key ? key : unused(newKey, object, out), values.has(key) ? values.get(key) : object[key])
  }
  return out
}

export interface Redactor {
  readonly apply: (record: Row) => Row
  /** Whether this field of a record is always taken out. */
  readonly drops: (field: string) => boolean
}

export const make = (modes: ReadonlyMap<Class, Mode>, callingCode: string | undefined): Redactor => {
  const normalize: { readonly [K in Class]: (text: string) => string } = {
    phone: (phone) => Phones.normalize(phone, callingCode) || phone.trim().toLowerCase(),
    email: Emails.normalize,
    name: Names.normalize,
    recording: (url) => url,
    freeText: (text) => text
  }

  /** What stands for text of a class in the middle of other text. */
  const within = (name: Class): ((found: string) => string) => {
    const mode = modes.get(name)
    if (mode === undefined || mode === "drop") return () => ""
    if (mode === "mask") return () => `[${name}]`
    return (found) => `${name}_${mode.hash(`${name}:${normalize[name](found)}`)}`
  }
  const phone = within("phone")
  const email = within("email")
  const name = within("name")
  const recording = within("recording")
  const stands: { readonly [K in Class]: (text: string) => string } = {
    phone,
    email,
    name,
    recording,
    freeText: within("freeText")
  }
  const phones = modes.has("phone")
  const emails = modes.has("email")
  const names = modes.has("name")
  const recordings = modes.has("recording")
  const free = modes.has("freeText")

  const instead = (whole: Class, value: string): unknown =>
    modes.get(whole) === "drop" ? dropped : stands[whole](value)

  const scan = (given: string, depth: Depth, known: Known): string => {
    let text = given
    if (recordings) {
      if (known.recording !== undefined && text.includes(known.recording)) {
        text = text.replaceAll(known.recording, () => recording(known.recording ?? ""))
      }
      text = Urls.replace(text, recording)
    }
    if (emails && (depth === "any" || depth === "url" || text.includes("@"))) text = Emails.replace(text, email)
    if (phones && depth !== "figure") {
      text = Phones.replace(text, depth === "any" ? "any" : "marked", phone)
      if (depth === "any" || depth === "room") text = Phones.replaceKnown(text, known.phones, phone)
    }
    if (names && known.name !== undefined) text = Names.replaceKnown(text, known.name, name)
    return text
  }

  const ofText = (value: string, place: Place, known: Known): unknown => {
    if (value === "") return value
    if (place.whole !== undefined && modes.has(place.whole)) {
      // A mobile is not always a number: `"mobile": "Android"`.
      const fits = place.whole !== "phone" || Phones.digitsOf(value).length >= 4
      if (fits) return instead(place.whole, value)
    }
    return place.free && free ? instead("freeText", value) : scan(value, place.depth, known)
  }

  const ofNumber = (value: number | ExactNumber, place: Place, known: Known): unknown => {
    if (!phones || (typeof value === "number" && !Number.isSafeInteger(value))) return value
    const digits = String(value).replace("-", "")
    if (!/^\d{7,}$/.test(digits)) return value
    const isOne = place.whole === "phone" || known.phones.some((ending) => digits.endsWith(ending))
    return isOne ? instead("phone", digits) : value
  }

  const ofValue = (value: unknown, place: Place, known: Known): unknown => {
    if (typeof value === "string") return ofText(value, place, known)
    if (typeof value === "number" || value instanceof ExactNumber)
      return place.depth === "any" ? ofNumber(value, place, known) : value
    if (Array.isArray(value)) return ofList(value, place, known)
    return isObject(value) ? ofObject(value, place, known) : value
  }

  const ofList = (list: ReadonlyArray<unknown>, place: Place, known: Known): ReadonlyArray<unknown> => {
    const found = list.map((value) => ofValue(value, place, known))
    return found.every((value, index) => value === list[index]) ? list : found.filter((value) => value !== dropped)
  }

  const placeUnder = ({ kind }: Names.Key, outer: Place): Place =>
    kind === "other" || kind === outer.whole || !modes.has(kind) ? outer : { ...outer, whole: kind }

  const ofKey = (key: string, { open }: Names.Key, known: Known): string =>
    open || known.name !== undefined || known.recording !== undefined ? scan(key, "any", known) : key

  /** The same object when nothing in it changed, so that what was not touched is not copied either. */
  const ofObject = (object: Row, place: Place, known: Known): Row => {
    let change: Change | undefined
    for (const key of Object.keys(object)) {
      const about = Names.keyOf(key)
      const value = object[key]
      const newKey = ofKey(key, about, known)
      const newValue = isTypeOfWrapped(object, key) ? value : ofValue(value, placeUnder(about, place), known)
      if (newValue !== value || newKey !== key) change = changed(change, key, newKey, newValue)
    }
    return change === undefined ? object : rebuild(object, change)
  }

  const places = new Map([...fields].map(([key, { depth, whole }]) => [key, { depth, whole, free: false }]))
  const elsewhere: Place = { depth: "any", whole: undefined, free: true }

  const ofField = (value: unknown, place: Place, known: Known): unknown => {
    if (value === null || value === undefined || value === "") return value
    return place.whole !== undefined && modes.has(place.whole)
      ? instead(place.whole, typeof value === "string" ? value : JSON.stringify(value))
      : ofValue(value, place, known)
  }

  return {
    apply: (record) => {
      const known: Known = {
        name: names ? nameIn(record) : undefined,
        phones: phones ? phonesIn(record) : [],
        recording: recordings ? recordingIn(record) : undefined
      }
      let change: Change | undefined
      for (const key of Object.keys(record)) {
        const value = record[key]
        const place = places.get(key)
        const about = place === undefined ? Names.keyOf(key) : undefined
        const newKey = about === undefined ? key : ofKey(key, about, known)
        const newValue =
          place === undefined
            ? ofValue(value, about === undefined ? elsewhere : placeUnder(about, elsewhere), known)
            : ofField(value, place, known)
        if (newValue !== value || newKey !== key) change = changed(change, key, newKey, newValue)
      }
      return change === undefined ? record : rebuild(record, change)
    },
    drops: (field) => {
      const whole = fields.get(field)?.whole
      return whole !== undefined && modes.get(whole) === "drop"
    }
  }
}
