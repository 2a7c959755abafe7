/** A condition on a session, written in CEL. */
import { type CallSession, ExactNumber } from "@callstream/core"
import { type ASTNode, Environment, ParseError, serialize } from "@marcbachmann/cel-js"
import * as Result from "effect/Result"
import { compile } from "./Compile.ts"
import { mistake } from "./Compiled.ts"
import { readBy } from "./Fields.ts"
import type { Mistake } from "./Mistake.ts"
import * as Steps from "./Steps.ts"

/** More than anybody writes, and little enough to go through without running out of stack. */
const cel = new Environment({ limits: { maxAstNodes: 2000, maxDepth: 64, maxListElements: 2000 } })

export interface Expression {
  /** The one way to write it: without further spaces, brackets and comments. */
  readonly label: string
  /** Throws a `TransformError` for a record for which it takes too many steps. */
  readonly holds: (session: CallSession.CallSession) => boolean
  /** The fields of a call that it reads. */
  readonly reads: ReadonlySet<string>
  /** The names of fields in it, derived ones too. */
  readonly names: ReadonlySet<string>
}

/** What people who know SQL or another language write first. */
const foreign: ReadonlyArray<readonly [RegExp, string]> = [
  [/^=(?!=)/, "Equal is ==."],
  [/^(?:<>|>)/, "Not equal is !=."],
  [/^(?:and|or|not)\b/i, "And is &&, or is ||, not is !."],
  [/^(?:like|ilike|matches|contains)\b/i, 'Text in text is summary.contains("refund").'],
  [/^is\b/i, "Missing is callerName == null, there is has(callerName)."],
  [/^[“”„‘’]/, 'Write text in straight quotes: "completed".']
]

const unreadable = (text: string, error: ParseError): Mistake => {
  const { end, start } = error.range ?? { start: text.length, end: text.length }
  const rest = text.slice(start)
  if (error.code === "unterminated_string") {
    return { problem: "this text has no closing quote", begin: start, end }
  }
  if (error.code === "limit_exceeded" || /limit|exceed/i.test(error.code)) {
    return { problem: "the expression is too long or too deep", begin: start, end: start + 1 }
  }
  if (rest.trim() === "") {
    const problem = text.trim() === "" ? "the expression is empty" : "the expression breaks off here"
    return {
      problem,
      begin: text.trimEnd().length,
      end: text.trimEnd().length + 1,
      advice: 'As in durationSec > 60 && status == "completed".'
    }
  }
  const advice = foreign.find(([word]) => word.test(rest))?.[1]
  const word = /^[\p{L}\p{N}_]+/u.exec(rest)?.[0].length ?? 1
  return { problem: "this is not understood here", begin: start, end: start + word, advice }
}

/** Each number with a point or an exponent, as it is written: `serialize` would round it. */
const fractions = (node: unknown): ReadonlyArray<string> => {
  if (Array.isArray(node)) return node.flatMap(fractions)
  if (typeof node !== "object" || node === null || !("args" in node)) return []
  const { args } = node
  if (typeof args !== "number") return fractions(Array.isArray(args) ? args : [args])
  return "input" in node && "start" in node && "end" in node
    ? [String(node.input).slice(Number(node.start), Number(node.end))]
    : []
}

/** Two conditions with other numbers have other labels. */
const labelOf = (text: string, ast: ASTNode): string => {
  const label = serialize(ast)
  const written = fractions(ast)
  const parsed = Result.try(() => fractions(cel.parse(label).ast))
  const value = (number: string) => String(ExactNumber.fromText(number))
  const same = Result.isSuccess(parsed) && written.map(value).join() === parsed.success.map(value).join()
  return same ? label : text.trim()
}

/** A name that is none of a field is a variable of `exists` or `all`. */
const namesIn = (part: unknown, found = new Set<string>()): ReadonlySet<string> => {
  if (Array.isArray(part)) for (const one of part) namesIn(one, found)
  else if (typeof part === "object" && part !== null && "op" in part && "args" in part) {
    if (part.op === "id" && typeof part.args === "string") found.add(part.args)
    else namesIn(part.args, found)
  }
  return found
}

const astOf = (text: string): Result.Result<ASTNode, Mistake> =>
  Result.try({
    try: () => cel.parse(text).ast,
    catch: (error): Mistake =>
      error instanceof ParseError
        ? unreadable(text, error)
        : { problem: "this is not understood", begin: 0, end: text.length }
  })

/** Reads a condition and checks every name and type in it, before there is a record. */
export const parse = (text: string): Result.Result<Expression, Mistake> =>
  Result.flatMap(astOf(text), (ast) => {
    const steps = Steps.make()
    const names = namesIn(ast)
    return Result.flatMap(compile(ast, { compile, variables: new Map(), steps }), ({ run, type }) =>
      type === "bool" || type === "any"
        ? Result.succeed({
            label: labelOf(text, ast),
            holds: (session) => {
              steps.begin()
              return run(session) === true
            },
            reads: new Set([...names].flatMap(readBy)),
            names
          })
        : mistake(ast, "a condition is true or false, and this is neither", "Compare it with something.")
    )
  })

/** What an expression makes of a row and what is known beside it. Throws as a condition does. */
export type Shape = (row: CallSession.CallSession, beside: Readonly<Record<string, unknown>>) => unknown

/** Reads an expression that makes a value, with further names. */
export const parseShape = (text: string, more: ReadonlyArray<string>): Result.Result<Shape, Mistake> =>
  Result.flatMap(astOf(text), (ast) => {
    const steps = Steps.make()
    const variables = new Map<string, { value: unknown }>(more.map((name) => [name, { value: undefined }]))
    return Result.map(compile(ast, { compile, variables, steps, builds: true }), ({ run }): Shape => (row, beside) => {
      steps.begin()
      for (const [name, place] of variables) place.value = beside[name]
      return run(row)
    })
  })
