/**
 * The part of CEL that filters records, as functions. The library parses; types and values are this module's own,
 * because CEL makes a missing field an error and an integer something else than a number, and people who filter calls
 * want neither.
 */
import { type CallSession, ExactNumber } from "@callstream/core"
import type { ASTNode } from "@marcbachmann/cel-js"
import * as Result from "effect/Result"
import { asMoment, compare } from "./Compare.ts"
import {
  type Attempt,
  type Compiled,
  constant,
  isContainer,
  isNumber,
  isScalar,
  literal,
  missing,
  mistake,
  names,
  own,
  type Run,
  type Scope
} from "./Compiled.ts"
import { fields } from "./Fields.ts"
import { arithmetic, functions, keysOf, methods, noPatterns } from "./Functions.ts"
import { type Mistake, nearest } from "./Mistake.ts"
import { counting, sizeOf } from "./Steps.ts"

const identifier = (node: ASTNode, name: string, { variables }: Scope): Attempt => {
  const variable = variables.get(name)
  if (variable !== undefined) return Result.succeed({ type: "any", run: () => variable.value ?? undefined })
  const field = fields.get(name)
  if (field !== undefined) {
    const { read, type } = field
    return Result.succeed({ type, run: (session) => read(session) ?? undefined })
  }
  const close = nearest(name, [...fields.keys(), ...variables.keys()])
  return mistake(
    node,
    `unknown field ${name}`,
    close === undefined
      ? `The fields are ${[...fields.keys(), ...variables.keys()].join(", ")}.`
      : `Did you mean ${close}?`
  )
}

const access = (node: ASTNode, target: ASTNode, key: ASTNode | string, scope: Scope): Attempt =>
  Result.gen(function* () {
    const from = yield* compile(target, scope)
    if (!["object", "list", "any"].includes(from.type)) {
      return yield* mistake(node, `nothing is inside of ${names[from.type]}`)
    }
    if (typeof key === "string") return { type: "any", run: (session) => own(from.run(session), key) }
    const at = yield* compile(key, scope)
    if (at.type !== "any" && at.type !== "text" && at.type !== "number") {
      return yield* mistake(key, `a key is text or a number, not ${names[at.type]}`)
    }
    return {
      type: "any",
      run: (session) => {
        const value = at.run(session)
        return isScalar(value) ? own(from.run(session), String(value)) : undefined
      }
    }
  })

const comparison = (
  node: ASTNode,
  op: Parameters<typeof compare>[1],
  [left, right]: readonly [ASTNode, ASTNode],
  scope: Scope
): Attempt =>
  Result.flatMap(compile(left, scope), (a) =>
    Result.flatMap(compile(right, scope), (b) => {
      // A constant is as short as it is written; two long texts may be the same up to their last characters.
      const counted = Object.hasOwn(a, "constant") || Object.hasOwn(b, "constant") ? a : counting(a, scope.steps)
      return compare(node, op, [left, counted], [right, b])
    })
  )

