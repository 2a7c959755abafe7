/** Runs in the database, for people. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { SqlClient } from "effect/sql/SqlClient"
import { FleetError, ofSql } from "../FleetError.ts"
import { FleetRun, type FleetRunDetails, FleetStretch, RunState } from "../FleetRun.ts"
import * as Stored from "./Stored.ts"
import { nothing, sumOfCounters } from "./StretchRows.ts"
import { runs, stretches } from "./Tables.ts"

interface New {
  readonly fleet: string
  readonly name: string
  readonly organization: string | undefined
  readonly spec: Schema.Json
}

/** The id, or `undefined` while a run with this name is planned or running. */
export const insert = (
  sql: SqlClient,
  { fleet, name, organization, spec }: New
): Effect.Effect<string | undefined, FleetError> =>
  sql<{ readonly id: string }>`INSERT INTO ${sql(runs)} (fleet, name, organization, spec)
VALUES (${fleet}, ${name}, ${organization ?? null}, ${JSON.stringify(spec)}::json)
ON CONFLICT (fleet, name) WHERE state IN ('planned', 'running') DO NOTHING RETURNING id::text AS id`.pipe(
    Effect.map(([row]) => row?.id),
    Effect.mapError(ofSql)
  )

const none = JSON.stringify(nothing)

/** A run as JSON, with what its parts come to. */
const runAsJson = `json_build_object('id', run.id, 'name', run.name, 'organization', run.organization, 'state', run.state,
  'attempt', run.attempt, 'reason', run.reason, 'summary', run.summary, 'workers', parts.workers, 'createdAt', run.created_at, 'finishedAt', run.finished_at,
  'parts', parts.total, 'finished', parts.finished, 'failed', parts.failed, 'counters', parts.counters)::text AS run`

const partsOfRun = `LATERAL (SELECT count(*) AS total, count(*) FILTER (WHERE status = 'finished') AS finished,
  count(*) FILTER (WHERE status = 'failed') AS failed,
  count(DISTINCT worker) FILTER (WHERE status = 'open') AS workers, ${sumOfCounters} AS counters
  FROM ${stretches} AS part WHERE part.run = run.id) AS parts`

const stretchAsJson = `json_build_object('nth', nth, 'range', range, 'status', status, 'epoch', epoch, 'worker', worker,
  'counters', coalesce(counters, '${none}'::json), 'reason', reason, 'updatedAt', updated_at)::text AS part`

export const list = Effect.fnUntraced(function* (
  sql: SqlClient,
  fleet: string,
  limit: number
): Effect.fn.Return<ReadonlyArray<FleetRun>, FleetError> {
  const rows = yield* Effect.mapError(
    sql<{ readonly id: string; readonly run: string }>`SELECT run.id::text AS id, ${sql.literal(runAsJson)}
FROM ${sql(runs)} AS run, ${sql.literal(partsOfRun)} WHERE run.fleet = ${fleet} ORDER BY run.sequence DESC LIMIT ${limit}`,
    ofSql
  )
  return yield* Effect.forEach(rows, ({ id, run }) => Stored.decode(FleetRun, id, run))
})

export const details = Effect.fnUntraced(function* (
  sql: SqlClient,
  fleet: string,
  name: string
): Effect.fn.Return<FleetRunDetails, FleetError> {
  const [row] = yield* Effect.mapError(
    sql<{ readonly id: string; readonly run: string; readonly spec: string }>`SELECT run.id::text AS id,
  run.spec::text AS spec, ${sql.literal(runAsJson)}
FROM ${sql(runs)} AS run, ${sql.literal(partsOfRun)} WHERE run.fleet = ${fleet} AND run.name = ${name}
ORDER BY run.sequence DESC LIMIT 1`,
    ofSql
  )
  if (row === undefined) return yield* new FleetError({ reason: { _tag: "NoRun", name } })
  const { id } = row
  const parts = yield* Effect.mapError(
    sql<{ readonly part: string }>`SELECT ${sql.literal(stretchAsJson)} FROM ${sql(stretches)}
WHERE run = ${id}::uuid ORDER BY nth`,
    ofSql
  )
  return {
    ...(yield* Stored.decode(FleetRun, id, row.run)),
    stretches: yield* Effect.forEach(parts, ({ part }) => Stored.decode(FleetStretch, id, part)),
    spec: yield* Stored.decode(Schema.Json, id, row.spec)
  }
})

/** The newest run with this name, which nobody changes until the transaction ends. */
const locked = Effect.fnUntraced(function* (sql: SqlClient, fleet: string, name: string) {
  const [row] = yield* Effect.mapError(
    sql<{ readonly id: string; readonly state: string }>`SELECT id::text AS id, state FROM ${sql(runs)}
WHERE fleet = ${fleet} AND name = ${name} ORDER BY sequence DESC LIMIT 1 FOR UPDATE`,
    ofSql
  )
  if (row === undefined) return yield* new FleetError({ reason: { _tag: "NoRun", name } })
  const state = yield* Effect.mapError(
    Schema.decodeUnknownEffect(RunState)(row.state),
    () => new FleetError({ reason: { _tag: "Unreadable", run: row.id } })
  )
  return { id: row.id, state }
})

const inTransaction = <A>(sql: SqlClient, effect: Effect.Effect<A, FleetError>) =>
  Effect.mapError(sql.withTransaction(effect), (error) => (error instanceof FleetError ? error : ofSql(error)))

/** Raises all epochs: a worker that reads a part is fenced at its next commit. */
export const cancel = (sql: SqlClient, fleet: string, name: string): Effect.Effect<void, FleetError> =>
  inTransaction(
    sql,
    Effect.gen(function* () {
      const { id, state } = yield* locked(sql, fleet, name)
      if (state !== "planned" && state !== "running") {
        return yield* new FleetError({ reason: { _tag: "Ended", name, state } })
      }
      yield* Effect.mapError(
        Effect.andThen(
          sql`UPDATE ${sql(runs)} SET state = 'cancelled', finished_at = now() WHERE id = ${id}::uuid`,
          sql`UPDATE ${sql(stretches)} SET epoch = epoch + 1, worker = NULL WHERE run = ${id}::uuid`
        ),
        ofSql
      )
    })
  )

/** Opens what failed, and has workers start the next attempt. */
export const retry = (sql: SqlClient, fleet: string, name: string): Effect.Effect<void, FleetError> =>
  inTransaction(
    sql,
    Effect.gen(function* () {
      const { id, state } = yield* locked(sql, fleet, name)
      if (state !== "failed" && state !== "cancelled") {
        return yield* new FleetError({ reason: { _tag: "NotRetryable", name, state } })
      }
      yield* Effect.mapError(
        Effect.andThen(
          sql`UPDATE ${sql(runs)} SET state = 'planned', attempt = attempt + 1, started = false, swept = false,
claims = 0, reason = NULL, finished_at = NULL WHERE id = ${id}::uuid`,
          sql`UPDATE ${sql(stretches)} SET status = 'open', reason = NULL, claims = 0
WHERE run = ${id}::uuid AND status <> 'finished'`
        ),
        ofSql
      )
    })
  )
