/** YAML as data, with the place of everything in it, so that a mistake can be pointed at. */
import * as Arr from "effect/Array"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, visit } from "yaml"
import { lineAt, show } from "../expression/Mistake.ts"
import { PipelineFileError, type Pointed } from "./PipelineFileError.ts"

/** From a file's beginning, in characters. */
interface Span {
  readonly begin: number
  readonly end: number
}

/** Keys and places in lists, from the outermost in. */
export type Path = ReadonlyArray<string | number>

/** A mistake in a file, with its place. */
export interface Mistake {
  readonly problem: string
  readonly advice?: string | undefined
  readonly at: Span
  /** The line is not repeated. */
  readonly hidden?: boolean
  /** The environment variable that is not set. */
  readonly variable?: string | undefined
}

export interface Yaml {
  /** Plain data, with `${NAME}` replaced. */
  readonly data: unknown
  /** The same as it is written, references and all: it holds no secret that the file refers to. */
  readonly unresolved: unknown
  /** Each reference with its value: output for people shows the reference. */
  readonly referred: ReadonlyArray<readonly [value: string, reference: string]>
  /** The texts as they are written, references and all. */
  readonly written: ReadonlyArray<{ readonly path: Path; readonly text: string }>
  readonly valueAt: (path: Path) => Span | undefined
  /** The key that leads there, or the item of a list. */
  readonly keyAt: (path: Path) => Span | undefined
  /** A part of the text at a path, when it is written there as it is; otherwise all of it. */
  readonly partAt: (path: Path, text: string, begin: number, end: number) => Span | undefined
  /** References that lead nowhere, and the paths of the values that hold them. */
  readonly mistakes: ReadonlyArray<Mistake & { readonly path: Path }>
  /** Fails when there is a mistake. */
  readonly refuse: (mistakes: ReadonlyArray<Mistake>) => Effect.Effect<void, PipelineFileError>
}

/** More than anybody writes: an alias inside of an alias inside of an alias … would fill the memory. */
const mostNodes = 10_000

/** A line that may hold a secret is not repeated. */
const secretive =
  /(?:key|secret|token|password|passwd|authorization)["']?\s*[:=](?!\s*["']?\$\{)|whsec_|:\/\/[^\s/"']*@/i

const refuseIn =
  (file: string, text: string, lines: LineCounter) =>
  (mistakes: ReadonlyArray<Mistake>): Effect.Effect<void, PipelineFileError> => {
    const pointed = mistakes
      .toSorted((a, b) => a.at.begin - b.at.begin)
      .map(({ advice, at, hidden, problem, variable }): Pointed => {
        const { col, line } = lines.linePos(Math.min(at.begin, text.length))
        const quoted = hidden === true || secretive.test(lineAt(text, at.begin)) ? [] : show(text, { problem, ...at })
        return { line, column: col, problem, quoted, advice, variable }
      })
    return Arr.isReadonlyArrayNonEmpty(pointed)
      ? Effect.fail(new PipelineFileError({ file, mistakes: pointed }))
      : Effect.void
  }

const words: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: "a tab indents this line: write spaces",
  DUPLICATE_KEY: "this key is here twice",
  MULTIPLE_DOCS: "a second document begins here: list several pipelines under pipelines",
  BAD_ALIAS: "this alias has no anchor before it",
  MISSING_CHAR: "a quote, bracket or comma is missing here",
  BAD_INDENT: "this line is indented too little or too far",
  BLOCK_AS_IMPLICIT_KEY: "write a key and its value in one line, or the value below it, indented further",
  MULTILINE_IMPLICIT_KEY: "this is no key: a colon is missing, or a quote"
}

const reference = /\$(\$?)\{([^}]*)(\}?)/g

type Document = ReturnType<typeof parseDocument>

/** What the parser did not understand first, and where. */
const unreadableIn = (document: Document, text: string): Mistake | undefined => {
  const [unreadable] = [...document.errors, ...document.warnings]
  if (unreadable === undefined) return undefined
  const [begin, end] = unreadable.pos
  // A quote that is missing is noticed at the end of the file: where it was opened is what helps.
  let opened: number | undefined
  let bracket = false
  visit(document, {
    Scalar: (_, { range }) => {
      if (range != null && range[0] < begin && range[1] >= begin) [opened] = range
    },
    Collection: (_, { flow, range }) => {
      bracket ||= flow === true && range != null && !/[\]}]/.test(text[range[1] - 1] ?? "")
    }
  })
  const problem = bracket
    ? "a bracket that was opened above is not closed"
    : (words[unreadable.code] ?? "this is not understood as YAML")
  const at = unreadable.code === "MISSING_CHAR" && opened !== undefined ? { begin: opened, end: opened + 1 } : undefined
  return { problem, at: at ?? { begin, end: Math.max(end, begin + 1) } }
}

