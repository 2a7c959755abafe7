/** What is asked for, as one value, and the run that does it. */
import {
  AgniClient,
  type AgniError,
  CallSessions,
  type CallSession,
  Checkpoint,
  Coverage,
  DeadLetterFile,
  Extremes,
  FileCheckpoint,
  History,
  Instant,
  type Learned,
  OutputFile,
  type Page,
  Pipeline,
  Transform
} from "@callstream/core"
import { DecodingThread, GuardedTransport, ProcessOwner } from "@callstream/node"
import * as NodeDns from "@effect/platform-node/NodeDns"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as Stream from "effect/Stream"
import * as Struct from "effect/Struct"
import { createHash } from "node:crypto"
import { fstatSync } from "node:fs"
import * as Database from "../flag/Database.ts"
import type * as Run from "../flag/Run.ts"
import * as Sinks from "../flag/Sinks.ts"
import * as DeadLetters from "../output/DeadLetters.ts"
import * as CoverageReport from "../output/CoverageReport.ts"
import * as Progress from "../output/Progress.ts"
import { Screen } from "../output/Screen.ts"
import * as Summary from "../output/Summary.ts"
import { Incomplete } from "../output/UsageError.ts"
import * as Notes from "./Notes.ts"
import * as Spool from "./Spool.ts"
import * as Veil from "./Veil.ts"

export interface Job {
  /** Which of several pipelines it is: what is told of it begins with that. */
  readonly title: string | undefined
  /** Under which its state is kept; without a name a run begins afresh. */
  readonly name: string | undefined
  readonly state: Run.State
  readonly baseUrl: string
  readonly selection: CallSessions.Selection
  /** The range as it was typed: an age stays what it is when the run goes on a day later. */
  readonly asked: { readonly since: string; readonly until: string }
  readonly walk: "history" | "pages"
  readonly horizon: Duration.Duration
  readonly keepGoing: boolean
  readonly learned: Learned.Learned | undefined
  /** Only the newest, or oldest, of the range. */
  readonly keep: { readonly side: "newest" | "oldest"; readonly limit: number } | undefined
  readonly transform: Transform.Transform<CallSession.CallSession, object>
  readonly sinks: ReadonlyArray<Sinks.Planned>
  readonly commitEvery: Duration.Duration
  readonly onSinkFailure: "stop" | "continue"
  readonly deadLetters: string
  readonly maxDeadShare: number
  readonly coverage: string | undefined
  readonly strict: boolean
  readonly report: "people" | "json" | "none"
}

/** Whether sessions go as they came into lines of JSON, and nowhere else. */
const isLines = ({ sinks, transform }: Job): boolean =>
  transform.label === "" &&
  sinks.every(({ target }) => target._tag === "Stdout" || (target._tag === "File" && target.format === "ndjson"))

/** A thread of its own makes such lines while the others wait; objects come cheaper without it. */
export const decoder = (jobs: ReadonlyArray<Job>): Layer.Layer<never> =>
  jobs.every(isLines) ? DecodingThread.layer : Layer.empty

/** Whose calls these are: webhooks say it, and a checkpoint belongs to it. And where a range without an end ends for good. */
const look = Effect.flatMap(Effect.all([AgniClient, Clock.currentTimeMillis]), ([{ list }, local]) =>
  Effect.map(list({ pageSize: 20 }), ({ observedAt, sessions }) => {
    const found = sessions.find(({ organizationId }) => typeof organizationId === "string" && organizationId !== "")
    return { organization: found?.organizationId ?? "", end: History.openEnd(local * 1000, observedAt) }
  })
)

