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
    error instanceof CheckpointError && error.parts?.includes("salt") === true
      ? new CheckpointError({
          reason: "different",
          description: `the checkpoint ${name} was kept with another salt than the one in ${folder} now, so whether it is of the same search cannot be told`,
          advice: `Put the file salt back into ${folder} as it was, or give this run another name: it then begins from the beginning.`,
          parts: error.parts
        })
      : error
