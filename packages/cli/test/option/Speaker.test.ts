/** What is said of a pipeline file names keys, and never a flag. */
import { assert, describe, it } from "@effect/vitest"
import { flagOf } from "../../src/option/Declared.ts"
import * as Options from "../../src/option/Options.ts"
import { inFile, inFlags } from "../../src/option/Speaker.ts"
import { syncWords } from "../../src/option/SyncWords.ts"
import type { SyncAdvice } from "../../src/option/UsageError.ts"

/** Flags of options, whatever commands have besides. */
const flags = Object.values(Options.groups).flatMap((group) => Object.keys(group).map(flagOf))

const withFlags = (texts: ReadonlyArray<string>) =>
  texts.filter((text) => flags.some((flag) => new RegExp(`${flag}(?![a-z-])`).test(text)))

const everyAdvice = {
  "no end": true,
  "every call": true,
  where: true,
  "by time": true,
  "both kinds": true,
  "keeps state": true,
  "own report": true,
  "one by one": true,
  "never stops": true,
  database: true,
  "by size": true,
  probes: true
} satisfies Readonly<Record<SyncAdvice, true>>

describe("inFile", () => {
  it("names no flag in what is expected of a value, and in the descriptions of keys", () => {
    const texts = Object.values(Options.groups).flatMap((group) =>
      Object.values(group).flatMap(({ help, kind }) => [kind.expected, help])
    )
    assert.isAbove(texts.length, 100)
    assert.deepStrictEqual(withFlags(texts), [])
  })

  it("names no flag in the mistakes of a sync, and inFlags no key", () => {
    const advice = (speaker: typeof inFile) =>
      [
        ...Object.keys(everyAdvice).map((instead) => ({ _tag: "NotInSync" as const, instead: instead as SyncAdvice })),
        { _tag: "NoSyncName" as const },
        { _tag: "NoSuchSync" as const, name: "", known: [] }
      ].flatMap((reason) => syncWords(reason, speaker).advice ?? [])
    assert.lengthOf(advice(inFile), 14)
    assert.deepStrictEqual(withFlags(advice(inFile)), [])
    assert.lengthOf(withFlags(advice(inFlags)), 4)
  })
})
