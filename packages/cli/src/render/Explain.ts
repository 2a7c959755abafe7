/** The guarantee of each sink of a job, and why; makes no request. */
import * as Guarantees from "@callstream/core/pipeline/Guarantee"
import * as Effect from "effect/Effect"
import * as Sinks from "../option/Sinks.ts"
import type { Job } from "../job/Job.ts"
import { answer, Screen, toPrintable } from "./Screen.ts"

/** The promises of a sync. */
const ofSync = {
  latest: "each call in its latest version, because a row with a lower sequence never overwrites a higher one",
  once: "each change once, because a run cuts off everything after the last acknowledgement, and writes it again",
  repeated:
    "each change at least once (a repeat has the same id), because changes after the last acknowledgement are sent again"
} as const

export const print = Effect.fnUntraced(function* (job: Job) {
  const { reworded } = yield* Screen
  const sinks = yield* Sinks.make(job.sinks, {
    organization: "",
    spool: "",
    keepsOffset: job.name !== undefined,
    timeZone: undefined,
    sync: job.sync?.tables
  })
  for (const { delivery, keeps, name } of sinks) {
    const promise =
      job.sync !== undefined && keeps !== undefined
        ? `${name}: ${ofSync[keeps === "latest" ? "latest" : delivery === "resumable" ? "once" : "repeated"]}.`
        : Guarantees.describe(Guarantees.of(name, delivery, { durable: job.name !== undefined }))
    yield* answer(toPrintable(reworded(job.title === undefined ? promise : `${job.title}: ${promise}`)))
  }
})
