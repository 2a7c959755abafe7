/**
 * What went wrong in a database, as data: the one place where its errors are mapped.
 *
 * A driver's own words are not repeated, because they quote values; only what a database says of names, rights and limits
 * is.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import type { SqlError } from "effect/sql/SqlError"
import { UntrustedFile } from "./TrustedFile.ts"

/** In one sentence without a capital and a full stop; `retryable` where it may pass, or once somebody made room. */
interface Meaning {
  readonly words: string
  readonly retryable?: true
}

const meanings = {
  Locked: { words: "the database is locked by another process", retryable: true },
  TableLocked: { words: "the table is locked by another transaction", retryable: true },
  NoPermission: { words: "no permission" },
  FileReadOnly: { words: "the file, or its folder, cannot be written to" },
  FileMoved: { words: "the file was removed, moved or replaced while it was written to" },
  DiskFailed: { words: "the disk failed" },
  FileDamaged: { words: "the file is damaged" },
  DiskFull: { words: "the disk is full", retryable: true },
  CannotOpen: { words: "the file cannot be opened" },
  NotADatabase: { words: "the file is no SQLite database" },
  ConnectionRefused: { words: "nobody answers there", retryable: true },
  ConnectionLost: { words: "the connection was lost", retryable: true },
  NoConnection: { words: "the connection was lost, or did not come about", retryable: true },
  NoAnswer: { words: "the database did not answer in time", retryable: true },
  HostUnreachable: { words: "the host cannot be reached", retryable: true },
  LookupFailed: { words: "the name of the host could not be looked up", retryable: true },
  NoHost: { words: "there is no such host" },
  NotThere: { words: "the folder, or a file that is needed, is not there" },
  NotAFolder: { words: "what should be the folder is none" },
  IsAFolder: { words: "it is a folder" },
  ReadOnlySystem: { words: "the file system is read-only" },
  IdleTransaction: { words: "the server ended a transaction that waited too long", retryable: true },
  IdleConnection: { words: "the server ended a connection that was idle", retryable: true },
  WrongPassword: { words: "the password is wrong" },
  NoPassword: { words: "the server wants a password, and there is none" },
  NotAdmitted: { words: "the server does not let this user in" },
  NoDatabase: { words: "there is no such database" },
  NoSchema: { words: "there is no such schema" },
  Conflict: { words: "another transaction came in between", retryable: true },
  Deadlock: { words: "two transactions waited for each other", retryable: true },
  OutOfMemory: { words: "the server has no memory left", retryable: true },
  TooManyConnections: { words: "the server has too many connections already", retryable: true },
  Cancelled: { words: "the server cancelled the statement, by a limit of its own or by hand", retryable: true },
  ShuttingDown: { words: "the server is shutting down", retryable: true },
  Crashed: { words: "the server has crashed", retryable: true },
  StartingUp: { words: "the server is starting up", retryable: true },
  UntrustedCertificate: { words: "the server's certificate is not to be trusted" },
  NoTls: { words: "the server does not speak TLS" },
  UnknownDialect: { words: "the database is neither PostgreSQL nor SQLite" },
  Refused: { words: "the database refused" }
} as const satisfies Readonly<Record<string, Meaning>>

/** Failures because of the values of a row: the database would accept another row. */
const rowMeanings = {
  DoesNotFit: "a value does not fit its column",
  TextTooLong: "a text is too long for its column",
  NumberTooLarge: "a number is too large for its column",
  Constraint: "a constraint of the table refuses it",
  Empty: "a column of the table must not be empty",
  ForeignKey: "a foreign key of the table has nothing to point to",
  Duplicate: "another row has the same value where the table wants each once",
  Check: "a check of the table refuses it",
  TooLarge: "it is too large, or nested too deeply, for the database",
  Trigger: "a trigger of the table refuses it"
} as const

const optionalText = Schema.optionalKey(Schema.String)

/** @since 0.1.0 */
export type ServerProblem = keyof typeof meanings

const keysOf = <K extends string>(table: Readonly<Record<K, unknown>>): ReadonlyArray<K> =>
  // The type of a table says what its keys are.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  Object.keys(table) as Array<K>

/**
 * - `Server`: about the database, its server or the way there.
 * - `Row`: about what a row holds: another one would have been taken.
 * - `Untrusted`: a file that was there before, and may be somebody else's.
 *
 * `code` is an SQLSTATE, SQLite's name of the error, or the system's code; `quote` is what the server says of names.
 *
 * @since 0.1.0
 * @category models
 */
