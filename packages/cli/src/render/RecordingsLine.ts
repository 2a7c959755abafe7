/** What became of the recordings of calls, for summaries and for the coverage report. */
import type { RecordingFailure, Recordings } from "@callstream/core"
import * as Struct from "effect/Struct"
import * as Format from "./Format.ts"

const words: Readonly<Record<RecordingFailure.Failure, (count: number, counted: string) => string>> = {
  expired: (count, counted) => `${counted} ${count === 1 ? "link" : "links"} had expired`,
  missing: (count, counted) => `${counted} ${count === 1 ? "was" : "were"} not found`,
  notAudio: (count, counted) => `${counted} ${count === 1 ? "was" : "were"} not audio`,
  tooLarge: (count, counted) => `${counted} ${count === 1 ? "was" : "were"} too large`,
  forbiddenHost: (count, counted) => `${counted} ${count === 1 ? "was" : "were"} at an address that is not allowed`,
  unavailable: (_, counted) => `${counted} could not be fetched`
}

/** `2,310 of 2,318 recordings in audio; 8 links had expired`. */
export const describe = ({ failed, kept, of }: Recordings.Counts, folder: string): string => {
  if (of === 0) return "no call had a recording"
  const problems = Struct.keys(words).flatMap((why) =>
    failed[why] === 0 ? [] : [words[why](failed[why], Format.count(failed[why]))]
  )
  const all = `${Format.count(kept)} of ${Format.counted(of, "recording")} in ${folder}`
  return problems.length === 0 ? all : `${all}; ${problems.join(", ")}`
}

/** The form of it in JSON: reasons that occurred. */
export const toJson = ({ bytes, failed, fetched, kept, missed, of }: Recordings.Counts) => ({
  of,
  kept,
  fetched,
  bytes,
  missed,
  failed: Object.fromEntries(Object.entries(failed).filter(([, count]) => count > 0))
})

/** Whether the run lacks some. One with a name may be the second half of a run, so it answers for the whole folder. */
export const isIncomplete = (counts: Recordings.Counts | undefined, isNamed: boolean): boolean =>
  counts !== undefined && (counts.missed > 0 || (isNamed && counts.kept < counts.of))
