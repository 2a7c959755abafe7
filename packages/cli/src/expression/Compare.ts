/** What it means that one value equals another or comes before it. */
import { CallSession, ExactNumber, Instant } from "@callstream/core"
import type { ASTNode } from "@marcbachmann/cel-js"
import * as Result from "effect/Result"
import { type Attempt, type Compiled, isNumber, isScalar, mistake, names, type Run, type Scalar } from "./Compiled.ts"
import type { Mistake } from "./Mistake.ts"

type Order = "<" | "<=" | ">" | ">="
type Equality = "==" | "!="

const test: {
  readonly [K in Order | Equality]: (a: string | number | boolean, b: string | number | boolean) => boolean
} = {
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b
}

/** What the operator says of two values of one kind; nothing of two kinds, which are neither equal nor in order. */
const judge = (op: Order | Equality, left: Scalar, right: Scalar): boolean | undefined => {
  if (typeof left !== "object" && typeof right !== "object") {
    return typeof left === typeof right ? test[op](left, right) : undefined
  }
  return isNumber(left) && isNumber(right) ? test[op](ExactNumber.compare(left, right), 0) : undefined
}

/** A time of a record, from its text; a moment that was never set is none. */
const momentOf = (value: unknown): number | undefined =>
  typeof value === "string" ? CallSession.credibleInstant(value) : undefined

/** The text of a time beside a time: a mistake in it is found before anything runs. */
export const asMoment = (node: ASTNode, side: Compiled): Result.Result<Run, Mistake> => {
  if (side.type === "time" || side.type === "any") {
    return Result.succeed((session) => momentOf(side.run(session)))
  }
  if (side.type === "text" && typeof side.constant === "string") {
    const instant = Instant.parse(side.constant.trim())
    return instant === undefined
      ? mistake(node, "this is no time", 'Write it as "2026-07-31" (its midnight in UTC) or "2026-07-31T07:16:10Z".')
      : Result.succeed(() => instant)
  }
  return mistake(node, `a time cannot be compared with ${names[side.type]}`, 'Compare it with "2026-07-31T07:16:10Z".')
}

/** A side of a comparison: where it is written, and what it is. */
export type Side = readonly [ASTNode, Compiled]

export const compare = (node: ASTNode, op: Order | Equality, [left, a]: Side, [right, b]: Side): Attempt =>
  Result.gen(function* () {
    if (a.type === "null" || b.type === "null") {
      if (op !== "==" && op !== "!=") return yield* mistake(node, `null cannot be compared by ${op}`)
      const other = a.type === "null" ? b : a
      return { type: "bool", run: (session) => (other.run(session) === undefined) === (op === "==") }
    }
    const holds = test[op]
    if (a.type === "time" || b.type === "time") {
      const from = yield* asMoment(left, a)
      const to = yield* asMoment(right, b)
      return {
        type: "bool",
        run: (session) => {
          const x = from(session)
          const y = to(session)
          return typeof x === "number" && typeof y === "number" && holds(x, y)
        }
      }
    }
    for (const [side, { type }] of [
      [left, a],
      [right, b]
    ] as const) {
      if (type === "object" || type === "list") {
        return yield* mistake(side, `${names[type]} cannot be compared as a whole`, "Compare what is inside of it.")
      }
    }
    if (a.type !== "any" && b.type !== "any" && a.type !== b.type) {
      return yield* mistake(node, `${names[a.type]} cannot be compared with ${names[b.type]}`, mixedAdvice(left, right))
    }
    if (a.type === "bool" && op !== "==" && op !== "!=") return yield* mistake(node, `true and false have no order`)
    const x = a.run
    const y = b.run
    return {
      type: "bool",
      run: (session) => {
        const p = x(session)
        const q = y(session)
        // Text and a number are not equal, and neither comes before the other.
        return isScalar(p) && isScalar(q) && (judge(op, p, q) ?? op === "!=")
      }
    }
  })

const mixedAdvice = (left: ASTNode, right: ASTNode): string =>
  [left, right].some(({ args, op }) => op === "id" && args === "costTotal")
    ? "costTotal is exact text: cost is the number."
    : "double(…) makes a number of text, string(…) text of a number."
