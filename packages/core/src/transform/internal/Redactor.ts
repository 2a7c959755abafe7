/** One pass over a record that replaces what belongs to some classes of personal data. */
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
 * How far text is looked into for phone numbers: ids, states and URLs hold digits that are none, so there only a `+`
 * marks one; a time holds a `+` as well.
 */
type Depth = "any" | "marked" | "none"

interface Field {
  /** The class that the whole value belongs to. */
  readonly whole?: Class
  readonly depth: Depth
}

const text: Field = { depth: "any" }
const token: Field = { depth: "marked" }
const figure: Field = { depth: "none" }

const fields: ReadonlyMap<string, Field> = new Map(
  Object.entries({
    id: token,
    agentId: token,
    organizationId: token,
    roomId: text,
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
    recordingUrl: { whole: "recording", depth: "marked" },
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

const textOf = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined)

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

type KeyOf = (key: string) => string
type ValueOf = (key: string, value: unknown) => unknown

const withOtherKeys = (object: Row, keyOf: KeyOf, valueOf: ValueOf): Row => {
  const out: Record<string, unknown> = {}
  for (const key of Object.keys(object)) {
    const value = valueOf(key, object[key])
    if (value === dropped) continue
    const newKey = keyOf(key)
    set(out, newKey === key ? key : unused(newKey, object, out), value)
  }
  return out
}

/**
 * The same object when nothing in it changed, so that what was not touched is not copied either; and when only values
 * did, a copy as a whole, which costs a tenth of one key by key.
 */
const rebuild = (object: Row, keyOf: KeyOf, valueOf: ValueOf): Row => {
  let out: Record<string, unknown> | undefined
  const keys = Object.keys(object)
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index] ?? ""
    const value = object[key]
    const newValue = valueOf(key, value)
    if (newValue === dropped || keyOf(key) !== key) return withOtherKeys(object, keyOf, valueOf)
    if (newValue !== value) {
      out ??= { ...object }
      out[key] = newValue
    }
  }
  return out ?? object
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
    if (emails) text = Emails.replace(text, email)
    if (phones && depth !== "none") {
      text = Phones.replace(text, depth, phone)
      if (depth === "any") for (const ending of known.phones) text = Phones.replaceKnown(text, ending, phone)
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

  const ofNumber = (value: number, place: Place, known: Known): unknown => {
    if (!phones || !Number.isSafeInteger(value)) return value
    const digits = String(Math.abs(value))
    if (digits.length < 7) return value
    const isOne = place.whole === "phone" || known.phones.some((ending) => digits.endsWith(ending))
    return isOne ? instead("phone", digits) : value
  }

  const ofValue = (value: unknown, place: Place, known: Known): unknown => {
    if (typeof value === "string") return ofText(value, place, known)
    if (typeof value === "number") return place.depth === "any" ? ofNumber(value, place, known) : value
    if (Array.isArray(value)) return ofList(value, place, known)
    return isObject(value) ? ofObject(value, place, known) : value
  }

  const ofList = (list: ReadonlyArray<unknown>, place: Place, known: Known): ReadonlyArray<unknown> => {
    const found = list.map((value) => ofValue(value, place, known))
    return found.every((value, index) => value === list[index]) ? list : found.filter((value) => value !== dropped)
  }

  const placeUnder = (key: string, outer: Place): Place => {
    const { kind } = Names.keyOf(key)
    return kind === "other" || kind === outer.whole ? outer : { ...outer, whole: kind }
  }

  const ofKey = (key: string, known: Known): string =>
    Names.keyOf(key).open || known.name !== undefined || known.recording !== undefined ? scan(key, "any", known) : key

  const ofObject = (object: Row, place: Place, known: Known): Row =>
    rebuild(
      object,
      (key) => ofKey(key, known),
      (key, value) => (isTypeOfWrapped(object, key) ? value : ofValue(value, placeUnder(key, place), known))
    )

  const places = new Map([...fields].map(([key, { depth, whole }]) => [key, { depth, whole, free: false }]))
  const elsewhere: Place = { depth: "any", whole: undefined, free: true }

  const ofField = (key: string, value: unknown, known: Known): unknown => {
    if (value === null || value === undefined || value === "") return value
    const place = places.get(key)
    if (place === undefined) return ofValue(value, placeUnder(key, elsewhere), known)
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
      return rebuild(
        record,
        (key) => (fields.has(key) ? key : ofKey(key, known)),
        (key, value) => ofField(key, value, known)
      )
    },
    drops: (field) => {
      const whole = fields.get(field)?.whole
      return whole !== undefined && modes.get(whole) === "drop"
    }
  }
}
