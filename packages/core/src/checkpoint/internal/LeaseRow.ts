/** The row of a pipeline, which one run holds at a time: how each database takes, writes and releases it. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type * as SqlClient from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import type { CheckpointError } from "../CheckpointError.ts"

export interface LeaseRow {
  /** The saved state, `undefined` for none. `elsewhere` is the reason why the row cannot be taken. */
  readonly take: (
    own: string,
    refuseUnlessGone: (holder: string) => Effect.Effect<void, CheckpointError>,
    elsewhere: (holder: string | undefined) => CheckpointError
  ) => Effect.Effect<string | undefined, SqlError | CheckpointError>
  /** Saves the state, unless another run holds the row by now. */
  readonly write: (
    own: string,
    state: string,
    now: string
  ) => Effect.Effect<{ readonly holder: string | undefined } | undefined, SqlError | CheckpointError>
  readonly leave: (own: string) => Effect.Effect<void, SqlError | CheckpointError>
}

export const make = (sql: SqlClient.SqlClient, table: string, pipeline: string): LeaseRow | undefined =>
  sql.onDialectOrElse({
    pg: () => postgres(sql, table, pipeline),
    sqlite: () => sqlite(sql, table, pipeline),
    orElse: () => undefined
  })

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined)

const columns = (time: string) => `(name text PRIMARY KEY NOT NULL, state text, holder text, updated_at ${time})`

/** The lock of a database session, which ends with its connection. */
const postgres = (sql: SqlClient.SqlClient, table: string, pipeline: string): LeaseRow => {
  // The lock of a checkpoint has the name alone.
  const lock = table === "callstream_checkpoints" ? "" : ` ${table}`
  let session: { readonly connection: Connection; readonly scope: Scope.Closeable } | undefined
  const ask = (connection: Connection, text: string, ...params: ReadonlyArray<string>) =>
    connection.execute(text, params, undefined)
  const drop = Effect.suspend(() => {
    const left = session
    session = undefined
    if (left === undefined) return Effect.void
    // The connection returns to a pool, where it must not hold a lock.
    const unlock = Effect.timeoutOption(ask(left.connection, "SELECT pg_advisory_unlock_all()"), "2 seconds")
    return Effect.ensuring(Effect.ignoreCause(unlock), Scope.close(left.scope, Exit.void))
  })
  const key = `hashtextextended('callstream ' || current_schema() || '${lock} ' || $1::text, 0)`

  const connect = Effect.uninterruptibleMask((restore) =>
    Effect.suspend(() => {
      if (session !== undefined) return Effect.succeed(session.connection)
      const scope = Scope.makeUnsafe()
      return restore(Scope.provide(sql.reserve, scope)).pipe(
        Effect.tap((connection) => Effect.sync(() => (session = { connection, scope }))),
        Effect.onError(() => Scope.close(scope, Exit.void))
      )
    })
  )
  /** The connection, if it has the lock. A connection may take the same lock again. */
  const locked = Effect.gen(function* () {
    const fresh = session === undefined
    const connection = yield* connect
    if (!fresh) return connection
    const [row] = yield* ask(connection, `SELECT pg_try_advisory_lock(${key}) AS got`, pipeline)
    return row?.got === true ? connection : undefined
  })
  const holderOf = Effect.flatMap(connect, (connection) =>
    Effect.map(ask(connection, `SELECT holder FROM ${table} WHERE name = $1::text`, pipeline), ([row]) =>
      textOf(row?.holder)
    )
  )
  /** A connection with a failure is not used again: it may be lost, with its lock. */
  const orDrop = <A, E>(effect: Effect.Effect<A, E>) => Effect.onError(effect, () => drop)

  const prepared = Effect.gen(function* () {
    const connection = yield* connect
    const [there] = yield* ask(connection, `SELECT to_regclass('${table}')::text AS there`)
    if (typeof there?.there === "string") return
    // Of two runs that create the table at once, one would fail in the catalogue.
    yield* ask(connection, `SELECT pg_advisory_lock(hashtextextended('callstream makes ${table}', 0))`)
    yield* ask(connection, `CREATE TABLE IF NOT EXISTS ${table} ${columns("timestamptz")}`)
  })
  return {
    take: (own, _, elsewhere) =>
      orDrop(
        Effect.gen(function* () {
          yield* prepared
          // Made by `prepared` without the lock.
          yield* drop
          const connection = yield* locked
          if (connection === undefined) return yield* elsewhere(yield* holderOf)
          const [row] = yield* ask(
            connection,
            `INSERT INTO ${table} AS held (name, holder) VALUES ($1::text, $2::text)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder RETURNING held.state AS state`,
            pipeline,
            own
          )
          return textOf(row?.state)
        })
      ),
    write: (own, state, now) =>
      orDrop(
        Effect.gen(function* () {
          const connection = yield* locked
          if (connection === undefined) return { holder: yield* holderOf }
          const rows = yield* ask(
            connection,
            `UPDATE ${table} SET state = $3::text, updated_at = $4::text::timestamptz
WHERE name = $1::text AND holder = $2::text RETURNING name`,
            pipeline,
            own,
            state,
            now
          )
          return rows.length > 0 ? undefined : { holder: yield* holderOf }
        })
      ),
    leave: (own) =>
      Effect.suspend(() => {
        const connection = session?.connection
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

/** SQLite has no lock that ends with a process, so the row names the process. */
const sqlite = (sql: SqlClient.SqlClient, table: string, pipeline: string): LeaseRow => {
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