export const SqlFailure = Schema.Union([
  Schema.TaggedStruct("Server", {
    problem: Schema.Literals(keysOf(meanings)),
    retryable: Schema.Boolean,
    code: optionalText,
    quote: optionalText
  }),
  Schema.TaggedStruct("Row", {
    problem: Schema.Literals(keysOf(rowMeanings)),
    code: Schema.String,
    constraint: optionalText,
    column: optionalText,
    type: optionalText
  }),
  Schema.TaggedStruct("Untrusted", { file: UntrustedFile })
])

/**
 * @since 0.1.0
 * @category models
 */
export type SqlFailure = typeof SqlFailure.Type

/**
 * Whether the same statement may succeed later, or on another connection.
 *
 * @since 0.1.0
 * @category reading
 */
export const isRetryable = (failure: SqlFailure): boolean => failure._tag === "Server" && failure.retryable

/**
 * In one sentence without a capital and a full stop.
 *
 * @since 0.1.0
 * @category reading
 */
export const describe = (failure: SqlFailure): string => {
  switch (failure._tag) {
    case "Server": {
      const { code, problem, quote } = failure
      const state = code === undefined ? "" : isState(code) ? ` (SQLSTATE ${code})` : ` (${code})`
      return `${meanings[problem].words}${quote === undefined ? "" : `: ${quote}`}${state}`
    }
    case "Row": {
      const { code, column, constraint, problem, type } = failure
      const places = Object.entries({ constraint, column, type }).flatMap(([what, name]) =>
        name === undefined ? [] : [`${what} ${name}`]
      )
      return `${rowMeanings[problem]} (${[...places, isState(code) ? `SQLSTATE ${code}` : code].join(", ")})`
    }
    case "Untrusted":
      return failure.file.message
  }
}

/** SQLSTATEs have five characters, and a digit among them; names of the system's errors have none there. */
const isState = (code: string): boolean => /^(?=.*\d)[0-9A-Z]{5}$/.test(code)

/** By SQLite's number, mostly without its details. */
const sqlite: Readonly<Record<number, readonly [name: string, problem: ServerProblem]>> = {
  3: ["SQLITE_PERM", "NoPermission"],
  5: ["SQLITE_BUSY", "Locked"],
  6: ["SQLITE_LOCKED", "TableLocked"],
  8: ["SQLITE_READONLY", "FileReadOnly"],
  10: ["SQLITE_IOERR", "DiskFailed"],
  11: ["SQLITE_CORRUPT", "FileDamaged"],
  13: ["SQLITE_FULL", "DiskFull"],
  14: ["SQLITE_CANTOPEN", "CannotOpen"],
  26: ["SQLITE_NOTADB", "NotADatabase"],
  1032: ["SQLITE_READONLY_DBMOVED", "FileMoved"]
}

/** The same of rows; those with details say which constraint it was. */
const sqliteRows: Readonly<Record<number, readonly [name: string, problem: keyof typeof rowMeanings]>> = {
  18: ["SQLITE_TOOBIG", "TooLarge"],
  19: ["SQLITE_CONSTRAINT", "Constraint"],
  275: ["SQLITE_CONSTRAINT_CHECK", "Check"],
  787: ["SQLITE_CONSTRAINT_FOREIGNKEY", "ForeignKey"],
  1299: ["SQLITE_CONSTRAINT_NOTNULL", "Empty"],
  1811: ["SQLITE_CONSTRAINT_TRIGGER", "Trigger"],
  2067: ["SQLITE_CONSTRAINT_UNIQUE", "Duplicate"]
}

const system: Readonly<Record<string, ServerProblem>> = {
  ECONNREFUSED: "ConnectionRefused",
  ECONNRESET: "ConnectionLost",
  EPIPE: "ConnectionLost",
  ETIMEDOUT: "NoAnswer",
  EHOSTUNREACH: "HostUnreachable",
  ENETUNREACH: "HostUnreachable",
  EAI_AGAIN: "LookupFailed",
  ENOTFOUND: "NoHost",
  ENOENT: "NotThere",
  ENOTDIR: "NotAFolder",
  EISDIR: "IsAFolder",
  EACCES: "NoPermission",
  EPERM: "NoPermission",
  EROFS: "ReadOnlySystem",
  ENOSPC: "DiskFull"
}

/** By SQLSTATE, or by its class. */
const postgres: Readonly<Record<string, ServerProblem>> = {
  "08": "ConnectionLost",
  "25P03": "IdleTransaction",
  "28P01": "WrongPassword",
  "3D000": "NoDatabase",
  "3F000": "NoSchema",
  "40001": "Conflict",
  "40P01": "Deadlock",
  "42501": "NoPermission",
  "53100": "DiskFull",
  "53200": "OutOfMemory",
  "53300": "TooManyConnections",
  "55P03": "TableLocked",
  "57014": "Cancelled",
  "57P01": "ShuttingDown",
  "57P02": "Crashed",
  "57P03": "StartingUp",
  "57P05": "IdleConnection"
}

