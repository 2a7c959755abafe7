/**
 * Rows as the cells of a table whose columns have types.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Column from "../model/Column.ts"
import { ExactNumber } from "../model/ExactNumber.ts"
import * as Instant from "../model/Instant.ts"
import { type Repairs, stringify } from "../model/internal/Json.ts"
import * as Decimal from "./internal/Decimal.ts"
import { SinkError } from "./SinkError.ts"

/**
 * The value of a cell, by the type of its column:
 *
 * - `text`: text, well-formed.
 * - `integer`: a safe integer, or the digits of another one that 64 bits hold; `number`: a finite number that a double
 *   holds.
 * - `decimal`: an exact decimal as text, without exponent and needless zeros, of at most 20 digits before the point and 18
 *   behind it.
 * - `timestamp`: microseconds since the Unix epoch, a safe integer: the years 1684 to 2255.
 * - `date`: `2026-07-31`.
 * - `boolean`.
 * - `json`: the JSON text of an object or a list; `any`: text, or the JSON text of anything else; with `numbers`, a number
 *   or boolean as it is.
 *
 * `null` is a value that is absent, that is `null`, or that the column cannot hold: then it is in `extra`, where there is
 * one.
 *
 * @since 0.1.0
 * @category models
 */
export type Cell = string | number | boolean | null

/**
 * The columns of a table, and rows as their cells.
 *
 * @since 0.1.0
 * @category models
 */
export interface Table {
  /** Those that were given, then, unless they were chosen by name, one of type `json` for what they cannot hold. */
  readonly columns: ReadonlyArray<Column.Column>
  /** Whether the last column is that one. */
  readonly hasExtra: boolean
  /** Where there is no such column: the names of columns whose cells are empty because they could not hold the value. */
  readonly misfits: ReadonlySet<string>
  /** One cell a column. Throws when JSON cannot say a value: a bigint, an object that holds itself. */
  readonly cells: (row: object) => ReadonlyArray<Cell>
}

/**
 * How cells are made.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /**
   * Makes the cell of a timestamp, from the instant and its original text.
   *
   * @default the instant
   */
  readonly timestamp?: ((instant: Instant.Instant, text: string) => Cell) | undefined
  /**
   * How to write a value that its column cannot hold, in a table without `extra`: as an empty cell or, where all cells are
   * text, as its text or JSON.
   *
   * @default "empty"
   */
  readonly misfits?: "empty" | "text" | undefined
  /** Makes numbers and booleans of a column of type `any` cells of their own kind, and not text. @default false */
  readonly numbers?: boolean | undefined
  /** Counts the texts in which half of a surrogate pair is now `U+FFFD`. */
  readonly repairs?: { texts: number } | undefined
}

/** `extra`, unless a column has that name in any case: to some databases `Extra` and `extra` are the same. */
const extraName = (columns: ReadonlyArray<Column.Column>): string => {
  const taken = new Set(columns.map(({ name }) => name.toLowerCase()))
  let name = "extra"
  for (let n = 2; taken.has(name); n++) name = `extra_${n}`
  return name
}

const isRow = (row: object): row is Readonly<Record<string, unknown>> => !Array.isArray(row)

