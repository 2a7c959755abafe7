/** One pass over a record that replaces what belongs to some classes of personal data. */
import * as Phones from "../../model/internal/Phones.ts"
import * as StandIn from "../../model/internal/StandIn.ts"
import type { Redacted } from "../TransformContract.ts"
import * as ChangedKeys from "./ChangedKeys.ts"
import * as KnownFields from "./KnownFields.ts"
import * as Names from "./Names.ts"
import * as OwnNumbers from "./OwnNumbers.ts"
import { type Class, elsewhere, isDecimal, isFigure, type Place, places } from "./PersonalFields.ts"
import { isObject, type Row } from "./Row.ts"
import * as Search from "./Search.ts"
import * as Substitutes from "./Substitutes.ts"

export interface Redactor {
  readonly apply: (record: Row) => Row
  /** Of what need not be a session: a record that was not understood. */
  readonly applyToJson: (value: unknown) => Redacted
  /** Whether this field of a record is always taken out. */
  readonly drops: (field: string) => boolean
}

export const make = (modes: ReadonlyMap<Class, Substitutes.Mode>, callingCode: string | undefined): Redactor => {
  const rules = Search.rulesOf(Substitutes.make(modes, callingCode))
  return {
    apply: (record) => ofRecord({ rules, known: KnownFields.ofSession(record, rules) }, record, (key) => key),
    applyToJson: (given) => {
      const search = { rules, known: KnownFields.ofJson(given, rules) }
      const value = isObject(given) ? ofRecord(search, given, KnownFields.fieldOf) : ofValue(search, given, elsewhere)
      return {
        value: value === Substitutes.dropped ? null : value,
        fields: isObject(given) ? changedFields(given, value) : [],
        text: (text) => Search.replace(search, text, "any")
      }
    },
    drops: (field) => {
      const whole = places.get(field)?.whole
      return whole !== undefined && modes.get(whole) === "drop"
    }
  }
}

const changedFields = (given: Row, value: unknown): ReadonlyArray<string> => {
  const isOther = (key: string): boolean => !isObject(value) || !Object.hasOwn(value, key) || value[key] !== given[key]
  // A key that is another now is personal data itself.
  const isTold = (key: string): boolean =>
    places.has(KnownFields.fieldOf(key)) || (isObject(value) && Object.hasOwn(value, key))
  return Object.keys(given)
    .filter((key) => isOther(key) && isTold(key))
    .map(KnownFields.fieldOf)
}

const ofRecord = (search: Search.Search, record: Row, fieldOf: (key: string) => string): Row => {
  let change: ChangedKeys.ChangedKeys | undefined
  for (const key of Object.keys(record)) {
    const value = record[key]
    const field = fieldOf(key)
    const place = places.get(field)
    const about = place === undefined ? Names.keyOf(key) : undefined
    const newKey = about === undefined ? key : ofKey(search, key, about)
    const newValue =
      place === undefined
        ? ofValue(search, value, about === undefined ? elsewhere : placeUnder(search, about, elsewhere))
        : field === "id"
          ? ofId(search, value, place)
          : ofField(search, value, place)
    if (newValue !== value || newKey !== key) change = ChangedKeys.add(change, key, newKey, newValue)
  }
  return ChangedKeys.apply(record, change)
}

const ofField = (search: Search.Search, value: unknown, place: Place): unknown => {
  if (value === null || value === undefined || value === "") return value
  const { whole } = place
  return whole !== undefined && isRedacted(search, whole)
    ? instead(
        search,
        whole,
        typeof value === "string" ? value : (KnownFields.exactText(value) ?? JSON.stringify(value))
      )
    : ofValue(search, value, place)
}

/** A visible id stays one: it is never empty, and the holder of the key can still tell rows apart by it. */
const ofId = (search: Search.Search, value: unknown, place: Place): unknown => {
  const { known, rules } = search
  if (typeof value !== "string" || !rules.phones || StandIn.is(value)) return ofValue(search, value, place)
  const { modes, within } = rules.substitutes
  const mode = modes.get("phone")
  const ofOwn = (own: OwnNumbers.Known) => (typeof mode === "object" ? within.phone(own.text) : StandIn.phoneMask)
  const marked = OwnNumbers.replace(value, known.phones, ofOwn)
  const found = marked !== value || Search.isShort(search, value)
  if (!found) return Search.replace(search, value, place.depth)
  return typeof mode === "object"
    ? `id_${mode.hash(`id:${value}`)}`
    : marked === value
      ? StandIn.phoneMask
      : Search.replace(search, marked, place.depth)
}

