/**
 * Sessions as the rows of a table in PostgreSQL or SQLite.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import * as SqlFailure from "../model/internal/SqlFailure.ts"
import * as Opened from "./internal/sql/Opened.ts"
import { postgres } from "./internal/sql/Postgres.ts"
import { sqlite } from "./internal/sql/Sqlite.ts"
import * as Verify from "./internal/sql/Verify.ts"
import * as OwnKey from "./internal/OwnKey.ts"
import type { Opening, SessionSink } from "./SessionSink.ts"
import { SinkError } from "./SinkError.ts"

/**
 * The table when none is named.
 *
 * @since 0.1.0
 * @category constants
 */
export const defaultTable = "call_sessions"

/**
 * Which table, and how.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** The sink's key in the checkpoint, without secrets. @default the table's name */
  readonly name?: string | undefined
  /** Made when it is not there; columns that it lacks are added. @default "call_sessions" */
  readonly table?: string | undefined
  /** Of PostgreSQL. @default the first one of the search path that is there */
  readonly schema?: string | undefined
  /**
   * Keep how far the sink got, in `callstream_commits` beside the table, in one transaction with the rows: under the name
   * of the pipeline, and another key when it asks for something else. The sink is then `transactional`, otherwise
   * `idempotent`.
   *
   * @default false
   */
  readonly keepsOffset?: boolean | undefined
  /** For all that one write, flush or opening asks of the database. @default "2 minutes" */
  readonly timeout?: Duration.Input | undefined
  /** Characters of rows that one transaction holds at most; more are committed in several. @default 32000000 */
  readonly maxPending?: number | undefined
}

/**
 * Keeps one row for each session, under its id. A row that was observed earlier than the one that is there changes
 * nothing, whatever the order in which they come.
 *
 * The table has a typed column for each column of the rows, one for what they have beyond that (`extra`), and
 * `observed_at`. Its primary key is `id`, or, when the rows have none, `session_id`. Rows become visible with the cursor
 * that they lead up to, in one transaction. A row that the database refuses for what it holds comes back; in SQLite only
 * what a constraint of a table of your own refuses stops the sink instead.
 *
 * After a retryable error, such as a lost connection, what was not committed is written again by the next call.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): SessionSink<object, SqlClient.SqlClient> => {
  const { keepsOffset = false, schema, table = defaultTable } = options
  const name = options.name ?? table
  const connected = Effect.fnUntraced(function* (
    operation: SinkError["operation"],
    { fingerprint, pipeline }: Opening
  ) {
    const sql = yield* SqlClient.SqlClient
    const dialect = sql.onDialectOrElse({
      pg: () => postgres,
      sqlite: () => sqlite,
      orElse: () => undefined
    })
    if (dialect === undefined) {
      const description = "the database is neither PostgreSQL nor SQLite"
      return yield* new SinkError({ sink: name, operation, retryable: false, description })
    }
    const place = { schema: dialect.name === "postgres" ? schema : undefined, table }
    const maxPending = options.maxPending ?? 32_000_000
    const key = keepsOffset ? yield* OwnKey.of({ fingerprint, pipeline }) : undefined
    const account = keepsOffset ? [pipeline, key].filter((part) => part !== undefined).join(" ") : undefined
    return { sql, dialect, settings: { name, place, account, timeout: options.timeout ?? "2 minutes", maxPending } }
  })
  return {
    name,
    delivery: keepsOffset ? "transactional" : "idempotent",
    open: (opening) =>
      Effect.flatMap(connected("open", opening), ({ dialect, settings, sql }) =>
        Opened.make(sql, dialect, opening.from, settings)
      ),
    verify: (left, opening) =>
      Effect.flatMap(connected("verify", opening), ({ dialect, settings, sql }) =>
        Verify.run(sql, dialect, left, settings)
      )
  }
}

/**
 * The sink with a client of its own, which is made when the sink is opened and closed with it.
 *
 * @since 0.1.0
 * @category combinators
 */
export const provide = <A, R, E extends SqlError | { readonly description: string }, RL>(
  self: SessionSink<A, R>,
  client: Layer.Layer<SqlClient.SqlClient, E, RL>
): SessionSink<A, Exclude<R, SqlClient.SqlClient> | RL> => {
  const { verify } = self
  const withClient = <B>(operation: SinkError["operation"], use: Effect.Effect<B, SinkError, R | Scope.Scope>) =>
    Layer.build(client).pipe(
      Effect.mapError((error) => {
        const told = isSqlError(error)
          ? SqlFailure.of(error)
          : { retryable: false, description: error.description, advice: undefined, code: undefined }
        return Opened.failure(self.name, operation, told)
      }),
      Effect.flatMap((context) => Effect.provideContext(use, context))
    )
  return {
    ...self,
    open: (opening) => withClient("open", self.open(opening)),
    verify: verify === undefined ? undefined : (left, opening) => withClient("verify", verify(left, opening))
  }
}