/** The findings in a document. */
interface Found {
  readonly spans: Map<string, { readonly key: Span | undefined; readonly value: Span | undefined }>
  readonly referred: Map<string, string>
  readonly written: Array<Yaml["written"][number]>
  readonly mistakes: Array<Mistake & { readonly path: Path }>
}

/** The text with the values of its references. */
const put = Effect.fnUntraced(function* ({ mistakes, referred }: Found, value: string, path: Path, at: Span) {
  const parts: Array<string> = []
  let from = 0
  for (const match of value.matchAll(reference)) {
    const [whole, escape = "", name = "", closing] = match
    parts.push(value.slice(from, match.index))
    from = match.index + whole.length
    if (escape !== "") {
      parts.push(whole.slice(1))
      continue
    }
    if (closing === "" || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      mistakes.push({
        problem: "a reference is ${NAME}, with the name of an environment variable",
        advice: "For the text ${ itself write $${.",
        path,
        at
      })
      continue
    }
    const found = Option.filter(yield* Effect.option(Config.String(name)), (text) => text.trim() !== "")
    if (Option.isNone(found)) {
      mistakes.push({
        problem: `the environment variable ${name} is not set`,
        advice: `Set ${name}, or write another value here.`,
        variable: name,
        path,
        at
      })
      continue
    }
    referred.set(found.value.trim(), whole)
    parts.push(found.value.trim())
  }
  return [...parts, value.slice(from)].join("")
})

/** The values of a document, and where each is. */
const valuesOf = (document: Document, refuse: Yaml["refuse"], found: Found) => {
  const { mistakes, spans, written } = found
  const nodes = Ref.makeUnsafe(0)
  const walk = Effect.fnUntraced(function* (
    given: unknown,
    path: Path,
    key: Span | undefined,
    outer: ReadonlyArray<unknown>
  ): Effect.fn.Return<unknown, PipelineFileError> {
    const node = isAlias(given) ? given.resolve(document) : given
    const [begin = key?.end ?? 0, end = begin] = (isNode(given) ? given.range : undefined) ?? []
    const at = { begin, end: Math.max(end, begin + 1) }
    const isTooMuch = (yield* Ref.updateAndGet(nodes, (count) => count + 1)) > mostNodes
    if (outer.includes(node) || isTooMuch) {
      const problem = isTooMuch ? "this is too much for a file of pipelines" : "this is inside of itself"
      yield* refuse([{ problem, at: key ?? at }])
    }
    const inside = [...outer, node]
    spans.set(JSON.stringify(path), { key, value: isAlias(given) ? key : at })
    if (isMap(node)) {
      const entries: Array<readonly [string, unknown]> = []
      for (const pair of node.items) {
        const name = isScalar(pair.key) ? pair.key : undefined
        const [keyBegin = begin, keyEnd = begin + 1] = name?.range ?? []
        const place = { begin: keyBegin, end: keyEnd }
        if (name === undefined || typeof name.value !== "string") {
          mistakes.push({ problem: "a key must be a word", path, at: place })
          continue
        }
        entries.push([name.value, yield* walk(pair.value, [...path, name.value], place, inside)])
      }
      return Object.fromEntries(entries)
    }
    if (isSeq(node)) {
      return yield* Effect.forEach(node.items, (item, i) => walk(item, [...path, i], undefined, inside))
    }
    const value: unknown = isScalar(node) ? node.value : null
    if (typeof value !== "string") return value
    written.push({ path, text: value })
    return yield* put(found, value, path, at)
  })

  return walk(document.contents, [], undefined, [])
}

/** Reads the text of a file. `${NAME}` comes from the environment; `$${NAME}` is the text `${NAME}`. */
export const read = Effect.fnUntraced(function* (
  file: string,
  text: string
): Effect.fn.Return<Yaml, PipelineFileError> {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const refuse = refuseIn(file, text, lines)
  const unreadable = unreadableIn(document, text)
  if (unreadable !== undefined) yield* refuse([unreadable])
  const found: Found = { spans: new Map(), referred: new Map(), written: [], mistakes: [] }
  const { mistakes, referred, spans, written } = found
  const data: unknown = yield* valuesOf(document, refuse, found)
  const valueAt = (path: Path) => spans.get(JSON.stringify(path))?.value
  const unresolved: unknown = document.toJS()
  return {
    data,
    unresolved,
    mistakes,
    referred: [...referred],
    written,
    valueAt,
    keyAt: (path) => {
      const found = spans.get(JSON.stringify(path))
      return found?.key ?? found?.value
    },
    partAt: (path, part, begin, end) => {
      const all = valueAt(path)
      const start = all === undefined ? -1 : text.slice(all.begin, all.end).indexOf(part)
      return all === undefined || start < 0
        ? all
        : { begin: all.begin + start + begin, end: all.begin + start + Math.max(end, begin + 1) }
    },
    refuse
  }
})
