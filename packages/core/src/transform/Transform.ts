/**
 * The contract of what happens to a record between the endpoint and a sink.
 *
 * @since 0.1.0
 */
import { dual } from "effect/Function"
import { type Pipeable, pipeArguments } from "effect/Pipeable"
import type { Column } from "../model/Column.ts"
import type { Item } from "../model/Item.ts"
import { itself, NotARow } from "./internal/Itself.ts"

/**
 * A pure function of one record. `undefined` leaves the record out; a throw makes it a dead letter, and the others go on.
 * A Promise, an Effect or the like in place of a row is a bug of the program, and stops it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Transform<in A, out B> extends Pipeable {
  /** Canonical text of what it does, without secrets: equal labels do the same. */
  readonly label: string
  /** The columns that come out for those that go in, and what their values are, known before the first record. */
  readonly columns: (input: ReadonlyArray<Column>) => ReadonlyArray<Column>
  readonly apply: (record: A) => B | undefined
}

/**
 * What a transform gives: a record itself. A Promise, an Effect, a Stream, an Option, a Result, a generator or a list is
 * none.
 *
 * @since 0.1.0
 * @category models
 */
export type Row = object & {
  readonly then?: never
  readonly [Symbol.iterator]?: never
  readonly [Symbol.asyncIterator]?: never
  readonly "~effect/Effect"?: never
  readonly "~effect/Exit"?: never
  readonly "~effect/Stream"?: never
  readonly "~effect/Option"?: never
  readonly "~effect/Result"?: never
}

interface Options<A, B> {
  readonly label: string
  readonly columns: (input: ReadonlyArray<Column>) => ReadonlyArray<Column>
  readonly apply: (record: A) => B | undefined
}

const create = <A, B>(options: Options<A, B>): Transform<A, B> => ({
  ...options,
  pipe() {
    // oxlint-disable-next-line prefer-rest-params
    return pipeArguments(this, arguments)
  }
})

/**
 * A transform of one's own. `apply` gives the row itself, at once: one that gives a Promise, an Effect or the like does not
 * compile and, where types do not reach, ends the run with a `TypeError` before any of it is written.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: <A, B extends Row>(options: {
  readonly label: string
  readonly columns: (input: ReadonlyArray<Column>) => ReadonlyArray<Column>
  readonly apply: (record: A) => B | undefined
}) => Transform<A, B> = create

/**
 * The transform that changes nothing.
 *
 * @since 0.1.0
 * @category constructors
 */
export const identity = <A>(): Transform<A, A> => create({ label: "", columns: (columns) => columns, apply: same })

const same = <A>(record: A): A => record

/**
 * What comes of items: their rows through the transform, beside the items that they came from. Those that the transform
 * threw for are told with what was thrown. Where it is the one that changes nothing, the items are not even read.
 *
 * @since 0.1.0
 * @category conversions
 */
export const toItems =
  <A, B>(self: Transform<A, B>) =>
  (
    given: ReadonlyArray<Item<A>>,
    onThrow: (item: Item<A>, cause: unknown) => void
  ): { readonly items: ReadonlyArray<Item<B>>; readonly passed: ReadonlyArray<Item<A>> } => {
    // Its results are what it was given, so `B` is `A`.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    if (self.apply === (same as unknown)) return { items: given as unknown as ReadonlyArray<Item<B>>, passed: given }
    const items: Array<Item<B>> = []
    const passed: Array<Item<A>> = []
    for (const item of given) {
      const { row: record } = item
      try {
        const row = itself(self.label, self.apply(record))
        if (row === undefined) continue
        items.push({ id: item.id, start: item.start, version: item.version, row })
        passed.push(item)
      } catch (cause) {
        if (cause instanceof NotARow) throw cause
        onThrow(item, cause)
      }
    }
    return { items, passed }
  }

/**
 * One after another, as one function: what the first leaves out the second never sees.
 *
 * @since 0.1.0
 * @category combining
 */
export const andThen: {
  <B, C>(next: Transform<B, C>): <A>(self: Transform<A, B>) => Transform<A, C>
  <A, B, C>(self: Transform<A, B>, next: Transform<B, C>): Transform<A, C>
} = dual(2, <A, B, C>(self: Transform<A, B>, next: Transform<B, C>): Transform<A, C> =>
  create({
    label: [self.label, next.label].filter((label) => label !== "").join(" | "),
    columns: (input) => next.columns(self.columns(input)),
    apply: (record) => {
      const between = itself(self.label, self.apply(record))
      return between === undefined ? undefined : next.apply(between)
    }
  })
)
