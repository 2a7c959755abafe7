/** The guarantee of each sink of a job, and why; makes no request. */
import * as Guarantees from "@callstream/core/pipeline/Guarantee"
import * as Effect from "effect/Effect"
import * as Sinks from "../option/Sinks.ts"
import type { Job } from "../job/Job.ts"
import { answer, Screen, toPrintable } from "./Screen.ts"

export const print = Effect.fnUntraced(function* (job: Job) {
  const { reworded } = yield* Screen
  const sinks = yield* Sinks.make(job.sinks, {
    organization: "",
    spool: "",
    keepsOffset: job.name !== undefined,
    timeZone: undefined
  })
  for (const { delivery, name } of sinks) {
    const promise = Guarantees.describe(Guarantees.of(name, delivery, { durable: job.name !== undefined }))
    yield* answer(toPrintable(reworded(job.title === undefined ? promise : `${job.title}: ${promise}`)))
  }
})
