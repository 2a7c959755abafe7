/** A database as `--to` and `--state` name it, and how it is reached. No password is on a command line. */
import { type Committed, OutputError, SessionSink, SqlCheckpoint, SqlLedger, SqlSink } from "@callstream/core"
import { toSinkError } from "@callstream/core/sink/OutputError"
import { PostgresClient, SqliteClient } from "@callstream/node"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { existsSync } from "node:fs"
import { resolve } from "node:path"
import * as SmallFile from "./SmallFile.ts"
import { type Reason, type TableNameProblem, UsageError } from "./UsageError.ts"

export type Database =
  | { readonly _tag: "Sqlite"; readonly path: string }
  | { readonly _tag: "Postgres"; readonly url: Source }

/** A URL without a password, the environment variable that has it, or a file that holds it. */
type Source =
  | { readonly _tag: "Url"; readonly url: Redacted.Redacted }
  | { readonly _tag: "Variable"; readonly name: string }
  | { readonly _tag: "File"; readonly path: string }

export const parse = (text: string): Option.Option<Database> => {
  const file = /^sqlite:(.+)$/i.exec(text)?.[1]
  // A database in memory would be gone with the run.
  if (file !== undefined) return file.startsWith(":") ? Option.none() : Option.some({ _tag: "Sqlite", path: file })
  if (/^postgres(ql)?:\/\//i.test(text)) {
    return Option.some({ _tag: "Postgres", url: { _tag: "Url", url: Redacted.make(text) } })
  }
  const source = /^postgres(?:ql)?:(.+)$/i.exec(text)?.[1]
  if (source === undefined) return Option.none()
  if (source.startsWith("@") && source.length > 1) {
    return Option.some({ _tag: "Postgres", url: { _tag: "File", path: source.slice(1) } })
  }
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(source)
    ? Option.some({ _tag: "Postgres", url: { _tag: "Variable", name: source } })
    : Option.none()
}

/** The same in each run, and without what may be a secret: the key of a sink, and what messages call it. */
export const describe = (database: Database): string => {
  if (database._tag === "Sqlite") return `sqlite:${database.path}`
  const { url } = database
  switch (url._tag) {
    case "Variable":
      return `postgres:${url.name}`
    case "File":
      return `postgres:@${url.path}`
    case "Url":
      return Result.match(PostgresClient.parse(url.url), {
        onSuccess: ({ database, host, port }) => `postgres://${host}${port === 5432 ? "" : `:${port}`}/${database}`,
        onFailure: () => "postgres://…"
      })
  }
}

/** The same with the table, when one is named. */
export const describeTable = (
  database: Database,
  { schema, table }: { readonly schema?: string | undefined; readonly table?: string | undefined }
): string => {
  const place = [schema, table].filter((part) => part !== undefined).join(".")
  return place === "" ? describe(database) : `${describe(database)} (${place})`
}

type Where = "to" | "state" | "from" | "cluster"

const read = Effect.fnUntraced(function* (
  option: Where,
  source: Source
): Effect.fn.Return<Redacted.Redacted, UsageError, FileSystem.FileSystem> {
  const wrong = (reason: Reason) => new UsageError({ option, reason })
  switch (source._tag) {
    case "Url":
      return source.url
    case "Variable": {
      const found = Option.getOrUndefined(yield* Effect.option(Config.Redacted(source.name)))
      const text = found === undefined ? "" : Redacted.value(found).trim()
      if (text !== "") return Redacted.make(text)
      return yield* wrong({ _tag: "VariableNotSet", variable: source.name, holds: "a URL" })
    }
    case "File": {
      const text = yield* Effect.mapError(SmallFile.read(source.path, SmallFile.secret), (why) =>
        wrong({ _tag: "FileUnreadable", path: source.path, holds: "the URL of a database", why })
      )
      if (text.trim() !== "") return Redacted.make(text.trim())
      return yield* wrong({ _tag: "FileEmpty", path: source.path })
    }
  }
})

/** Equal for what is one database, as far as its address shows. */
export const identity = Effect.fnUntraced(function* (option: Where, database: Database) {
  if (database._tag === "Sqlite") return `sqlite:${resolve(database.path)}`
  const target = PostgresClient.parse(yield* read(option, database.url))
  return Result.isFailure(target)
    ? describe(database)
    : JSON.stringify([target.success.host, target.success.port, target.success.database])
})

