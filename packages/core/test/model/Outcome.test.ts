import * as Outcome from "@callstream/core/model/Outcome"
import { assert, describe, it } from "@effect/vitest"

/** As the table of docs/transforms.md has it. */
const documented: Readonly<Record<Outcome.Outcome, ReadonlyArray<string>>> = {
  completed: ["completed", "ended"],
  missed: ["no_answer", "missed"],
  busy: ["busy"],
  voicemail: ["voicemail"],
  failed: ["failed", "error"],
  "in progress": ["in_progress", "ringing", "pending", "active", "queued"],
  other: ["transferred", "completed_by_agent", "not busy", ""]
}

const upper = (text: string) => text.replace(/\b[a-z]/g, (letter) => letter.toUpperCase())

const spellings = (status: string) => {
  const words = status.replaceAll("_", " ")
  return [
    status,
    status.replaceAll("_", "-"),
    upper(words),
    words.toUpperCase(),
    ` ${words} `,
    upper(words).replace(" ", "")
  ]
}

describe("Outcome", () => {
  it.each(Outcome.all)("%s, in every spelling", (outcome) => {
    for (const status of documented[outcome]) {
      for (const spelling of spellings(status)) assert.strictEqual(Outcome.ofStatus(spelling), outcome, spelling)
    }
  })

  it("what is no text is other", () => {
    for (const status of [undefined, null, 1, {}, ["busy"]]) assert.strictEqual(Outcome.ofStatus(status), "other")
  })
})
