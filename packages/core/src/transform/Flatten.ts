/**
 * Brings what lies inside objects to the surface.
 *
 * @since 0.1.0
 */
import * as Column from "../model/Column.ts"
import * as FieldPath from "./FieldPath.ts"
import { customerObjects, fromRecord, isObject, type Row, set } from "./internal/Row.ts"
import { make, type Transform } from "./Transform.ts"

/**
 * How far to go.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /**
   * What becomes of objects whose keys come with the records, such as `metadata`: `"keys"` makes each key a field of the
   * row, so that rows differ in their fields; `"whole"` leaves the object as it is, and all rows have the same columns.
   * @default "keys"
   */
  readonly objects?: "keys" | "whole" | undefined
}

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

/**
 * Objects become fields named by their path: `{ metadata: { crm: { id: 7 } } }` becomes `{ "metadata.crm.id": 7 }`, and a
 * key with dots or spaces is in brackets, as in `postCallAnalysisResult["Lead Score"]`, so that no two values ever
 * get the same name. The fields of the record keep their names and their order, the keys inside an object are sorted. Lists, `null` and
 * empty objects stay values.
 *
 * Columns are known before the first record, so they can only be those of the contract: `creditBreakdown` becomes its
 * fields, and with `objects: "whole"` it is itself a column for keys that the contract does not name. With
 * `objects: "keys"` the keys of `metadata` and the like are in the rows and not among the columns: that is for NDJSON.
 * For a table use `"whole"`, or select the paths that it should have.
 *
 * @since 0.1.0
 * @category constructors
 */
export const flatten = (options: Options = {}): Transform<object, Row> => {
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
