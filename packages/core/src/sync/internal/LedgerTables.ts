/** The tables of ledgers: how they are made, asked and written to, by database. */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import * as EntryBytes from "./EntryBytes.ts"
import type * as EntryPage from "./EntryPage.ts"
import { type Asked, type Entry, isAbsent } from "../Ledger.ts"

/** A row a ledger: it is made with the lease. */
export const ledgers = "callstream_ledgers"
export const calls = "callstream_ledger_calls"
/** Calls that became known together, and did not change since: a row for some of them. */
export const pages = "callstream_ledger_pages"
const schema = "callstream_ledger_schema"
/** Where exports keep their states. */
const checkpoints = "callstream_checkpoints"
/** Ranges that were asked for. They are no part of a ledger's row, which the run that holds it replaces. */
const asked = "callstream_ledger_asked"

export interface Dialect {
  readonly begin: string
  /** Begins a transaction that only reads, and always the same state. */
  readonly look: string
  /** A run waits for it before it makes or changes tables. */
  readonly alone: string | undefined
  readonly types: { readonly bytes: string; readonly integer: string; readonly options: string }
  readonly write: string
  /** One row where the table of ledgers is there. */
  readonly tables: string
  /** One row where the table of checkpoints is there. */
  readonly checkpoints: string
  readonly checkpoint: string
  readonly holder: string
  readonly between: string
  readonly count: string
  readonly gone: string
  readonly absent: string
  readonly asked: string
  readonly ask: string
  readonly taken: string
  readonly due: string
  readonly withoutStart: string
  readonly changed: string
  /** Those that changed after a commit, by start and id, after one. */
  readonly changedByStart: string
  /** By id, after one. */
  readonly after: string
  readonly forget: string
  readonly select: (where: string) => string
  readonly byId: (count: number) => string
  readonly remove: (count: number) => string
  readonly upsert: (rows: number) => string
  readonly pages: Pages
}

/** Conditions on pages, and statements about them. */
interface Pages {
  readonly select: (where: string) => string
  /** Ids alone, with the first commits. */
  readonly ids: string
  /** Calls of pages that are in a range of seconds as a whole. */
  readonly count: string
  /** How many calls a page has, and where they start. */
  readonly place: string
  /** Pages that are in a range of seconds as a part only. */
  readonly edges: string
  readonly between: string
  readonly due: string
  /** By the first commit, after one. */
  readonly after: string
  /** With a call that changed after a commit. */
  readonly changed: string
  /** Of the first commits of pages. */
  readonly of: (count: number) => string
  readonly remove: string
  /** Those that started before a second, and changed up to a commit. */
  readonly forget: string
  /** Those that did not as a whole. */
  readonly forgetPart: string
  readonly insert: (rows: number) => string
}

/** In the place of when a call is due: it is gone, or absent. */
const gone = -1
const absent = -2
const present = `(due IS NULL OR due <> ${gone})`

const second = 1_000_000

/** The column of when a call is due, in seconds. */
const dueOf = (entry: Entry): number | null =>
  entry.gone !== undefined
    ? gone
    : isAbsent(entry)
      ? absent
      : entry.due === undefined
        ? null
        : Math.floor(entry.due / second)

/** What an upsert takes for entries; `agentOf` gives the place of an agent's id. */
export const columnsOf = (
  ledger: number,
  entries: ReadonlyArray<Entry>,
  agentOf: (id: string) => number
): ReadonlyArray<unknown> => {
  const all: Array<unknown> = []
  for (const entry of entries) {
    const start = entry.start === undefined ? null : Math.floor(entry.start / second)
    const facts = EntryBytes.encode(entry, agentOf(entry.agent))
    all.push(ledger, EntryBytes.ofId(entry.id), start, entry.changed, dueOf(entry), facts)
  }
  return all
}

/** What `count` answered. */
export const countIn = ([row]: ReadonlyArray<unknown>): number =>
  typeof row === "object" && row !== null && "calls" in row ? Number(row.calls) : 0

/** What an insert takes for pages. */
export const columnsOfPages = (ledger: number, parts: ReadonlyArray<EntryPage.Part>): ReadonlyArray<unknown> =>
  parts.flatMap(({ calls, due, first, ids, readAt, records, since, until }) => [
    ledger,
    first,
    calls,
    since,
    until,
    due,
    readAt,
    ids,
    records
  ])

