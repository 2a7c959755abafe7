/** Delivers calls of a sync again: at once, or through the sync that runs. */
import { Instant, LedgerError } from "@callstream/core"
import * as Effect from "effect/Effect"
import * as LedgerPlace from "../run/LedgerPlace.ts"
import * as RunSync from "../run/RunSync.ts"
import { UsageError } from "../option/UsageError.ts"
import * as ReportedSync from "./ReportedSync.ts"
import { print, Screen } from "./Screen.ts"

/** A range of start time; everything without bounds. */
interface Range {
  readonly from?: Instant.Bound | undefined
  readonly to?: Instant.Bound | undefined
}

const noSync = (name: string, known: ReadonlyArray<string>) =>
  new UsageError({ option: "name", reason: { _tag: "NoSuchSync", name, known } })

const isHeld = (error: unknown): error is LedgerError =>
  error instanceof LedgerError && error.reason._tag === "Store" && error.reason.reason._tag === "Held"

/** Leaves the range to the sync that runs. */
const queue = Effect.fnUntraced(function* (job: RunSync.SyncJob) {
  if (job.report === "json") {
    const screen = yield* Screen
    return yield* screen.write(`${JSON.stringify({ sync: job.name, queued: true })}\n`)
  }
  if (job.report === "people") yield* print(`${job.name} is running: its next pass delivers this again`)
})

/** One pass, whatever the sync does otherwise: everything again, or a range. */
export const run = Effect.fnUntraced(function* (job: RunSync.SyncJob, { from, to }: Range) {
  const { name, state, sync } = job
  const known = yield* LedgerPlace.names(state)
  if (!known.includes(name)) return yield* noSync(name, known)
  const once: RunSync.SyncJob = { ...job, sync: { ...sync, every: undefined } }
  const isAll = from === undefined && to === undefined
  const at = (bound: Instant.Bound | undefined) => (bound === undefined ? undefined : Instant.fromBound(bound))
  const ask = RunSync.ask(job, { from: at(from), to: at(to) })
  if (!isAll) yield* ask
  return yield* ReportedSync.run(once, { restart: isAll }).pipe(
    Effect.catchIf(isHeld, (held) =>
      Effect.gen(function* () {
        // The one that runs has its flags from when it began.
        if (isAll) yield* Effect.catchTag(ask, "LedgerError", ({ reason }) => otherwise(name, reason, held))
        yield* queue(job)
      })
    )
  )
})

const otherwise = (name: string, reason: LedgerError["reason"], held: LedgerError) =>
  Effect.fail(
    reason._tag === "Different"
      ? new UsageError({ reason: { _tag: "RunsOtherwise", name, parts: reason.parts } })
      : held
  )
