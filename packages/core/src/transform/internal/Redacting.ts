/** Takes personal data out of records. */
import * as Emails from "../../model/internal/Emails.ts"
import { type Class, classes, type Mode, type Modes, type Options } from "../Redact.ts"
import { make, type Needs, type Pure } from "../TransformContract.ts"
import * as Redactor from "./Redactor.ts"
import { fromRecord } from "./Row.ts"

const modeName = (mode: Mode): string => (typeof mode === "string" ? mode : `hash:${mode.fingerprint}`)

/** Of e-mail addresses it is known which texts may hold one. For other classes each text is compared with other fields. */
const needsOf = (names: ReadonlyArray<Class>): Needs | undefined =>
  names.every((name) => name === "email") ? { fields: ["callerEmail"], characters: Emails.characters } : undefined

export const redact = <A extends object>(what: Modes, options: Options = {}): Pure<A, A> => {
  const chosen = classes.flatMap((name) => {
    const mode = what[name]
    return mode === undefined ? [] : [{ name, mode }]
  })
  const redactor = Redactor.make(new Map(chosen.map(({ mode, name }) => [name, mode])), options.callingCode)
  const hashes = chosen.some(({ mode }) => typeof mode !== "string")
  const code = hashes && options.callingCode !== undefined ? ` +${options.callingCode}` : ""
  const label = `redact ${chosen.map(({ mode, name }) => `${name}=${modeName(mode)}`).join(",")}${code}`
  return make({
    label,
    needs: needsOf(chosen.map(({ name }) => name)),
    redaction: { label, apply: redactor.applyToJson },
    columns: (columns) => columns.filter(({ name }) => !redactor.drops(name)),
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- text stays text, and what is dropped may be absent
    apply: (record) => redactor.apply(fromRecord(record)) as A
  })
}
