/** The parts of runs in the database: who may write to which, and how far it is. */
import { State } from "@callstream/core/checkpoint/Checkpoint"
import { CoverageSet, Range } from "@callstream/core/coverage/CoverageSet"
import { type Delivered, deliveredOf } from "@callstream/core/pipeline/PipelineParts"
import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { type FleetError, ofSql } from "../FleetError.ts"
import { Counters, type FailureReason, FailureReason as Reason } from "../FleetRun.ts"
import type { Part } from "../Jobs.ts"
import type { Attempt } from "./RunRows.ts"
import * as Stored from "./Stored.ts"
import { runs, stretches } from "./Tables.ts"

/** A part that a worker took. Only who has the latest epoch may write to it. */
export interface Holder {
  readonly run: string
  readonly nth: number
  readonly epoch: number
}

export interface Taken extends Holder {
  readonly state: string | null
  readonly counters: Counters
  /** Claims since the last commit, this one too. */
  readonly claims: number
}

export const nothing: Counters = {
  read: 0,
  delivered: 0,
  filtered: 0,
  rejected: 0,
  dead: 0,
  requests: 0,
  earliest: null,
  latest: null
}

/**
 * Takes an open part: the worker that had it can write no more. `undefined` when it is not open, or its attempt has ended.
 *
 * The epoch is at least the time, so that it is higher than any before it even where the row is a new one: sinks remember
 * epochs too. The row of the run is locked against a `cancel` in between.
 */
export const claim = Effect.fnUntraced(function* (
  sql: SqlClient,
  worker: string,
  { attempt, nth, run }: Attempt & { readonly nth: number }
): Effect.fn.Return<Taken | undefined, FleetError> {
  const [row] = yield* Effect.mapError(
    sql<{
      readonly epoch: number
      readonly claims: number
      readonly state: string | null
      readonly counters: string | null
    }>`WITH active AS (
  SELECT id FROM ${sql(runs)} WHERE id = ${run}::uuid AND attempt = ${attempt} AND state = 'running' FOR SHARE
)
UPDATE ${sql(stretches)} AS part SET worker = ${worker}, claims = claims + 1,
  epoch = greatest(epoch + 1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
FROM active WHERE part.run = active.id AND part.nth = ${nth} AND part.status = 'open'
RETURNING part.epoch::float8 AS epoch, part.claims, part.state::text AS state, part.counters::text AS counters`,
    ofSql
  )
  if (row === undefined) return undefined
  const { claims, counters, epoch, state } = row
  return {
    run,
    nth,
    epoch,
    state,
    claims,
    counters: counters === null ? nothing : yield* Stored.decode(Counters, run, counters)
  }
})

/** Whether the holder is still the latest one: otherwise nothing was written. */
const written = (rows: ReadonlyArray<unknown>): boolean => rows.length > 0

export const commit = (
  sql: SqlClient,
  { epoch, nth, run }: Holder,
  state: string,
  counters: Counters
): Effect.Effect<boolean, SqlError> =>
  Effect.map(
    sql`UPDATE ${sql(stretches)} SET state = ${state}::json, counters = ${Stored.encode(Counters, counters)}::json,
claims = 0, updated_at = now() WHERE run = ${run}::uuid AND nth = ${nth} AND epoch = ${epoch} RETURNING nth`,
    written
  )

export const finish = (
  sql: SqlClient,
  { epoch, nth, run }: Holder,
  coverage: Part["coverage"],
  counters: Counters
): Effect.Effect<boolean, SqlError> =>
  Effect.map(
    sql`UPDATE ${sql(stretches)} SET status = 'finished', coverage = ${Stored.encode(CoverageSet, coverage)}::json,
counters = ${Stored.encode(Counters, counters)}::json, claims = 0, updated_at = now()
WHERE run = ${run}::uuid AND nth = ${nth} AND epoch = ${epoch} AND status = 'open' RETURNING nth`,
    written
  )

export const fail = (
  sql: SqlClient,
  { epoch, nth, run }: Holder,
  reason: FailureReason
): Effect.Effect<boolean, SqlError> =>
  Effect.map(
    sql`UPDATE ${sql(stretches)} SET status = 'failed', reason = ${Stored.encode(Reason, reason)}::json, updated_at = now()
WHERE run = ${run}::uuid AND nth = ${nth} AND epoch = ${epoch} AND status = 'open' RETURNING nth`,
    written
  )

/** Gives a part back that its worker was interrupted in: that is no failed try. */
export const release = (sql: SqlClient, { epoch, nth, run }: Holder): Effect.Effect<void, SqlError> =>
  Effect.asVoid(
    sql`UPDATE ${sql(stretches)} SET worker = NULL, claims = greatest(claims - 1, 0)
WHERE run = ${run}::uuid AND nth = ${nth} AND epoch = ${epoch}`
  )

/** What the stretches left, ascending, in their last commits. */
export const delivered = Effect.fnUntraced(function* (
  sql: SqlClient,
  run: string
): Effect.fn.Return<ReadonlyArray<Delivered>, FleetError> {
  const rows = yield* Effect.mapError(
    sql<{ readonly range: string; readonly state: string }>`SELECT range::text AS range, state::text AS state
FROM ${sql(stretches)} WHERE run = ${run}::uuid AND range IS NOT NULL AND state IS NOT NULL ORDER BY nth`,
    ofSql
  )
  return yield* Effect.forEach(rows, ({ range, state }) =>
    Effect.map(Effect.all([Stored.decode(Range, run, range), Stored.decode(State, run, state)]), ([range, state]) =>
      deliveredOf(range, state)
    )
  )
})

/** The ending, with its coverage once it is finished. What stretches left is large, and stays where it is. */
export const ending = Effect.fnUntraced(function* (
  sql: SqlClient,
  run: string
): Effect.fn.Return<{ readonly nth: number; readonly coverage: CoverageSet | undefined } | undefined, FleetError> {
  const [row] = yield* Effect.mapError(
    sql<{ readonly nth: number; readonly coverage: string | null }>`SELECT nth, coverage::text AS coverage
FROM ${sql(stretches)} WHERE run = ${run}::uuid AND range IS NULL`,
    ofSql
  )
  if (row === undefined) return undefined
  const { coverage, nth } = row
  return { nth, coverage: coverage === null ? undefined : yield* Stored.decode(CoverageSet, run, coverage) }
})

/** Of all parts together. */
export const counters = Effect.fnUntraced(function* (
  sql: SqlClient,
  run: string
): Effect.fn.Return<Counters, FleetError> {
  const [row] = yield* Effect.mapError(
    sql<{
      readonly counters: string
    }>`SELECT ${sql.literal(sumOfCounters)}::text AS counters FROM ${sql(stretches)} AS part
WHERE run = ${run}::uuid`,
    ofSql
  )
  return row === undefined ? nothing : yield* Stored.decode(Counters, run, row.counters)
})

const togetherOf = (name: string): string => {
  const value = `(part.counters->>'${name}')::bigint`
  if (name === "earliest") return `min(${value})`
  return name === "latest" ? `max(${value})` : `coalesce(sum(${value}), 0)`
}

/** As JSON. */
export const sumOfCounters = `json_build_object(${Object.keys(nothing)
  .map((name) => `'${name}', ${togetherOf(name)}`)
  .join(", ")})`
