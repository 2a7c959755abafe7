/** How options are named to the person: as flags, or as the keys of a file. */
import { flagOf } from "./Declared.ts"
import type { AnyOption, Mention } from "./UsageError.ts"

/** How the person writes an option. */
export interface Speaker {
  readonly name: (mention: Mention) => string
  /** `--force`, or `force: true`: what is added to turn an option on. */
  readonly on: (option: AnyOption) => string
  /** A run without a name, or a file that keeps no state. */
  readonly withoutState: string
}

const wordsOf = ({ option, value }: Mention, between: string): string =>
  value === undefined ? option : `${option}${between}${value}`

export const inFlags: Speaker = {
  name: ({ option, value }) => (value === undefined ? flagOf(option) : `${flagOf(option)} ${value}`),
  on: flagOf,
  withoutState: "Remove --name."
}

export const inFile: Speaker = {
  name: (mention) => wordsOf(mention, ": "),
  on: (option) => `${option}: true`,
  withoutState: "Add state: false, and each run starts again."
}

export const inCode: Speaker = { ...inFile, withoutState: "Leave out the name." }
