/** One pass over a record that replaces what belongs to some classes of personal data. */
import type { Redacted } from "../TransformContract.ts"
import * as DialledNumber from "./DialledNumber.ts"
import * as Emails from "../../model/internal/Emails.ts"
import * as KnownFields from "./KnownFields.ts"
import * as Names from "./Names.ts"
import * as OwnNumbers from "./OwnNumbers.ts"
import * as Phones from "../../model/internal/Phones.ts"
import { isObject, type Row, set } from "./Row.ts"
import * as StandIn from "../../model/internal/StandIn.ts"
import * as Urls from "./Urls.ts"

export const classes = ["phone", "email", "name", "recording", "freeText"] as const

type Class = (typeof classes)[number]
type Mode = "drop" | "mask" | { readonly hash: (text: string) => string }

/** In place of a value: the key goes too. */
const dropped = Symbol("dropped")

/**
 * How far text is looked into, besides for what the record itself is about: all of `any`; in a `url` only a `+` marks
 * a phone number, because it is full of digits that are none; in a `token`, such as an id or a state, further only a plain
 * `@` an address; in a `figure` nothing, as long as it is a time or a decimal.
 */
type Depth = "any" | "url" | "token" | "figure"

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
    roomId: token,
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

/** The rules for a value that follow from its position. */
interface Place {
  readonly depth: Depth
  /** Every text here is free text. */
  readonly free: boolean
  /** The class that all text here belongs to, because of the key above it. */
  readonly whole: Class | undefined
}

const kinds = new Set(["string", "text", "enum", "number", "integer", "boolean", "date", "datetime", "array", "object"])

/** `{ type: "enum", value: … }`: the type says nothing about anybody. The value may have been dropped. */
const isTypeOfWrapped = (key: string, value: unknown): boolean =>
  key === "type" && typeof value === "string" && kinds.has(value.toLowerCase())

/** Two keys that become the same one must not cost a value. */
const unused = (key: string, object: Row, out: Row): string => {
  let found = key
  for (let n = 2; Object.hasOwn(out, found) || Object.hasOwn(object, found); n++) found = `${key} (${n})`
  return found
}

/** The changes of an object. */
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

const decimal = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/

/** Times as the endpoint and Go write them, and decimals. */
const isFigure = (text: string): boolean =>
  decimal.test(text) ||
  /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?: ?(?:Z|UTC|[-+]\d\d:?\d\d))*(?: m=[-+]?[\d.]+)?)?$/.test(
    text
  )

export interface Redactor {
  readonly apply: (record: Row) => Row
  /** Of what need not be a session: a record that was not understood. */
  readonly applyToJson: (value: unknown) => Redacted
  /** Whether this field of a record is always taken out. */
  readonly drops: (field: string) => boolean
}

