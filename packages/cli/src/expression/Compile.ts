/**
 * The part of CEL that filters records, as functions. The library parses; types and values are this module's own,
 * because CEL makes a missing field an error and an integer something else than a number, and people who filter calls
 * want neither.
 */
import type { ASTNode } from "@marcbachmann/cel-js"
import * as Result from "effect/Result"
import { call, method } from "./Calls.ts"
import {
  type Attempt,
  type Compiled,
  constant,
  isScalar,
  literal,
  mistake,
  names,
  own,
  type Scope
} from "./Compiled.ts"
import { fields } from "./Fields.ts"
import { nearest } from "./Mistake.ts"
import { both, calculation, choice, comparison, membership, minus, truth } from "./Operators.ts"

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
    const from = yield* scope.compile(target, scope)
    if (!["object", "list", "any"].includes(from.type)) {
      return yield* mistake(node, `nothing is inside of ${names[from.type]}`)
    }
    if (typeof key === "string") return { type: "any", run: (session) => own(from.run(session), key) }
    const at = yield* scope.compile(key, scope)
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

const list = (items: ReadonlyArray<ASTNode>, scope: Scope): Attempt =>
  Result.gen(function* () {
    const all: Array<Compiled> = []
    for (const item of items) all.push(yield* scope.compile(item, scope))
    if (all.every((one) => Object.hasOwn(one, "constant"))) {
      return constant(
        "list",
        all.map((one) => one.constant)
      )
    }
    return { type: "list", run: (session) => all.map(({ run }) => run(session)) }
  })

/** A missing value is null in it: a field of a body has its place. */
const object = (entries: ReadonlyArray<readonly [ASTNode, ASTNode]>, scope: Scope): Attempt =>
  Result.gen(function* () {
    const all: Array<readonly [string, Compiled]> = []
    for (const [key, value] of entries) {
      if (key.op !== "value" || typeof key.args !== "string") return yield* mistake(key, "a key is text in quotes")
      all.push([key.args, yield* scope.compile(value, scope)])
    }
    return {
      type: "object",
      run: (session) => Object.fromEntries(all.map(([key, { run }]) => [key, run(session) ?? null]))
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
    case "||":
      return both(node.op, node.args, scope)
    case "!_":
      return Result.map(truth(node.args, scope), (holds) => ({ type: "bool", run: (session) => !holds(session) }))
    case "-_":
      return minus(node.args, scope)
    case "?:":
      return choice(node.args, scope)
    case "list":
      return list(node.args, scope)
    case "call":
      return call(node, node.args[0], node.args[1], scope)
    case "rcall":
      return method(node, node.args[0], node.args[1], node.args[2], scope)
    case "map":
      return scope.builds === true ? object(node.args, scope) : mistake(node, "this part of CEL is not used here")
    case ".?":
    case "[?]":
      return mistake(node, "this part of CEL is not used here")
  }
}
