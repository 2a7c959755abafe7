/** What to do about databases and their tables. */
import type { ServerProblem, SqlFailure } from "@callstream/core/platform/SqlFailure"
import type { TableProblem } from "@callstream/core/sink/SinkReason"
import { again, type Reader, untrusted } from "./FileAdvice.ts"

const server = (problem: ServerProblem, reader: Reader): string | undefined => {
  const { speaker } = reader
  const rerun = again(reader)
  switch (problem) {
    case "Locked":
    case "TableLocked":
      return `Let the other one finish, or end it, then ${rerun}.`
    case "NoPermission":
      return "Grant this user what docs/sql.md says it needs; of a file, allow it to read and write there."
    case "FileReadOnly":
      return "Allow this user to write to both: SQLite keeps files of its own beside the database."
    case "FileMoved":
      return `Leave it in its place until the run has ended, and ${rerun}.`
    case "DiskFailed":
      return `Check the disk and the room on it, then ${rerun}.`
    case "FileDamaged":
      return "Restore it from a copy; sqlite3 FILE .recover may save what is in it."
    case "DiskFull":
      return `Make room there, and ${rerun}.`
    case "CannotOpen":
      return "Check that its folder exists, and that this user may write to it."
    case "NotADatabase":
      return "Choose another name: what is there is left as it is."
    case "ConnectionRefused":
      return "Check that the server runs, and that host and port are right."
    case "NoAnswer":
      return `Check that the server can be reached and that nothing holds a lock, then ${rerun}.`
    case "HostUnreachable":
    case "LookupFailed":
      return "Check the network."
    case "NoHost":
      return "Check the name of the host."
    case "NotThere":
    case "NotAFolder":
      return "Check the path."
    case "IsAFolder":
      return "Give it the name of a file."
    case "ReadOnlySystem":
      return "Choose another place."
    case "WrongPassword":
    case "NotAdmitted":
      return "Check the user and the password in the URL."
    case "NoPassword":
      return "Put it into the URL in an environment variable, or into PGPASSWORD."
    case "NoDatabase":
      return "Make it, or name another one in the URL."
    case "NoSchema":
      return `Make it, or name another one with ${speaker.name({ option: "schema" })}.`
    case "TooManyConnections":
      return `Close some, or allow more, and ${rerun}.`
    case "ShuttingDown":
    case "Crashed":
    case "StartingUp":
      return `When it is up, ${rerun}.`
    case "UntrustedCertificate":
      return "Give sslrootcert=FILE with the authority that signed it, or sslmode=require to encrypt without knowing to whom."
    case "NoTls":
      return "Turn TLS on there, or say sslmode=prefer or disable."
    case "ConnectionLost":
    case "NoConnection":
    case "IdleTransaction":
    case "IdleConnection":
    case "Conflict":
    case "Deadlock":
    case "OutOfMemory":
    case "Cancelled":
      return `${rerun.slice(0, 1).toUpperCase()}${rerun.slice(1)}.`
    case "UnknownDialect":
    case "Refused":
      return undefined
  }
}

export const database = (failure: SqlFailure, reader: Reader): string | undefined => {
  switch (failure._tag) {
    case "Server":
      return server(failure.problem, reader)
    case "Row":
      return `Check what the table requires of its rows, or leave such rows out with ${reader.speaker.name({ option: "where" })}.`
    case "Untrusted":
      return untrusted(failure.file)
  }
}

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`

export const table = (problem: TableProblem, { speaker: { name } }: Reader): string => {
  const another = `or choose another table with ${name({ option: "table" })}`
  switch (problem._tag) {
    case "NoSearchPath":
      return `Name one with ${name({ option: "schema" })}.`
    case "NoSchema":
      return `Make it (CREATE SCHEMA ${quote(problem.schema)}), or name another one with ${name({ option: "schema" })}.`
    case "MayNotUseSchema":
      return `Grant it: GRANT USAGE ON SCHEMA ${quote(problem.schema)} TO …`
    case "MayNotMake":
      return `Make it yourself, or grant it: GRANT CREATE ON SCHEMA ${quote(problem.schema)} TO …`
    case "MayNotWrite":
      return `Grant it: GRANT SELECT, INSERT, UPDATE ON ${quote(problem.schema)}.${quote(problem.table)} TO …`
    case "NoEpoch":
      return `Let its owner run: ALTER TABLE ${problem.table} ADD COLUMN epoch bigint NOT NULL DEFAULT 0`
    case "NotATable":
      return `Name a table with ${name({ option: "table" })}; it is made when it is missing.`
    case "NoKey":
    case "WideKey":
      return `Give it one of one text column for the call's id, ${another}.`
    case "Generated":
      return `Rename that column, ${another}.`
    case "OtherType":
      return `Change its type, rename it, ${another}.`
    case "Required":
      return `Give it a default, let it be empty, ${another}.`
  }
}