const membership = ([left, right]: readonly [ASTNode, ASTNode], scope: Scope): Attempt =>
  Result.gen(function* () {
    const item = yield* compile(left, scope)
    const list = yield* compile(right, scope)
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

const truth = (node: ASTNode, scope: Scope): Result.Result<(session: CallSession.CallSession) => boolean, Mistake> =>
  Result.flatMap(compile(node, scope), ({ run, type }) =>
    type === "bool" || type === "any"
      ? Result.succeed((session: CallSession.CallSession) => run(session) === true)
      : mistake(node, `this is ${names[type]}, where true or false is needed`, "Compare it with something.")
  )

const calculation = (op: string, [left, right]: readonly [ASTNode, ASTNode], scope: Scope): Attempt =>
  Result.gen(function* () {
    const a = yield* compile(left, scope)
    const b = yield* compile(right, scope)
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

const list = (items: ReadonlyArray<ASTNode>, scope: Scope): Attempt =>
  Result.gen(function* () {
    const all: Array<Compiled> = []
    for (const item of items) all.push(yield* compile(item, scope))
    if (all.every((one) => Object.hasOwn(one, "constant"))) {
      return constant(
        "list",
        all.map((one) => one.constant)
      )
    }
    return { type: "list", run: (session) => all.map(({ run }) => run(session)) }
  })

const call = (node: ASTNode, name: string, args: ReadonlyArray<ASTNode>, scope: Scope): Attempt =>
  Result.gen(function* () {
    const [argument] = args
    if (name === "has" && argument !== undefined) {
      const { run } = yield* compile(argument, scope)
      return { type: "bool", run: (session) => run(session) !== undefined }
    }
    const found = functions.get(name)
    if (found === undefined || argument === undefined || args.length !== 1) {
      const advice =
        name === "matches" ? noPatterns : `There are ${["has", ...functions.keys()].join(", ")}, each of one value.`
      return yield* mistake(
        node,
        name === "matches" ? "there are no regular expressions" : `unknown function ${name}`,
        advice
      )
    }
    const { constant: value, run, type } = yield* compile(argument, scope)
    if (type !== "any" && !found.takes.includes(type)) {
      return yield* mistake(argument, `${name} does not take ${names[type]}`)
    }
    // A mistake in a time that is written out would make each comparison with it false.
    if (found.gives === "time" && value !== undefined) yield* asMoment(argument, { type, run, constant: value })
    return {
      type: found.gives,
      run: (session) => {
        const given = run(session)
        if (given === undefined) return undefined
        if (typeof given === "string") scope.steps.read(given.length * 2)
        return found.apply(given, scope.steps.read)
      }
    }
  })

const quantifier = (
  node: ASTNode,
  name: string,
  target: ASTNode,
  args: ReadonlyArray<ASTNode>,
  scope: Scope
): Attempt =>
  Result.gen(function* () {
    const over = yield* compile(target, scope)
    if (!["list", "object", "any"].includes(over.type)) {
      return yield* mistake(target, `${name} looks into a list, not ${names[over.type]}`)
    }
    const [variable, condition] = args
    if (variable?.op !== "id" || condition === undefined || args.length !== 2) {
      return yield* mistake(node, `${name} takes a name and a condition`, `As in metadata.tags.${name}(t, t == "vip").`)
    }
    const place: { value: unknown } = { value: undefined }
    const holds = yield* truth(condition, {
      steps: scope.steps,
      variables: new Map([...scope.variables, [variable.args, place]])
    })
    const weight = sizeOf(condition)
    return {
      type: "bool",
      run: (session) => {
        const value = over.run(session)
        if (!isContainer(value)) return false
        const check = (item: unknown): boolean => {
          scope.steps.take(weight)
          place.value = item
          return holds(session)
        }
        const items: ReadonlyArray<unknown> = Array.isArray(value) ? value : keysOf(value, scope.steps.read)
        return name === "exists" ? items.some(check) : items.every(check)
      }
    }
  })

const method = (node: ASTNode, name: string, target: ASTNode, args: ReadonlyArray<ASTNode>, scope: Scope): Attempt =>
  Result.gen(function* () {
    if (name === "exists" || name === "all") return yield* quantifier(node, name, target, args, scope)
    if (name === "size") return yield* call(node, name, [target], scope)
    const found = methods.get(name)
    if (found === undefined) {
      return yield* mistake(
        node,
        name === "matches" ? "there are no regular expressions" : `unknown function ${name}`,
        name === "matches" ? noPatterns : `There are ${["exists", "all", "size", ...methods.keys()].join(", ")}.`
      )
    }
    const receiver = yield* compile(target, scope)
    const given: Array<Compiled> = []
    for (const argument of args) given.push(yield* compile(argument, scope))
    for (const [side, { type }] of [
      [target, receiver] as const,
      ...args.map((arg, i) => [arg, given[i] ?? receiver] as const)
    ]) {
      if (!["text", "time", "any"].includes(type)) return yield* mistake(side, `${name} takes text, not ${names[type]}`)
    }
    if (given.length !== found.arguments) {
      return yield* mistake(
        node,
        found.arguments === 0 ? `${name} takes nothing in its brackets` : `${name} takes one text`
      )
    }
    const [first] = given
    return {
      type: found.gives,
      run: (session) => {
        const text = receiver.run(session)
        const other = first === undefined ? "" : first.run(session)
        if (typeof text !== "string" || typeof other !== "string") return undefined
        scope.steps.read(found.work(text.length, other.length))
        return found.apply(text, other)
      }
    }
  })

/** A node of the library's tree as a function, or the first mistake in it. */
export const compile = (node: ASTNode, scope: Scope): Attempt => {
  switch (node.op) {
    case "value":
      return literal(node, node.args)
    case "id":
      return identifier(node, node.args, scope)
    case ".":
      return access(node, node.args[0], node.args[1], scope)
    case "[]":
      return access(node, node.args[0], node.args[1], scope)
    case "==":
    case "!=":
    case "<":
    case "<=":
    case ">":
    case ">=":
      return comparison(node, node.op, node.args, scope)
    case "in":
      return membership(node.args, scope)
    case "+":
    case "-":
    case "*":
    case "/":
    case "%":
      return calculation(node.op, node.args, scope)
    case "&&":
    case "||": {
      const [left, right] = node.args
      const both = node.op === "&&"
      return Result.gen(function* () {
        const a = yield* truth(left, scope)
        const b = yield* truth(right, scope)
        return {
          type: "bool",
          run: both ? (session) => a(session) && b(session) : (session) => a(session) || b(session)
        }
      })
    }
    case "!_":
      return Result.map(truth(node.args, scope), (holds) => ({ type: "bool", run: (session) => !holds(session) }))
    case "-_": {
      const inner = node.args
      return Result.flatMap(compile(inner, scope), ({ constant: value, run, type }): Attempt => {
        if (type !== "number" && type !== "any") return mistake(inner, `- takes a number, and this is ${names[type]}`)
        if (isNumber(value)) return Result.succeed(constant("number", negate(value)))
        const negative: Run = (session) => {
          const result = run(session)
          return isNumber(result) ? negate(result) : undefined
        }
        return Result.succeed({ type: "number", run: negative })
      })
    }
    case "?:": {
      const [condition, left, right] = node.args
      return Result.gen(function* () {
        const holds = yield* truth(condition, scope)
        const a = yield* compile(left, scope)
        const b = yield* compile(right, scope)
        return {
          type: a.type === b.type ? a.type : "any",
          run: (session) => (holds(session) ? a.run(session) : b.run(session))
        }
      })
    }
    case "list":
      return list(node.args, scope)
    case "call":
      return call(node, node.args[0], node.args[1], scope)
    case "rcall":
      return method(node, node.args[0], node.args[1], node.args[2], scope)
    case "map":
    case ".?":
    case "[?]":
      return mistake(node, "this part of CEL is not used here")
  }
}
