/** The parts of runs that this worker does: so many at a time, taken from the queue. Each part offers what follows it. */
import type { Cut } from "@callstream/core/pipeline/PipelineParts"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { PersistedQueueFactory } from "effect/persistence/PersistedQueue"
import * as References from "effect/References"
import * as Semaphore from "effect/Semaphore"
import type { WorkflowEngine } from "effect/workflow/WorkflowEngine"
import { describe, type FailureReason } from "../FleetRun.ts"
import type { Job } from "../Jobs.ts"
import * as Claim from "./Claim.ts"
import * as Offers from "./Offers.ts"
import * as Queue from "./Queue.ts"
import * as RunPart from "./RunPart.ts"
import * as RunRows from "./RunRows.ts"
import * as RunWorkflow from "./RunWorkflow.ts"
import * as StretchRows from "./StretchRows.ts"

interface Worker extends RunPart.Worker, Offers.Offering {}

/** What a worker has so many of as it reads stretches. */
interface Place {
  /** Another part may have it. A second time it does nothing. */
  readonly free: Effect.Effect<void>
}

/** So often in turn, a job is found waiting before another part gets its place. */
const patience = 2

/** A part that waits for its API, or for its sinks, keeps what it has read. It continues beside the part that got its place. */
const whileWorking = ({ free }: Place, { isWaiting }: Job) => {
  const isWaitingFor = (times: number): Effect.Effect<void> =>
    times === 0
      ? free
      : Effect.flatMap(Effect.delay(isWaiting, "200 millis"), (isSo) => isWaitingFor(isSo ? times - 1 : patience))
  const watch = Effect.andThen(isWaitingFor(patience), Effect.never)
  return <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.raceFirst(work, watch)
}

/** Cuts a run, unless an earlier attempt did, and offers what is left of it. */
const plan = Effect.fnUntraced(function* (worker: Worker, place: Place, loaded: RunRows.Loaded, of: RunRows.Attempt) {
  const { sql } = worker
  const take = Effect.map(RunRows.claim(sql, of), (claims): RunPart.Held | undefined =>
    claims === undefined
      ? undefined
      : {
          claims,
          fail: (reason) => RunRows.fail(sql, of, reason),
          release: Claim.soon(RunRows.release(sql, of)),
          isFenced: Effect.succeed(false)
        }
  )
  const outcome = yield* RunPart.run(
    worker,
    loaded,
    take,
    Effect.fnUntraced(function* (job) {
      const readers = yield* worker.readers
      const cut = loaded.cut ?? (yield* whileWorking(place, job)(job.cut({ readers })))
      yield* RunRows.plan(sql, of, cut, yield* job.requests)
    })
  )
  if (outcome !== "Ended") return yield* Effect.fail(outcome)
  yield* follow(worker, of)
})

/** Reads a stretch, or does the ending. */
const part = Effect.fnUntraced(function* (
  worker: Worker,
  place: Place,
  loaded: RunRows.Loaded,
  cut: Cut,
  of: RunRows.Attempt,
  nth: number
) {
  const { sql } = worker
  const take = StretchRows.claim(sql, worker.name, { ...of, nth }).pipe(
    Effect.flatMap((taken) => (taken === undefined ? Effect.undefined : Claim.make(sql, taken)))
  )
  const outcome = yield* RunPart.run(
    worker,
    loaded,
    take,
    Effect.fnUntraced(function* (job, { finish, lease, onEvent, start }) {
      yield* start(job)
      const working = whileWorking(place, job)
      if (nth < cut.stretches.length) return yield* finish(yield* working(job.stretch(cut, nth, lease, onEvent)))
      const stretches = yield* StretchRows.delivered(sql, of.run)
      yield* finish(yield* working(job.ending(cut, stretches, lease, onEvent)))
    })
  )
  if (outcome !== "Ended") return yield* Effect.fail(outcome)
  yield* follow(worker, of)
})

/** After a part that has ended: the next stretches; the ending, once all of them are delivered; then the end of the run. */
const follow = Effect.fnUntraced(function* (worker: Worker, of: RunRows.Attempt) {
  const { sql } = worker
  // One that could not be cut, or was cancelled.
  if ((yield* RunRows.load(sql, of)) === undefined) return yield* RunWorkflow.complete(of)
  if (!(yield* RunRows.isDelivered(sql, of))) return yield* Offers.next(worker, of)
  const failed = yield* RunRows.failures(sql, of.run)
  if (failed.length > 0) {
    yield* RunRows.fail(sql, of, together(failed))
    return yield* RunWorkflow.complete(of)
  }
  const ending = yield* StretchRows.ending(sql, of.run)
  if (ending === undefined) return
  const { coverage, nth } = ending
  if (coverage === undefined) return yield* Queue.offer([{ ...of, nth }])
  yield* RunRows.finish(sql, of, { counters: yield* StretchRows.counters(sql, of.run), coverage })
  yield* RunWorkflow.complete(of)
})

/** The reason of all parts, where they have the same. */
const together = (reasons: ReadonlyArray<FailureReason>): FailureReason => {
  const [first] = reasons
  return first !== undefined && new Set(reasons.map(describe)).size === 1
    ? first
    : { _tag: "Parts", failed: reasons.length }
}

const read = Effect.fnUntraced(function* (worker: Worker, place: Place, { nth, ...of }: Queue.Element) {
  const loaded = yield* RunRows.load(worker.sql, of)
  // It has ended: perhaps a worker ended it that did not come to this.
  if (loaded === undefined) return yield* RunWorkflow.complete(of)
  const done =
    nth === undefined
      ? plan(worker, place, loaded, of)
      : loaded.cut === undefined
        ? Effect.void
        : part(worker, place, loaded, loaded.cut, of, nth)
  yield* Effect.annotateLogs(done, { run: loaded.run.name, part: nth ?? "plan" })
})

/** So long a taker leaves the queue to workers of another version, which would often find their parts taken otherwise. */
const pause = "15 seconds"

export const layer = (
  worker: Worker,
  stretches: number
): Layer.Layer<never, never, PersistedQueueFactory | WorkflowEngine> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const queue = yield* Queue.make
      const level = yield* References.MinimumLogLevel
      const logged = Effect.provideService(References.MinimumLogLevel, level)
      // A failure goes to the queue, which offers the element again after a while. The queue polls with the level of its first
      // taker, and would log each try to reach a database that is away.
      const take = (place: Place) =>
        queue
          .take((element) => logged(read(worker, place, element)))
          .pipe(
            Effect.provideService(References.MinimumLogLevel, "None"),
            Effect.catch((error) => {
              if (error === "Again") return Effect.void
              if (error === "Elsewhere") return Effect.sleep(pause)
              return Effect.logWarning("A part of a run is handed back", error)
            }),
            Effect.exit
          )
      const places = yield* Semaphore.make(stretches)
      const one = Effect.gen(function* () {
        yield* places.take(1)
        const free = yield* Effect.cached(Effect.asVoid(places.release(1)))
        yield* Effect.ensuring(take({ free }), free)
      })
      // As many parts again may wait for their APIs and sinks.
      const most = 2 * stretches
      yield* Effect.forkScoped(Effect.replicateEffect(Effect.forever(one), most, { concurrency: most, discard: true }))
    })
  )
