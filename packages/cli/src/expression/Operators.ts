/** Operators: comparisons, membership, arithmetic and logic. */
import { type CallSession, ExactNumber } from "@callstream/core"
import type { ASTNode } from "@marcbachmann/cel-js"
import * as Result from "effect/Result"
import { compare } from "./Compare.ts"
import {
  type Attempt,
  constant,
  isContainer,
  isNumber,
  isScalar,
  missing,
  mistake,
  names,
  type Run,
  type Scope
} from "./Compiled.ts"
import { arithmetic } from "./Functions.ts"
import type { Mistake } from "./Mistake.ts"
import { counting } from "./Steps.ts"

export const comparison = (
  node: ASTNode,
  op: Parameters<typeof compare>[1],
  [left, right]: readonly [ASTNode, ASTNode],
  scope: Scope
): Attempt =>
  Result.flatMap(scope.compile(left, scope), (a) =>
    Result.flatMap(scope.compile(right, scope), (b) => {
      // A constant is as short as it is written; two long texts may be the same up to their last characters.
      const counted = Object.hasOwn(a, "constant") || Object.hasOwn(b, "constant") ? a : counting(a, scope.steps)
      return compare(node, op, [left, counted], [right, b])
    })
  )

export const membership = ([left, right]: readonly [ASTNode, ASTNode], scope: Scope): Attempt =>
  Result.gen(function* () {
    const item = yield* scope.compile(left, scope)
    const list = yield* scope.compile(right, scope)
    if (!["list", "object", "any"].includes(list.type)) {
      return yield* mistake(
        right,
        `in looks into a list, not ${names[list.type]}`,
        'As in status in ["completed", "ended"].'
      )
    }
    if (item.type === "object" || item.type === "list")
      return yield* mistake(left, `${names[item.type]} is never in a list`)
    if (Array.isArray(list.constant)) {
      const among = new Set<unknown>(list.constant)
      const exact = new Map(list.constant.filter(ExactNumber.isExactNumber).map((one) => [one.text, one]))
      return {
        type: "bool",
        run: (session) => {
          const value = item.run(session) ?? missing
          return among.has(ExactNumber.isExactNumber(value) ? (exact.get(value.text) ?? missing) : value)
        }
      }
    }
    return {
      type: "bool",
      run: (session) => {
        const value = item.run(session)
        const whole = list.run(session)
        if (value === undefined) return false
        if (Array.isArray(whole)) {
          scope.steps.read(whole.length * (typeof value === "string" ? Math.max(1, value.length) : 1))
          return whole.some(
            (one) => one === value || (isNumber(one) && isNumber(value) && ExactNumber.compare(one, value) === 0)
          )
        }
        return isContainer(whole) && isScalar(value) && Object.hasOwn(whole, String(value))
      }
    }
  })

export const truth = (
  node: ASTNode,
  scope: Scope
): Result.Result<(session: CallSession.CallSession) => boolean, Mistake> =>
  Result.flatMap(scope.compile(node, scope), ({ run, type }) =>
    type === "bool" || type === "any"
      ? Result.succeed((session: CallSession.CallSession) => run(session) === true)
      : mistake(node, `this is ${names[type]}, where true or false is needed`, "Compare it with something.")
  )

export const calculation = (op: string, [left, right]: readonly [ASTNode, ASTNode], scope: Scope): Attempt =>
  Result.gen(function* () {
    const a = yield* scope.compile(left, scope)
    const b = yield* scope.compile(right, scope)
    const joins = op === "+" && (a.type === "text" || b.type === "text")
    const wanted = joins ? "text" : "number"
    for (const [side, { type }] of [
      [left, a],
      [right, b]
    ] as const) {
      if (type !== "any" && type !== wanted) {
        return yield* mistake(
          side,
          `${op} takes ${joins ? "text on both sides" : "numbers"}, and this is ${names[type]}`
        )
      }
    }
    const calculate = arithmetic[op]
    const run: Run = (session) => {
      const x = a.run(session)
      const y = b.run(session)
      if (isNumber(x) && isNumber(y)) {
        const result = calculate?.(Number(x), Number(y))
        return Number.isFinite(result) ? result : undefined
      }
      if (op !== "+" || typeof x !== "string" || typeof y !== "string") return undefined
      scope.steps.read(x.length + y.length)
      return x + y
    }
    return { type: joins ? "text" : a.type === "number" || b.type === "number" || op !== "+" ? "number" : "any", run }
  })

const negate = (value: number | ExactNumber.ExactNumber) =>
  typeof value === "number" ? -value : ExactNumber.negate(value)

/** Both conditions, or one of them. */
export const both = (op: "&&" | "||", [left, right]: readonly [ASTNode, ASTNode], scope: Scope): Attempt =>
  Result.gen(function* () {
    const a = yield* truth(left, scope)
    const b = yield* truth(right, scope)
    return {
      type: "bool",
      run: op === "&&" ? (session) => a(session) && b(session) : (session) => a(session) || b(session)
    }
  })

/** A number with the other sign. */
export const minus = (node: ASTNode, scope: Scope): Attempt =>
  Result.flatMap(scope.compile(node, scope), ({ constant: value, run, type }): Attempt => {
    if (type !== "number" && type !== "any") return mistake(node, `- takes a number, and this is ${names[type]}`)
    if (isNumber(value)) return Result.succeed(constant("number", negate(value)))
    const negative: Run = (session) => {
      const result = run(session)
      return isNumber(result) ? negate(result) : undefined
    }
    return Result.succeed({ type: "number", run: negative })
  })

/** One of two values. */
export const choice = ([condition, left, right]: readonly [ASTNode, ASTNode, ASTNode], scope: Scope): Attempt =>
  Result.gen(function* () {
    const holds = yield* truth(condition, scope)
    const a = yield* scope.compile(left, scope)
    const b = yield* scope.compile(right, scope)
    return {
      type: a.type === b.type ? a.type : "any",
      run: (session) => (holds(session) ? a.run(session) : b.run(session))
    }
  })
