/** A copy of an object in which some values are others, and some keys too or gone. */
import { type Row, set } from "./Row.ts"
import { dropped } from "./Substitutes.ts"

/** The changes of an object. */
export interface ChangedKeys {
  readonly values: Map<string, unknown>
  /** Of those keys that get another name, or go. */
  readonly keys: Map<string, string | undefined>
}

export const add = (change: ChangedKeys | undefined, key: string, newKey: string, value: unknown): ChangedKeys => {
  const { keys, values } = change ?? { values: new Map<string, unknown>(), keys: new Map<string, string | undefined>() }
  if (value === dropped) keys.set(key, undefined)
  else {
    values.set(key, value)
    if (newKey !== key) keys.set(key, newKey)
  }
  return { keys, values }
}

/** The same object without changes. When only values change, a copy as a whole: it costs a tenth of one key by key. */
export const apply = (object: Row, change: ChangedKeys | undefined): Row => {
  if (change === undefined) return object
  const { keys, values } = change
  if (keys.size === 0) {
    const copy: Record<string, unknown> = { ...object }
    for (const [key, value] of values) copy[key] = value
    return copy
  }
  const out: Record<string, unknown> = {}
  for (const key of Object.keys(object)) {
    const newKey = keys.has(key) ? keys.get(key) : key
    if (newKey === undefined) continue
    set(out, newKey === key ? key : unused(newKey, object, out), values.has(key) ? values.get(key) : object[key])
  }
  return out
}

/** Two keys that become the same one must not cost a value. */
const unused = (key: string, object: Row, out: Row): string => {
  let found = key
  for (let n = 2; Object.hasOwn(out, found) || Object.hasOwn(object, found); n++) found = `${key} (${n})`
  return found
}
