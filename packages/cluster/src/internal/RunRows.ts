/** Runs in the database, for the workers. */
import { Cut } from "@callstream/core/pipeline/PipelineParts"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { SqlClient } from "effect/sql/SqlClient"
import type { FleetError } from "../FleetError.ts"
import { ofSql } from "../FleetError.ts"
import { type FailureReason, Counters, FailureReason as Reason, Summary } from "../FleetRun.ts"
import type { JobRun } from "../Jobs.ts"
import * as Stored from "./Stored.ts"
import { nothing } from "./StretchRows.ts"
import { runs, stretches } from "./Tables.ts"

/** An attempt of a run: what workflows and the queue carry, and nothing else. */
export interface Attempt {
  readonly run: string
  readonly attempt: number
}

export interface Loaded {
  readonly run: JobRun
  readonly spec: Schema.Json
  /** `undefined` until it is planned. */
  readonly cut: Cut | undefined
}

interface Row {
  readonly name: string
  readonly organization: string | null
  readonly spec: string
  readonly cut: string | null
}

/** A run that is planned or running, in this very attempt; `undefined` when it has ended, or was started again. */
export const load = Effect.fnUntraced(function* (
  sql: SqlClient,
  { attempt, run }: Attempt
): Effect.fn.Return<Loaded | undefined, FleetError> {
  const [row] = yield* Effect.mapError(
    sql<Row>`SELECT name, organization, spec::text AS spec, cut::text AS cut FROM ${sql(runs)}
WHERE id = ${run}::uuid AND attempt = ${attempt} AND state IN ('planned', 'running')`,
    ofSql
  )
  if (row === undefined) return undefined
  const { cut, name, organization, spec } = row
  return {
    run: { id: run, name, organization: organization ?? undefined },
    spec: yield* Stored.decode(Schema.Json, run, spec),
    cut: cut === null ? undefined : yield* Stored.decode(Cut, run, cut)
  }
})

/** Counts a worker that cuts the run; `undefined` when that was done, or is of no use any more. */
export const claim = (sql: SqlClient, { attempt, run }: Attempt): Effect.Effect<number | undefined, FleetError> =>
  sql<{ readonly claims: number }>`UPDATE ${sql(runs)} SET claims = claims + 1
WHERE id = ${run}::uuid AND attempt = ${attempt} AND state = 'planned' RETURNING claims`.pipe(
    Effect.map(([row]) => row?.claims),
    Effect.mapError(ofSql)
  )

/** A worker that was interrupted while it cut the run is no failed try. */
export const release = (sql: SqlClient, { attempt, run }: Attempt): Effect.Effect<void, FleetError> =>
  sql`UPDATE ${sql(runs)} SET claims = greatest(claims - 1, 0) WHERE id = ${run}::uuid AND attempt = ${attempt}`.pipe(
    Effect.asVoid,
    Effect.mapError(ofSql)
  )

/**
 * Keeps a cut, with a row for each stretch and one for the ending, which also counts the requests that the cut took, and says
 * that the run is running. Of two cuts, as of a
 * worker that was thought dead, the first one counts.
 */
export const plan = (
  sql: SqlClient,
  { attempt, run }: Attempt,
  cut: Cut,
  requests: number
): Effect.Effect<void, FleetError> =>
  Effect.gen(function* () {
    const [row] = yield* sql<{ readonly cut: string | null }>`SELECT cut::text AS cut FROM ${sql(runs)}
WHERE id = ${run}::uuid AND attempt = ${attempt} AND state IN ('planned', 'running') FOR UPDATE`
    if (row === undefined) return
    if (row.cut === null) {
      const ranges = JSON.stringify(cut.stretches)
      const cutting = Stored.encode(Counters, { ...nothing, requests })
      yield* sql`INSERT INTO ${sql(stretches)} (run, nth, range, counters)
SELECT ${run}::uuid, nth - 1, range, NULL FROM json_array_elements(${ranges}::json) WITH ORDINALITY AS each (range, nth)
UNION ALL SELECT ${run}::uuid, ${cut.stretches.length}, NULL, ${cutting}::json`
    }
    const text = Stored.encode(Cut, cut)
    yield* sql`UPDATE ${sql(runs)} SET state = 'running', cut = coalesce(cut, ${text}::json) WHERE id = ${run}::uuid`
  }).pipe(sql.withTransaction, Effect.mapError(ofSql))

/** The first so many stretches of a running attempt that nobody has finished yet, by number. */
export const openStretches = (
  sql: SqlClient,
  { attempt, run }: Attempt,
  most: number
): Effect.Effect<ReadonlyArray<number>, FleetError> =>
  sql<{ readonly nth: number }>`SELECT nth FROM ${sql(stretches)} AS part
JOIN ${sql(runs)} AS run ON run.id = part.run AND run.attempt = ${attempt} AND run.state = 'running'
WHERE part.run = ${run}::uuid AND part.status = 'open' AND part.range IS NOT NULL ORDER BY nth LIMIT ${most}`.pipe(
    Effect.map((rows) => rows.map(({ nth }) => nth)),
    Effect.mapError(ofSql)
  )

/** Whether each stretch of a running attempt is finished, or failed. */
export const isDelivered = (sql: SqlClient, { attempt, run }: Attempt): Effect.Effect<boolean, FleetError> =>
  sql`SELECT 1 AS delivered FROM ${sql(runs)} WHERE id = ${run}::uuid AND attempt = ${attempt} AND state = 'running'
AND NOT EXISTS (SELECT 1 FROM ${sql(stretches)} WHERE run = ${run}::uuid AND status = 'open' AND range IS NOT NULL)`.pipe(
    Effect.map((rows) => rows.length > 0),
    Effect.mapError(ofSql)
  )

/** Why parts failed. */
export const failures = Effect.fnUntraced(function* (
  sql: SqlClient,
  run: string
): Effect.fn.Return<ReadonlyArray<FailureReason>, FleetError> {
  const rows = yield* Effect.mapError(
    sql<{ readonly reason: string }>`SELECT reason::text AS reason FROM ${sql(stretches)}
WHERE run = ${run}::uuid AND status = 'failed' ORDER BY nth`,
    ofSql
  )
  return yield* Effect.forEach(rows, ({ reason }) => Stored.decode(Reason, run, reason))
})

/** Ends an attempt, once. */
const end = (sql: SqlClient, { attempt, run }: Attempt, state: "finished" | "failed", columns: Columns) =>
  sql`UPDATE ${sql(runs)} SET state = ${state}, reason = ${columns.reason ?? null}::json,
summary = ${columns.summary ?? null}::json, finished_at = now()
WHERE id = ${run}::uuid AND attempt = ${attempt} AND state IN ('planned', 'running')`.pipe(
    Effect.asVoid,
    Effect.mapError(ofSql)
  )

interface Columns {
  readonly reason?: string
  readonly summary?: string
}

export const finish = (sql: SqlClient, of: Attempt, summary: Summary): Effect.Effect<void, FleetError> =>
  end(sql, of, "finished", { summary: Stored.encode(Summary, summary) })

export const fail = (sql: SqlClient, of: Attempt, reason: FailureReason): Effect.Effect<void, FleetError> =>
  end(sql, of, "failed", { reason: Stored.encode(Reason, reason) })
