/** Leaves out some of the fields. */
import * as Result from "effect/Result"
import * as FieldPath from "../FieldPath.ts"
import { bug, fromRecord, isObject, type Row, set } from "./Row.ts"
import { make, type Pure } from "../TransformContract.ts"

interface Left {
  readonly text: string
  readonly path: FieldPath.FieldPath
}

const without = (row: Row, left: ReadonlySet<string>): Row => {
  const out: Record<string, unknown> = {}
  for (const key of Object.keys(row)) if (!left.has(key)) set(out, key, row[key])
  return out
}

/** Copied only along the way; the same object when there was nothing to leave out. */
const remove = (row: Row, path: ReadonlyArray<string>): Row => {
  const [key, ...further] = path
  if (key === undefined || !Object.hasOwn(row, key)) return row
  if (further.length === 0) return without(row, new Set([key]))
  const inner = row[key]
  if (!isObject(inner)) return row
  const left = remove(inner, further)
  // The key is there already, so its place stays the same.
  return left === inner ? row : Object.fromEntries(Object.entries(row).map(([k, v]) => [k, k === key ? left : v]))
}

export const omit = (paths: ReadonlyArray<string>): Pure<object, Row> => {
  const all = paths.map((written): Left => {
    const path = Result.getOrThrowWith(FieldPath.parse(written), ({ problem }) => bug("omit", `${written}: ${problem}`))
    return { path, text: FieldPath.format(path) }
  })
  const texts = new Set(all.map(({ text }) => text))
  return make({
    label: `omit ${[...texts].sort().join(",")}`,
    columns: (columns) => columns.filter(({ name }) => !texts.has(name) && !texts.has(FieldPath.format([name]))),
    apply: (record) => {
      let row = fromRecord(record)
      for (const { path, text } of all) {
        row = Object.hasOwn(row, text) ? without(row, new Set([text])) : remove(row, path)
      }
      return row
    }
  })
}

/** Leaves out fields of the record itself, in the type too. */
export const drop = <A extends object, const K extends keyof A & string>(
  names: ReadonlyArray<K>
): Pure<A, Omit<A, K>> => {
  const left = new Set<string>(names)
  return make({
    label: `omit ${[...left]
      .map((name) => FieldPath.format([name]))
      .sort()
      .join(",")}`,
    columns: (columns) => columns.filter(({ name }) => !left.has(name)),
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- these are all of its fields but the named ones
    apply: (record) => without(fromRecord(record), left) as Omit<A, K>
  })
}
