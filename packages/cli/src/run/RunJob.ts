/** The run that does what a job asks for. */
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
  type Manifest,
  OutputFile,
  OutputLock,
  OutputLockFile,
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
import * as Database from "../option/Database.ts"
import type * as Run from "../option/Run.ts"
import * as Sinks from "../option/Sinks.ts"
import * as Zone from "../option/Zone.ts"
import * as DeadLetters from "../job/DeadLetters.ts"
import type { Job } from "../job/Job.ts"
import * as CoverageReport from "../job/CoverageReport.ts"
import * as NothingMatched from "../render/NothingMatched.ts"
import * as Progress from "../render/Progress.ts"
import { print, Screen } from "../render/Screen.ts"
import * as Summary from "../render/Summary.ts"
import { Incomplete } from "../option/UsageError.ts"
import * as Limit from "./Limit.ts"
import * as Notes from "./Notes.ts"
import * as Spool from "./Spool.ts"
import * as Veil from "./Veil.ts"

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

/** What all of these sessions are; a run with a limit, or that leaves gaps, does not have all of anything. */
const coversOf = (
  { filters, keep, keepGoing, limit }: Job,
  { end, from, to }: Notes.Range
): Manifest.Covers | undefined =>
  keep === undefined && limit === undefined && !keepGoing ? { from, to: to ?? end, filters } : undefined