/** Equal for what is one table of a database. */
export const tableOf = (
  { _tag }: Database,
  { schema = "", table = SqlSink.defaultTable }: { readonly schema?: string; readonly table?: string }
): ReadonlyArray<string> => [schema, _tag === "Sqlite" ? table.toLowerCase() : table]

/** A password has no place in a flag. What a file of pipelines refers to is another matter. */
export const refusePassword = (option: Where, texts: ReadonlyArray<string>): Effect.Effect<void, UsageError> =>
  texts.some((text) => {
    const database = Option.getOrUndefined(parse(text))
    if (database?._tag !== "Postgres" || database.url._tag !== "Url") return false
    const url = PostgresClient.parse(database.url.url)
    return Result.isSuccess(url) && url.success.password !== undefined
  })
    ? Effect.fail(new UsageError({ option, reason: { _tag: "PasswordOnCommandLine" } }))
    : Effect.void

type Client = Layer.Layer<SqlClient.SqlClient, SqlError | PostgresClient.PostgresUrlError>

/** The client, not yet connected; what is wrong with the address is reported now. */
const client = Effect.fnUntraced(function* (
  option: Where,
  database: Database,
  options: Pick<PostgresClient.Options, "idleInTransaction" | "maxConnections"> = {}
): Effect.fn.Return<Client, UsageError, FileSystem.FileSystem> {
  if (database._tag === "Sqlite") return SqliteClient.layer({ filename: database.path })
  const url = yield* read(option, database.url)
  yield* Effect.mapError(
    Effect.fromResult(PostgresClient.parse(url)),
    (error) => new UsageError({ option, reason: { _tag: "PostgresUrl", database: describe(database), error } })
  )
  const password = Option.getOrUndefined(yield* Effect.option(Config.Redacted("PGPASSWORD")))
  return PostgresClient.layer({ url, password, ...options })
})

/** The table of a database as a sink. */
export const sink = (
  database: Database,
  options: {
    readonly table: string | undefined
    readonly schema: string | undefined
    readonly keepsOffset: boolean
    readonly sync: SqlSink.Options["sync"]
  }
) =>
  Effect.map(client("to", database), (client) => {
    const name = describeTable(database, options)
    const sink = SessionSink.provide(SqlSink.make({ ...options, name }), client)
    const { verify } = sink
    return database._tag === "Postgres" || verify === undefined
      ? sink
      : {
          ...sink,
          // Opening it would make a file that was deleted, without a row in it.
          verify: (left: Committed, opening: SessionSink.Opening) =>
            existsSync(database.path)
              ? verify(left, opening)
              : Effect.fail(
                  toSinkError(
                    name,
                    "verify"
                  )(new OutputError({ target: database.path, operation: "verify", reason: { _tag: "Gone" } }))
                )
        }
  })

/** The table of checkpoints of a database. */
export const checkpoint = (database: Database) =>
  Effect.map(client("state", database), (client) => SqlCheckpoint.layer({ name: describe(database), client }))

/** The tables of ledgers of a database. */
export const ledger = (database: Database) =>
  Effect.map(client("state", database), (client) => SqlLedger.layer({ name: describe(database), client }))

/**
 * A pool for what workers share; each call is another pool. A worker that is frozen in the middle of a transaction has rows
 * of the engine, which the others wait for: not longer than until they take its work over.
 */
export const pool = (database: Database, maxConnections: number) =>
  client("cluster", database, { maxConnections, idleInTransaction: "5 seconds" })

/** The database of a table that a report reads, or that coverage is noted in. */
export const connection = (option: "from" | "to", database: Database) => client(option, database)

const own = new Set(["callstream_commits", "callstream_checkpoints", "callstream_coverage"])

/** The mistake in the name of a table or schema, if there is one. */
export const wrongName = (name: string, databases: ReadonlyArray<Database>): TableNameProblem | undefined => {
  if (name.trim() === "" || name.includes("\0")) return "empty"
  if (own.has(name.toLowerCase())) return "own"
  const long = databases.some(({ _tag }) => _tag === "Postgres") && new TextEncoder().encode(name).length > 63
  if (long) return "too long for PostgreSQL"
  return databases.some(({ _tag }) => _tag === "Sqlite") && /^sqlite_/i.test(name) ? "reserved by SQLite" : undefined
}
