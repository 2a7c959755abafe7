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

/** What the rows need of a table. */
interface Needs {
  readonly dialect: Dialect
  /** Quoted, with its schema. */
  readonly table: string
  /** As people name it. */
  readonly named: string
  readonly cells: ReadonlyArray<Target>
  readonly hasExtra: boolean
  /** Which cell is the id; -1 when the rows have none. */
  readonly idAt: number
  /** The columns beside the cells: of the version, and of the key where no cell is the key. */
  readonly version: string
  readonly beside: string
}

/**
 * The plan for the columns of a table. The key is the table's primary key, or `id` when the rows have
 * it, or a column of its own, `session_id`; columns that the table has and the rows have not are left alone.
 */
export const plan = (
  dialect: Dialect,
  place: Place,
  found: Found | undefined,
  table: Pick<Table, "columns" | "hasExtra">
): Result.Result<Plan, TableProblem> => {
  const needs = needsOf(dialect, place, table)
  return found === undefined ? Result.succeed(creation(needs)) : adaptation(needs, found)
}

const needsOf = (dialect: Dialect, place: Place, { columns, hasExtra }: Pick<Table, "columns" | "hasExtra">): Needs => {
  const wanted = columns.map(({ name }) => name)
  // The version is in the same column in each run, whatever its rows have; the key is known by being the key.
  const [version = "", ...names] = dialect.names(["observed_at", ...wanted, "session_id"])
  return {
    dialect,
    table: dialect.qualified(place),
    named: place.schema === undefined ? place.table : `${place.schema}.${place.table}`,
    cells: columns.map(({ name, type }, at): Target => ({
      name: names[at] ?? name,
      origin: name,
      type,
      declared: dialect.declare(type)
    })),
    hasExtra,
    idAt: columns.findIndex(({ name, type }) => name === "id" && type === "text"),
    version,
    beside: names[wanted.length] ?? ""
  }
}

const layoutOf = ({ cells, hasExtra, table, version }: Needs, key: string, keyAt: number): Layout => ({
  table,
  cells,
  hasExtra,
  key,
  version,
  keyCell: keyAt === -1 ? undefined : keyAt
})

const creation = (needs: Needs): Plan => {
  const { beside, cells, dialect, idAt, table, version } = needs
  const { declare, quote } = dialect
  const key = cells[idAt]?.name ?? beside
  const primary = "PRIMARY KEY NOT NULL"
  const definitions = [
    ...(idAt === -1 ? [`${quote(key)} ${declare("text")} ${primary}`] : []),
    ...cells.map(({ declared, name }, at) => `${quote(name)} ${declared}${at === idAt ? ` ${primary}` : ""}`),
    `${quote(version)} ${declare("timestamp")}`
  ]
  return { layout: layoutOf(needs, key, idAt), changes: [`CREATE TABLE ${table} (${definitions.join(", ")})`] }
}

const adaptation = (needs: Needs, found: Found): Result.Result<Plan, TableProblem> => {
  const { cells, dialect, named: table, version } = needs
  const { declare, fold, quote } = dialect
  const refuse = (problem: TableProblem) => Result.fail(problem)
  if (found.kind === "other") return refuse({ _tag: "NotATable", table })
  const [key, ...more] = found.primaryKey
  if (key === undefined) return refuse({ _tag: "NoKey", table })
  if (more.length > 0) return refuse({ _tag: "WideKey", table, columns: found.primaryKey.length })
  const isKey = (name: string) => fold(name) === fold(key)
  const keyCell = cells.findIndex(({ name }) => isKey(name))
  const existing = new Map(found.columns.map((column) => [fold(column.name), column] as const))
  const changes: Array<string> = []
  const settled: Array<Target> = []
  const targets: ReadonlyArray<Target> = [
    ...cells,
    ...(keyCell === -1 ? [{ name: key, origin: key, type: "text", declared: declare("text") } as const] : []),
    { name: version, origin: version, type: "timestamp", declared: declare("timestamp") }
  ]
  for (const need of targets) {
    const has = existing.get(fold(need.name))
    if (has === undefined) changes.push(`ALTER TABLE ${needs.table} ADD COLUMN ${quote(need.name)} ${need.declared}`)
    else if (has.generated) return refuse({ _tag: "Generated", table, column: need.name })
    else if (!dialect.accepts(need.type, has.declared) || (isKey(need.name) && need.type !== "text")) {
      return refuse({ _tag: "OtherType", table, column: need.name, has: has.declared, needs: need.declared })
    }
    settled.push(has === undefined ? need : { ...need, declared: has.declared })
  }
  const ours = new Set(targets.map(({ name }) => fold(name)))
  const empty = found.columns.find(
    ({ filled, generated, name, required }) => required && !filled && !generated && !ours.has(fold(name))
  )
  if (empty !== undefined) return refuse({ _tag: "Required", table, column: empty.name })
  return Result.succeed({
    layout: { ...layoutOf(needs, key, keyCell), cells: settled.slice(0, cells.length) },
    changes
  })
}
