import * as Schema from "effect/Schema"

/**
 * A quick yes for values of JSON that a struct with unknown fields would decode to themselves; `false` means only that
 * the schema must look. Decoding copies every record, which costs five times as much as looking at it where it is, and
 * nearly all records of the documented edition need no change.
 *
 * What each field takes is found by asking its schema, so that the two cannot differ.
 */
export const make = (
  fields: Readonly<Record<string, Schema.Codec<unknown>>>,
  options: {
    /** Fields that are structs themselves, and their guards. */
    readonly nested: Readonly<Record<string, Look>>
    /** Further keys that the schema must look at. */
    readonly alias: (key: string) => boolean
  }
): Look => {
  const rules = new Map<string, Rule>()
  const required: Array<string> = []
  for (const [name, field] of Object.entries(fields)) {
    const takes = Schema.is(field)
    const nested = options.nested[name]
    rules.set(name, {
      text: takes("x"),
      empty: takes(""),
      number: takes(0),
      flag: takes(true),
      nothing: takes(null),
      object: nested ?? (takes({}) ? () => true : undefined)
    })
    if (field.ast.context?.isOptional !== true) required.push(name)
  }
  return (value) => {
    for (const key in value) {
      const rule = rules.get(key)
      if (rule === undefined ? options.alias(key) : !fits(rule, value[key])) return false
    }
    return required.every((name) => Object.hasOwn(value, name))
  }
}

type Look = (value: Readonly<Record<string, unknown>>) => boolean

interface Rule {
  readonly text: boolean
  readonly empty: boolean
  readonly number: boolean
  readonly flag: boolean
  readonly nothing: boolean
  readonly object: Look | undefined
}

const fits = (rule: Rule, value: unknown): boolean => {
  switch (typeof value) {
    case "string":
      return value === "" ? rule.empty : rule.text
    case "number":
      return rule.number && Number.isFinite(value)
    case "boolean":
      return rule.flag
    case "object":
      if (value === null) return rule.nothing
      return rule.object !== undefined && isRecord(value) && rule.object(value)
    default:
      return false
  }
}

const isRecord = (value: object): value is Record<string, unknown> => !Array.isArray(value)
