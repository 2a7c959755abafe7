/**
 * What went wrong in a database, and what can be done about it: the one place where its errors are mapped. A driver's own
 * words are not repeated, because they quote values; only what the database says of names, rights and rooms is.
 */
import type { SqlError } from "effect/sql/SqlError"

export interface SqlFailure {
  /** Whether the same statement may succeed later, or on another connection. */
  readonly retryable: boolean
  /** It is about what a row holds: another row would have been taken. */
  readonly row: boolean
  /** It is about a file that was there before, and may be somebody else's. */
  readonly untrusted?: true
  /** In one sentence without a capital and a full stop. */
  readonly description: string
  readonly advice?: string
  /** An SQLSTATE, SQLite's name of it, or the system's code. */
  readonly code?: string
}

const property = (cause: unknown, name: string): unknown =>
  typeof cause === "object" && cause !== null && name in cause ? Reflect.get(cause, name) : undefined

const textOf = (cause: unknown, name: string): string | undefined => {
  const value = property(cause, name)
  return typeof value === "string" && value !== "" ? value : undefined
}

type Told = Omit<SqlFailure, "row" | "retryable" | "code">

const again = "Run it again: it goes on where it was."

/** By SQLite's number without its details, and its name for it. */
const sqlite: Readonly<Record<number, Told & { readonly name: string; readonly retryable?: true }>> = {
  3: { name: "SQLITE_PERM", description: "no permission", advice: "Allow this user to write to the file." },
  5: {
    name: "SQLITE_BUSY",
    retryable: true,
    description: "the database is locked by another process",
    advice: "Let the other one finish, or end it, and run this again."
  },
  6: {
    name: "SQLITE_LOCKED",
    retryable: true,
    description: "a table is locked by another statement",
    advice: "Let the other one finish, and run this again."
  },
  8: {
    name: "SQLITE_READONLY",
    description: "the file, or its folder, cannot be written to",
    advice: "Allow this user to write to both: SQLite keeps files of its own beside the database."
  },
  10: {
    name: "SQLITE_IOERR",
    description: "the disk did not do what it was asked to",
    advice: "Look after the disk, and for room on it, and run it again."
  },
  11: {
    name: "SQLITE_CORRUPT",
    description: "the file is damaged",
    advice: "Restore it from a copy; sqlite3 FILE .recover may save what is in it."
  },
  13: {
    name: "SQLITE_FULL",
    retryable: true,
    description: "the disk is full",
    advice: "Make room, and run it again: it goes on where it was."
  },
  14: {
    name: "SQLITE_CANTOPEN",
    description: "the file cannot be opened",
    advice: "Is its folder there, and may this user write to it?"
  },
  26: {
    name: "SQLITE_NOTADB",
    description: "the file is no SQLite database",
    advice: "Choose another name: what is there is left as it is."
  }
}

const system: Readonly<Record<string, Told & { readonly retryable?: true }>> = {
  ECONNREFUSED: {
    retryable: true,
    description: "nobody answers there",
    advice: "Does the server run, and are host and port right?"
  },
  ECONNRESET: { retryable: true, description: "the connection was cut off", advice: again },
  EPIPE: { retryable: true, description: "the connection was cut off", advice: again },
  ETIMEDOUT: { retryable: true, description: "no answer came in time", advice: "Can the server be reached from here?" },
  EHOSTUNREACH: { retryable: true, description: "the host cannot be reached", advice: "Is the network up?" },
  ENETUNREACH: { retryable: true, description: "the network cannot be reached", advice: "Is the network up?" },
  EAI_AGAIN: {
    retryable: true,
    description: "the name of the host could not be looked up",
    advice: "Is the network up?"
  },
  ENOTFOUND: { description: "there is no such host", advice: "Check the name of the host." },
  ENOENT: { description: "the folder, or a file that is needed, is not there", advice: "Check the path." },
  ENOTDIR: { description: "what should be the folder is none", advice: "Check the path." },
  EISDIR: { description: "it is a folder", advice: "Give it the name of a file." },
  EACCES: { description: "no permission", advice: "Allow this user to read and write there." },
  EPERM: { description: "no permission", advice: "Allow this user to read and write there." },
  EROFS: { description: "the file system is read-only", advice: "Choose another place." },
  ENOSPC: { retryable: true, description: "the disk is full", advice: "Make room, and run it again." }
}

const certificate =
  "Give sslrootcert=FILE with the authority that signed it, or sslmode=require to encrypt without knowing to whom."

/** By SQLSTATE. */
const postgres: Readonly<Record<string, Told & { readonly retryable?: true }>> = {
  "25P03": { retryable: true, description: "the server ended a transaction that waited too long", advice: again },
  "28P01": { description: "the password is wrong", advice: "Check the user and the password in the URL." },
  "3D000": { description: "there is no such database", advice: "Make it, or name another one in the URL." },
  "3F000": { description: "there is no such schema", advice: "Make it, or name another one with --schema." },
  "40001": { retryable: true, description: "another transaction came in between", advice: again },
  "40P01": { retryable: true, description: "two transactions waited for each other", advice: again },
  "42501": { description: "no permission", advice: "Grant this user what docs/sql.md says it needs." },
  "53100": {
    retryable: true,
    description: "the server's disk is full",
    advice: "Make room there, and run it again: it goes on where it was."
  },
  "53200": { retryable: true, description: "the server has no memory left", advice: again },
  "53300": {
    retryable: true,
    description: "the server has too many connections already",
    advice: "Close some, or allow more, and run it again."
  },
  "55P03": {
    retryable: true,
    description: "the table is locked by another transaction",
    advice: "Let the other one finish, or end it, and run this again."
  },
  "57014": {
    retryable: true,
    description: "the server cancelled the statement, by a limit of its own or by hand",
    advice: again
  },
  "57P01": { retryable: true, description: "the server is shutting down", advice: "Run it again when it is up." },
  "57P02": { retryable: true, description: "the server has crashed", advice: "Run it again when it is up." },
  "57P03": { retryable: true, description: "the server is starting up", advice: "Run it again when it is up." },
  "57P05": { retryable: true, description: "the server ended a connection that was idle", advice: again }
}

