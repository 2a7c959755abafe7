/** What DuckDB, which knows nothing of how a file was written, finds in it. */
import { type DuckDBConnection, DuckDBInstance, type DuckDBValue } from "@duckdb/node-api"

let connection: Promise<DuckDBConnection> | undefined

const connect = async (): Promise<DuckDBConnection> => {
  const instance = await DuckDBInstance.create(":memory:")
  const connected = await instance.connect()
  await connected.run("SET TimeZone = 'UTC'")
  return connected
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`

const query = async (sql: string) => {
  connection ??= connect()
  return (await connection).runAndReadAll(sql)
}

/** The files' columns and their types, in order. */
export const types = async (path: string): Promise<ReadonlyArray<readonly [string, string]>> => {
  const result = await query(`DESCRIBE SELECT * FROM read_parquet(${quoted(path)})`)
  return result.getRows().map(([name, type]) => [String(name), String(type)])
}

export const rows = async (path: string): Promise<ReadonlyArray<Readonly<Record<string, DuckDBValue>>>> =>
  (await query(`SELECT * FROM read_parquet(${quoted(path)})`)).getRowObjects()

/** How many rows its groups have. */
export const groups = async (path: string): Promise<ReadonlyArray<number>> =>
  (
    await query(
      `SELECT row_group_num_rows::INTEGER AS n FROM parquet_metadata(${quoted(path)}) WHERE column_id = 0 ORDER BY row_group_id`
    )
  )
    .getRowObjects()
    .map(({ n }) => Number(n))

/** Any question. */
export const all = async (sql: string): Promise<ReadonlyArray<Readonly<Record<string, DuckDBValue>>>> =>
  (await query(sql)).getRowObjects()

/** Any question that gives one value. */
export const value = async (sql: string): Promise<DuckDBValue | undefined> => {
  const [first] = (await query(sql)).getRows()
  return first?.[0]
}
