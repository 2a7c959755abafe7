/**
 * The place of a value in a record: `metadata.crm.owner`, `postCallAnalysisResult["Lead Score"]`.
 *
 * A key made of letters, digits and `_` is written as it is; any other one in `["…"]`, with the escapes of JSON. So no two
 * places are written the same, whatever dots and spaces the customer's keys hold.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import { isContainer } from "./internal/Row.ts"

/**
 * The keys on the way, outermost first; never empty.
 *
 * @since 0.1.0
 * @category models
 */
export type FieldPath = readonly [string, ...Array<string>]

/**
 * Why text is no path, and at which character.
 *
 * @since 0.1.0
 * @category models
 */
export interface Mistake {
  readonly problem: string
  readonly at: number
}

const plain = /^[A-Za-z_][A-Za-z0-9_]*$/

const segment = (key: string): string => (plain.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`)

/**
 * The one way to write a path.
 *
 * @since 0.1.0
 * @category formatting
 */
export const format = (path: FieldPath): string => under("", path)

/**
 * The path of an inner value, as text, from the text of the outer value's path.
 *
 * @since 0.1.0
 * @category formatting
 */
export const under = (outer: string, keys: ReadonlyArray<string>): string => {
  const text = outer + keys.map(segment).join("")
  return outer === "" && text.startsWith(".") ? text.slice(1) : text
}

// A key without quotes may hold anything that does not end it; in brackets, JSON's text or a plain number.
const bare = /[^.[\]",=\s]+(?: +[^.[\]",=\s]+)*/y
const quoted = /\[\s*("(?:[^"\\]|\\.)*"|\d+)\s*\]/y

const unquote = (text: string): string | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return String(value)
  } catch {
    return undefined
  }
}

/**
 * Reads the path that begins at `from`, up to what cannot belong to it, and says where that is. For lists of paths;
 * `parse` reads a whole text.
 *
 * @since 0.1.0
 * @category constructors
 */
export const parseAt = (
  text: string,
  from: number
): Result.Result<{ readonly path: FieldPath; readonly end: number }, Mistake> => {
  const keys: Array<string> = []
  let at = from
  for (;;) {
    const begin = at
    if (text[at] === "[") {
      quoted.lastIndex = at
      const key = unquote(quoted.exec(text)?.[1] ?? "")
      if (key === undefined) {
        return Result.fail({ problem: 'put a key in double quotes into brackets, as in ["Lead Score"]', at })
      }
      keys.push(key)
      at = quoted.lastIndex
    } else {
      if (keys.length > 0) {
        if (text[at] !== ".") break
        at++
      }
      bare.lastIndex = at
      const key = bare.exec(text)?.[0]
      if (key === undefined) {
        return Result.fail({ problem: "the name of a field is missing", at: Math.min(at, text.length) })
      }
      keys.push(key)
      at = bare.lastIndex
    }
    if (at === begin) break
  }
  const [first, ...rest] = keys
  return first === undefined
    ? Result.fail({ problem: "the name of a field is missing", at: from })
    : Result.succeed({ path: [first, ...rest], end: at })
}

/**
 * Reads a path. `list[0]` is the first element of a list.
 *
 * @since 0.1.0
 * @category constructors
 */
export const parse = (text: string): Result.Result<FieldPath, Mistake> => {
  const begin = text.length - text.trimStart().length
  return Result.flatMap(parseAt(text, begin), ({ end, path }) =>
    text.slice(end).trim() === ""
      ? Result.succeed(path)
      : Result.fail({ problem: "this cannot be in the path of a field", at: end })
  )
}

/**
 * The value at the end of the path: `undefined` when a key on the way is missing. Only what an object holds itself
 * counts, never what it inherits.
 *
 * @since 0.1.0
 * @category reading
 */
export const get = (record: unknown, path: ReadonlyArray<string>): unknown => {
  let value = record
  for (const key of path) {
    if (!isContainer(value) || !Object.hasOwn(value, key) || (key === "length" && Array.isArray(value)))
      return undefined
    value = value[key]
  }
  return value
}
