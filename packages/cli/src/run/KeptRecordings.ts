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
  readonly retry: Recordings.Recordings["retry"]
  readonly counts: () => Recordings.Counts | undefined
}

const none: KeptRecordings = {
  before: (transform) => transform,
  retry: () => Effect.void,
  counts: () => undefined
}

/** Opens the folder, for as long as the scope lasts. */
export const open = Effect.fnUntraced(function* ({ baseUrl, recordings }: Pick<Job, "baseUrl" | "recordings">) {
  if (recordings === undefined) return none
  const { allowPrivateHosts, apiKey, folder, maxBytes, perSecond } = recordings
  const options = { folder, baseUrl, contentHash: NodeContentHash.make, maxBytes, perSecond, allowPrivateHosts }
  const kept: KeptRecordings = yield* Recordings.open({ ...options, apiKey: yield* apiKey })
  return kept
})

/** What the folder has now, and what was done since then. */
export const since = (before: Recordings.Counts | undefined, now: Recordings.Counts): Recordings.Counts =>
  before === undefined
    ? now
    : {
        ...now,
        fetched: now.fetched - before.fetched,
        bytes: now.bytes - before.bytes,
        missed: now.missed - before.missed
      }
