/**
 * SQLite files as an `effect/sql` client, over the SQLite that is in Node.
 *
 * @since 0.1.0
 */
import * as TrustedFile from "@callstream/core/platform/TrustedFile"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { type PlatformError, systemError } from "effect/PlatformError"
import * as Reactivity from "effect/reactivity/Reactivity"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as SqlClient from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import { classifySqliteError, SqlError } from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import * as Stream from "effect/Stream"
import { resolve } from "node:path"
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite"
import * as WalSync from "./internal/WalSync.ts"

/**
 * Which file, and how.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** Made, for its owner only, when it is not there. `:memory:` for none. */
  readonly filename: string
  /** How long a statement waits for a lock that another process holds. @default "5 seconds" */
  readonly busyTimeout?: Duration.Input | undefined
}

const inMemory = ":memory:"

/** Prepared statements that are kept: a sink has a handful. */
const kept = 64

/**
 * Bytes of a page of a new file, twice as many as SQLite takes: a call is a third of that, and ids ascend in time, so a commit writes
 * fewer pages. A file that is there keeps its own.
 */
const pageSize = 8192

/** A lock is looked for again after so many milliseconds. SQLite's own waiting would hold up the whole process. */
const pause = 10

/**
 * A client of one connection: its statements and transactions come one after another.
 *
 * The file is kept in WAL mode, where readers and a writer do not wait for each other, and a commit is on the disk when it
 * returns; the process does other work until then. A transaction begins with the right to write, so that it does not find out in its middle that somebody else
 * has it. Errors are `SqlError`s whose cause has SQLite's own number as `errcode`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<SqlClient.SqlClient, SqlError, Scope.Scope | Reactivity.Reactivity> {
  const patience = Duration.toMillis(Duration.fromInputUnsafe(options.busyTimeout ?? "5 seconds"))
  // SQLite would take a name that begins with `file:` for a URI. And the folder of the process may be another one later.
  const name = options.filename === inMemory ? inMemory : resolve(options.filename)
  const database = yield* Effect.acquireRelease(open(options.filename, name), (database) =>
    Effect.ignore(attempt("close", () => database.close()))
  )
  const prepared = new Map<string, StatementSync>()
  const prepare = (sql: string): StatementSync => {
    const known = prepared.get(sql)
    if (known !== undefined) return known
    const statement = database.prepare(sql)
    if (prepared.size >= kept) prepared.delete(prepared.keys().next().value ?? "")
    prepared.set(sql, statement)
    return statement
  }
  const patiently = waiting(patience)
  const sync = yield* journal(database, name, patiently)
  /** What a statement commits is on the disk when it returns. */
  const run = (sql: string, params: ReadonlyArray<unknown>, statement = prepare) => {
    const ran = patiently(attempt("execute", () => all(statement(sql), params)))
    if (sync === undefined || changesNothing(sql)) return ran
    return Effect.uninterruptibleMask((restore) =>
      Effect.tap(restore(ran), () => (database.isTransaction ? Effect.void : sync))
    )
  }
  const unprepared = (sql: string) => database.prepare(sql)
  const values = (rows: ReturnType<typeof run>) => Effect.map(rows, (found) => found.map((row) => Object.values(row)))

  const connection: Connection = {
    execute: (sql, params, transform) => {
      const rows = run(sql, params)
      return transform === undefined ? rows : Effect.map(rows, (found) => transform(found))
    },
    executeRaw: run,
    executeStream: (sql, params, transform) => {
      const rows = run(sql, params)
      return Stream.fromIterableEffect(transform === undefined ? rows : Effect.map(rows, (found) => transform(found)))
    },
    executeValues: (sql, params) => values(run(sql, params)),
    executeValuesUnprepared: (sql, params) => values(run(sql, params, unprepared)),
    executeUnprepared: (sql, params, transform) => {
      const rows = run(sql, params, unprepared)
      return transform === undefined ? rows : Effect.map(rows, (found) => transform(found))
    }
  }
  return yield* SqlClient.make({
    ...SqlClient.makeSqliteAcquirers({
      connection: Effect.succeed(connection),
      semaphore: Semaphore.makeUnsafe(1),
      isTransaction: () => database.isTransaction
    }),
    compiler: Statement.makeCompilerSqlite(),
    driver: "node-sqlite",
    beginTransaction: "BEGIN IMMEDIATE",
    spanAttributes: [["db.system.name", "sqlite"]]
  })
})

/**
 * Sets how the file is kept. In WAL mode a commit is in the log, and the effect that it gives brings the log to the disk. Another
 * mode is SQLite's own business: in memory, or where a file system has no WAL.
 */