const ofValue = (search: Search.Search, value: unknown, place: Place): unknown => {
  const { phones } = search.rules
  if (typeof value === "string") return ofText(search, value, place)
  if (typeof value === "number") return phones ? ofNumber(search, value, String(value), place) : value
  if (Array.isArray(value)) return ofList(search, value, place)
  const exact = KnownFields.exactText(value)
  if (exact !== undefined) return phones ? ofNumber(search, value, exact, place) : value
  return isObject(value) ? ofObject(search, value, place) : value
}

const ofText = (search: Search.Search, value: string, place: Place): unknown => {
  const { known, rules } = search
  const { depth, free, whole } = place
  if (value === "") return value
  if (whole !== undefined && isRedacted(search, whole)) {
    // A mobile is not always a number: `"mobile": "Android"`.
    const fits = whole !== "phone" || Phones.digitsOf(value).length >= 4
    if (fits) return instead(search, whole, value)
  }
  if (rules.phones && depth === "figure" && isDecimal(value)) return ofNumber(search, value, value, place)
  if (rules.freeTexts && (free || (depth === "figure" && !isFigure(value)))) return instead(search, "freeText", value)
  if (known.short && depth !== "figure" && !/\p{L}/u.test(value) && Search.isShort(search, Phones.digitsOf(value)))
    return instead(search, "phone", value)
  return Search.replace(search, value, depth)
}

const ofNumber = (search: Search.Search, value: unknown, text: string, place: Place): unknown => {
  const { phones } = search.known
  const digits = Phones.digitsOf(text)
  const own = OwnNumbers.knownIn(digits, phones)
  if (place.depth === "figure") {
    return own?.ending === undefined || !/^[-+]?\d+$/.test(text) ? value : instead(search, "phone", own.text)
  }
  if (own !== undefined) return instead(search, "phone", own.text)
  if (digits.length < 7) return value
  if (place.whole === "phone") return instead(search, "phone", digits)
  const inside = phones.find(({ ending }) => ending !== undefined && digits.includes(ending))
  return inside === undefined ? value : instead(search, "phone", inside.text)
}

const ofList = (search: Search.Search, list: ReadonlyArray<unknown>, place: Place): ReadonlyArray<unknown> => {
  const found = list.map((value) => ofValue(search, value, place))
  return found.every((value, index) => value === list[index])
    ? list
    : found.filter((value) => value !== Substitutes.dropped)
}

/** The same object when nothing in it changed, so that what was not touched is not copied either. */
const ofObject = (search: Search.Search, object: Row, place: Place): Row => {
  let change: ChangedKeys.ChangedKeys | undefined
  for (const key of Object.keys(object)) {
    const about = Names.keyOf(key)
    const value = object[key]
    const newKey = ofKey(search, key, about)
    const newValue = isTypeOfWrapped(key, value) ? value : ofValue(search, value, placeUnder(search, about, place))
    if (newValue !== value || newKey !== key) change = ChangedKeys.add(change, key, newKey, newValue)
  }
  return ChangedKeys.apply(object, change)
}

const kinds = new Set(["string", "text", "enum", "number", "integer", "boolean", "date", "datetime", "array", "object"])

/** `{ type: "enum", value: … }`: the type says nothing about anybody. The value may have been dropped. */
const isTypeOfWrapped = (key: string, value: unknown): boolean =>
  key === "type" && typeof value === "string" && kinds.has(value.toLowerCase())

const ofKey = (search: Search.Search, key: string, about: Names.Key): string => {
  const { name, recording } = search.known
  return about.open || recording !== undefined || (name !== undefined && about.folded.includes(name.probe))
    ? Search.replace(search, key, "any")
    : key
}

const placeUnder = (search: Search.Search, { kind }: Names.Key, outer: Place): Place =>
  kind === "other" || kind === outer.whole || !isRedacted(search, kind) ? outer : { ...outer, whole: kind }

const isRedacted = ({ rules }: Search.Search, name: Class): boolean => rules.substitutes.modes.has(name)

const instead = ({ rules }: Search.Search, whole: Class, value: string): unknown =>
  Substitutes.instead(rules.substitutes, whole, value)