type Place = (n: number, type: "bytes" | "integer" | "text" | "time") => string

const pagesOf = (place: Place): Pages => {
  const integer = (n: number) => place(n, "integer")
  const list = (count: number) => Array.from({ length: count }, (_, i) => integer(2 + i)).join(", ")
  const inserts = new Map<number, string>()
  return {
    select: (where) => `SELECT first, read_at, ids, records FROM ${pages} WHERE ledger = ${integer(1)} AND ${where}`,
    ids: `SELECT first, calls, ids FROM ${pages} WHERE ledger = ${integer(1)}`,
    count: `SELECT coalesce(sum(calls), 0) AS calls FROM ${pages} WHERE ledger = ${integer(1)} AND since >= ${integer(2)} AND until < ${integer(3)}`,
    place: `SELECT calls, since, until FROM ${pages} WHERE ledger = ${integer(1)} AND first = ${integer(2)}`,
    edges: `until >= ${integer(2)} AND since < ${integer(3)} AND NOT (since >= ${integer(4)} AND until < ${integer(5)})`,
    between: `until >= ${integer(2)} AND since < ${integer(3)}`,
    due: `due <= ${integer(2)}`,
    after: `first > ${integer(2)} ORDER BY first LIMIT ${integer(3)}`,
    changed: `first + calls > ${integer(2)} AND first > ${integer(3)} ORDER BY first LIMIT ${integer(4)}`,
    of: (count) => `first IN (${list(count)})`,
    remove: `DELETE FROM ${pages} WHERE ledger = ${integer(1)} AND first = ${integer(2)}`,
    forget: `DELETE FROM ${pages} WHERE ledger = ${integer(1)} AND until < ${integer(2)} AND first + calls <= ${integer(3)}`,
    forgetPart: `since < ${integer(2)} AND first <= ${integer(3)}`,
    insert: (rows) => {
      const known = inserts.get(rows)
      if (known !== undefined) return known
      const values = Array.from({ length: rows }, (_, i) => {
        const integers = [1, 2, 3, 4, 5, 6, 7].map((at) => integer(9 * i + at))
        return `(${integers.join(", ")}, ${place(9 * i + 8, "bytes")}, ${place(9 * i + 9, "bytes")})`
      })
      const text = `INSERT INTO ${pages} (ledger, first, calls, since, until, due, read_at, ids, records) VALUES ${values.join(", ")}`
      inserts.set(rows, text)
      return text
    }
  }
}

