/** The errors of a schema for people: the place, what was expected, and a similar word. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import type * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import { nearest } from "../expression/Mistake.ts"
import type { Path } from "./Yaml.ts"

export interface Problem {
  readonly path: Path
  /** Whether the key is wrong, or its value is. */
  readonly about: "key" | "value"
  readonly problem: string
  readonly advice?: string | undefined
}

const expectedOf = (ast: SchemaAST.AST): string => {
  const own = ast.checks?.at(-1)?.annotations?.expected
  if (typeof own === "string") return own
  switch (ast._tag) {
    case "String":
      return "text"
    case "Number":
      return "a number"
    case "Boolean":
      return "true or false"
    case "Arrays":
      return "a list, each item behind a - on a line of its own"
    case "Objects":
      return keysWith(keysOf(ast))
    case "Literal":
      return String(ast.literal)
    case "Union":
      return [...new Set(ast.types.map(expectedOf))].join(" or ")
    default:
      return "something else"
  }
}

/** So many can be read in a sentence. */
const mostKeys = 6

const keysWith = (keys: ReadonlyArray<string>): string =>
  keys.length <= mostKeys
    ? `keys with values: ${keys.join(", ")}`
    : `keys with values, such as ${keys.slice(0, 3).join(", ")}`

const keysOf = (ast: SchemaAST.AST): ReadonlyArray<string> =>
  ast._tag === "Objects" ? ast.propertySignatures.map(({ name }) => String(name)) : []

/** The lists and objects in which a key is known, from the root on. */
const placesOf = (ast: SchemaAST.AST, key: string, path: ReadonlyArray<string> = []): ReadonlyArray<string> => {
  switch (ast._tag) {
    case "Objects":
      return ast.propertySignatures.flatMap(({ name, type }) =>
        String(name) === key && path.length > 0 ? [path.join(".")] : placesOf(type, key, [...path, String(name)])
      )
    case "Arrays":
      return [...ast.elements, ...ast.rest].flatMap((type) => placesOf(type, key, path))
    case "Union":
      return ast.types.flatMap((type) => placesOf(type, key, path))
    default:
      return []
  }
}

/** The key of a flag's name: `page-size` is `pageSize`. */
const keyOf = (word: string): string =>
  word.replace(/^-+/, "").replace(/-+([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** A key that is known under another name or in another place is more likely meant than a similar word. */
const adviceForKey = (word: string, here: ReadonlyArray<string>, root: SchemaAST.AST): string => {
  const key = keyOf(word)
  if (here.includes(key)) return `Did you mean ${key}?`
  const [place] = placesOf(root, key)
  if (place !== undefined) return `${key === word ? "Write it" : `Write it as ${key}`} under ${place}.`
  const near = nearest(word, here)
  return near === undefined ? `The keys here are ${here.join(", ")}.` : `Did you mean ${near}?`
}

const isPart = (part: PropertyKey): part is string | number => typeof part !== "symbol"

const at = (data: unknown, path: Path): unknown =>
  path.reduce<unknown>(
    (value, part) =>
      typeof value === "object" && value !== null
        ? Object.entries(value).find(([key]) => key === String(part))?.[1]
        : undefined,
    data
  )

/** What helps when a value is of the wrong kind. */
const adviceFor = (value: unknown, expected: string, ast: SchemaAST.AST): string | undefined => {
  if (ast._tag === "String" && (typeof value === "number" || typeof value === "boolean")) {
    return "Put text in quotes."
  }
  if (value === null) return `Write it behind the colon, or leave the key out.`
  if (ast._tag === "Arrays" && typeof value === "string") return `As in [${JSON.stringify(value)}].`
  const near = typeof value === "string" ? nearest(value, expected.split(" or ")) : undefined
  return near === undefined ? undefined : `Did you mean ${near}?`
}

interface Whole {
  readonly data: unknown
  readonly root: SchemaAST.AST
}

const problemsOf = (issue: SchemaIssue.Issue, path: Path, whole: Whole, expected?: string): ReadonlyArray<Problem> => {
  switch (issue._tag) {
    case "Pointer":
      return problemsOf(issue.issue, [...path, ...issue.path.filter(isPart)], whole, expected)
    case "Composite":
      return issue.issues.flatMap((inner) => problemsOf(inner, path, whole, expected))
    case "Encoding":
      return problemsOf(issue.issue, path, whole, expected)
    case "Filter": {
      const own = issue.filter.annotations?.expected
      return problemsOf(issue.issue, path, whole, typeof own === "string" ? own : expected)
    }
    case "AnyOf": {
      // Of a sink that is written with keys, the message names what is wrong with these; otherwise all possible kinds.
      const value = at(whole.data, path)
      const inner = issue.issues.flatMap((one) => problemsOf(one, path, whole))
      const deeper = inner.filter((one) => one.path.length > path.length)
      if (deeper.length > 0 && typeof value === "object") return deeper
      const all = expectedOf(issue.ast)
      return [{ path, about: "value", problem: `expected ${all}`, advice: adviceFor(value, all, issue.ast) }]
    }
    case "UnexpectedKey": {
      const key = String(path.at(-1))
      const keys = keysOf(issue.ast)
      const inside =
        path.length > 1
          ? ` in ${path
              .slice(0, -1)
              .filter((part) => typeof part === "string")
              .at(-1)}`
          : ""
      const advice = adviceForKey(key, keys, whole.root)
      return [{ path, about: "key", problem: `there is no key ${key}${inside}`, advice }]
    }
    case "MissingKey": {
      if (typeof path.at(-1) === "number") {
        return [{ path: path.slice(0, -1), about: "value", problem: "expected one item at least" }]
      }
      const problem = `the key ${String(path.at(-1))} is missing`
      return [{ path: path.slice(0, -1), about: "key", problem }]
    }
    case "InvalidType": {
      const words = expected ?? expectedOf(issue.ast)
      return [
        {
          path,
          about: "value",
          problem: `expected ${words}`,
          advice: adviceFor(at(whole.data, path), words, issue.ast)
        }
      ]
    }
    default:
      return [{ path, about: "value", problem: `expected ${expected ?? "something else"}` }]
  }
}

/** The data as the schema has it, or everything that is wrong with it. */
export const decode = <S extends Schema.Top & { readonly DecodingServices: never }>(
  schema: S,
  data: unknown
): Result.Result<S["Type"], ReadonlyArray<Problem>> =>
  Result.mapError(
    SchemaParser.decodeUnknownResult(schema)(data, { errors: "all", onExcessProperty: "error" }),
    (issue) => problemsOf(issue, [], { data, root: schema.ast })
  )
