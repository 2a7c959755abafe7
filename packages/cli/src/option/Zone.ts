/** `--zone`: whose days and clock times are meant. */
import { Calendar } from "@callstream/core"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { nearest } from "../expression/Mistake.ts"
import { UsageError } from "./UsageError.ts"

export interface Zone {
  /** Of the IANA database: `local` stands for that of the machine. */
  readonly name: string
  readonly calendar: Calendar.Calendar
  /** The zone of the times that people read; without one they are in UTC. */
  readonly clock: Calendar.Calendar | undefined
}

/** The default zone. */
export const utc: Zone = { name: "UTC", calendar: Calendar.utc, clock: undefined }

export const expected = "a time zone such as Asia/Kolkata, or local for that of this machine"

/** Zones that ICU lists by a former name alone. */
const renamed = [
  "America/Nuuk",
  "Asia/Ho_Chi_Minh",
  "Asia/Kathmandu",
  "Asia/Kolkata",
  "Asia/Yangon",
  "Atlantic/Faroe",
  "Europe/Kyiv",
  "Pacific/Kanton"
]

const known = (): ReadonlyArray<string> => [...new Set([...renamed, ...Intl.supportedValuesOf("timeZone"), "UTC"])]

/** Three letters that the IANA database has. ICU knows more, such as IST, which is used in three countries. */
const short = new Set("CET EET EST GMT HST MET MST PRC ROC ROK UCT UTC WET".split(" "))

const isName = (text: string): boolean =>
  /^[a-z]/i.test(text) && (!/^[a-z]{3}$/i.test(text) || short.has(text.toUpperCase()))

const plain = (text: string): string => text.toLowerCase().replace(/[\s_]+/g, " ")

/** The zone that was meant: by its last part, the city, or by what is written nearly so. */
const near = (text: string): string | undefined => {
  const names = known()
  const city = (name: string) => plain(name.slice(name.lastIndexOf("/") + 1))
  return names.find((name) => city(name) === city(text)) ?? nearest(text, names)
}

/** The zone of that name. */
export const make = Effect.fnUntraced(function* (text: string | undefined): Effect.fn.Return<Zone, UsageError> {
  if (text === undefined) return utc
  const given = text.trim()
  const local = given.toLowerCase() === "local"
  const name = local
    ? new Intl.DateTimeFormat().resolvedOptions().timeZone
    : (known().find((one) => one.toLowerCase() === given.toLowerCase()) ?? given)
  // The types promise a name; with a TZ that it does not understand, Node has none.
  const zone = typeof name === "string" && isName(name) ? DateTime.zoneMakeNamed(name) : Option.none()
  if (Option.isSome(zone)) {
    const calendar = Calendar.make(zone.value)
    return { name, calendar, clock: calendar }
  }
  if (local) return yield* new UsageError({ option: "zone", reason: { _tag: "UnknownLocalZone" } })
  const meant = given === "" ? undefined : near(given)
  return yield* new UsageError({ option: "zone", reason: { _tag: "UnknownZone", name: given, near: meant, expected } })
})

/** For sinks, which have UTC's days without one. */
export const forSinks = ({ calendar, name }: Zone): DateTime.TimeZone | undefined =>
  name === utc.name ? undefined : calendar.zone
