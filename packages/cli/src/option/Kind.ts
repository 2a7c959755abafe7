/** Kinds of values: how text becomes one, what fits, and the same as the schema of a key in a pipeline file. */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Size from "./Size.ts"
import * as When from "./When.ts"

export interface Kind<out A> {
  /** What help puts in place of the value. */
  readonly metavar: string
  /** What fits, as a noun phrase. */
  readonly expected: string
  /** The value that a text means, if it means one. */
  readonly parse: (text: string) => A | undefined
  readonly schema: Schema.Codec<A>
  /** What a shell offers for it: these words, or files and folders. Others may fit as well. */
  readonly completes?: ReadonlyArray<string> | "paths" | undefined
}

/** The kind, for which a shell offers words or paths. */
export const completing = <A>(kind: Kind<A>, completes: Kind<A>["completes"]): Kind<A> => ({ ...kind, completes })

/** Text that holds a condition. */
export const text = (
  metavar: string,
  expected: string,
  holds: (value: string) => boolean = (value) => value.trim() !== ""
): Kind<string> => ({
  metavar,
  expected,
  parse: (value) => (holds(value) ? value : undefined),
  schema: Schema.String.check(Schema.makeFilter(holds, { expected }))
})

export const file = completing(text("FILE", "the name of a file"), "paths")

export const choice = <const A extends string>(metavar: string, words: ReadonlyArray<A>): Kind<A> => ({
  metavar,
  expected: words.join(" or "),
  parse: (value) => words.find((word) => word === value),
  schema: Schema.Literals(words),
  completes: words
})

const integerShape = /^\d{1,15}$/

export const integer = (least: number, most = Number.MAX_SAFE_INTEGER): Kind<number> => {
  const expected =
    most === Number.MAX_SAFE_INTEGER ? `a whole number, ${least} or more` : `a whole number from ${least} to ${most}`
  return {
    metavar: "N",
    expected,
    parse: (value) => {
      const number = Number(value)
      return integerShape.test(value) && number >= least && number <= most ? number : undefined
    },
    schema: Schema.Finite.check(
      Schema.isInt({ expected }),
      Schema.isBetween({ minimum: least, maximum: most }, { expected })
    )
  }
}

const decimalShape = /^(?:\d+\.?\d*|\.\d+)$/

const decimal = (expected: string, schema: Schema.Codec<number>): Kind<number> => {
  const holds = Schema.is(schema)
  return {
    metavar: "N",
    expected,
    parse: (value) => (decimalShape.test(value) && holds(Number(value)) ? Number(value) : undefined),
    schema
  }
}

export const above = (least: number): Kind<number> => {
  const expected = `a number above ${least}`
  return decimal(expected, Schema.Finite.check(Schema.isGreaterThan(least, { expected })))
}

export const percentage: Kind<number> = (() => {
  const expected = "a percentage from 0 to 100"
  return decimal(expected, Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 100 }, { expected })))
})()

export const share: Kind<number> = (() => {
  const expected = "a number from 0 to 1"
  return decimal(expected, Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }, { expected })))
})()

/** A duration stays text, so that a file says what was typed; `millis` reads it. */
export const duration = text(
  "DURATION",
  "a duration such as 500ms, 30s, 2m or 2h",
  (value) => When.parseDuration(value) !== undefined
)

export const positiveDuration = text(
  "DURATION",
  "a duration above 0, such as 30s",
  (value) => (When.parseDuration(value) ?? 0) > 0
)

/** What a text of a duration means. */
export const durationOf = (value: string): Duration.Duration => Duration.millis(When.parseDuration(value) ?? 0)

/** What a text of requests a day means. */
export const requestsOf = (value: string): number | undefined => {
  const digits = /^([1-9]\d{0,9})\/day$/.exec(value)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

export const requestsADay = text(
  "N/day",
  "a number of requests a day, such as 2000/day",
  (value) => requestsOf(value) !== undefined
)

export const size = text("SIZE", "a size such as 256KiB or 1MB", (value) => Size.parse(value) !== undefined)

export const rotation = completing(
  text(
    "day|SIZE",
    "day, or a size such as 100MB or 64MiB",
    (value) => value === "day" || Size.parse(value) !== undefined
  ),
  ["day"]
)
