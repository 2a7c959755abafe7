/**
 * A rule of oxlint: a `let` that a function given to Effect or Stream changes. Such a function may run later, again, or side
 * by side with others: a `Ref`, or the state of a fold, says so.
 */

/** The modules of effect that a file imports as namespaces. */
const namespacesOf = (program) =>
  new Set(
    program.body.flatMap((node) =>
      node.type === "ImportDeclaration" && /^effect(\/|$)/.test(node.source.value)
        ? node.specifiers.map(({ local }) => local.name)
        : []
    )
  )

/** Whether a function is handed to a function of effect, such as `Effect.map(self, f)` or `Stream.mapEffect(f)`. */
const isHandedOver = (node, namespaces) => {
  const call = node.parent
  return (
    call?.type === "CallExpression" &&
    call.arguments.includes(node) &&
    call.callee.type === "MemberExpression" &&
    call.callee.object.type === "Identifier" &&
    namespaces.has(call.callee.object.name)
  )
}

const functions = new Set(["ArrowFunctionExpression", "FunctionExpression", "FunctionDeclaration"])

/** Whether effect runs the place: a function between it and the declaration was handed over. */
const isAcross = (from, declared, namespaces) => {
  for (let node = from; node !== undefined && node !== null && node !== declared; node = node.parent) {
    if (functions.has(node.type) && isHandedOver(node, namespaces)) return true
  }
  return false
}

const functionOf = (node) => {
  let found = node.parent
  while (found !== undefined && found !== null && !functions.has(found.type)) found = found.parent
  return found ?? undefined
}

const capturedLet = {
  meta: { type: "problem", docs: { description: "A binding that changes, captured across an effect" }, schema: [] },
  create(context) {
    return {
      Program(program) {
        const namespaces = namespacesOf(program)
        if (namespaces.size === 0) return
        for (const scope of context.sourceCode.scopeManager.scopes) {
          for (const variable of scope.variables) {
            const [definition] = variable.defs
            if (definition?.type !== "Variable" || definition.parent?.kind !== "let") continue
            const declared = functionOf(definition.name)
            const write = variable.references.find(
              (reference) =>
                reference.isWrite() && !reference.init && isAcross(reference.identifier, declared, namespaces)
            )
            if (write !== undefined && functionOf(write.identifier) !== declared) {
              context.report({
                node: definition.name,
                message: `\`${variable.name}\` is changed by a function that effect runs. Keep it in a Ref, or fold over it.`
              })
            }
          }
        }
      }
    }
  }
}

export default { meta: { name: "callstream" }, rules: { "captured-let": capturedLet } }
