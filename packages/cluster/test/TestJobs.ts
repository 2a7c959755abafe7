/** Work for fleets that delivers numbers, into the memory of the process. */
import type { State } from "@callstream/core/checkpoint/Checkpoint"
import type { CheckpointError } from "@callstream/core/checkpoint/CheckpointError"
import type { CoverageSet } from "@callstream/core/coverage/CoverageSet"
import * as Instant from "@callstream/core/model/Instant"
import type { Totals } from "@callstream/core/pipeline/RunEvent"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { type Job, JobError, type JobRun, Jobs, type Part } from "../src/Jobs.ts"

/** Stretches of so many calls; a stretch commits after each. */
const Spec = Schema.Struct({
  stretches: Schema.Int,
  calls: Schema.Int,
  secret: Schema.optionalKey(Schema.String)
})

export interface Step {
  readonly run: string
  readonly nth: number
  /** Of the call that comes next. */
  readonly call: number
  readonly worker: string
}

/** What all workers of a test deliver to, and what happens before each call. */
export interface World {
  /** How often each call was committed: `run/stretch/call`. */
  readonly delivered: Map<string, number>
  /** Which worker delivered how many. */
  readonly by: Map<string, number>
  before: (step: Step) => Effect.Effect<void, JobError>
  /** Whether the API of a run asked for a pause. */
  isWaiting: (run: string) => Effect.Effect<boolean>
  /** After its commit. */
  committed: (step: Step) => Effect.Effect<void>
}

export const world = (): World => ({
  delivered: new Map(),
  by: new Map(),
  before: () => Effect.void,
  isWaiting: () => Effect.succeed(false),
  committed: () => Effect.void
})

const count = (map: Map<string, number>, key: string) => void map.set(key, (map.get(key) ?? 0) + 1)

const width = 1_000_000
export const rangeOf = (nth: number) => ({ from: Instant.of(nth * width), to: Instant.of((nth + 1) * width) })

const coverageOf = (nth: number, calls: number): CoverageSet => ({
  entries: [{ range: rangeOf(nth), verdict: "proven", count: calls, final: calls, requests: 1, asOf: Instant.of(0) }],
  seams: []
})

export const totalsOf = (delivered: number): Totals => ({
  committed: undefined,
  stage: "reading",
  written: delivered,
  safe: delivered,
  inFlight: 0,
  read: delivered,
  delivered,
  filtered: 0,
  rejected: 0,
  dead: 0,
  earliest: undefined,
  latest: undefined,
  last: undefined
})

const Progress = Schema.Struct({ done: Schema.Int })

const stateOf = (nth: number, done: number): State => ({
  version: 2,
  fingerprint: {},
  sinks: {},
  finished: false,
  source: { done },
  coverage: coverageOf(nth, done)
})

export const failed = (message: string, retryable = false) =>
  new JobError({ reason: { _tag: "Failed", message, retryable } })

const jobOf = (world: World, worker: string, run: JobRun, spec: typeof Spec.Type): Job => ({
  cut: () =>
    Effect.succeed({
      id: "cut",
      fingerprint: {},
      source: null,
      stretches: Array.from({ length: spec.stretches }, (_, nth) => rangeOf(nth)),
      note: null
    }),
  requests: Effect.succeed(1),
  isWaiting: world.isWaiting(run.name),
  stretch: Effect.fnUntraced(function* (_cut, nth, lease, onEvent): Effect.fn.Return<Part, JobError | CheckpointError> {
    const source = Option.flatMapNullishOr(lease.state, ({ source }) => source)
    const { done } = Option.isNone(source) ? { done: 0 } : Schema.decodeUnknownSync(Progress)(source.value)
    for (let call = done; call < spec.calls; call++) {
      const step = { run: run.name, nth, call, worker }
      yield* world.before(step)
      const totals = totalsOf(call + 1 - done)
      yield* onEvent({ _tag: "Delivered", totals })
      yield* lease.commit(stateOf(nth, call + 1))
      count(world.delivered, `${run.name}/${nth}/${call}`)
      count(world.by, worker)
      yield* world.committed(step)
    }
    return { coverage: coverageOf(nth, spec.calls), totals: totalsOf(spec.calls - done) }
  }),
  ending: Effect.fnUntraced(function* (_cut, proofs, lease): Effect.fn.Return<Part, JobError | CheckpointError> {
    yield* world.before({ run: run.name, nth: spec.stretches, call: 0, worker })
    yield* lease.commit(stateOf(spec.stretches, proofs.length))
    count(world.delivered, `${run.name}/ending`)
    const entries = proofs.flatMap(({ coverage }) => coverage.entries)
    return { coverage: { entries, seams: [] }, totals: totalsOf(0) }
  })
})

export interface Options {
  readonly name: string
  /** Names of the variables that it has. */
  readonly secrets?: ReadonlyArray<string>
  /** A version that reads no spec. */
  readonly isOld?: boolean
}

export const layer = (world: World, { isOld = false, name, secrets = [] }: Options) =>
  Layer.succeed(
    Jobs,
    Jobs.of({
      open: Effect.fnUntraced(function* (spec, run) {
        if (isOld) return yield* new JobError({ reason: { _tag: "OtherVersion", spec: "2.0.0", worker: "1.0.0" } })
        const known = Schema.decodeUnknownSync(Spec)(spec)
        const { secret } = known
        if (secret !== undefined && !secrets.includes(secret)) {
          return yield* new JobError({ reason: { _tag: "Missing", names: [secret] } })
        }
        return jobOf(world, name, run, known)
      })
    })
  )