/** `shared` is counted in when somebody else shows how far it is. */
export const run = Effect.fnUntraced(function* (job: Job, shared?: Progress.Progress) {
  const { live } = yield* Screen
  const paths = yield* Path.Path
  const progress = shared ?? (yield* Progress.make)
  const collector = CoverageReport.make(Duration.toMillis(job.horizon))
  const notes = Notes.make(job.selection, collector)
  const named = job.name !== undefined
  /** There is something to go on from. */
  let committed = false

  const summary = yield* Effect.scoped(
    Effect.gen(function* () {
      const hasWebhook = job.sinks.some(({ target }) => target._tag === "Webhook")
      const { end, organization } = named || hasWebhook ? yield* look : { end: undefined, organization: "" }
      notes.begin(named ? end : undefined)
      const veil = named && job.state.database === undefined ? yield* Veil.ofFolder(job.state.folder) : Veil.none
      const fingerprint = fingerprintOf(job, organization, veil)
      const label = veil.label(job.transform.label)
      // What waits there was made by these flags: a run with others, which may leave more out, never sends it.
      const spool =
        hasWebhook && named
          ? paths.join(
              job.state.folder,
              `spool-${encodeURIComponent(job.name)}-${digest(JSON.stringify([fingerprint, label]))}`
            )
          : undefined
      // Whoever asks for something else has not got what this table got.
      const account = named ? `${job.name} ${digest(JSON.stringify([fingerprint, label]))}` : undefined
      const sinks = yield* Sinks.make(job.sinks, { organization, spool, account })
      const [first, ...rest] = sinks
      if (first === undefined) return yield* Effect.die(new Error("no sink"))
      const coverage = job.coverage === undefined ? undefined : yield* openCoverage(job.coverage, job)
      const pipeline = Pipeline.make({
        name: job.name ?? "export",
        fingerprint,
        source: (resume) => {
          if (resume.from !== undefined) progress.resumedAt = resume.from
          return Stream.tap(source(job, notes.range(), resume, collector), (window) =>
            Effect.sync(() => Progress.addRead(progress, Coverage.items(window)))
          )
        },
        transform: Transform.make({ ...job.transform, label }),
        sinks: [first, ...rest],
        deadLetters: DeadLetterFile.sink(job.deadLetters),
        commitEvery: job.commitEvery,
        onSinkFailure: job.onSinkFailure,
        maxDeadShare: job.maxDeadShare,
        notes: () => {
          committed = true
          return notes.save()
        },
        restore: (kept) => {
          committed = true
          notes.restore(kept)
          progress.resumedAt = collector.end()
        },
        onDelivered: (window, passed) => {
          Progress.addWritten(progress, passed, window.rejected.length)
          if (job.keep === undefined && job.walk === "history") collector.add(window)
        }
      })
      if (shared === undefined && showsProgress([job], live)) yield* Progress.show(() => progress)
      const checkpoint = yield* Checkpoint
      const done = yield* Sinks.orUnfinished(pipeline.run, sinks.length).pipe(
        Effect.provideService(Checkpoint, spool === undefined ? checkpoint : Spool.tidied(checkpoint, spool)),
        Effect.mapError(Veil.explain(job.name ?? "", job.state.folder))
      )
      // Also of a run that came to its end before: it may have been killed before it wrote the file.
      if (coverage !== undefined && (!done.finishedBefore || collector.end() !== undefined)) {
        const { finish, write } = yield* coverage
        yield* write(`${JSON.stringify(collector.report(), null, 2)}\n`)
        yield* finish
      }
      return done
    }).pipe(Effect.provide(Layer.merge(named ? yield* stateIn(job.state) : Checkpoint.layerMemory, webhooks)))
  ).pipe(
    Effect.onExit((exit) =>
      Exit.isSuccess(exit)
        ? Effect.void
        : Summary.tellWhatIsThere({ ...job, committed }, progress, Cause.squash(exit.cause), exit.cause)
    )
  )

  const known = !summary.finishedBefore || collector.end() !== undefined
  const covered = job.walk === "history" && known ? collector.report() : undefined
  yield* Summary.print(job, progress, summary, covered)
  const failed = covered?.set === "unprovable" || summary.sinks.some(({ failure }) => failure !== undefined)
  const doubtful = summary.dead > 0 || covered?.set === "provisional"
  if (failed || (job.strict && doubtful)) return yield* new Incomplete()
})

