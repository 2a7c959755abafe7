/**
 * Sessions as the rows of a table in PostgreSQL or SQLite.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import * as SqlFailure from "../../platform/SqlFailure.ts"
import * as SqlWriter from "./internal/SqlWriter.ts"
import * as OwnKey from "../internal/OwnKey.ts"
import { postgres } from "./internal/Postgres.ts"
import { sqlite } from "./internal/Sqlite.ts"
import { broken } from "./internal/TableFailure.ts"
import * as Verify from "./internal/Verify.ts"
import * as SessionSink from "../SessionSink.ts"
import { SinkError } from "../SinkError.ts"

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
  /**
   * For a table that a sync keeps: rows of calls that are gone get `removed_at`, and lose it when the call is back.
   *
   * - `history`: a second table, `…_history`, has each version as a row with `valid_from`, `valid_to` and `is_current`.
   * - `deleteRemoved`: rows of calls that are gone are deleted, at most `maxRemovals` (1,000) in an hour or a run.
   *
   * @default the table is of exports
   */
  readonly sync?:
    | {
        readonly history?: boolean | undefined
        readonly deleteRemoved?: boolean | undefined
        readonly maxRemovals?: number | undefined
      }
    | undefined
  /** Characters of rows that one transaction holds at most; more are committed in several. @default 4000000 */
  readonly maxPending?: number | undefined
}

/**
 * Keeps one row for each session, under its id. A row that was observed earlier than the one that is there changes
 * nothing, whatever the order in which they come.
 *
 * The table has a typed column for each column of the rows, one for what they have beyond that (`extra`), and
 * `observed_at`. Its primary key is `id`, or, when the rows have none, `session_id`. Rows and the cursor that
 * they lead up to are committed in one transaction. A row that the database refuses for what it holds comes back; in SQLite only
 * what a constraint of a table of your own refuses stops the sink instead.
 *
 * After a retryable error, such as a lost connection, what was not committed is written again by the next call.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): SessionSink.SessionSink<object, SqlClient.SqlClient> => {
  const { keepsOffset = false, schema, sync, table = defaultTable } = options
  const name = options.name ?? table
  const connected = Effect.fnUntraced(function* (
    operation: SinkError["operation"],
    { epoch, fingerprint, pipeline, stretches = [] }: SessionSink.Opening
  ) {
    const sql = yield* SqlClient.SqlClient
    const dialect = sql.onDialectOrElse({
      pg: () => postgres,
      sqlite: () => sqlite,
      orElse: () => undefined
    })
    if (dialect === undefined) {
      return yield* broken(name, operation, SqlFailure.make("UnknownDialect"))
    }
    const place = { schema: dialect.name === "postgres" ? schema : undefined, table }
    const maxPending = options.maxPending ?? 4_000_000
    const key = keepsOffset ? yield* OwnKey.of({ fingerprint, pipeline }) : undefined
    const accountOf = (name: string) => [name, key].filter((part) => part !== undefined).join(" ")
    const account = keepsOffset ? { name: accountOf(pipeline), epoch } : undefined
    const done = keepsOffset ? stretches.map(accountOf) : []
    const timeout = options.timeout ?? "2 minutes"
    const removal =
      sync === undefined
        ? undefined
        : {
            history: sync.history ?? false,
            mostDeleted: sync.deleteRemoved === true ? (sync.maxRemovals ?? 1000) : undefined
          }
    return { sql, dialect, settings: { name, place, account, done, timeout, maxPending, sync: removal } }
  })
  return SessionSink.make({
    name,
    delivery: keepsOffset ? "transactional" : "idempotent",
    keeps: sync === undefined ? undefined : "latest",
    shares: "each",
    open: (opening) =>
      Effect.flatMap(connected("open", opening), ({ dialect, settings, sql }) =>
        SqlWriter.make(sql, dialect, opening.from, settings)
      ),
    verify: (left, opening) =>
      Effect.flatMap(connected("verify", opening), ({ dialect, settings, sql }) =>
        Verify.run(sql, dialect, left, settings)
      )
  })
}
