/** Runs a sync, with its progress and a summary of each pass. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as FileSystem from "effect/FileSystem"
import * as Record from "effect/Record"
import * as Ref from "effect/Ref"
import { Incomplete } from "../option/UsageError.ts"
import * as CoverageNote from "../run/CoverageNote.ts"
import * as Progress from "../run/Progress.ts"
import { requests } from "../run/Requests.ts"
import * as RunMetrics from "../run/RunMetrics.ts"
import * as RunSync from "../run/RunSync.ts"
import { exitCode, onInterrupt } from "./ExitCode.ts"
import * as ProgressLine from "./ProgressLine.ts"
import { clearLine, print, Screen } from "./Screen.ts"
import * as SyncSummary from "./SyncSummary.ts"

type Changes = RunSync.PassSummary["changes"]

/** Runs it to its end. One that follows ends by a signal only, which is no failure. */
export const run = Effect.fnUntraced(function* (job: RunSync.SyncJob, { restart }: { readonly restart: boolean }) {
  const screen = yield* Screen
  const context = yield* Effect.context<FileSystem.FileSystem>()
  const progress = yield* Effect.flatMap(Progress.make, Ref.make)
  const delivered = yield* Ref.make<Changes>(SyncSummary.noChanges)
  const summed = yield* Ref.make<Changes>(SyncSummary.noChanges)
  const before = yield* Effect.flatMap(requests, ({ sent }) => Ref.make(sent))
  const isFollowed = job.sync.every !== undefined
  if (isFollowed) yield* Ref.set(onInterrupt, exitCode.done)
  const onPass = Effect.fnUntraced(function* (summary: RunSync.PassSummary) {
    yield* Ref.update(summed, (before) => Record.map(before, (count, kind) => count + summary.changes[kind]))
    yield* Effect.provideContext(CoverageNote.ofSync(job, summary), context)
    const { sent } = yield* requests
    const earlier = yield* Ref.getAndSet(before, sent)
    if (summary.sinks.every(({ failure }) => failure === undefined)) yield* RunMetrics.succeeded(job.name)
    yield* Effect.provideService(SyncSummary.print(job, summary, { sent: sent - earlier }), Screen, screen)
  })
  const summary = yield* Effect.scoped(
    Effect.gen(function* () {
      if (!isFollowed && ProgressLine.isShown([job], screen)) {
        yield* ProgressLine.show(() => Ref.getUnsafe(progress), job.zone.clock)
      }
      return yield* RunSync.run(job, {
        restart,
        onDelivered: ({ changes }) =>
          Effect.andThen(
            Ref.set(delivered, changes),
            Ref.update(progress, (now) => ({ ...now, sessions: changes.created + changes.updated }))
          ),
        // A reader of summaries that leaves does not end a sync that follows.
        onPass: (summary) => (isFollowed ? Effect.ignore(onPass(summary)) : Effect.void)
      })
    })
  ).pipe(
    Effect.onExit((exit) =>
      Exit.isFailure(exit) && job.report === "people"
        ? Effect.gen(function* () {
            if (screen.live) yield* screen.write(clearLine)
            const [now, before] = [yield* Ref.get(delivered), yield* Ref.get(summed)]
            const rest = SyncSummary.rest(
              job,
              Record.map(now, (count, kind) => count - before[kind])
            )
            if (rest !== undefined) yield* print(rest)
            if (Cause.hasInterruptsOnly(exit.cause)) yield* print("stopped; the same command continues")
          })
        : Effect.void
    )
  )
  yield* onPass(summary)
  if (summary.sinks.some(({ failure }) => failure !== undefined)) return yield* new Incomplete()
})
