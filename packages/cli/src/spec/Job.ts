/** What is asked for, as one value, and the run that does it. */
import {
  AgniClient,
  type AgniError,
  type CallSessions,
  type CallSession,
  Checkpoint,
  type CoverageSet,
  DeadLetterFile,
  ExtremesSource,
  FileCheckpoint,
  HistorySource,
  Instant,
  type Learned,
  type Manifest,
  OutputFile,
  OutputLock,
  OutputLockFile,
  PagesSource,
  Pipeline,
  type Source,
  Transform
} from "@callstream/core"
import { DecodingThread, GuardedTransport, ProcessOwner } from "@callstream/node"
import * as NodeDns from "@effect/platform-node/NodeDns"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import * as Struct from "effect/Struct"
import { fstatSync } from "node:fs"
import * as Database from "../flag/Database.ts"
import type * as Run from "../flag/Run.ts"
import * as Sinks from "../flag/Sinks.ts"
import * as Zone from "../flag/Zone.ts"
import * as DeadLetters from "../output/DeadLetters.ts"
import * as CoverageReport from "../output/CoverageReport.ts"
import * as Progress from "../output/Progress.ts"
import { print, Screen } from "../output/Screen.ts"
import * as Summary from "../output/Summary.ts"
import { Incomplete } from "../option/UsageError.ts"
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
  readonly asked: { readonly since: string; readonly until: string; readonly on: string }
  readonly zone: Zone.Zone
  /** Whether it changes what is written. */
  readonly zoned: boolean
  /** What is left out, in words that name no person: two of them are compared. */
  readonly filters: string
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
  /** Rejected records stay as they were read, also where others are redacted. */
  readonly deadLettersRaw: boolean
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

/**
 * Whose calls these are: webhooks say it, and a checkpoint belongs to it. And the server's time: where a range without an
 * end ends, also when the run goes on a day later.
 */
const look = Effect.flatMap(AgniClient, ({ list }) =>
  Effect.map(list({ pageSize: 20 }), ({ observedAt, sessions }) => {
    const found = sessions.find(({ organizationId }) => typeof organizationId === "string" && organizationId !== "")
    return { organization: found?.organizationId ?? "", now: observedAt }
  })
)

/** What all of these sessions are; a run with a limit, or that leaves gaps, does not have all of anything. */
const coversOf =
  ({ filters, keep, keepGoing }: Job) =>
  ({ end, from, to }: HistorySource.State): Manifest.Covers | undefined =>
    keep === undefined && !keepGoing ? { from: from ?? undefined, to: to ?? end ?? undefined, filters } : undefined