/**
 * The table of these columns, and after them `extra` (`extra_2` when there is such a column): a JSON object of what a row
 * has beyond its columns, and of what its columns cannot hold, by name; `null` when there is none of it. So nothing is
 * refused for its type, nothing is lost, and a field that the vendor adds tomorrow is kept today.
 *
 * Columns that were chosen by name, as by `Select`, are the whole table: it has no `extra`, and what becomes of a value
 * that its column cannot hold is said by `misfits`.
 *
 * Half of a surrogate pair, such as an emoji that was cut in two, is `U+FFFD` in text and in JSON: UTF-8 has no way to
 * write it, and one such escape in one row is enough for a database to refuse a whole column of JSON.
 *
 * ```ts
 * Table.make(Column.ofSession).cells(session)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (columns: ReadonlyArray<Column.Column>, options: Options = {}): Table => {
  const { misfits: become = "empty", numbers = false, repairs = { texts: 0 }, timestamp = itself } = options
  const names = columns.map(({ name }) => name)
  const types = columns.map(({ type }) => (numbers && type === "any" ? "typed" : type))
  const places = new Map(names.map((name, place) => [name, place]))
  const width = columns.length
  const hasExtra = !columns.some(({ chosen }) => chosen === true)
  const misfits = new Set<string>()
  const blank = Array.from<unknown, Cell>({ length: hasExtra ? width + 1 : width }, () => null)

  const cells = (row: object): ReadonlyArray<Cell> => {
    const out = blank.slice()
    if (!isRow(row)) return out
    let extra = ""
    // Rows mostly have their fields in the order of the columns, so that the next name is a guess that mostly is right.
    let next = 0
    for (const key in row) {
      // V8 makes no list of keys, and finds each value by its place in the object, but not with Object.hasOwn.
      // oxlint-disable-next-line prefer-object-has-own
      if (!Object.prototype.hasOwnProperty.call(row, key)) continue
      const value = row[key]
      const place = names[next] === key ? next : places.get(key)
      if (place !== undefined) next = place + 1
      if (value === null && place !== undefined) continue
      if (value === undefined) continue
      const cell = place === undefined ? undefined : cellOf(types[place], value, timestamp, repairs)
      if (place !== undefined && cell !== undefined) out[place] = cell
      if (cell !== undefined) continue
      if (hasExtra) {
        const json = stringify(value, repairs)
        if (json !== undefined) extra += `${extra === "" ? "{" : ","}${stringify(key, repairs) ?? ""}:${json}`
      } else if (place !== undefined) {
        if (become === "text") out[place] = cellOf("any", value, timestamp, repairs) ?? null
        else misfits.add(key)
      }
    }
    if (extra !== "") out[width] = `${extra}}`
    return out
  }
  return {
    columns: hasExtra ? [...columns, { name: extraName(columns), type: "json" }] : columns,
    hasExtra,
    misfits,
    cells
  }
}

/** `undefined` for what the type cannot hold. */
const cellOf = (
  type: Column.Type | "typed" | undefined,
  value: unknown,
  timestamp: (instant: Instant.Instant, text: string) => Cell,
  repairs: Repairs
): Cell | undefined => {
  switch (type) {
    case "text":
      return typeof value === "string" ? wellFormed(value, repairs) : undefined
    case "integer":
      return typeof value === "number" && Number.isSafeInteger(value) ? value : longInteger(value)
    case "number":
      return typeof value === "number" && Number.isFinite(value) ? value : undefined
    case "decimal":
      return typeof value === "string" || typeof value === "number" || value instanceof ExactNumber
        ? Decimal.canonical(String(value))
        : undefined
    case "timestamp":
      return typeof value === "string" ? timestampOf(value, timestamp) : undefined
    case "date":
      return typeof value === "string" && date.test(value) && Instant.parse(value) !== undefined ? value : undefined
    case "boolean":
      return typeof value === "boolean" ? value : undefined
    case "typed":
      return typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))
        ? value
        : cellOf("any", value, timestamp, repairs)
    case "any":
      return typeof value === "string" ? wellFormed(value, repairs) : stringify(value, repairs)
    case "json":
      return typeof value === "object" && !(value instanceof ExactNumber) ? stringify(value, repairs) : undefined
    case undefined:
      return undefined
  }
}

const wellFormed = (text: string, repairs: Repairs): string => {
  const whole = text.toWellFormed()
  if (whole !== text) repairs.texts++
  return whole
}

const mostLong = 2n ** 63n - 1n

/** A whole number that a double rounds and 64 bits hold, as its digits. */
const longInteger = (value: unknown): string | undefined => {
  if (typeof value !== "number" && !(value instanceof ExactNumber)) return undefined
  const digits = String(value)
  if (!/^-?\d{16,19}$/.test(digits)) return undefined
  const integer = BigInt(digits)
  return integer <= mostLong && integer >= -mostLong - 1n ? digits : undefined
}

const date = /^\d{4}-\d{2}-\d{2}$/

const itself = (instant: Instant.Instant): Cell => instant

const timestampOf = (text: string, make: (instant: Instant.Instant, text: string) => Cell): Cell | undefined => {
  const instant = Instant.parse(text)
  return instant !== undefined && Number.isSafeInteger(instant) ? make(instant, text) : undefined
}

/**
 * The table of a sink: that of its first batch's columns. A later batch with other ones is a `SinkError`, because a file
 * or a statement has its columns already.
 *
 * @since 0.1.0
 * @category constructors
 */
export const ofBatches = (
  sink: string,
  options: Options = {}
): ((columns: ReadonlyArray<Column.Column>) => Effect.Effect<Table, SinkError>) => {
  const first = Ref.makeUnsafe<{ readonly columns: ReadonlyArray<Column.Column>; readonly table: Table } | undefined>(
    undefined
  )
  const known = (columns: ReadonlyArray<Column.Column>) =>
    Ref.modify(first, (found = { columns, table: make(columns, options) }) => [found, found])
  return (columns) =>
    Effect.flatMap(known(columns), (found) =>
      Column.same(found.columns, columns) ? Effect.succeed(found.table) : Effect.fail(otherColumns(sink))
    )
}

const otherColumns = (sink: string): SinkError =>
  new SinkError({
    sink,
    operation: "write",
    retryable: false,
    reason: { _tag: "OtherColumns", than: "the first batch" }
  })
