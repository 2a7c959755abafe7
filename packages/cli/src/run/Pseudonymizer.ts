/** Hashes words that may be a person's number or name, so that a state file can compare them without holding them. */
import { CheckpointError, FolderSalt } from "@callstream/core"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { createHmac } from "node:crypto"

/** Somebody could try all phone numbers, so the hash needs a salt, and the salt is not in the state file. */
export interface Pseudonymizer {
  readonly text: (text: string) => string
  /** A transform's label, with the words of its conditions hashed. */
  readonly label: (label: string) => string
  /** Identifies the salt. */
  readonly salt: string
}

const make = (salt: Redacted.Redacted): Pseudonymizer => {
  const digest = (text: string) => createHmac("sha256", Redacted.value(salt)).update(text).digest("hex").slice(0, 8)
  const text = (text: string) => `#${digest(text)}`
  return {
    text,
    label: (label) => label.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, (words) => `"${text(words)}"`),
    salt: digest("")
  }
}

/** Uses the salt of a state folder. */
export const ofFolder = (folder: string) => Effect.map(FolderSalt.get({ folder }), make)

/** For pipelines that save no state. */
export const none: Pseudonymizer = make(Redacted.make(""))

/** Replaces hashes in an error: they help nobody without the salt. */
export const explain =
  (name: string, folder: string) =>
  <E>(error: E): E | CheckpointError =>
    error instanceof CheckpointError &&
    error.reason._tag === "Different" &&
    error.reason.parts.some((part) => part.name === "salt")
      ? new CheckpointError({ reason: { _tag: "OtherSalt", pipeline: name, folder } })
      : error
