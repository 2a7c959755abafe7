/**
 * The starts of requests that all processes of an organization were granted in the last second, in a row of a table. A new
 * one is granted where no second gets too many. All times are seconds of the database's clock.
 */
import * as Effect from "effect/Effect"
import type { Limit } from "@callstream/core/client/Budget"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { budgets } from "./Tables.ts"

/** Time that was lost is made up for a little faster than the rate, until a second has all that it may have. */
const haste = 0.8

/** A start that counts later than it was granted; or not at all, which is 0. */
export interface Correction {
  readonly granted: number
  readonly counts: number
}

interface Answer {
  /** Ascending. */
  readonly granted: ReadonlyArray<number>
  readonly now: number
  /** Nobody starts before this. */
  readonly held: number
}

export interface Grants {
  /** Corrects earlier starts, and takes the next ones of all processes. */
  readonly take: (count: number, corrections: ReadonlyArray<Correction>) => Effect.Effect<Answer, SqlError>
  /** From now on nobody is granted a start for so many seconds. */
  readonly hold: (seconds: number) => Effect.Effect<void, SqlError>
}

/**
 * Of the last starts, the one that is as many before a new one as a window may have is a window older at least. The row is
 * locked before it is read, and the clock is read after that: processes that ask at once are granted different starts. Two
 * starts may count from the same time: a correction takes one of them away, hence `EXCEPT ALL`.
 */
export const make = Effect.fnUntraced(function* (
  sql: SqlClient,
  organization: string,
  { most, spacing: even, window }: Limit
): Effect.fn.Return<Grants, SqlError> {
  const spacing = haste * even
  yield* sql`INSERT INTO ${sql(budgets)} (organization) VALUES (${organization}) ON CONFLICT DO NOTHING`
  return {
    take: (count, corrections) =>
      Effect.map(
        sql<{
          readonly granted: string | null
          readonly now: number
          readonly held: number
        }>`WITH locked AS MATERIALIZED (
  SELECT starts, latest, held FROM ${sql(budgets)} WHERE organization = ${organization} FOR UPDATE
),
clock AS MATERIALIZED (SELECT extract(epoch FROM clock_timestamp())::float8 AS now FROM locked),
corrected AS (SELECT * FROM json_to_recordset(${JSON.stringify(corrections)}::json) AS corrected (granted float8, counts float8)),
recent AS (
  SELECT at, row_number() OVER (ORDER BY at DESC) AS rank FROM clock, (
    (SELECT unnest(starts) AS at FROM locked EXCEPT ALL SELECT granted FROM corrected)
    UNION ALL SELECT counts FROM corrected
  ) AS known WHERE at > now - ${window}::float8
),
granted AS (
  SELECT nth * ${spacing}::float8 + max(greatest(
    now, held, latest + ${spacing}::float8, recent.at + ${window}::float8
  ) - nth * ${spacing}::float8) OVER (ORDER BY nth) AS at
  FROM locked, clock, generate_series(1, ${count}::int) AS nth LEFT JOIN recent ON recent.rank = ${most}::int - nth + 1
),
together AS (
  SELECT coalesce((SELECT array_agg(at) FROM (SELECT at FROM recent UNION ALL SELECT at FROM granted) AS every), '{}') AS starts,
    (SELECT max(at) FROM granted) AS latest, (SELECT json_agg(at ORDER BY at) FROM granted) AS granted
)
UPDATE ${sql(budgets)} AS budget SET starts = together.starts, latest = greatest(budget.latest, together.latest)
FROM together WHERE organization = ${organization}
RETURNING together.granted::text AS granted, extract(epoch FROM clock_timestamp())::float8 AS now, held`,
        ([row]) => ({
          granted: row?.granted == null ? [] : JSON.parse(row.granted),
          now: row?.now ?? 0,
          held: row?.held ?? 0
        })
      ),
    hold: (seconds) =>
      Effect.asVoid(
        sql`UPDATE ${sql(budgets)}
SET held = greatest(held, extract(epoch FROM clock_timestamp())::float8 + ${seconds}::float8)
WHERE organization = ${organization}`
      )
  }
})