/** Data, or what a program makes of it, and a line that redraws itself would overwrite each other on one terminal. */
export const showsProgress = (jobs: ReadonlyArray<Job>, live: boolean): boolean => {
  const toStdout = jobs.some(({ sinks }) => sinks.some(({ target }) => target._tag === "Stdout"))
  const alone = !toStdout || (!process.stdout.isTTY && fstatSync(1).isFile())
  return live && alone && jobs.every(({ report }) => report === "people")
}

const stateIn = ({ database, folder }: Run.State) =>
  Effect.map(
    database === undefined ? Effect.succeed(FileCheckpoint.layer({ folder })) : Database.checkpoint(database),
    Layer.provide(ProcessOwner.layer)
  )
const webhooks = Layer.provide(GuardedTransport.layer, NodeDns.layer)

/**
 * The coverage file, opened now or, under a name, when it is to be written: another run may have it open, until the state
 * of this one is known to be held by nobody else.
 */
const openCoverage = Effect.fnUntraced(function* (path: string, { name, sinks }: Job) {
  if (name === undefined)
    return Effect.succeed(yield* OutputFile.open({ path, force: sinks.some(({ settings }) => settings.force) }))
  yield* DeadLetters.check(path)
  return OutputFile.open({ path, force: true, alone: true })
})

const digest = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 8)

const fingerprintOf = (job: Job, organization: string, veil: Veil.Veil) => {
  const { agentId, callerNumber, channel, search, status } = job.selection
  const veiled = (text: string | undefined) => (text === undefined ? undefined : veil.text(text))
  return {
    endpoint: job.baseUrl,
    organization,
    since: job.asked.since,
    until: job.asked.until,
    filters: Object.entries({ agentId, callerNumber: veiled(callerNumber), channel, search: veiled(search), status })
      .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
      .join(" "),
    salt: veil.salt
  }
}

/** Where there are no windows, everything is one: it is committed when all of it is there. */
const asWindows = (
  read: Stream.Stream<Pick<Page, "sessions" | "rejected" | "observedAt">, AgniError, AgniClient>,
  keep: Job["keep"]
): Stream.Stream<Coverage.Window, AgniError, AgniClient> =>
  Stream.suspend(() => {
    // What is kept of all that was read was observed when the first of it was, at least.
    let first = Infinity
    const noted = Stream.map(read, (batch) => {
      first = Math.min(first, batch.observedAt)
      return batch
    })
    return Stream.map(keep === undefined ? noted : Extremes[keep.side](keep.limit)(noted), (batch) =>
      Coverage.make(Coverage.items(batch), {
        from: 0,
        to: 0,
        rejected: batch.rejected,
        coverage: { _tag: "Provisional", reason: "read page by page" },
        requests: 0,
        observedAt: first
      })
    )
  })

const source = (
  job: Job,
  range: Notes.Range,
  resume: Pipeline.Resume,
  collector: CoverageReport.Collector
): Stream.Stream<Coverage.Window, AgniError, AgniClient> => {
  const { end, from, to } = range
  if (job.walk === "pages") {
    const iso = (instant: Instant.Instant | undefined) => (instant === undefined ? undefined : Instant.format(instant))
    return asWindows(CallSessions.selectedPages({ ...job.selection, from: iso(from), to: iso(to) }), job.keep)
  }
  const options: History.Options = {
    ...Struct.omit(job.selection, ["from", "to"]),
    end,
    hold: isLines(job) ? "json" : "objects",
    horizon: job.horizon,
    keepGoing: job.keepGoing,
    learned: job.learned,
    resume: resume.from,
    cuts: resume.cuts
  }
  if (job.keep === undefined) return History.windows({ from, to }, options)
  const { limit, side } = job.keep
  const windows = (side === "newest" ? Extremes.lastWindows : Extremes.firstWindows)(limit, { from, to }, options)
  return asWindows(
    Stream.tap(windows, (window) => Effect.sync(() => collector.add(window))),
    job.keep
  )
}
