/** The source of a job, observed. */
import {
  type AgniClient,
  type AgniError,
  ExtremesSource,
  FirstSource,
  HistorySource,
  Instant,
  PagesSource,
  Rows,
  type Source
} from "@callstream/core"
import * as Bounds from "@callstream/core/source/Bounds"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import * as Struct from "effect/Struct"
import * as Target from "../option/Target.ts"
import type { Job } from "../job/Job.ts"
import * as Progress from "./Progress.ts"
import type * as Unmatched from "./Unmatched.ts"

/** Whether the only output is lines of JSON of unchanged records. */
export const isLines = ({ recordings, sinks, transform }: Job): boolean =>
  recordings === undefined &&
  transform.label === "" &&
  sinks.every(({ target }) => target._tag === "Stdout" || (Target.isRows(target) && target.format === "ndjson"))

const instant = (bound: Instant.Bound | undefined) => {
  const found = bound === undefined ? undefined : Instant.fromBound(bound)
  return found === undefined ? undefined : Bounds.exact(found)
}

export const rangeOf = ({ selection: { from, to } }: Job) => ({ from: instant(from) ?? null, to: instant(to) ?? null })

type JobSource = Source.Source<HistorySource.State, AgniError, AgniClient>

/** What a job observes of its source. */
export interface Watched {
  readonly progress: Ref.Ref<Progress.Progress>
  readonly seen: Unmatched.Seen
}

/** The calls that a job asks for. */
export const sourceOf = (job: Job, end: Instant.Instant | undefined, { progress, seen }: Watched): JobSource => {
  const { from, to } = rangeOf(job)
  const source = readerOf(job, (sessions) =>
    Effect.suspend(() => {
      seen.add(sessions)
      return Ref.update(progress, Progress.withLeftOut(sessions.length))
    })
  )
  const watched = <E, R>(units: Stream.Stream<Source.Unit, E, R>) =>
    Stream.tap(units, ({ rows }) =>
      Effect.map(Ref.get(progress), ({ sessions }) => {
        // The conditions read the rows anyway.
        if (sessions === 0 && job.conditions.length > 0) seen.add(Rows.items(rows).map(({ row }) => row))
      })
    )
  const { stretches } = source
  return {
    ...source,
    // Only a run that resumes needs it beforehand; the others save a request.
    begin: Effect.succeed({ from, to, end: end ?? null }),
    units: (state, at) => watched(source.units(state, at)),
    stretches:
      stretches === undefined
        ? undefined
        : (state, readers, begun, evidence) =>
            Effect.map(stretches(state, readers, begun, evidence), (beside) => ({
              ...beside,
              units: (nth, at) => watched(beside.units(nth, at)),
              closing: watched(beside.closing)
            }))
  }
}

const readerOf = (job: Job, onLeftOut: ExtremesSource.Keep["onLeftOut"]): JobSource => {
  const { from, to } = rangeOf(job)
  const range = { from: from ?? undefined, to: to ?? undefined }
  const { limit, passes } = job
  const keep = job.keep === undefined ? undefined : { ...job.keep, passes, onLeftOut }
  const first = limit === undefined ? undefined : { limit, counts: passes }
  const selection = Struct.omit(job.selection, ["from", "to"])
  if (job.walk === "pages") {
    if (keep !== undefined) return ExtremesSource.ofPages(keep, range, selection)
    return first === undefined ? PagesSource.make(range, selection) : FirstSource.ofPages(first, range, selection)
  }
  const options: HistorySource.Options = {
    ...selection,
    hold: isLines(job) ? "json" : "objects",
    horizon: job.horizon,
    keepGoing: job.keepGoing,
    withoutStart: job.withoutStart,
    profile: job.profile
  }
  if (keep !== undefined) return ExtremesSource.make(keep, range, options)
  return first === undefined ? HistorySource.make(range, options) : FirstSource.make(first, range, options)
}
