/** The row of a pipeline in SQLite. SQLite has no lock that ends with a process, so the row names the process. */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import { isSqlError } from "effect/sql/SqlError"
import { columns, type LeaseRow } from "./LeaseRow.ts"

export const make = (sql: SqlClient.SqlClient, table: string, pipeline: string): LeaseRow => {
  /** If the rollback fails too, the first failure is reported. */
  const whole = <A, E>(effect: Effect.Effect<A, E>) =>
    Effect.catchDefect(sql.withTransaction(effect), (defect) =>
      isSqlError(defect) ? Effect.fail(defect) : Effect.die(defect)
    )
  const holderOf = Effect.map(
    sql.unsafe<{ readonly holder: string | null }>(`SELECT holder FROM ${table} WHERE name = ?`, [pipeline]),
    ([row]) => row?.holder ?? undefined
  )
  return {
    take: (own, refuseUnlessGone) =>
      whole(
        Effect.gen(function* () {
          yield* sql.unsafe(`CREATE TABLE IF NOT EXISTS ${table} ${columns("text")}`)
          const holder = yield* holderOf
          if (holder !== undefined && holder !== own) yield* refuseUnlessGone(holder)
          const [row] = yield* sql.unsafe<{ readonly state: string | null }>(
            `INSERT INTO ${table} (name, holder) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder RETURNING state`,
            [pipeline, own]
          )
          return row?.state ?? undefined
        })
      ),
    write: (own, state, now) =>
      whole(
        Effect.gen(function* () {
          const rows = yield* sql.unsafe(
            `UPDATE ${table} SET state = ?, updated_at = ? WHERE name = ? AND holder = ? RETURNING name`,
            [state, now, pipeline, own]
          )
          return rows.length > 0 ? undefined : { holder: yield* holderOf }
        })
      ),
    leave: (own) =>
      Effect.asVoid(sql.unsafe(`UPDATE ${table} SET holder = NULL WHERE name = ? AND holder = ?`, [pipeline, own]))
  }
}
