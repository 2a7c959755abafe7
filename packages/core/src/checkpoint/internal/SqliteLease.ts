/** The row of a pipeline in SQLite. SQLite has no lock that ends with a process, so the row names the process. */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import { isSqlError } from "effect/sql/SqlError"
import { columns, epochColumn, type LeaseRow, takenOf } from "./LeaseRow.ts"

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
    take: (own, least, refuseUnlessGone) =>
      whole(
        Effect.gen(function* () {
          yield* sql.unsafe(`CREATE TABLE IF NOT EXISTS ${table} ${columns("text", "integer")}`)
          const [whole] = yield* sql.unsafe("SELECT name FROM pragma_table_info(?) WHERE name = 'epoch'", [table])
          if (whole === undefined) yield* sql.unsafe(`ALTER TABLE ${table} ADD COLUMN ${epochColumn("integer")}`)
          const holder = yield* holderOf
          if (holder !== undefined && holder !== own) yield* refuseUnlessGone(holder)
          const [row] = yield* sql.unsafe<{ readonly state: string | null; readonly epoch: number }>(
            `INSERT INTO ${table} AS held (name, holder, epoch) VALUES (?, ?, max(1, ?))
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, epoch = max(held.epoch + 1, excluded.epoch) RETURNING state, epoch`,
            [pipeline, own, least]
          )
          return takenOf(row)
        })
      ),
    write: (epoch, state, now) =>
      whole(
        Effect.gen(function* () {
          const rows = yield* sql.unsafe(
            `UPDATE ${table} SET state = ?, updated_at = ? WHERE name = ? AND epoch = ? RETURNING name`,
            [state, now, pipeline, epoch]
          )
          return rows.length > 0 ? undefined : { holder: yield* holderOf }
        })
      ),
    leave: (own) =>
      Effect.asVoid(sql.unsafe(`UPDATE ${table} SET holder = NULL WHERE name = ? AND holder = ?`, [pipeline, own]))
  }
}
