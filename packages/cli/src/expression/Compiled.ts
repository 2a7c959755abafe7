/** An expression as a function, with what is known of its value. */
import { type CallSession, ExactNumber } from "@callstream/core"
import type { ASTNode } from "@marcbachmann/cel-js"
import * as Result from "effect/Result"
import type { Type } from "./Fields.ts"
import type { Mistake } from "./Mistake.ts"

/** What a record does not have is `undefined`, and so is its `null`. */
export type Run = (session: CallSession.CallSession) => unknown

export interface Compiled {
  readonly type: Type
  readonly run: Run
  /** The value, where it is the same for all records. */
  readonly constant?: unknown
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
