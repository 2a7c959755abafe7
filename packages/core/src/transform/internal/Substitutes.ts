/** Replacements for personal data, by its class and the mode that was chosen for it. */
import * as Emails from "../../model/internal/Emails.ts"
import * as StandIn from "../../model/internal/StandIn.ts"
import * as DialledNumber from "./DialledNumber.ts"
import * as Names from "./Names.ts"
import type { Class } from "./PersonalFields.ts"

export type Mode = "drop" | "mask" | { readonly hash: (text: string) => string }

/** In place of a value: the key goes too. */
export const dropped = Symbol("dropped")

export interface Substitutes {
  /** Of the classes that are redacted. */
  readonly modes: ReadonlyMap<Class, Mode>
  /** The replacement for text of a class inside other text. */
  readonly within: { readonly [K in Class]: (text: string) => string }
}

export const make = (modes: ReadonlyMap<Class, Mode>, callingCode: string | undefined): Substitutes => {
  const within = (name: Class, normalize: (text: string) => string = (text) => text) => {
    const mode = modes.get(name)
    if (mode === undefined || mode === "drop") return () => ""
    if (mode === "mask") return () => `[${name}]`
    return (found: string) => `${name}_${mode.hash(`${name}:${normalize(found)}`)}`
  }
  return {
    modes,
    within: {
      phone: within("phone", (phone) => DialledNumber.normalize(phone, callingCode) || phone.trim().toLowerCase()),
      email: within("email", Emails.normalize),
      name: within("name", Names.normalize),
      recording: within("recording"),
      freeText: within("freeText")
    }
  }
}

/** The replacement for a whole value, or `dropped`. */
export const instead = ({ modes, within }: Substitutes, whole: Class, value: string): unknown =>
  StandIn.is(value) ? value : modes.get(whole) === "drop" ? dropped : within[whole](value)