export const make = (modes: ReadonlyMap<Class, Mode>, callingCode: string | undefined): Redactor => {
  const normalize: { readonly [K in Class]: (text: string) => string } = {
    phone: (phone) => DialledNumber.normalize(phone, callingCode) || phone.trim().toLowerCase(),
    email: Emails.normalize,
    name: Names.normalize,
    recording: (url) => url,
    freeText: (text) => text
  }

  /** The replacement for text of a class inside other text. */
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
  const wanted: KnownFields.Wanted = {
    phones: modes.has("phone"),
    names: modes.has("name"),
    recordings: modes.has("recording")
  }
  const { phones, recordings } = wanted
  const emails = modes.has("email")
  const free = modes.has("freeText")

  const instead = (whole: Class, value: string): unknown =>
    StandIn.is(value) ? value : modes.get(whole) === "drop" ? dropped : stands[whole](value)

  /** A number of the record has the same hash however it is written. */
  const phoneOf = (known: KnownFields.KnownFields) => (found: string) =>
    phone(OwnNumbers.knownIn(Phones.digitsOf(found), known.phones)?.text ?? found)
  const ownPhone = ({ text }: OwnNumbers.Known): string => phone(text)

  const once = (given: string, depth: Depth, known: KnownFields.KnownFields): string => {
    let text = given
    if (recordings) {
      if (known.recording !== undefined && text.includes(known.recording)) {
        text = text.replaceAll(known.recording, () => recording(known.recording ?? ""))
      }
      text = Urls.replace(text, recording)
    }
    if (emails && (depth === "any" || depth === "url" || text.includes("@"))) text = Emails.replace(text, email)
    if (phones && !(depth === "figure" && isFigure(text))) {
      text = Phones.replace(text, depth === "any" ? "any" : "marked", phoneOf(known))
      text = OwnNumbers.replace(text, known.phones, ownPhone)
    }
    const own = known.name
    if (own !== undefined) text = Names.replaceKnown(text, own, () => name(own.text))
    return text
  }

  /** A replacement is not redacted again, and the text that remains is searched again. */
  const scan = (given: string, depth: Depth, known: KnownFields.KnownFields): string => {
    let text = once(given, depth, known)
    if (text === given) return given
    if (StandIn.isIn(given)) text = given
    for (;;) {
      const next = StandIn.between(text, (part) => once(part, depth, known))
      if (next === text) return text
      text = next
    }
  }

  const isShort = (digits: string, known: KnownFields.KnownFields): boolean =>
    known.short && known.phones.some(({ digits: own, ending }) => ending === undefined && own === digits)

  const ofText = (value: string, place: Place, known: KnownFields.KnownFields): unknown => {
    if (value === "") return value
    if (place.whole !== undefined && modes.has(place.whole)) {
      // A mobile is not always a number: `"mobile": "Android"`.
      const fits = place.whole !== "phone" || Phones.digitsOf(value).length >= 4
      if (fits) return instead(place.whole, value)
    }
    if (phones && place.depth === "figure" && decimal.test(value)) return ofNumber(value, value, place, known)
    if (free && (place.free || (place.depth === "figure" && !isFigure(value)))) return instead("freeText", value)
    if (known.short && place.depth !== "figure" && !/\p{L}/u.test(value) && isShort(Phones.digitsOf(value), known))
      return instead("phone", value)
    return scan(value, place.depth, known)
  }

  const ofNumber = (value: unknown, text: string, place: Place, known: KnownFields.KnownFields): unknown => {
    const digits = Phones.digitsOf(text)
    const own = OwnNumbers.knownIn(digits, known.phones)
    if (place.depth === "figure") {
      return own?.ending === undefined || !/^[-+]?\d+$/.test(text) ? value : instead("phone", own.text)
    }
    if (own !== undefined) return instead("phone", own.text)
    if (digits.length < 7) return value
    if (place.whole === "phone") return instead("phone", digits)
    const inside = known.phones.find(({ ending }) => ending !== undefined && digits.includes(ending))
    return inside === undefined ? value : instead("phone", inside.text)
  }

  const ofValue = (value: unknown, place: Place, known: KnownFields.KnownFields): unknown => {
    if (typeof value === "string") return ofText(value, place, known)
    if (typeof value === "number") return phones ? ofNumber(value, String(value), place, known) : value
    if (Array.isArray(value)) return ofList(value, place, known)
    const exact = KnownFields.exactText(value)
    if (exact !== undefined) return phones ? ofNumber(value, exact, place, known) : value
    if (!isObject(value)) return value
    return ofObject(value, place, known)
  }

  const ofList = (
    list: ReadonlyArray<unknown>,
    place: Place,
    known: KnownFields.KnownFields
  ): ReadonlyArray<unknown> => {
    const found = list.map((value) => ofValue(value, place, known))
    return found.every((value, index) => value === list[index]) ? list : found.filter((value) => value !== dropped)
  }

  const placeUnder = ({ kind }: Names.Key, outer: Place): Place =>
    kind === "other" || kind === outer.whole || !modes.has(kind) ? outer : { ...outer, whole: kind }

  const ofKey = (key: string, about: Names.Key, known: KnownFields.KnownFields): string =>
    about.open || known.recording !== undefined || (known.name !== undefined && about.folded.includes(known.name.probe))
      ? scan(key, "any", known)
      : key

  /** The same object when nothing in it changed, so that what was not touched is not copied either. */
  const ofObject = (object: Row, place: Place, known: KnownFields.KnownFields): Row => {
    let change: Change | undefined
    for (const key of Object.keys(object)) {
      const about = Names.keyOf(key)
      const value = object[key]
      const newKey = ofKey(key, about, known)
      const newValue = isTypeOfWrapped(key, value) ? value : ofValue(value, placeUnder(about, place), known)
      if (newValue !== value || newKey !== key) change = changed(change, key, newKey, newValue)
    }
    return change === undefined ? object : rebuild(object, change)
  }

  const places = new Map([...fields].map(([key, { depth, whole }]) => [key, { depth, whole, free: false }]))
  const elsewhere: Place = { depth: "any", whole: undefined, free: true }

  const ofField = (value: unknown, place: Place, known: KnownFields.KnownFields): unknown => {
    if (value === null || value === undefined || value === "") return value
    return place.whole !== undefined && modes.has(place.whole)
      ? instead(
          place.whole,
          typeof value === "string" ? value : (KnownFields.exactText(value) ?? JSON.stringify(value))
        )
      : ofValue(value, place, known)
  }

  /** A visible id stays one: it is never empty, and the holder of the key can still tell rows apart by it. */
  const ofId = (value: unknown, place: Place, known: KnownFields.KnownFields): unknown => {
    if (typeof value !== "string" || !phones || StandIn.is(value)) return ofValue(value, place, known)
    const mode = modes.get("phone")
    const stands = typeof mode === "object" ? ownPhone : () => "[phone]"
    const marked = OwnNumbers.replace(value, known.phones, stands)
    const found = marked !== value || isShort(value, known)
    if (!found) return scan(value, place.depth, known)
    return typeof mode === "object"
      ? `id_${mode.hash(`id:${value}`)}`
      : marked === value
        ? "[phone]"
        : scan(marked, place.depth, known)
  }

  const ofRecord = (record: Row, known: KnownFields.KnownFields, fieldOf: (key: string) => string): Row => {
    let change: Change | undefined
    for (const key of Object.keys(record)) {
      const value = record[key]
      const field = fieldOf(key)
      const place = places.get(field)
      const about = place === undefined ? Names.keyOf(key) : undefined
      const newKey = about === undefined ? key : ofKey(key, about, known)
      const newValue =
        place === undefined
          ? ofValue(value, about === undefined ? elsewhere : placeUnder(about, elsewhere), known)
          : field === "id"
            ? ofId(value, place, known)
            : ofField(value, place, known)
      if (newValue !== value || newKey !== key) change = changed(change, key, newKey, newValue)
    }
    return change === undefined ? record : rebuild(record, change)
  }

  return {
    apply: (record) => ofRecord(record, KnownFields.ofSession(record, wanted), (key) => key),
    applyToJson: (given) => {
      const known = KnownFields.ofJson(given, wanted)
      const value = isObject(given) ? ofRecord(given, known, KnownFields.fieldOf) : ofValue(given, elsewhere, known)
      const isOther = (key: string): boolean =>
        !isObject(given) || !isObject(value) || !Object.hasOwn(value, key) || value[key] !== given[key]
      // A key that is another now is personal data itself.
      const isTold = (key: string): boolean =>
        places.has(KnownFields.fieldOf(key)) || (isObject(value) && Object.hasOwn(value, key))
      return {
        value: value === dropped ? null : value,
        fields: isObject(given)
          ? Object.keys(given)
              .filter((key) => isOther(key) && isTold(key))
              .map(KnownFields.fieldOf)
          : [],
        text: (text) => scan(text, "any", known)
      }
    },
    drops: (field) => {
      const whole = fields.get(field)?.whole
      return whole !== undefined && modes.get(whole) === "drop"
    }
  }
}
