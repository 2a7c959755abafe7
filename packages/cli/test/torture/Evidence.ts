/** What a chain of killed runs leaves, held against the truth. Each function answers what is wrong, in words. */
import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import { parquetReadObjects } from "hyparquet"
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { gunzipSync, zstdDecompressSync } from "node:zlib"
import type { Event } from "./KillReceiver.ts"

type Problems = ReadonlyArray<string>

const json = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"))

export const stateOf = (path: string) =>
  json(path) as {
    readonly finished: boolean
    readonly sinks: Readonly<Record<string, { readonly at: number | "end" }>>
    readonly stretches?: ReadonlyArray<{ readonly range: { readonly from: number; readonly to: number } }>
  }

const everything = (cwd: string): ReadonlyArray<string> =>
  readdirSync(cwd, { recursive: true, encoding: "utf8" }).filter((name) => statSync(join(cwd, name)).isFile())

const spools = (cwd: string): ReadonlyArray<string> =>
  readdirSync(cwd, { recursive: true, encoding: "utf8" }).filter((name) => /spool-[^/\\]*$/.test(name))

/** A checkpoint that was being written: what it speaks of was flushed, and it has not taken the old one's place. */
export const leftInsideCommit = (cwd: string): boolean =>
  everything(cwd).some((name) => /torture\.json\.[0-9a-f-]{36}\.\d+\.tmp$/.test(name))

/** Nothing is left but what is the result. */
export const leftovers = (cwd: string): Problems =>
  [...everything(cwd), ...spools(cwd)]
    .filter(
      (name) =>
        !/^calls(-[\w-]+)?\.((ndjson|csv)(\.gz|\.zst)?|parquet|manifest\.json)$/.test(name) &&
        ![
          "calls.db",
          "coverage.json",
          "dead-letters.ndjson",
          join(".callstream", "torture.json"),
          join(".callstream", "torture.epoch"),
          join(".callstream", "salt")
        ].includes(name)
    )
    .map((name) => `${name} is left over`)

interface Row {
  readonly id: string
}

const parquetRows = async (bytes: Buffer): Promise<ReadonlyArray<Row>> => {
  const file = new Uint8Array(bytes).buffer
  const compressors = { ZSTD: (page: Uint8Array) => zstdDecompressSync(page) }
  const rows = await parquetReadObjects({ file, compressors, columns: ["id"] })
  return rows.map((row) => ({ id: String(row["id"]) }))
}

/** Ids have no commas and no quotes, and a line that begins with one has a whole row behind it. */
const csvRows = (text: string): ReadonlyArray<Row> => {
  if (!text.endsWith("\r\n")) throw new Error("the last line is torn")
  // A line break inside of quotes is no end of a row: what stands between quotes goes first.
  const [header, ...lines] = text
    .replace(/"(?:[^"]|"")*"/g, "")
    .split("\r\n")
    .slice(0, -1)
  if (header?.split(",")[0] !== "id") throw new Error("there is no header")
  for (const line of lines) if (line.startsWith("id,")) throw new Error("there is a second header")
  return lines.map((line) => ({ id: line.split(",")[0] ?? "" }))
}

const rowsIn = async (path: string): Promise<ReadonlyArray<Row>> => {
  const bytes = readFileSync(path)
  if (path.endsWith(".parquet")) return parquetRows(bytes)
  const plain = path.endsWith(".gz") ? gunzipSync(bytes) : path.endsWith(".zst") ? zstdDecompressSync(bytes) : bytes
  const text = plain.toString("utf8")
  if (path.includes(".csv")) return csvRows(text)
  if (text !== "" && !text.endsWith("\n")) throw new Error("the last line is torn")
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Row)
}

const compare = (what: string, ids: ReadonlyArray<string>, truth: ReadonlySet<string>): Problems => {
  const found = new Set(ids)
  const lost = [...truth].filter((id) => !found.has(id))
  const foreign = [...found].filter((id) => !truth.has(id))
  return [
    ...(lost.length === 0 ? [] : [`${what}: ${lost.length} of ${truth.size} are missing`]),
    ...(foreign.length === 0 ? [] : [`${what}: ${foreign.length} are not of the truth`])
  ]
}

interface Manifest {
  readonly complete: boolean
  readonly files: ReadonlyArray<{ readonly name: string; readonly rows: number; readonly bytes: number }>
}