/** `shared` is counted in when somebody else shows how far it is. */
export const run = Effect.fnUntraced(function* (job: Job, shared?: Ref.Ref<Progress.Progress>) {
  const { live } = yield* Screen
  const progress = shared ?? (yield* Effect.flatMap(Progress.make, Ref.make))
  const named = job.name !== undefined
  const reportOf = (coverage: CoverageSet.CoverageSet) =>
    CoverageReport.make(coverage, Duration.toMillis(job.horizon), job.zone.clock)

  if (job.deadLettersRaw && job.transform.redaction !== undefined) {
    yield* print(
      `warning: ${job.title === undefined ? "" : `${job.title}: `}${job.deadLetters} keeps rejected records with the personal data that --redact takes out, because of --dead-letters-raw`
    )
  }
  const summary = yield* Effect.scoped(
    Effect.gen(function* () {
      const hasWebhook = job.sinks.some(({ target }) => target._tag === "Webhook")
      if (hasWebhook) {
        yield* Sinks.check(job.sinks, coversOf(job)({ ...rangeOf(job), end: null }), Zone.forSinks(job.zone))
      }
      const { now, organization } = named || hasWebhook ? yield* look : { now: undefined, organization: "" }
      const veil = named && job.state.database === undefined ? yield* Veil.ofFolder(job.state.folder) : Veil.none
      const fingerprint = fingerprintOf(job, organization, veil)
      const label = veil.label(job.transform.label)
      const spool = hasWebhook && named ? job.state.folder : undefined
      if (spool !== undefined) yield* Spool.check(spool)
      const sinks = yield* Sinks.make(job.sinks, {
        organization,
        spool,
        keepsOffset: named,
        timeZone: Zone.forSinks(job.zone)
      })
      const [first, ...rest] = sinks
      if (first === undefined) return yield* Effect.die(new Error("no sink"))
      const coverage = job.coverage === undefined ? undefined : yield* openCoverage(job.coverage, job)
      const pipeline = Pipeline.make({
        name: job.name ?? "export",
        source: { ...sourceOf(job, named ? now : undefined), fingerprint },
        covers: coversOf(job),
        transform: Transform.make({ ...job.transform, label }),
        sinks: [first, ...rest],
        deadLetters: DeadLetterFile.sink(job.deadLetters),
        commitEvery: job.commitEvery,
        rawLetters: job.deadLettersRaw,
        onSinkFailure: job.onSinkFailure,
        maxDeadShare: job.maxDeadShare
      })
      if (shared === undefined && showsProgress([job], live))
        yield* Progress.show(() => Ref.getUnsafe(progress), job.zone.clock)
      const done = yield* Sinks.orUnfinished(
        pipeline.run((event) => Ref.update(progress, Progress.after(event))),
        sinks.length
      ).pipe(Effect.mapError(Veil.explain(job.name ?? "", job.state.folder)))
      // Also of a run that came to its end before: it may have been killed before it wrote the file.
      if (coverage !== undefined && (!done.finishedBefore || isKnown(done.coverage))) {
        const { finish, write } = yield* coverage
        yield* write(`${JSON.stringify(reportOf(done.coverage), null, 2)}\n`)
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
        : Effect.flatMap(Ref.get(progress), (progress) =>
            Summary.tellWhatIsThere(job, progress, Cause.squash(exit.cause), exit.cause)
          )
    )
  )

  const known = !summary.finishedBefore || isKnown(summary.coverage)
  const covered = job.walk === "history" && known ? reportOf(summary.coverage) : undefined
  yield* Summary.print(job, yield* Ref.get(progress), summary, covered)
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
  const { acquire } = yield* OutputLock
  if (name === undefined) {
    yield* acquire(path)
    return Effect.succeed(yield* OutputFile.open({ path, force: sinks.some(({ settings }) => settings.force) }))
  }
  yield* DeadLetters.check(path)
  return Effect.andThen(acquire(path), OutputFile.open({ path, force: true, alone: true }))
})

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

const isKnown = ({ entries, withoutStart }: CoverageSet.CoverageSet): boolean =>
  entries.length > 0 || withoutStart !== undefined

const instant = (input: Instant.Input | undefined) => (input === undefined ? undefined : Instant.fromInput(input))

const rangeOf = ({ selection: { from, to } }: Job) => ({ from: instant(from) ?? null, to: instant(to) ?? null })

const sourceOf = (
  job: Job,
  end: Instant.Instant | undefined
): Source.Source<HistorySource.State, AgniError, AgniClient> => {
  const { from, to } = rangeOf(job)
  const range = { from: from ?? undefined, to: to ?? undefined }
  const selection = Struct.omit(job.selection, ["from", "to"])
  const options: HistorySource.Options = {
    ...selection,
    end,
    hold: isLines(job) ? "json" : "objects",
    horizon: job.horizon,
    keepGoing: job.keepGoing,
    learned: job.learned,
    // The file tells it; otherwise it is not worth twenty requests.
    countOutside: job.coverage !== undefined && (from !== null || to !== null)
  }
  const { keep } = job
  const source =
    job.walk === "pages"
      ? keep === undefined
        ? PagesSource.make(range, selection)
        : ExtremesSource.ofPages(keep, range, selection)
      : keep === undefined
        ? HistorySource.make(range, options)
        : ExtremesSource.make(keep, range, options)
  // Without a name nothing resumes: the range need not be known beforehand, which saves a request.
  return end === undefined ? { ...source, begin: Effect.succeed({ from, to, end: null }) } : source
}
