/** Which column takes which cell, and what a table lacks for that. */
import * as Result from "effect/Result"
import type { TableProblem } from "../../SinkReason.ts"
import type { Table } from "../../Table.ts"
import type { Dialect, Found, Layout, Place, Target } from "./Dialect.ts"

export interface Plan {
  readonly layout: Layout
  /** What makes the table, or adds to it what it lacks. */
  readonly changes: ReadonlyArray<string>
}

/**
 * The plan for the columns of a table. The key is the table's primary key, or `id` when the rows have
 * it, or a column of its own, `session_id`; columns that the table has and the rows have not are left alone.
 */
export const plan = (
  dialect: Dialect,
  place: Place,
  found: Found | undefined,
  { columns, hasExtra }: Pick<Table, "columns" | "hasExtra">
): Result.Result<Plan, TableProblem> => {
  const { quote } = dialect
  const wanted = columns.map(({ name }) => name)
  const idAt = columns.findIndex(({ name, type }) => name === "id" && type === "text")
  // The version is in the same column in each run, whatever its rows have; the key is known by being the key.
  const [version = "", ...names] = dialect.names(["observed_at", ...wanted, "session_id"])
  const cells = columns.map(({ name, type }, at): Target => ({
    name: names[at] ?? name,
    origin: name,
    type,
    declared: dialect.declare(type)
  }))
  const beside = names[wanted.length] ?? ""
  const table = dialect.qualified(place)
  const told = place.schema === undefined ? place.table : `${place.schema}.${place.table}`
  const timestamp = dialect.declare("timestamp")
  const text = dialect.declare("text")
  const keyed = (key: string, at: number) => ({
    table,
    cells,
    hasExtra,
    key,
    version,
    keyCell: at === -1 ? undefined : at
  })

  if (found === undefined) {
    const key = idAt === -1 ? beside : (cells[idAt]?.name ?? beside)
    const definitions = [
      ...(idAt === -1 ? [`${quote(key)} ${text} PRIMARY KEY NOT NULL`] : []),
      ...cells.map(
        ({ declared, name }, at) => `${quote(name)} ${declared}${at === idAt ? " PRIMARY KEY NOT NULL" : ""}`
      ),
      `${quote(version)} ${timestamp}`
    ]
    return Result.succeed({
      layout: keyed(key, idAt),
      changes: [`CREATE TABLE ${table} (${definitions.join(", ")})`]
    })
  }

  const refuse = (problem: TableProblem) => Result.fail(problem)
  if (found.kind === "other") return refuse({ _tag: "NotATable", table: told })
  const [key, ...more] = found.primaryKey
  if (key === undefined || more.length > 0) {
    return refuse(
      key === undefined
        ? { _tag: "NoKey", table: told }
        : { _tag: "WideKey", table: told, columns: found.primaryKey.length }
    )
  }
  const isKey = (name: string) => dialect.fold(name) === dialect.fold(key)
  const keyCell = cells.findIndex(({ name }) => isKey(name))
  const existing = new Map(found.columns.map((column) => [dialect.fold(column.name), column] as const))
  const changes: Array<string> = []
  const settled: Array<Target> = []
  const needs: ReadonlyArray<Target> = [
    ...cells,
    ...(keyCell === -1 ? [{ name: key, origin: key, type: "text", declared: text } as const] : []),
    { name: version, origin: version, type: "timestamp", declared: timestamp }
  ]
  for (const need of needs) {
    const has = existing.get(dialect.fold(need.name))
    if (has === undefined) changes.push(`ALTER TABLE ${table} ADD COLUMN ${quote(need.name)} ${need.declared}`)
    else if (has.generated) {
      return refuse({ _tag: "Generated", table: told, column: need.name })
    } else if (!dialect.accepts(need.type, has.declared) || (isKey(need.name) && need.type !== "text")) {
      return refuse({
        _tag: "OtherType",
        table: told,
        column: need.name,
        has: has.declared,
        needs: need.declared
      })
    }
    settled.push(has === undefined ? need : { ...need, declared: has.declared })
  }
  const ours = new Set(needs.map(({ name }) => dialect.fold(name)))
  const empty = found.columns.find(
    ({ filled, generated, name, required }) => required && !filled && !generated && !ours.has(dialect.fold(name))
  )
  if (empty !== undefined) {
    return refuse({ _tag: "Required", table: told, column: empty.name })
  }
  return Result.succeed({ layout: { ...keyed(key, keyCell), cells: settled.slice(0, cells.length) }, changes })
}