/** `shared` is counted in when somebody else shows how far it is. */
export const run = Effect.fnUntraced(function* (job: Job, shared?: Progress.Progress) {
  const { live } = yield* Screen
  const paths = yield* Path.Path
  const progress = shared ?? (yield* Progress.make)
  const collector = CoverageReport.make(Duration.toMillis(job.horizon), job.zone.clock)
  const notes = Notes.make(job.selection, collector)
  const seen = NothingMatched.makeSeen([...new Set(job.conditions.flatMap(({ fields }) => fields))])
  const named = job.name !== undefined
  /** There is something to go on from. */
  let committed = false

  if (job.deadLettersRaw && job.transform.redaction !== undefined) {
    yield* print(
      `warning: ${job.title === undefined ? "" : `${job.title}: `}${job.deadLetters} keeps rejected records with the personal data that --redact takes out, because of --dead-letters-raw`
    )
  }
  const summary = yield* Effect.scoped(
    Effect.gen(function* () {
      const hasWebhook = job.sinks.some(({ target }) => target._tag === "Webhook")
      const covers = () => coversOf(job, notes.range())
      if (hasWebhook) yield* Sinks.check(job.sinks, covers, Zone.forSinks(job.zone))
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
      if (spool !== undefined) yield* Spool.check(job.state.folder)
      // Whoever asks for something else has not got what this table got.
      const account = named ? `${job.name} ${digest(JSON.stringify([fingerprint, label]))}` : undefined
      const sinks = yield* Sinks.make(job.sinks, {
        organization,
        spool,
        account,
        covers,
        timeZone: Zone.forSinks(job.zone)
      })
      const [first, ...rest] = sinks
      if (first === undefined) return yield* Effect.die(new Error("no sink"))
      const coverage = job.coverage === undefined ? undefined : yield* openCoverage(job.coverage, job)
      const pipeline = Pipeline.make({
        name: job.name ?? "export",
        fingerprint,
        source: (resume) => {
          if (resume.from !== undefined) progress.resumedAt = resume.from
          return Stream.tap(source(job, notes.range(), resume, collector, progress, seen), (window) =>
            Effect.sync(() => {
              Progress.addRead(progress, Coverage.items(window))
              // Reading the rows is what conditions do anyway.
              if (progress.sessions === 0 && job.conditions.length > 0) seen.add(window.sessions)
            })
          )
        },
        transform: Transform.make({ ...job.transform, label }),
        sinks: [first, ...rest],
        deadLetters: DeadLetterFile.make(job.deadLetters),
        commitEvery: job.commitEvery,
        rawLetters: job.deadLettersRaw,
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
      if (shared === undefined && showsProgress([job], live)) yield* Progress.show(() => progress, job.zone.clock)
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
    }).pipe(
      Effect.provide(
        Layer.mergeAll(
          named ? yield* stateIn(job.state) : Checkpoint.layerMemory,
          webhooks,
          Layer.provide(OutputLockFile.layer, ProcessOwner.layer)
        )
      )
    )
  ).pipe(
    Effect.onExit((exit) =>
      Exit.isSuccess(exit)
        ? Effect.void
        : Summary.tellWhatIsThere({ ...job, committed }, progress, Cause.squash(exit.cause), exit.cause)
    )
  )

  const known = !summary.finishedBefore || collector.end() !== undefined
  const covered = job.walk === "history" && known ? collector.report() : undefined
  const unmatched = yield* unmatchedIn(job, progress, notes.range(), seen, summary)
  yield* Summary.print(job, progress, summary, covered, unmatched)
  const failed = covered?.set === "unprovable" || summary.sinks.some(({ failure }) => failure !== undefined)
  const doubtful = summary.dead > 0 || covered?.set === "provisional"
  if (failed || (job.strict && doubtful)) return yield* new Incomplete()
})

/** Why a run brought nothing, where filters are the reason. */
const unmatchedIn = (
  { conditions, report, selection }: Job,
  { leftOut, read, resumedAt, sessions }: Progress.Progress,
  range: Notes.Range,
  seen: NothingMatched.Seen,
  { dead, finishedBefore }: Pipeline.RunSummary
) => {
  const nothing = sessions === 0 && dead === 0 && resumedAt === undefined && !finishedBefore
  if (!nothing || report === "none") return Effect.succeed(undefined)
  if (read + leftOut > 0) return Effect.succeed(NothingMatched.ofConditions(conditions, seen))
  return NothingMatched.ofSelection(selection, range)
}

/** Data, or what a program makes of it, and a line that redraws itself would overwrite each other on one terminal. */
export const showsProgress = (jobs: ReadonlyArray<Job>, live: boolean): boolean => {
  if (!live) return jobs.every(({ report }) => report === "people")
  const toStdout = jobs.some(({ sinks }) => sinks.some(({ target }) => target._tag === "Stdout"))
  const alone = !toStdout || (!process.stdout.isTTY && fstatSync(1).isFile())
  return alone && jobs.every(({ report }) => report === "people")
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
  const { acquire } = yield* OutputLock
  if (name === undefined) {
    yield* acquire(path)
    return Effect.succeed(yield* OutputFile.open({ path, force: sinks.some(({ settings }) => settings.force) }))
  }
  yield* DeadLetters.check(path)
  return Effect.andThen(acquire(path), OutputFile.open({ path, force: true, alone: true }))
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
    on: job.asked.on,
    zone: job.zoned ? job.zone.name : "",
    filters: Object.entries({ agentId, callerNumber: veiled(callerNumber), channel, search: veiled(search), status })
      .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
      .join(" "),
    salt: veil.salt
  }
}

const source = (
  job: Job,
  range: Notes.Range,
  resume: Pipeline.Resume,
  collector: CoverageReport.Collector,
  progress: Progress.Progress,
  seen: NothingMatched.Seen
): Stream.Stream<Coverage.Window, AgniError, AgniClient> => {
  const { end, from, to } = range
  const { keep, limit, passes } = job
  const onLeftOut = (sessions: ReadonlyArray<CallSession.CallSession>) => {
    progress.leftOut += sessions.length
    seen.add(sessions)
  }
  if (job.walk === "pages") {
    const iso = (instant: Instant.Instant | undefined) => (instant === undefined ? undefined : Instant.format(instant))
    const pages = CallSessions.selectedPages({ ...job.selection, from: iso(from), to: iso(to) })
    if (keep !== undefined) return Limit.extremes(pages, { ...keep, passes, onLeftOut })
    const windows = Limit.asWindows(pages)
    return limit === undefined ? windows : Limit.first(windows, limit, passes)
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
  if (keep !== undefined) {
    const few = keep.side === "newest" ? Extremes.lastWindows : Extremes.firstWindows
    const windows = few(keep.limit, { from, to }, { ...options, counts: passes })
    const noted = Stream.tap(windows, (window) => Effect.sync(() => collector.add(window)))
    return Limit.extremes(noted, { ...keep, passes, onLeftOut })
  }
  if (limit === undefined) return History.windows({ from, to }, options)
  // They are read ahead, side by side: small ones where few calls are wanted.
  const few = Extremes.firstWindows(limit, { from, to }, { ...options, counts: passes })
  return Limit.first(few, limit, passes)
}
