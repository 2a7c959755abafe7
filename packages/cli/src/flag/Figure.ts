/** Flags that take a number. What is not one is told with the same words as what is too small. */
import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"

const figure = (name: string, shape: RegExp, holds: (value: number) => boolean, expected: string) =>
  Flag.String(name).pipe(
    Flag.filterMap(
      (text) => {
        const value = Number(text)
        return shape.test(text) && holds(value) ? Option.some(value) : Option.none()
      },
      () => `Expected: ${expected}`
    )
  )

export const integer = (name: string, least: number, description: string, most = Infinity): Flag.Flag<number> =>
  figure(
    name,
    /^\d{1,15}$/,
    (value) => value >= least && value <= most,
    most === Infinity ? `a whole number, ${least} or more` : `a whole number from ${least} to ${most}`
  ).pipe(Flag.withMetavar("N"), Flag.withDescription(description))

/** A decimal that holds the condition; `expected` says which. */
export const decimal = (
  name: string,
  holds: (value: number) => boolean,
  expected: string,
  description: string
): Flag.Flag<number> =>
  figure(name, /^(?:\d+\.?\d*|\.\d+)$/, holds, expected).pipe(Flag.withMetavar("N"), Flag.withDescription(description))