const make = (
  place: Place,
  differing: Pick<Dialect, "begin" | "look" | "alone" | "tables" | "checkpoints" | "types">
): Dialect => {
  const integer = (n: number) => place(n, "integer")
  /** By how many rows they have: 500 at most. */
  const upserts = new Map<number, string>()
  const list = (count: number, from: number) =>
    Array.from({ length: count }, (_, i) => place(from + i, "bytes")).join(", ")
  return {
    ...differing,
    pages: pagesOf(place),
    write: `UPDATE ${ledgers} SET state = ${place(1, "text")}, updated_at = ${place(2, "time")} WHERE name = ${place(3, "text")} AND holder = ${place(4, "text")} RETURNING name`,
    checkpoint: `SELECT 1 AS found FROM ${checkpoints} WHERE name = ${place(1, "text")} AND state IS NOT NULL`,
    holder: `SELECT holder FROM ${ledgers} WHERE name = ${place(1, "text")}`,
    between: `start >= ${integer(2)} AND start < ${integer(3)} AND ${present}`,
    count: `SELECT count(*) AS calls FROM ${calls} WHERE ledger = ${integer(1)} AND start >= ${integer(2)} AND start < ${integer(3)} AND (due IS NULL OR due >= 0)`,
    gone: `due = ${gone} AND (start IS NULL OR (start >= ${integer(2)} AND start < ${integer(3)}))`,
    absent: `due = ${absent}`,
    asked: `SELECT id, since, until FROM ${asked} WHERE name = ${place(1, "text")} ORDER BY id`,
    ask: `INSERT INTO ${asked} (name, id, since, until) VALUES (${place(1, "text")}, ${place(2, "text")}, ${integer(3)}, ${integer(4)})`,
    taken: `DELETE FROM ${asked} WHERE name = ${place(1, "text")} AND id = ${place(2, "text")}`,
    due: `due >= 0 AND due <= ${integer(2)}`,
    withoutStart: `start IS NULL AND ${present}`,
    changed: `changed > ${integer(2)} ORDER BY changed LIMIT ${integer(3)}`,
    changedByStart: `changed > ${integer(2)} AND (start > ${integer(3)} OR (start = ${integer(4)} AND id > ${place(5, "bytes")})) AND ${present} ORDER BY start, id LIMIT ${integer(6)}`,
    after: `id > ${place(2, "bytes")} ORDER BY id LIMIT ${integer(3)}`,
    forget: `DELETE FROM ${calls} WHERE ledger = ${integer(1)} AND start < ${integer(2)} AND changed <= ${integer(3)}`,
    select: (where) => `SELECT id, start, changed, due, facts FROM ${calls} WHERE ledger = ${integer(1)} AND ${where}`,
    byId: (count) => `id IN (${list(count, 2)})`,
    remove: (count) => `DELETE FROM ${calls} WHERE ledger = ${integer(1)} AND id IN (${list(count, 2)})`,
    upsert: (rows) => {
      const known = upserts.get(rows)
      if (known !== undefined) return known
      const values = Array.from({ length: rows }, (_, i) => {
        const n = 6 * i
        return `(${integer(n + 1)}, ${place(n + 2, "bytes")}, ${[3, 4, 5].map((at) => integer(n + at)).join(", ")}, ${place(n + 6, "bytes")})`
      })
      const text =
        `INSERT INTO ${calls} (ledger, id, start, changed, due, facts) VALUES ${values.join(", ")} ` +
        "ON CONFLICT (ledger, id) DO UPDATE SET start = excluded.start, changed = excluded.changed, due = excluded.due, facts = excluded.facts"
      upserts.set(rows, text)
      return text
    }
  }
}

const casts = { bytes: "bytea", integer: "bigint", text: "text", time: "timestamptz" }

const postgres = make((n, type) => `$${n}::${casts[type]}`, {
  begin: "BEGIN",
  look: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
  alone: `SELECT pg_advisory_xact_lock(hashtextextended('callstream makes ${calls}', 0))`,
  tables: `SELECT 1 AS found WHERE to_regclass('${ledgers}') IS NOT NULL`,
  checkpoints: `SELECT 1 AS found WHERE to_regclass('${checkpoints}') IS NOT NULL`,
  types: { bytes: "bytea", integer: "bigint", options: "" }
})

// Numbered ones are looked up in a list, which takes as long as the square of their count. Each is used once, in its order.
const sqlite = make(() => "?", {
  begin: "BEGIN IMMEDIATE",
  look: "BEGIN",
  alone: undefined,
  tables: `SELECT 1 AS found FROM sqlite_schema WHERE name = '${ledgers}'`,
  checkpoints: `SELECT 1 AS found FROM sqlite_schema WHERE name = '${checkpoints}'`,
  types: { bytes: "blob", integer: "integer", options: " WITHOUT ROWID" }
})

/** The lease was refused for any other database. */
export const dialectOf = (sql: SqlClient.SqlClient): Dialect =>
  sql.onDialectOrElse({ pg: () => postgres, orElse: () => sqlite })

/** What leads from each version of the tables to the next one. */
const migrations: ReadonlyArray<(dialect: Dialect) => ReadonlyArray<string>> = [
  ({ types: { bytes, integer, options } }) => [
    `CREATE TABLE ${calls} (ledger ${integer} NOT NULL, id ${bytes} NOT NULL, start ${integer}, changed ${integer} NOT NULL, due ${integer}, facts ${bytes} NOT NULL, PRIMARY KEY (ledger, id))${options}`,
    `CREATE INDEX callstream_ledger_start ON ${calls} (ledger, start)`,
    `CREATE INDEX callstream_ledger_due ON ${calls} (ledger, due) WHERE due IS NOT NULL`,
    `CREATE TABLE ${pages} (ledger ${integer} NOT NULL, first ${integer} NOT NULL, calls ${integer} NOT NULL, since ${integer} NOT NULL, until ${integer} NOT NULL, due ${integer}, read_at ${integer} NOT NULL, ids ${bytes} NOT NULL, records ${bytes} NOT NULL, PRIMARY KEY (ledger, first))`,
    `CREATE INDEX callstream_ledger_page_start ON ${pages} (ledger, since, until, calls)`,
    `CREATE INDEX callstream_ledger_page_due ON ${pages} (ledger, due) WHERE due IS NOT NULL`
  ],
  ({ types: { integer } }) => [
    `CREATE TABLE ${asked} (name text NOT NULL, id text NOT NULL, since ${integer} NOT NULL, until ${integer} NOT NULL, PRIMARY KEY (name, id))`
  ]
]