/** Exactly the truth, each session once. */
export const files = async (
  cwd: string,
  name: string,
  rotated: boolean,
  truth: ReadonlySet<string>
): Promise<Problems> => {
  const problems: Array<string> = []
  const ids: Array<string> = []
  const read = async (file: string) => {
    try {
      const rows = await rowsIn(join(cwd, file))
      ids.push(...rows.map(({ id }) => id))
      return rows.length
    } catch (cause) {
      problems.push(`${file} cannot be read: ${String(cause)}`)
      return 0
    }
  }
  if (rotated) {
    const path = join(cwd, "calls.manifest.json")
    if (!existsSync(path)) return ["there is no manifest"]
    const manifest = json(path) as Manifest
    if (!manifest.complete) problems.push("the manifest does not say that it is complete")
    for (const { bytes, name, rows } of manifest.files) {
      if ((await read(name)) !== rows) problems.push(`${name} has not as many rows as the manifest says`)
      if (existsSync(join(cwd, name)) && statSync(join(cwd, name)).size !== bytes) {
        problems.push(`${name} is not as long as the manifest says`)
      }
    }
    const named = new Set(manifest.files.map(({ name }) => name))
    for (const file of everything(cwd)) {
      if (file.startsWith("calls-") && !named.has(file)) problems.push(`${file} is not in the manifest`)
    }
  } else await read(name)
  if (new Set(ids).size < ids.length) problems.push(`${name}: ${ids.length - new Set(ids).size} came twice`)
  return [...problems, ...compare(name, ids, truth)]
}

const ask = (path: string, sql: string): ReadonlyArray<Record<string, unknown>> => {
  const database = new DatabaseSync(path)
  try {
    return database.prepare(sql).all()
  } finally {
    database.close()
  }
}

/** What a killed run left ends exactly where its account says, and the checkpoint is not ahead of it. */
export const tableAfterKill = (
  cwd: string,
  name: string,
  stretches: ReadonlyArray<{ readonly range: { readonly from: number; readonly to: number } }> = []
): Problems => {
  const path = join(cwd, name)
  if (!existsSync(path)) return []
  const tables = ask(path, "SELECT name FROM sqlite_schema WHERE type = 'table'").map(({ name }) => name)
  if (!tables.includes("call_sessions")) return []
  const accounts = ask(path, "SELECT name, cursor FROM callstream_commits")
  if (stretches.length > 0) {
    const starts = ask(path, "SELECT startedAt AS at FROM call_sessions").map(({ at }) => Date.parse(String(at)) * 1000)
    return stretches.flatMap(({ range: { from, to } }, nth) => {
      const own = accounts.find((one) => String(one["name"]).startsWith(`torture stretch ${from}-${to} `))
      // When all are finished there is the account of the whole.
      const whole = accounts.some(
        (one) => String(one["name"]).startsWith("torture ") && !String(one["name"]).includes("stretch")
      )
      const cursor = whole ? Infinity : own === undefined ? -Infinity : Number(own["cursor"])
      const beyond = starts.filter((at) => at >= Math.max(from, cursor + 1000) && at < to)
      return beyond.length === 0 ? [] : [`${name}: ${beyond.length} rows are beyond what stretch ${nth + 1} says`]
    })
  }
  const [account] = accounts
  const cursor = account === undefined ? Number.NEGATIVE_INFINITY : Number(account["cursor"])
  if (cursor === Number.MAX_SAFE_INTEGER) return []
  const beyond = ask(path, "SELECT startedAt AS at FROM call_sessions").filter(
    ({ at }) => typeof at !== "string" || Date.parse(at) * 1000 >= cursor + 1000
  )
  return beyond.length === 0 ? [] : [`${name}: ${beyond.length} rows are beyond what its account says`]
}

/** Exactly the truth, each session once, and the account says so. */
export const table = (cwd: string, name: string, truth: ReadonlySet<string>): Problems => {
  const path = join(cwd, name)
  const ids = ask(path, "SELECT id FROM call_sessions").map(({ id }) => String(id))
  const [account, more] = ask(path, "SELECT cursor FROM callstream_commits")
  return [
    ...compare(name, ids, truth),
    ...(ids.length === truth.size ? [] : [`${name}: ${ids.length} rows of ${truth.size}`]),
    ...(Number(account?.["cursor"]) === Number.MAX_SAFE_INTEGER && more === undefined
      ? []
      : [`${name}: the account does not say that all is there`])
  ]
}

const unsafe = (sql: SqlClient, text: string) => Effect.orDie(sql.unsafe<Record<string, unknown>>(text))

/** The same of a server, in one statement: what a killed run sent last may still be done between two. */
export const serverAfterKill = Effect.fnUntraced(function* (sql: SqlClient): Effect.fn.Return<Problems> {
  const [made] = yield* unsafe(sql, "SELECT to_regclass('call_sessions') IS NOT NULL AS made")
  if (made?.["made"] !== true) return []
  const beyond = yield* unsafe(
    sql,
    `SELECT id FROM call_sessions, (SELECT coalesce(max(cursor), 0) AS cursor FROM callstream_commits) AS account
WHERE cursor < ${Number.MAX_SAFE_INTEGER} AND coalesce(extract(epoch FROM "startedAt") * 1000000 >= cursor + 1000, true)`
  )
  return beyond.length === 0 ? [] : [`${beyond.length} rows are beyond what the account of the table says`]
})

