/** An export as work that several workers share. */
import type { Jobs } from "@callstream/cluster"
import type { AgniClient, AgniError, PipelineParts } from "@callstream/core"
import type { Lease } from "@callstream/core/checkpoint/Checkpoint"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type { Job } from "../../job/Job.ts"
import * as CoverageNote from "../CoverageNote.ts"
import * as CoverageReport from "../CoverageReport.ts"
import * as JobPipeline from "../JobPipeline.ts"
import * as Progress from "../Progress.ts"
import * as RunMetrics from "../RunMetrics.ts"
import * as Unmatched from "../Unmatched.ts"
import * as JobFailure from "./JobFailure.ts"
import * as PartEvent from "./PartEvent.ts"
import type * as Pauses from "./Pauses.ts"

export interface Options {
  readonly job: Job
  readonly name: string
  /** Asks whose calls there are now. */
  readonly look: Effect.Effect<JobPipeline.Looked, AgniError, AgniClient>
  /** Whose they are, if that is known, or else asked. */
  readonly known: Effect.Effect<JobPipeline.Looked, AgniError, AgniClient>
  /** The file for rejected records of a part: two workers never write to one. */
  readonly lettersOf: (part: number | "end") => string
  readonly handingBack: Pauses.HandingBack
  readonly onPart: PartEvent.OnPart
  readonly reworded: (text: string) => string
}

/** The same as when the run was cut, also where there was no call then. The key of another organization is noticed. */
const lookedIn = ({ known }: Options, { fingerprint }: PipelineParts.Cut) =>
  Effect.map(known, ({ end, organization }) => {
    const before = fingerprint["organization"] ?? ""
    return { end, organization: before === "" || organization === "" ? before : organization }
  })

/** The pipeline as one part of the run needs it. */
const partsOf = Effect.fnUntraced(function* (
  { job, lettersOf }: Options,
  part: number | "end",
  looked: Options["look"]
) {
  const watched = {
    progress: yield* Effect.flatMap(Progress.make, Ref.make),
    seen: Unmatched.makeSeen([])
  }
  const { pipeline } = yield* JobPipeline.make({ ...job, deadLetters: lettersOf(part) }, watched, {
    isShared: true,
    looked: yield* looked
  })
  return pipeline.parts
})

/** The three parts of `Jobs.Job`, with what they need still in their types. */
export const make = (options: Options) => {
  const { handingBack, job, name, onPart, reworded } = options
  const failing = Effect.mapError(JobFailure.of(reworded))
  const part = ({ stretches }: PipelineParts.Cut, stretch?: number) => ({ run: name, stretch, of: stretches.length })
  return {
    cut: ({ readers }: { readonly readers: number }) =>
      partsOf(options, "end", options.look).pipe(
        Effect.flatMap(({ cut }) => cut({ readers: Math.max(readers, job.stretches) })),
        Effect.scoped,
        handingBack,
        Effect.mapError((error) => JobFailure.ofJob(reworded, error))
      ),
    stretch: (cut: PipelineParts.Cut, nth: number, lease: Lease, onEvent: Parameters<Jobs.Job["stretch"]>[3]) =>
      PartEvent.reported(part(cut, nth + 1), onPart, onEvent, (onEvent) =>
        partsOf(options, nth + 1, lookedIn(options, cut)).pipe(
          Effect.flatMap(({ stretch }) => stretch(cut, nth, lease, onEvent)),
          Effect.scoped,
          handingBack,
          failing
        )
      ),
    ending: (
      cut: PipelineParts.Cut,
      delivered: Parameters<Jobs.Job["ending"]>[1],
      lease: Lease,
      onEvent: Parameters<Jobs.Job["ending"]>[3]
    ) =>
      PartEvent.reported(part(cut), onPart, onEvent, (onEvent) =>
        partsOf(options, "end", lookedIn(options, cut)).pipe(
          Effect.flatMap(({ ending }) => ending(cut, delivered, lease, onEvent)),
          Effect.tap(({ coverage, sinks }) => {
            const report = CoverageReport.ofJob(job, coverage)
            const noted = CoverageNote.ofExport(job, report, sinks)
            return report.set === "unprovable" ? noted : Effect.andThen(noted, RunMetrics.succeeded(name))
          }),
          Effect.scoped,
          handingBack,
          failing
        )
      )
  }
}
