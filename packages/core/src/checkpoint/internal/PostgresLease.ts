/** The row of a pipeline in PostgreSQL: a lock of the database session holds it, which ends with its connection. */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import * as HeldConnection from "../../platform/internal/HeldConnection.ts"
import { columns, epochColumn, type LeaseRow, takenOf, textOf } from "./LeaseRow.ts"

const ask = (connection: Connection, text: string, ...params: ReadonlyArray<string>) =>
  connection.execute(text, params, undefined)

const createTable = Effect.fnUntraced(function* (connection: Connection, table: string) {
  const [found] = yield* ask(
    connection,
    `SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('${table}') AND attname = 'epoch' AND NOT attisdropped) AS whole`
  )
  if (found?.whole === true) return
  // Of two runs that create the table at once, one would fail in the catalogue.
  yield* ask(connection, `SELECT pg_advisory_lock(hashtextextended('callstream makes ${table}', 0))`)
  yield* ask(connection, `CREATE TABLE IF NOT EXISTS ${table} ${columns("timestamptz", "bigint")}`)
  yield* ask(connection, `ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS ${epochColumn("bigint")}`)
})

const taking = (table: string) =>
  `INSERT INTO ${table} AS held (name, holder, epoch) VALUES ($1::text, $2::text, greatest(1, $3::text::bigint))
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, epoch = greatest(held.epoch + 1, excluded.epoch)
RETURNING held.state AS state, held.epoch AS epoch`

export const make = (sql: SqlClient.SqlClient, table: string, pipeline: string): LeaseRow => {
  // The lock of a checkpoint has the name alone.
  const suffix = table === "callstream_checkpoints" ? "" : ` ${table}`
  const key = `hashtextextended('callstream ' || current_schema() || '${suffix} ' || $1::text, 0)`
  const held = HeldConnection.make(sql.reserve)
  const { connect } = held
  // The connection returns to a pool, where it must not hold a lock.
  const drop = held.letGo((connection) =>
    Effect.timeoutOption(ask(connection, "SELECT pg_advisory_unlock_all()"), "2 seconds")
  )
  /** The connection, if it has the lock. One that is held has it, and may take it again. */
  const locked = Effect.suspend(() => {
    const found = held.current()
    if (found !== undefined) return Effect.succeed(found)
    return Effect.flatMap(connect, (connection) =>
      Effect.map(ask(connection, `SELECT pg_try_advisory_lock(${key}) AS got`, pipeline), ([row]) =>
        row?.got === true ? connection : undefined
      )
    )
  })
  const holderOf = Effect.flatMap(connect, (connection) =>
    Effect.map(ask(connection, `SELECT holder FROM ${table} WHERE name = $1::text`, pipeline), ([row]) =>
      textOf(row?.holder)
    )
  )
  /** A connection with a failure is not used again: it may be lost, with its lock. */
  const orDrop = <A, E>(effect: Effect.Effect<A, E>) => Effect.onError(effect, () => drop)
  return {
    take: (own, least, _, elsewhere) =>
      orDrop(
        Effect.gen(function* () {
          yield* createTable(yield* connect, table)
          // It has no lock yet, and may have that of the table's creation.
          yield* drop
          const connection = yield* locked
          if (connection === undefined) return yield* elsewhere(yield* holderOf)
          const [row] = yield* ask(connection, taking(table), pipeline, own, String(least))
          return takenOf(row)
        })
      ),
    write: (epoch, state, now) =>
      orDrop(
        Effect.gen(function* () {
          const connection = yield* locked
          if (connection === undefined) return { holder: yield* holderOf }
          const rows = yield* ask(
            connection,
            `UPDATE ${table} SET state = $3::text, updated_at = $4::text::timestamptz
WHERE name = $1::text AND epoch = $2::text::bigint RETURNING name`,
            pipeline,
            String(epoch),
            state,
            now
          )
          if (rows.length > 0) return undefined
          // It may have got the lock only now, after the run that took over ended; the next one must get it.
          return yield* Effect.ensuring(
            Effect.map(holderOf, (holder) => ({ holder })),
            drop
          )
        })
      ),
    leave: (own) =>
      Effect.suspend(() => {
        const connection = held.current()
        return connection === undefined
          ? Effect.void
          : Effect.andThen(
              ask(
                connection,
                `UPDATE ${table} SET holder = NULL WHERE name = $1::text AND holder = $2::text`,
                pipeline,
                own
              ),
              ask(connection, `SELECT pg_advisory_unlock(${key})`, pipeline)
            )
      }).pipe(Effect.ensuring(drop), Effect.asVoid)
  }
}
