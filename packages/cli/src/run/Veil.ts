/** Words that may be a person's number or name, as a state file holds them: to be compared, not to be read. */
import { CheckpointError, FolderSalt } from "@callstream/core"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { createHmac } from "node:crypto"

/**
 * There are few enough phone numbers to try them all, so what stands in a state is hashed with a salt that stands
 * elsewhere.
 */
export interface Veil {
  readonly text: (text: string) => string
  /** A transform's label, the words of its conditions veiled. */
  readonly label: (label: string) => string
  /** Tells one salt from another. */
  readonly salt: string
}

const make = (salt: Redacted.Redacted): Veil => {
  const digest = (text: string) => createHmac("sha256", Redacted.value(salt)).update(text).digest("hex").slice(0, 8)
  const text = (text: string) => `#${digest(text)}`
  return {
    text,
    label: (label) => label.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, (words) => `"${text(words)}"`),
    salt: digest("")
  }
}

/** With the salt of a folder of states. */
export const ofFolder = (folder: string) => Effect.map(FolderSalt.get({ folder }), make)

/** For what is kept nowhere. */
export const none: Veil = make(Redacted.make(""))

/** What veiled words were is not to be told, only that they are no help without the salt. */
export const explain =
  (name: string, folder: string) =>
  <E>(error: E): E | CheckpointError =>
    error instanceof CheckpointError &&
    error.reason._tag === "Different" &&
    error.reason.parts.some((part) => part.name === "salt")
      ? new CheckpointError({ reason: { _tag: "OtherSalt", pipeline: name, folder } })
      : error
