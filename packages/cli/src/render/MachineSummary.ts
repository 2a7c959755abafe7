/** A summary for machines: with `--json`, on stdout unless calls go there; with `--log json`, on stderr. */
import type { OutputError } from "@callstream/core"
import * as Effect from "effect/Effect"
import type { Job } from "../job/Job.ts"
import { answer, record, Screen } from "./Screen.ts"

/** Prints it where machines look for it. Returns whether people get theirs. */
export const print = Effect.fnUntraced(function* (
  { report, summaryTo }: Pick<Job, "report" | "summaryTo">,
  fields: () => object
): Effect.fn.Return<boolean, OutputError, Screen> {
  const screen = yield* Screen
  if (report === "none") return false
  if (report === "json") {
    const line = JSON.stringify(fields())
    if (summaryTo === "stdout") yield* answer(screen.reworded(line))
    else if (screen.log === "text") yield* screen.write(`${line}\n`)
  }
  if (screen.log === "json") yield* record("summary", fields())
  return screen.log === "text" && report === "people"
})
