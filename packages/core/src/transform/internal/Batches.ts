/** The rows of a batch, one after another through a pure function, or with the results that a call gave for all of them. */
import * as Effect from "effect/Effect"
import { type Item, withRow } from "../../model/Item.ts"
import { madeBy } from "../../model/internal/Packed.ts"
import type { OnReject, Passed, Pure } from "../TransformContract.ts"
import { TransformError } from "../TransformError.ts"
import { itself, NotARow } from "./Itself.ts"

/** Milliseconds without a look at signals and timers: shorter than anybody notices, far longer than a batch takes. */
const turn = 20

/** Records between two looks at the clock. */
const longest = 32

/** A slow transform yields between two records, so that it can be interrupted. */
export const each = <A, B>(
  self: Pure<A, B>,
  given: ReadonlyArray<Item<A>>,
  onReject: OnReject
): Effect.Effect<Passed<B>> =>
  Effect.clockWith((clock) => {
    const items: Array<Item<B>> = []
    const places: Array<number> = []
    const from = (begin: number): Effect.Effect<Passed<B>> => {
      const begun = clock.currentTimeMillisUnsafe()
      // A look at the clock may cost more than a record: as long as records are quick, it is seldom.
      let stride = 1
      let next = begin
      for (let at = begin; at < given.length; at++) {
        const item = given[at]
        if (item === undefined) continue
        const made = madeBy(item, self.apply)
        if (made !== undefined) {
          if (made === "left out") continue
          // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- this very function made it
          items.push(made as unknown as Item<B>)
          places.push(at)
          continue
        }
        try {
          const row = itself(self.label, self.apply(item.row))
          if (row !== undefined) {
            items.push(withRow(item, row))
            places.push(at)
          }
        } catch (cause) {
          if (cause instanceof NotARow) throw cause
          onReject(at, cause)
        }
        if (at < next) continue
        const elapsed = clock.currentTimeMillisUnsafe() - begun
        if (elapsed >= turn) {
          const after = at + 1
          return Effect.flatMap(Effect.yieldNow, () => from(after))
        }
        if (elapsed < turn / 4) stride = Math.min(stride * 2, longest)
        next = at + stride
      }
      return Effect.succeed({ items, places })
    }
    return from(0)
  })

/** The results of a call that takes all rows of a batch at once: as many as there are rows, in the same order. */
export const resultsOf = <A, B extends object>(
  label: string,
  given: ReadonlyArray<Item<A>>,
  results: ReadonlyArray<B | TransformError | undefined>,
  onReject: OnReject
): Passed<B> => {
  if (results.length !== given.length) {
    const found = `${results.length} results for ${given.length} rows`
    throw new NotARow(label, found, "one for each, in the same order")
  }
  const items: Array<Item<B>> = []
  const places: Array<number> = []
  for (const [at, result] of results.entries()) {
    const item = given[at]
    if (item === undefined || result === undefined) continue
    if (result instanceof TransformError) onReject(at, result)
    else {
      items.push(withRow(item, itself(label, result)))
      places.push(at)
    }
  }
  return { items, places }
}

/** The values at the given indexes. */
export const at = <T>(given: ReadonlyArray<T>, places: ReadonlyArray<number>): ReadonlyArray<T> => {
  const found: Array<T> = []
  for (const place of places) {
    const item = given[place]
    if (item !== undefined) found.push(item)
  }
  return found
}
