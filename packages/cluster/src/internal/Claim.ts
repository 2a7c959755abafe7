/** A part of a run as the lease of its checkpoint: it commits as long as nobody else has taken the part. */
import { type State, State as StateSchema } from "@callstream/core/checkpoint/Checkpoint"
import { CheckpointError } from "@callstream/core/checkpoint/CheckpointError"
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
import type { EpochLease, Part } from "../Jobs.ts"
import { isAway } from "./Away.ts"
import type { Held } from "./RunPart.ts"
import * as StretchRows from "./StretchRows.ts"

export interface Claim extends Held {
  readonly lease: EpochLease
  readonly onEvent: (event: RunEvent) => Effect.Effect<void>
  readonly finish: (part: Part) => Effect.Effect<void, CheckpointError>
}

/** Tries to write something that is not needed, where a worker is about to end. */
export const soon = (effect: Effect.Effect<void, unknown>): Effect.Effect<void> =>
  Effect.ignore(Effect.timeout(Effect.interruptible(effect), "1 second"))

/** A database that is away for a while does not cost the work since the last commit. */
const patience = Schedule.spaced("500 millis").pipe(Schedule.upTo({ duration: Duration.minutes(1) }))

const encodeState = Schema.encodeEffect(StateSchema)

const plus = (before: Counters, { dead, delivered, filtered, read, rejected }: Totals): Counters => ({
  read: before.read + read,
  delivered: before.delivered + delivered,
  filtered: before.filtered + filtered,
  rejected: before.rejected + rejected,
  dead: before.dead + dead
})

export const make = Effect.fnUntraced(function* (
  sql: SqlClient,
  taken: StretchRows.Taken
): Effect.fn.Return<Claim, CheckpointError> {
  const path = `part ${taken.nth} of the run ${taken.run}`
  const state = yield* stateOf(path, taken.state)
  const counters = yield* Ref.make(taken.counters)
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
        const so = yield* Ref.get(counters)
        yield* write(StretchRows.commit(sql, taken, JSON.stringify(encoded), so))
      })
    },
    claims: taken.claims,
    onEvent: ({ totals }) => Ref.set(counters, plus(taken.counters, totals)),
    finish: ({ coverage, totals }) => write(StretchRows.finish(sql, taken, coverage, plus(taken.counters, totals))),
    fail: (reason) => write(StretchRows.fail(sql, taken, reason)),
    release: soon(StretchRows.release(sql, taken)),
    isFenced: Ref.get(fenced)
  }
})

const fencedError = (pipeline: string) =>
  new CheckpointError({ reason: { _tag: "Held", pipeline, held: { _tag: "TakenOver" } } })

const stateOf = (path: string, kept: string | null): Effect.Effect<Option.Option<State>, CheckpointError> =>
  kept === null
    ? Effect.succeedNone
    : Schema.decodeUnknownEffect(Schema.fromJsonString(StateSchema))(kept).pipe(
        Effect.map(Option.some),
        Effect.mapError(() => new CheckpointError({ reason: { _tag: "Torn", path, problem: { _tag: "NoState" } } }))
      )
