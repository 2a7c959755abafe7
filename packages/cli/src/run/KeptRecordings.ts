/** The recordings of a job, kept while it runs. */
import { type CallSession, type OutputError, Recordings, type Transform } from "@callstream/core"
import { NodeContentHash } from "@callstream/node"
import * as Effect from "effect/Effect"
import type { Job } from "../job/Job.ts"

/** What a run does with recordings: nothing without a folder. */
interface KeptRecordings {
  readonly before: <B, E, R>(
    transform: Transform.Transform<CallSession.CallSession, B, E, R>
  ) => Transform.Transform<CallSession.CallSession, B, E | OutputError, R>
  readonly counts: () => Recordings.Counts | undefined
}

const none: KeptRecordings = { before: (transform) => transform, counts: () => undefined }

/** Opens the folder, for as long as the scope lasts. */
export const open = Effect.fnUntraced(function* ({ baseUrl, recordings }: Pick<Job, "baseUrl" | "recordings">) {
  if (recordings === undefined) return none
  const { allowPrivateHosts, apiKey, folder, maxBytes, perSecond } = recordings
  const options = { folder, baseUrl, contentHash: NodeContentHash.make, maxBytes, perSecond, allowPrivateHosts }
  const kept: KeptRecordings = yield* Recordings.open({ ...options, apiKey: yield* apiKey })
  return kept
})

/** The counts since then. */
export const since = (before: Recordings.Counts | undefined, now: Recordings.Counts): Recordings.Counts => {
  if (before === undefined) return now
  const left = (name: "of" | "kept" | "fetched" | "bytes") => now[name] - before[name]
  return {
    of: left("of"),
    kept: left("kept"),
    fetched: left("fetched"),
    bytes: left("bytes"),
    failed: {
      expired: now.failed.expired - before.failed.expired,
      missing: now.failed.missing - before.failed.missing,
      notAudio: now.failed.notAudio - before.failed.notAudio,
      tooLarge: now.failed.tooLarge - before.failed.tooLarge,
      forbiddenHost: now.failed.forbiddenHost - before.failed.forbiddenHost,
      unavailable: now.failed.unavailable - before.failed.unavailable
    }
  }
}
