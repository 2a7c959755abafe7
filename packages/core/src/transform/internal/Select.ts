/** Keeps some of the fields, and gives them names. */
import * as Result from "effect/Result"
import * as Column from "../../model/Column.ts"
import * as FieldPath from "../FieldPath.ts"
import { bug, fromRecord, type Row, set } from "./Row.ts"
import { make, type Pure, type Selected } from "../TransformContract.ts"

interface Wanted {
  readonly text: string
  readonly path: FieldPath.FieldPath
  readonly name: string
}

const wantedOf = (selected: Selected): Wanted => {
  const { path: written, as } = typeof selected === "string" ? { path: selected, as: undefined } : selected
  const path = Result.getOrThrowWith(FieldPath.parse(written), ({ problem }) => bug("select", `${written}: ${problem}`))
  const text = FieldPath.format(path)
  return { text, path, name: as ?? text }
}

/** A flattened row has the path's text itself as a key; any other has the value at the end of the path. */
const valueOf = (row: Row, { path, text }: Wanted): unknown =>
  Object.hasOwn(row, text) ? row[text] : FieldPath.get(row, path)

const chosen = true

/** What a table calls the column for what its other columns cannot hold. */
const extra = "extra"

/** A value under a customer's key may be anything; the keys of a credit breakdown are the contract's. */
const typeOf = (columns: ReadonlyArray<Column.Column>, { path, text }: Wanted): Column.Type => {
  const itself = Column.typeOf(columns, text)
  if (itself !== undefined) return itself
  const [object, key, ...further] = path
  const inside = object === "creditBreakdown" && Column.typeOf(columns, object) === "json" && further.length === 0
  return (inside && key !== undefined ? Column.typeOf(Column.ofCredits, key) : undefined) ?? "any"
}

export const select = (selected: ReadonlyArray<Selected>): Pure<object, Row> => {
  const wanted = selected.map(wantedOf)
  const names = wanted.map(({ name }) => name)
  const rest = wanted.find(({ name, text }) => name === extra && text === extra)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw bug("select", `two values under the name ${twice}`)
  return make({
    label: `select ${wanted.map(({ name, text }) => (name === text ? text : `${text}=${JSON.stringify(name)}`)).join(",")}`,
    columns: (columns) =>
      wanted.flatMap((one): ReadonlyArray<Column.Column> => {
        if (one === rest && Column.typeOf(columns, extra) === undefined) return []
        return [{ name: one.name, type: typeOf(columns, one), ...(rest === undefined ? { chosen } : {}) }]
      }),
    apply: (record) => {
      const row = fromRecord(record)
      const out: Record<string, unknown> = {}
      for (const one of wanted) {
        const value = valueOf(row, one)
        if (value !== undefined) set(out, one.name, value)
      }
      return out
    }
  })
}

/** Fields of the record itself, with their types kept. */
export const pick = <A extends object, const K extends keyof A & string>(
  names: ReadonlyArray<K>
): Pure<A, Pick<A, K>> =>
  make({
    label: `select ${names.map((name) => FieldPath.format([name])).join(",")}`,
    columns: (columns) => names.map((name) => ({ name, type: Column.typeOf(columns, name) ?? "any", chosen })),
    apply: (record) => {
      const out: Partial<A> = {}
      for (const name of names) if (Object.hasOwn(record, name)) out[name] = record[name]
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a field that is required is there to be copied
      return out as Pick<A, K>
    }
  })