/** Exactly the truth, each session once, and the account says so. */
export const server = Effect.fnUntraced(function* (
  sql: SqlClient,
  truth: ReadonlySet<string>
): Effect.fn.Return<Problems> {
  const ids = (yield* unsafe(sql, "SELECT id FROM call_sessions")).map(({ id }) => String(id))
  const [account, more] = yield* unsafe(sql, "SELECT cursor::text AS cursor FROM callstream_commits")
  return [
    ...compare("PostgreSQL", ids, truth),
    ...(ids.length === truth.size ? [] : [`PostgreSQL: ${ids.length} rows of ${truth.size}`]),
    ...(Number(account?.["cursor"]) === Number.MAX_SAFE_INTEGER && more === undefined
      ? []
      : ["PostgreSQL: the account does not say that all is there"])
  ]
})

/** Each session at least once, and with the same id as often as it came with the same content. */
export const received = (
  events: ReadonlyArray<Event>,
  truth: ReadonlySet<string>,
  refuses: (id: string) => boolean
): Problems => {
  const taken = new Set([...truth].filter((id) => !refuses(id)))
  const ids = new Map<string, string>()
  const contents = new Map<string, string>()
  const problems = new Set<string>()
  for (const { data, id, sessionId } of events) {
    // A recording's address is signed anew by each answer of the API.
    const { recordingUrl, ...rest } = data
    const content = JSON.stringify([sessionId, String(recordingUrl).replace(/[?#].*$/s, ""), rest])
    if ((ids.get(content) ?? id) !== id) problems.add("webhook: the same content came with two ids")
    if ((contents.get(id) ?? content) !== content) problems.add("webhook: one id came with two contents")
    ids.set(content, id)
    contents.set(id, content)
  }
  return [
    ...problems,
    ...compare(
      "webhook",
      events.map(({ sessionId }) => sessionId),
      taken
    )
  ]
}

/** What the receiver refused, at least once, and whole lines but those that a killed run left half written. */
export const deadLetters = (cwd: string, truth: ReadonlySet<string>, refuses: (id: string) => boolean): Problems => {
  const path = join(cwd, "dead-letters.ndjson")
  const expected = new Set([...truth].filter(refuses))
  if (!existsSync(path)) return expected.size === 0 ? [] : ["there are no dead letters"]
  const ids = readFileSync(path, "utf8")
    .split("\n")
    .flatMap((line) => {
      try {
        const letter = JSON.parse(line) as {
          readonly record?: { readonly id: string }
          readonly row?: { readonly id: string }
        }
        const id = (letter.record ?? letter.row)?.id
        return id === undefined ? [] : [id]
      } catch {
        return []
      }
    })
  return compare("dead letters", ids, expected)
}

/** Each session at least once; every line whole, except for the one in which a run was killed. */
export const appended = (outputs: ReadonlyArray<string>, truth: ReadonlySet<string>): Problems => {
  const ids: Array<string> = []
  const problems: Array<string> = []
  outputs.forEach((output, run) => {
    const lines = output.split("\n")
    const torn = lines.pop()
    if (torn !== "" && run === outputs.length - 1) problems.push("stdout: the last line is torn")
    for (const line of lines) {
      try {
        ids.push((JSON.parse(line) as { readonly id: string }).id)
      } catch {
        problems.push("stdout: a line in the middle is torn")
      }
    }
  })
  return [...problems, ...compare("stdout", ids, truth)]
}

interface Coverage {
  readonly set: string
  readonly of: number
  readonly undated: number
  readonly windows: ReadonlyArray<{ readonly from: string; readonly to: string; readonly count: number }>
}

/** Windows without a hole or an overlap over the range, of which the undated have one of no length at the end. */
export const coverage = (path: string, range: { readonly from?: string; readonly to?: string }): Problems => {
  if (!existsSync(path)) return ["coverage: there is no file"]
  const { of, set, windows } = json(path) as Coverage
  const problems: Array<string> = []
  const [first] = windows
  const last = windows.at(-1)
  if (first === undefined || last === undefined) return ["coverage: there are no windows"]
  const at = (text: string) => Date.parse(text)
  windows.forEach(({ from, to }, index) => {
    const next = windows[index + 1]
    if (next !== undefined && next.from !== to) problems.push(`coverage: ${to} and ${next.from} do not meet`)
    if (from === to && next !== undefined) problems.push("coverage: a window of no length is not the last")
  })
  if (range.from !== undefined && at(first.from) !== at(range.from)) problems.push("coverage: begins elsewhere")
  if (range.to !== undefined && at(last.to) !== at(range.to)) problems.push("coverage: ends elsewhere")
  const whole = range.from === undefined && range.to === undefined
  if (whole && last.from !== last.to) problems.push("coverage: has no window for those without a start")
  const sum = windows.reduce((sum, { count }) => sum + count, 0)
  if (sum !== of) problems.push(`coverage: ${of} sessions, and ${sum} in its windows: ${JSON.stringify(windows)}`)
  if (set === "unprovable") problems.push("coverage: unprovable")
  return problems
}
