/** An expression as a function, with what is known of its value. */
import { type CallSession, ExactNumber, FieldPath } from "@callstream/core"
import type { ASTNode } from "@marcbachmann/cel-js"
import * as Result from "effect/Result"
import type { Type } from "./Fields.ts"
import type { Mistake } from "./Mistake.ts"
import type { Steps } from "./Steps.ts"

/** What a record does not have is `undefined`, and so is its `null`. */
export type Run = (session: CallSession.CallSession) => unknown

export interface Compiled {
  readonly type: Type
  readonly run: Run
  /** The value, where it is the same for all records. */
  readonly constant?: unknown
}

export interface Scope {
  /** Of `exists` and `all`, by name: each has one place, written before each look. */
  readonly variables: ReadonlyMap<string, { value: unknown }>
  /** Whether objects may be written: a condition has no use for them. @default false */
  readonly builds?: boolean | undefined
  /** Without loops a condition is as long as its text, so steps are counted in loops, and of long texts. */
  readonly steps: Steps
  /** What makes a function of a node inside of another one. */
  readonly compile: (node: ASTNode, scope: Scope) => Attempt
}

export type Attempt = Result.Result<Compiled, Mistake>

export const names: Readonly<Record<Type, string>> = {
  text: "text",
  number: "a number",
  bool: "true or false",
  time: "a time",
  list: "a list",
  object: "an object",
  null: "null",
  any: "any value"
}

export const mistake = (node: ASTNode, problem: string, advice?: string): Result.Result<never, Mistake> =>
  Result.fail({ problem, begin: node.start, end: node.end, advice })

export const constant = (type: Type, value: unknown): Compiled => ({ type, run: () => value, constant: value })

export type Scalar = string | number | boolean | ExactNumber.ExactNumber

export const isNumber = (value: unknown): value is number | ExactNumber.ExactNumber =>
  typeof value === "number" || ExactNumber.isExactNumber(value)

export const isScalar = (value: unknown): value is Scalar =>
  typeof value === "string" || typeof value === "boolean" || isNumber(value)

/** Something with values inside: an object or a list. */
export const isContainer = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !ExactNumber.isExactNumber(value)

export const literal = (node: ASTNode, value: unknown): Attempt => {
  switch (typeof value) {
    case "string":
      return Result.succeed(constant("text", value))
    case "boolean":
      return Result.succeed(constant("bool", value))
    case "bigint":
      return Result.succeed(constant("number", ExactNumber.fromText(String(value))))
    case "number":
      // As it is written: the parser has rounded it.
      return Result.succeed(constant("number", ExactNumber.fromText(node.input.slice(node.start, node.end)) ?? value))
    default:
      return value === null
        ? Result.succeed(constant("null", undefined))
        : mistake(node, "bytes and unsigned numbers are not used here", 'Write text as "…" and numbers as they are.')
  }
}

/** Only what an object or a list holds itself, never what it inherits. */
export const own = (value: unknown, key: string): unknown => FieldPath.get(value, [key]) ?? undefined

/** What no list holds. */
export const missing = Symbol("missing")