/** The version that this program knows. */
export const version = migrations.length

/** Brings the tables to the known version, in the transaction of the caller. A later one is left as it is, and given back. */
export const migrate = Effect.fnUntraced(function* (
  connection: Connection,
  dialect: Dialect
): Effect.fn.Return<number, SqlError> {
  const run = (text: string) => connection.executeUnprepared(text, [], undefined)
  if (dialect.alone !== undefined) yield* run(dialect.alone)
  yield* run(`CREATE TABLE IF NOT EXISTS ${schema} (version ${dialect.types.integer} NOT NULL)`)
  const [row] = yield* run(`SELECT version FROM ${schema}`)
  const found = row === undefined ? 0 : Number(row["version"])
  if (found >= version) return found
  for (const migration of migrations.slice(found)) for (const text of migration(dialect)) yield* run(text)
  yield* run(
    row === undefined ? `INSERT INTO ${schema} VALUES (${version})` : `UPDATE ${schema} SET version = ${version}`
  )
  return version
})

/** A range that was asked for, as it came from a driver. */
export const askedIn = (row: unknown): ReadonlyArray<Asked> => {
  const { id, since, until }: Record<string, unknown> = { ...(typeof row === "object" ? row : {}) }
  return typeof id === "string" ? [{ id, from: Number(since), to: Number(until) }] : []
}

/** Calls of rows that cannot be read, and between which seconds they start, as far as that is known. */
export interface Lost {
  readonly calls: number
  readonly since: number
  readonly until: number
}

/** What a page held, by its columns: what was made of it by hand may be anything. */
export const lostIn = (row: unknown): Lost => {
  const { calls, since, until }: Record<string, unknown> = { ...(typeof row === "object" ? row : {}) }
  const numbers = { calls: Number(calls), since: Number(since), until: Number(until) }
  return Object.values(numbers).every(Number.isSafeInteger) ? numbers : { calls: 1, since: 0, until: farthest }
}

/** What the row of a call held. */
export const lostCall = (row: unknown): Lost => {
  const { start }: Record<string, unknown> = { ...(typeof row === "object" ? row : {}) }
  return lostIn(start === null ? undefined : { calls: 1, since: start, until: start })
}

/** No call starts later, in seconds. */
const farthest = 1e10 - 1

/** A page as it came from a driver. */
export const readPage = (row: unknown): EntryPage.Kept | undefined => {
  const { first, ids, read_at, records }: Record<string, unknown> = { ...(typeof row === "object" ? row : {}) }
  if (!(ids instanceof Uint8Array) || !(records instanceof Uint8Array)) return undefined
  return { first: Number(first), readAt: Number(read_at), ids, records }
}

/** Its ids alone, if they are as many as its calls. */
export const readIds = (row: unknown): Pick<EntryPage.Kept, "first" | "ids"> | undefined => {
  const { calls, first, ids }: Record<string, unknown> = { ...(typeof row === "object" ? row : {}) }
  const isWhole = ids instanceof Uint8Array && ids.length === EntryBytes.uuidBytes * Number(calls)
  return isWhole ? { first: Number(first), ids } : undefined
}

interface Columns extends Pick<Entry, "id" | "start" | "changed" | "due"> {
  readonly facts: Uint8Array
}

/** A row of the table as it came from a driver. */
export const read = (row: unknown): Columns | undefined => {
  if (typeof row !== "object" || row === null) return undefined
  const { changed, due, facts, id, start }: Record<string, unknown> = { ...row }
  if (!(id instanceof Uint8Array) || !(facts instanceof Uint8Array)) return undefined
  return {
    id: EntryBytes.toId(id),
    start: start === null ? undefined : Number(start) * second,
    changed: Number(changed),
    due: due === null || Number(due) < 0 ? undefined : Number(due) * second,
    facts
  }
}
