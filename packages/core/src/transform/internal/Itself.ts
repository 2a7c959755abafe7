/** What a transform gives has to be the row itself, not something that will have it later, or that has it inside. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"

/** A bug of the program, which every record would show again: the run stops with it. */
export class NotARow extends TypeError {
  constructor(
    label: string,
    found: string,
    instead = "the row itself, or undefined; use Transform.effect for what takes time or needs services"
  ) {
    super(`the transform ${JSON.stringify(label)} gave ${found}: it must give ${instead}`)
    this.name = "NotARow"
  }
}

const wrapping = (value: object): string | undefined => {
  if ("then" in value && typeof value.then === "function") return "a Promise"
  // Plain objects, which nearly all rows are, are known by that.
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return undefined
  if (Effect.isEffect(value)) return "an Effect"
  if (Stream.isStream(value)) return "a Stream"
  if (Option.isOption(value)) return "an Option"
  if (Result.isResult(value)) return "a Result"
  if (Array.isArray(value)) return "a list"
  return "next" in value && typeof value.next === "function" ? "a generator" : undefined
}

/** The row, or nothing where the record is left out; throws `NotARow` for anything else. */
export const itself = <B>(label: string, row: B): B => {
  if (typeof row === "function") throw new NotARow(label, "a function")
  const found = typeof row === "object" && row !== null ? wrapping(row) : undefined
  if (found !== undefined) throw new NotARow(label, found)
  return row
}
