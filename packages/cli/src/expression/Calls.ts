/** Calls of functions and methods. */
import type { ASTNode } from "@marcbachmann/cel-js"
import * as Result from "effect/Result"
import { asMoment } from "./Compare.ts"
import { type Attempt, type Compiled, isContainer, mistake, names, type Scope } from "./Compiled.ts"
import { functions, keysOf, methods, noPatterns } from "./Functions.ts"
import { truth } from "./Operators.ts"
import { sizeOf } from "./Steps.ts"

export const call = (node: ASTNode, name: string, args: ReadonlyArray<ASTNode>, scope: Scope): Attempt =>
  Result.gen(function* () {
    const [argument] = args
    if (name === "has" && argument !== undefined) {
      const { run } = yield* scope.compile(argument, scope)
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
    const { constant: value, run, type } = yield* scope.compile(argument, scope)
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
    const over = yield* scope.compile(target, scope)
    if (!["list", "object", "any"].includes(over.type)) {
      return yield* mistake(target, `${name} looks into a list, not ${names[over.type]}`)
    }
    const [variable, condition] = args
    if (variable?.op !== "id" || condition === undefined || args.length !== 2) {
      return yield* mistake(node, `${name} takes a name and a condition`, `As in metadata.tags.${name}(t, t == "vip").`)
    }
    const place: { value: unknown } = { value: undefined }
    const holds = yield* truth(condition, {
      ...scope,
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

export const method = (
  node: ASTNode,
  name: string,
  target: ASTNode,
  args: ReadonlyArray<ASTNode>,
  scope: Scope
): Attempt =>
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
    const receiver = yield* scope.compile(target, scope)
    const given: Array<Compiled> = []
    for (const argument of args) given.push(yield* scope.compile(argument, scope))
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
