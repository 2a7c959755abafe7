/** From a pipeline as data to a job: everything that can be wrong with it is told here, and nothing is asked of the server. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as LearnedFile from "../flag/LearnedFile.ts"
import * as Run from "../flag/Run.ts"
import * as Sinks from "../flag/Sinks.ts"
import * as Source from "../flag/Source.ts"
import * as Target from "../flag/Target.ts"
import * as Transforms from "../flag/Transforms.ts"
import * as When from "../flag/When.ts"
import * as DeadLetters from "../output/DeadLetters.ts"
import { UsageError } from "../output/UsageError.ts"
import type * as Job from "./Job.ts"
import * as Places from "./Places.ts"
import type { PipelineSpec } from "./PipelineSpec.ts"

const durationOf = (text: string | undefined, otherwise: Duration.Duration): Duration.Duration =>
  text === undefined ? otherwise : Duration.millis(When.parseDuration(text) ?? Duration.toMillis(otherwise))

interface Contradiction {
  readonly problem: string
  readonly advice?: string
  readonly place?: NonNullable<UsageError["place"]>
}

/** What does not go together, if anything does not. Flags are named; a file's keys are told from them. */
const check = (
  { coverage, sinks, source = {}, state }: PipelineSpec,
  from: Options["from"]
): Contradiction | undefined => {
  const some = source.newest !== undefined ? "--newest" : source.oldest !== undefined ? "--oldest" : undefined
  const force = sinks.findIndex((sink) => typeof sink === "object" && sink.force === true)
  const proving = [
    coverage !== undefined && "--coverage",
    source.horizon !== undefined && "--horizon",
    source.learned !== undefined && "--learned",
    source.keepGoing === true && "--keep-going"
  ].find((flag) => flag !== false)
  if (source.apiKey !== undefined && source.apiKeyFile !== undefined) {
    return { problem: "--api-key-file: does not go with apiKey" }
  }
  if (source.walk === "pages" && proving !== undefined) {
    return { problem: `${proving}: does not go with --walk pages; page numbers prove nothing` }
  }
  if (state === false) return undefined
  const name = from === "flags" ? "--name" : "a state"
  const advice = from === "flags" ? {} : { advice: "Add state: false, and each run begins afresh." }
  if (some !== undefined) {
    const problem =
      from === "flags"
        ? `--name: does not go with ${some}, which is kept in one piece`
        : `${some}: does not go with a state, because it is kept in one piece`
    return { problem, ...advice }
  }
  return force < 0
    ? undefined
    : {
        problem: `--force: does not go with ${name}: a run that goes on replaces nothing`,
        ...advice,
        place: { item: force, key: "force" }
      }
}

/** In one form, so that 7d and 1w are the same range for a run that goes on. */
const typed = (text: string | undefined): string => {
  const when = text === undefined ? undefined : When.parse(text)
  return when === undefined ? "" : When.format(when)
}

const keepOf = ({ newest, oldest }: NonNullable<PipelineSpec["source"]>): Job.Job["keep"] =>
  newest !== undefined
    ? { side: "newest", limit: newest }
    : oldest === undefined
      ? undefined
      : { side: "oldest", limit: oldest }

/**
 * Sinks that write to one file would destroy each other's work, be it the manifest of two rotated ones; and what is told
 * beside the sessions goes to files of its own.
 */
const checkPlaces = Effect.fnUntraced(function* (job: Job.Job) {
  for (const [flag, file] of [
    ["--dead-letters", job.deadLetters],
    ["--coverage", job.coverage]
  ] as const) {
    if (file !== undefined && ["", "-"].includes(file.trim())) {
      return yield* new UsageError({ problem: `${flag}: give it the name of a file` })
    }
  }
  const places = yield* Places.of(job, "")
  for (const [at, place] of places.entries()) {
    const { flag, item, told } = place
    const other = places
      .slice(0, at)
      .find((one) => (one.item !== item || one.flag !== flag) && Places.collide(one, place))
    if (other === undefined) continue
    if (item === undefined) {
      const what = other.flag === "--to" ? "where the sessions go" : `that of ${other.flag}`
      return yield* new UsageError({ problem: `${flag}: the file is ${what}; give it another` })
    }
    return yield* new UsageError({
      problem: `${flag}: ${told} and ${other.told} would be written to one place; give one of them another name`,
      place: { item }
    })
  }
})

export interface Options {
  readonly report: Job.Job["report"]
  /** Where it was written: it is told in the same words. */
  readonly from: "flags" | "file"
  /** Which of several it is. */
  readonly title?: string | undefined
}

/** The one door from a pipeline as data to one that can run. */
export const toJob = Effect.fnUntraced(function* (spec: PipelineSpec, { from, report, title }: Options) {
  const { name, source = {}, state, transforms = {} } = spec
  const sinks = yield* Sinks.plan(spec.sinks)
  const contradiction = check(spec, from)
  if (contradiction !== undefined) return yield* new UsageError(contradiction)
  // What is wrong with a sink's settings is told before there is a request.
  yield* Sinks.make(sinks, { organization: "", spool: undefined, account: undefined })
  const selection = yield* Source.selection(source)
  const targets = sinks.map(({ target }) => target)
  const baseUrl = Source.baseUrlOf(source)
  const job: Job.Job = {
    title,
    name: state === false ? undefined : name,
    state: Run.stateOf(state === false ? undefined : state),
    baseUrl,
    selection,
    asked: { since: typed(source.since), until: typed(source.until) },
    walk: source.walk ?? "history",
    horizon: durationOf(source.horizon, Duration.hours(2)),
    keepGoing: source.keepGoing ?? false,
    learned: source.learned === undefined ? undefined : yield* LearnedFile.read(source.learned, baseUrl),
    keep: keepOf(source),
    transform: yield* Transforms.toTransform(transforms, { tabular: targets.some(Target.isTable) }),
    sinks,
    commitEvery: durationOf(spec.commitEvery, Duration.seconds(1)),
    onSinkFailure: spec.onSinkFailure ?? "stop",
    deadLetters: spec.deadLetters?.file ?? Target.deadLettersOf(targets, title),
    deadLettersRaw: spec.deadLetters?.raw ?? false,
    maxDeadShare: spec.deadLetters?.maxShare ?? 0.1,
    coverage: spec.coverage,
    strict: spec.strict ?? false,
    report
  }
  yield* checkPlaces(job)
  if (spec.deadLetters?.file !== undefined) yield* DeadLetters.check(spec.deadLetters.file)
  return job
})
