/** Makes the values inside objects fields of the row. */
import * as Column from "../../model/Column.ts"
import * as FieldPath from "../FieldPath.ts"
import { customerObjects, fromRecord, isObject, type Row, set } from "./Row.ts"
import { type FlattenOptions, make, type Pure } from "../TransformContract.ts"

/** The objects whose keys the contract names. */
const known: ReadonlyMap<string, ReadonlyArray<Column.Column>> = new Map([["creditBreakdown", Column.ofCredits]])

const knownKeys: ReadonlyMap<string, ReadonlyArray<string>> = new Map(
  [...known].map(([name, columns]) => [name, Column.names(columns)])
)

/** The objects whose keys come with the records. */
const open: ReadonlySet<string> = new Set([...customerObjects, "analysis"])

const isEmpty = (row: Row): boolean => {
  for (const key in row) if (Object.hasOwn(row, key)) return false
  return true
}

/** An empty object stays one, so that it is not lost. */
const spread = (out: Record<string, unknown>, name: string, value: unknown): void => {
  if (!isObject(value) || isEmpty(value)) return set(out, name, value)
  for (const key of Object.keys(value).sort()) spread(out, FieldPath.under(name, [key]), value[key])
}

/** The keys that the contract names come out; what further ones there are stays under the object's own name. */
const take = (out: Record<string, unknown>, name: string, object: Row, keys: ReadonlyArray<string>): void => {
  const rest: Record<string, unknown> = {}
  for (const key of Object.keys(object)) if (!keys.includes(key)) set(rest, key, object[key])
  for (const key of keys) if (Object.hasOwn(object, key)) out[FieldPath.under(name, [key])] = object[key]
  if (!isEmpty(rest) || isEmpty(object)) out[name] = rest
}

export const flatten = (options: FlattenOptions = {}): Pure<object, Row> => {
  const whole = options.objects === "whole"
  return make({
    label: whole ? "flatten whole" : "flatten",
    columns: (columns) =>
      columns.flatMap((column) => {
        const keys = known.get(column.name)
        if (keys === undefined) return whole || !open.has(column.name) ? [column] : []
        const inner = keys.map(({ name, type }): Column.Column => ({
          name: FieldPath.under(column.name, [name]),
          type
        }))
        return whole ? [...inner, column] : inner
      }),
    apply: (record) => {
      const row = fromRecord(record)
      const out: Record<string, unknown> = {}
      for (const name of Object.keys(row)) {
        const value = row[name]
        if (!isObject(value)) set(out, name, value)
        else if (!whole) spread(out, name, value)
        else {
          const keys = knownKeys.get(name)
          if (keys === undefined) set(out, name, value)
          else take(out, name, value, keys)
        }
      }
      return out
    }
  })
}