const journal = Effect.fnUntraced(function* (
  database: DatabaseSync,
  name: string,
  patiently: ReturnType<typeof waiting>
) {
  const filename = yield* patiently(
    attempt("open", () => {
      database.exec(`PRAGMA page_size = ${pageSize}`)
      const mode = database.prepare("PRAGMA journal_mode = WAL").get()?.["journal_mode"]
      database.exec(`PRAGMA synchronous = ${mode === "wal" ? "NORMAL" : "FULL"}`)
      return mode === "wal" ? database.prepare("PRAGMA database_list").get()?.["file"] : undefined
    })
  )
  if (typeof filename !== "string") return undefined
  const sync = yield* Effect.mapError(WalSync.make(filename, name), (cause) => failed("open", cause))
  return Effect.mapError(sync, (cause) => failed("sync", cause))
})

/** So nothing of it has to be on the disk. */
const changesNothing = (sql: string): boolean => sql.startsWith("SELECT") || sql === "ROLLBACK"

/**
 * The client as a layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<SqlClient.SqlClient, SqlError> =>
  Layer.effect(SqlClient.SqlClient, make(options)).pipe(Layer.provide(Reactivity.layer))

/**
 * The file is as private as any other output. SQLite also takes over what is in the files beside it. A file
 * that is there is not opened here: closing it would take SQLite's own locks on it from the whole process.
 */
const open = Effect.fnUntraced(function* (filename: string, name: string): Effect.fn.Return<DatabaseSync, SqlError> {
  const database = attempt("open", () => new (load().DatabaseSync)(name, { timeout: 0 }))
  if (filename === inMemory) return yield* database
  const checked = Effect.gen(function* () {
    for (const end of ["-wal", "-shm", "-journal"]) yield* TrustedFile.check(`${filename}${end}`)
    const found = yield* TrustedFile.check(filename, { isPublic: false })
    if (Option.isSome(found)) return found.value.type === "Directory" ? yield* isFolder : undefined
    const made = TrustedFile.open(filename, { flag: "wx", mode: 0o600 })
    yield* Effect.catchIf(Effect.scoped(made), isThere, () => TrustedFile.check(filename))
  }).pipe(
    Effect.provide(NodeFileSystem.layer),
    Effect.mapError((error) => failed("open", TrustedFile.refusalOf(error) ?? error.reason.cause))
  )
  yield* checked
  return yield* database
})

const isFolder = Effect.fail(
  systemError({ _tag: "BadResource", module: "FileSystem", method: "open", cause: { code: "EISDIR" } })
)

const isThere = (error: PlatformError) => error.reason._tag === "AlreadyExists"

/** Only when it is needed; Node would tell everybody who runs a program with this in it, once, that it is experimental. */
const load = (): typeof import("node:sqlite") => {
  const emitWarning = process.emitWarning.bind(process)
  process.emitWarning = () => {}
  try {
    return process.getBuiltinModule("node:sqlite")
  } finally {
    process.emitWarning = emitWarning
  }
}

/**
 * Mostly all can be bound as they are: they are only checked one by one where Node refuses one, which is before anything has run. An
 * object in front Node would take for the names of parameters.
 */
const all = (statement: StatementSync, params: ReadonlyArray<unknown>): ReturnType<StatementSync["all"]> => {
  if (params[0] instanceof Object) return statement.all(...params.map(bindable))
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Node looks at the type of each
    return statement.all(...(params as ReadonlyArray<SQLInputValue>))
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause
    return statement.all(...params.map(bindable))
  }
}

const bindable = (value: unknown): SQLInputValue => {
  switch (typeof value) {
    case "string":
    case "number":
    case "bigint":
      return value
    case "boolean":
      return value ? 1 : 0
    case "undefined":
      return null
    default:
      if (value === null || value instanceof Uint8Array) return value
      throw new TypeError("a value that SQLite has no type for")
  }
}

const attempt = <A>(operation: string, run: () => A): Effect.Effect<A, SqlError> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(run())
    } catch (cause) {
      return Effect.fail(failed(operation, cause))
    }
  })

const errcodeOf = (cause: unknown): number | undefined =>
  cause instanceof Error && "errcode" in cause && typeof cause.errcode === "number" ? cause.errcode : undefined

const failed = (operation: string, cause: unknown): SqlError => {
  const errcode = errcodeOf(cause)
  const numbered = cause instanceof Error && errcode !== undefined ? Object.assign(cause, { errno: errcode }) : cause
  return new SqlError({ reason: classifySqliteError(numbered, { message: `SQLite: ${operation} failed`, operation }) })
}

/** SQLITE_BUSY and SQLITE_LOCKED: the statement has done nothing, and can be run again. */
const isLocked = (error: SqlError): boolean => [5, 6].includes((errcodeOf(error.reason.cause) ?? 0) & 0xff)

const waiting =
  (patience: number) =>
  <A>(effect: Effect.Effect<A, SqlError>): Effect.Effect<A, SqlError> =>
    Effect.catchIf(effect, isLocked, (first) =>
      patience <= 0
        ? Effect.fail(first)
        : Effect.flatMap(Clock.currentTimeMillis, (since) => {
            const again: Effect.Effect<A, SqlError> = Effect.catchIf(Effect.delay(effect, pause), isLocked, (error) =>
              Effect.flatMap(Clock.currentTimeMillis, (now) => (now - since < patience ? again : Effect.fail(error)))
            )
            return again
          })
    )
