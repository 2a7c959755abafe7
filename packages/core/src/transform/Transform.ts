/**
 * The contract of what happens to a record between the endpoint and a sink.
 *
 * @since 0.1.0
 */
import { dual } from "effect/Function"
import { type Pipeable, pipeArguments } from "effect/Pipeable"
import type { Column } from "../model/Column.ts"

/**
 * A pure function of one record. `undefined` leaves the record out; a throw makes it a dead letter, and the others go on.
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
 * A transform of one's own.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <A, B>(options: {
  readonly label: string
  readonly columns: (input: ReadonlyArray<Column>) => ReadonlyArray<Column>
  readonly apply: (record: A) => B | undefined
}): Transform<A, B> => ({
  ...options,
  pipe() {
    // oxlint-disable-next-line prefer-rest-params
    return pipeArguments(this, arguments)
  }
})

/**
 * The transform that changes nothing.
 *
 * @since 0.1.0
 * @category constructors
 */
export const identity = <A>(): Transform<A, A> =>
  make({ label: "", columns: (columns) => columns, apply: (record) => record })

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
  make({
    label: [self.label, next.label].filter((label) => label !== "").join(" | "),
    columns: (input) => next.columns(self.columns(input)),
    apply: (record) => {
      const between = self.apply(record)
      return between === undefined ? undefined : next.apply(between)
    }
  })
)