const postgresRows: Readonly<Record<string, keyof typeof rowMeanings>> = {
  "22": "DoesNotFit",
  "22001": "TextTooLong",
  "22003": "NumberTooLarge",
  "23": "Constraint",
  "23502": "Empty",
  "23503": "ForeignKey",
  "23505": "Duplicate",
  "23514": "Check",
  "54": "TooLarge",
  P0001: "Trigger",
  P0004: "Trigger"
}

/** Classes whose words name objects, rights and limits, and no value. */
const quotable = new Set(["0A", "25", "28", "3D", "3F", "42", "53", "55", "57", "58"])
/** Classes of what passes: resources, the operator, the system. */
const passing = new Set(["53", "57", "58"])

const server = (problem: ServerProblem, code?: string): SqlFailure => {
  const meaning: Meaning = meanings[problem]
  return {
    _tag: "Server",
    problem,
    retryable: meaning.retryable === true,
    ...(code === undefined ? {} : { code })
  }
}

const ofState = (cause: unknown, code: string): SqlFailure => {
  const kind = code.slice(0, 2)
  const row = postgresRows[code] ?? postgresRows[kind]
  if (row !== undefined) {
    const [constraint, column, type] = ["constraint", "column", "dataType"].map((name) => textOf(cause, name))
    return {
      _tag: "Row",
      problem: row,
      code,
      ...(constraint === undefined ? {} : { constraint }),
      ...(column === undefined ? {} : { column }),
      ...(type === undefined ? {} : { type })
    }
  }
  const quote = quotable.has(kind) ? textOf(cause, "message") : undefined
  const problem = postgres[code] ?? postgres[kind] ?? "Refused"
  const meaning: Meaning = meanings[problem]
  return {
    _tag: "Server",
    problem,
    retryable: meaning.retryable === true || passing.has(kind),
    code,
    ...(quote === undefined ? {} : { quote })
  }
}

/** What SQLite names of a constraint: columns of the table, or an index. A check is named by its text, which may hold values. */
const columnIn = (message: string | undefined): string | undefined =>
  /^(?:UNIQUE|NOT NULL) constraint failed: (.+)$/.exec(message ?? "")?.[1]

const ofSqlite = (number: number, message: string | undefined): SqlFailure => {
  const primary = number & 0xff
  const [row, rowProblem] = sqliteRows[number] ?? sqliteRows[primary] ?? []
  if (row !== undefined && rowProblem !== undefined) {
    const column = columnIn(message)
    return { _tag: "Row", problem: rowProblem, code: row, ...(column === undefined ? {} : { column }) }
  }
  const [name, problem] = sqlite[number] ?? sqlite[primary] ?? [`SQLITE_${primary}`, "Refused"]
  return server(problem, name)
}

/** What `@effect/sql-pg` says word for word: for these two it has neither a code nor an error of its own. */
const said: Readonly<Record<string, ServerProblem>> = {
  "The server does not support TLS": "NoTls",
  "The server requested password authentication": "NoPassword"
}

const property = (cause: unknown, name: string): unknown =>
  typeof cause === "object" && cause !== null && name in cause ? Reflect.get(cause, name) : undefined

const textOf = (cause: unknown, name: string): string | undefined => {
  const value = property(cause, name)
  return typeof value === "string" && value !== "" ? value : undefined
}

/**
 * What an error of a driver means.
 *
 * @since 0.1.0
 * @category constructors
 */
export const of = ({ isRetryable, reason }: SqlError): SqlFailure => {
  const { cause } = reason
  if (cause instanceof UntrustedFile) return { _tag: "Untrusted", file: cause }
  const errcode = property(cause, "errcode")
  if (typeof errcode === "number") return ofSqlite(errcode, textOf(cause, "message"))
  const code = textOf(cause, "code")
  if (code !== undefined) {
    if (/^[0-9A-Z]{5}$/.test(code) && textOf(cause, "severity") !== undefined) return ofState(cause, code)
    if (/CERT|SIGNATURE|ISSUER|^ERR_TLS/.test(code)) return server("UntrustedCertificate", code)
    const known = system[code]
    if (known !== undefined) return server(known, code)
  }
  const known = said[textOf(cause, "message") ?? ""]
  if (known !== undefined) return server(known)
  switch (reason._tag) {
    case "ConnectionError":
      return server("NoConnection")
    case "AuthenticationError":
      return server("NotAdmitted")
    default:
      return { _tag: "Server", problem: "Refused", retryable: isRetryable, code: reason._tag }
  }
}

/**
 * A failure that no driver reports: it did not answer in time, or is of no known kind.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (problem: "NoAnswer" | "UnknownDialect"): SqlFailure => server(problem)