/** Classes whose words name objects, rights and rooms, and no value. */
const quotable = /^(?:0A|25|28|3D|3F|42|53|55|57|58)/
/** What is about the values of a row: data, constraints, sizes, what a trigger refuses. */
const ofRow = /^(?:22|23|54|P0001|P0004)/

const ofState = (cause: unknown, code: string): SqlFailure => {
  const known = postgres[code]
  const words = quotable.test(code) ? textOf(cause, "message") : undefined
  const quoted = words === undefined ? "" : `: ${words}`
  if (ofRow.test(code)) {
    const places = (["constraint", "column", "dataType"] as const).flatMap((field) => {
      const name = textOf(cause, field)
      return name === undefined ? [] : [`${field === "dataType" ? "type" : field} ${name}`]
    })
    return {
      retryable: false,
      row: true,
      code,
      description: `${rowProblems[code] ?? rowProblems[code.slice(0, 2)] ?? "the database refuses it"} (${[...places, `SQLSTATE ${code}`].join(", ")})`,
      advice: "Look at what the table demands of its rows, or leave such rows out."
    }
  }
  const lost = code.startsWith("08")
  const description = lost ? "the connection was lost" : (known?.description ?? "the server refused")
  const advice = lost ? again : known?.advice
  return {
    retryable: lost || known?.retryable === true || /^5[378]/.test(code),
    row: false,
    code,
    description: `${description}${quoted} (SQLSTATE ${code})`,
    ...(advice === undefined ? {} : { advice })
  }
}

const rowProblems: Readonly<Record<string, string>> = {
  "22": "a value does not fit its column",
  "22001": "a text is too long for its column",
  "22003": "a number is too large for its column",
  "23": "a constraint of the table refuses it",
  "23502": "a column of the table must not be empty",
  "23503": "a foreign key of the table has nothing to point to",
  "23505": "another row has the same value where the table wants each once",
  "23514": "a check of the table refuses it",
  "54": "it is too large, or nested too deeply, for the database",
  P0: "a trigger of the table refuses it"
}

const ofSqlite = (number: number): SqlFailure => {
  const primary = number & 0xff
  if (primary === 19 || primary === 18) {
    return {
      retryable: false,
      row: true,
      code: primary === 19 ? "SQLITE_CONSTRAINT" : "SQLITE_TOOBIG",
      description: primary === 19 ? "a constraint of the table refuses a row" : "a row is too large for SQLite",
      advice: "Look at what the table demands of its rows, or leave such rows out with --where."
    }
  }
  const known = sqlite[primary]
  if (known === undefined) {
    return { retryable: false, row: false, code: `SQLITE_${primary}`, description: `SQLite refused (error ${number})` }
  }
  const { advice, description, name, retryable = false } = known
  return {
    retryable,
    row: false,
    code: name,
    description: `${description} (${name})`,
    ...(advice === undefined ? {} : { advice })
  }
}

/** What an error of a driver means. */
export const of = ({ isRetryable, reason }: SqlError): SqlFailure => {
  const { cause } = reason
  if (property(cause, "_tag") === "UntrustedFile") {
    const description = textOf(cause, "message") ?? ""
    return { retryable: false, row: false, untrusted: true, description, advice: textOf(cause, "advice") ?? "" }
  }
  const errcode = property(cause, "errcode")
  if (typeof errcode === "number") return ofSqlite(errcode)
  const code = textOf(cause, "code")
  if (code !== undefined && /^[0-9A-Z]{5}$/.test(code) && textOf(cause, "severity") !== undefined) {
    return ofState(cause, code)
  }
  if (code !== undefined && /CERT|SIGNATURE|ISSUER|^ERR_TLS/.test(code)) {
    const description = `the server's certificate is not to be trusted (${code})`
    return { retryable: false, row: false, code, description, advice: certificate }
  }
  const known = code === undefined ? undefined : system[code]
  if (known !== undefined && code !== undefined) {
    const { advice, description, retryable = false } = known
    return {
      retryable,
      row: false,
      code,
      description: `${description} (${code})`,
      ...(advice === undefined ? {} : { advice })
    }
  }
  const words = textOf(cause, "message") ?? ""
  if (words === "The server does not support TLS") {
    const advice = "Turn TLS on there, or say sslmode=prefer or disable."
    return { retryable: false, row: false, description: "the server does not speak TLS", advice }
  }
  if (words === "The server requested password authentication") {
    const advice = "Put it into the URL in an environment variable, or into PGPASSWORD."
    return { retryable: false, row: false, description: "the server wants a password, and there is none", advice }
  }
  switch (reason._tag) {
    case "ConnectionError":
      return {
        retryable: true,
        row: false,
        description: "the connection was lost, or did not come about",
        advice: again
      }
    case "AuthenticationError":
      return {
        retryable: false,
        row: false,
        description: "the server does not let this user in",
        advice: "Check the user and the password in the URL."
      }
    default:
      return { retryable: isRetryable, row: false, description: `the database refused (${reason._tag})` }
  }
}
