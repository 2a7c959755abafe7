/** A part of a run as the lease of its checkpoint: it commits as long as nobody else has taken the part. */
import { type Lease, type State, State as StateSchema } from "@callstream/core/checkpoint/Checkpoint"
import { CheckpointError } from "@callstream/core/checkpoint/CheckpointError"
import * as Instant from "@callstream/core/model/Instant"
import type { RunEvent, Totals } from "@callstream/core/pipeline/RunEvent"
import * as SqlFailure from "@callstream/core/platform/SqlFailure"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Counters } from "../FleetRun.ts"
import type { Job, Part } from "../Jobs.ts"
import { isAway } from "./Away.ts"
import type { Held } from "./RunPart.ts"
import * as StretchRows from "./StretchRows.ts"

export interface Claim extends Held {
  readonly lease: Lease
  readonly onEvent: (event: RunEvent) => Effect.Effect<void>
  /** From now on requests of the job count. */
  readonly start: (job: Pick<Job, "requests">) => Effect.Effect<void>
  readonly finish: (part: Part) => Effect.Effect<void, CheckpointError>
}

/** Tries to write something that is not needed, where a worker is about to end. */
export const soon = (effect: Effect.Effect<void, unknown>): Effect.Effect<void> =>
  Effect.ignore(Effect.timeout(Effect.interruptible(effect), "1 second"))

/** A database that is away for a while does not cost the work since the last commit. */
const patience = Schedule.spaced("500 millis").pipe(Schedule.upTo({ duration: Duration.minutes(1) }))

const encodeState = Schema.encodeEffect(StateSchema)

const plus = (before: Counters, totals: Totals, requests: number): Counters => ({
  read: before.read + totals.read,
  delivered: before.delivered + totals.delivered,
  filtered: before.filtered + totals.filtered,
  rejected: before.rejected + totals.rejected,
  dead: before.dead + totals.dead,
  requests: before.requests + requests,
  earliest: oneOf(Instant.min, before.earliest, totals.earliest),
  latest: oneOf(Instant.max, before.latest, totals.latest)
})

const oneOf = (
  choose: (left: Instant.Instant, right: Instant.Instant) => Instant.Instant,
  before: Instant.Instant | null,
  now: Instant.Instant | undefined
): Instant.Instant | null => (before === null || now === undefined ? (now ?? before) : choose(before, now))

export const make = Effect.fnUntraced(function* (
  sql: SqlClient,
  taken: StretchRows.Taken
): Effect.fn.Return<Claim, CheckpointError> {
  const path = `part ${taken.nth} of the run ${taken.run}`
  const state = yield* stateOf(path, taken.state)
  const totals = yield* Ref.make<Totals | undefined>(undefined)
  const requests = yield* Ref.make(Effect.succeed(0))
  const counted = (totals: Totals | undefined) =>
    Effect.map(Effect.flatten(Ref.get(requests)), (requests) =>
      totals === undefined
        ? { ...taken.counters, requests: taken.counters.requests + requests }
        : plus(taken.counters, totals, requests)
    )
  const fenced = yield* Ref.make(false)
  const turns = yield* Semaphore.make(1)

  /** One after the other, and to its end: a commit that was sent may have arrived. Waiting for the database can be interrupted. */
  const write = (statement: Effect.Effect<boolean, SqlError>) =>
    turns.withPermit(
      Effect.uninterruptible(statement).pipe(
        Effect.mapError(
          (error) => new CheckpointError({ reason: { _tag: "Database", name: path, failure: SqlFailure.of(error) } })
        ),
        Effect.retry({ schedule: patience, while: isAway }),
        Effect.flatMap((isHolder) =>
          isHolder ? Effect.void : Effect.andThen(Ref.set(fenced, true), Effect.fail(fencedError(path)))
        )
      )
    )

  return {
    lease: {
      epoch: taken.epoch,
      state,
      commit: Effect.fnUntraced(function* (next: State) {
        const encoded = yield* Effect.mapError(
          encodeState(next),
          () => new CheckpointError({ reason: { _tag: "NotJson", path, what: "sinks" } })
        )
        const counters = yield* Effect.flatMap(Ref.get(totals), counted)
        yield* write(StretchRows.commit(sql, taken, JSON.stringify(encoded), counters))
      })
    },
    claims: taken.claims,
    onEvent: (event) => Ref.set(totals, event.totals),
    start: (job) => Ref.set(requests, job.requests),
    finish: ({ coverage, totals }) =>
      Effect.flatMap(counted(totals), (counters) => write(StretchRows.finish(sql, taken, coverage, counters))),
    fail: (reason) => write(StretchRows.fail(sql, taken, reason)),
    release: soon(StretchRows.release(sql, taken)),
    isFenced: Ref.get(fenced)
  }
})

const fencedError = (pipeline: string) => new CheckpointError({ reason: { _tag: "Fenced", pipeline } })

const stateOf = (path: string, kept: string | null): Effect.Effect<Option.Option<State>, CheckpointError> =>
  kept === null
    ? Effect.succeedNone
    : Schema.decodeUnknownEffect(Schema.fromJsonString(StateSchema))(kept).pipe(
        Effect.map(Option.some),
        Effect.mapError(() => new CheckpointError({ reason: { _tag: "Torn", path, problem: { _tag: "NoState" } } }))
      )
