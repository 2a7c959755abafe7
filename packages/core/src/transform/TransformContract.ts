/**
 * The contract of a transform.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import { type Pipeable, pipeArguments } from "effect/Pipeable"
import type { Needs } from "../client/PageDecoder.ts"
import type { Column } from "../model/Column.ts"
import type { Item } from "../model/Item.ts"
import { at, each, resultsOf } from "./internal/Batches.ts"
import { itself } from "./internal/Itself.ts"
import * as NeedsOf from "./internal/Needs.ts"
import { bothOf } from "./internal/Redactions.ts"
import { TransformError } from "./TransformError.ts"

export { TransformError } from "./TransformError.ts"
export type { Needs } from "../client/PageDecoder.ts"

/**
 * How a transform redacts personal data, for the dead letters of its records.
 *
 * @since 0.1.0
 * @category models
 */
export interface Redaction {
  /** Equal labels redact alike. */
  readonly label: string
  /** Takes any JSON: a record that could not be decoded too. Redacting twice changes nothing. */
  readonly apply: (value: unknown) => Redacted
}

/**
 * Redacted JSON, and how to redact what is said of it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Redacted {
  readonly value: unknown
  /** The fields of the record that were changed, in camelCase. */
  readonly fields: ReadonlyArray<string>
  /** Redacts a text about the record, such as an error that quotes it. */
  readonly text: (text: string) => string
}

/**
 * Transforms the rows of a batch: it leaves some out, rejects some, and passes the others on, changed or not. `E` and `R` are
 * the errors and services of a transform that calls other systems; a pure one has none.
 *
 * @since 0.1.0
 * @category models
 */
export interface Transform<in A, out B, out E = never, out R = never> extends Pipeable {
  /** Canonical text of what it does, without secrets: equal labels do the same. */
  readonly label: string
  /** The columns that come out for those that go in, and what their values are, known before the first record. */
  readonly columns: (input: ReadonlyArray<Column>) => ReadonlyArray<Column>
  /** The redaction that it applies, if any: dead letters are redacted in the same way. */
  readonly redaction?: Redaction | undefined
  /** The rows of one batch. `onReject` gets the place of each row that it rejects, and why. */
  readonly run: (given: ReadonlyArray<Item<A>>, onReject: OnReject) => Effect.Effect<Passed<B>, E, R>
}

/**
 * Gets the place of a row that is rejected, and why.
 *
 * @since 0.1.0
 * @category models
 */
export type OnReject = (place: number, cause: unknown) => void

/**
 * The rows that came through, and for each the index of its original row.
 *
 * @since 0.1.0
 * @category models
 */
export interface Passed<out B> {
  readonly items: ReadonlyArray<Item<B>>
  readonly places: ReadonlyArray<number>
}

/**
 * A transform that is a pure function of one record. `undefined` leaves the record out. A throw rejects this record alone. A
 * Promise, an Effect or the like in place of a row is a bug of the program, and stops it: `effect` is for those.
 *
 * @since 0.1.0
 * @category models
 */
export interface Pure<in A, out B> extends Transform<A, B> {
  readonly apply: (record: A) => B | undefined
  /** What it needs of a record, so that a thread that decodes need not parse the rest. @default the whole record */
  readonly needs?: Needs | undefined
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

/**
 * A path whose value keeps the path as its name, or a path and the name its value gets.
 *
 * @since 0.1.0
 * @category models
 */
export type Selected = string | { readonly path: string; readonly as: string }

/**
 * How far to flatten.
 *
 * @since 0.1.0
 * @category options
 */
export interface FlattenOptions {
  /**
   * How to flatten objects whose keys come with the records, such as `metadata`: `"keys"` makes each key a field of the
   * row, so that rows differ in their fields; `"whole"` leaves the object as it is, and all rows have the same columns.
   * @default "keys"
   */
  readonly objects?: "keys" | "whole" | undefined
}

interface Described {
  readonly label: string
  readonly columns: (input: ReadonlyArray<Column>) => ReadonlyArray<Column>
  readonly redaction?: Redaction | undefined
}

const create = <A, B>(options: Described & Pick<Pure<A, B>, "apply" | "needs">): Pure<A, B> => ({
  ...options,
  run(given, onReject) {
    return each(this, given, onReject)
  },
  pipe() {
    // oxlint-disable-next-line prefer-rest-params
    return pipeArguments(this, arguments)
  }
})

const createBatched = <A, B, E, R>(options: Described & Pick<Transform<A, B, E, R>, "run">): Transform<A, B, E, R> => ({
  ...options,
  pipe() {
    // oxlint-disable-next-line prefer-rest-params
    return pipeArguments(this, arguments)
  }
})

/**
 * Whether it is a pure function of one record.
 *
 * @since 0.1.0
 * @category reading
 */
export const isPure = <A, B, E, R>(self: Transform<A, B, E, R>): self is Transform<A, B, E, R> & Pure<A, B> =>
  "apply" in self

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
  readonly redaction?: Redaction | undefined
  readonly needs?: Needs | undefined
}) => Pure<A, B> = create

/**
 * The transform that changes nothing.
 *
 * @since 0.1.0
 * @category constructors
 */
export const identity = <A>(): Pure<A, A> =>
  create({ label: "", columns: (columns) => columns, apply: same, needs: { fields: [], characters: "" } })

const same = <A>(record: A): A => record

const isUnchanged = <A, B, E, R>(self: Transform<A, B, E, R>): boolean =>
  isPure(self) && self.apply === (same as unknown)

/**
 * A transform that calls another system, such as a CRM, once a batch. `run` gets the rows of a batch, at most 500, and gives as many
 * results in the same order: the new row, `undefined` for one that is left out, a `TransformError` for one that is rejected.
 * When it fails the run of the pipeline fails with that error, and the next run asks again for what was not committed; so
 * retry inside of `run`. `columns` are those of the rows that it gives. @default columns as they come in
 *
 * ```ts
 * Transform.effect({
 *   label: "crm owner",
 *   columns: (columns) => [...columns, { name: "owner", type: "text" }],
 *   run: (rows: ReadonlyArray<CallSession.CallSession>) =>
 *     Effect.map(ownersOf(rows), (owners) => rows.map((row, at) => ({ ...row, owner: owners[at] })))
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const effect = <A, B extends Row, E = never, R = never>(
  options: Omit<Described, "columns"> & {
    readonly columns?: Described["columns"] | undefined
    readonly run: (rows: ReadonlyArray<A>) => Effect.Effect<ReadonlyArray<B | TransformError | undefined>, E, R>
  }
): Transform<A, B, E, R> => {
  const { columns = (input) => input, label, redaction, run } = options
  return createBatched({
    label,
    columns,
    redaction,
    run: (given, onReject) =>
      given.length === 0
        ? Effect.succeed({ items: [], places: [] })
        : Effect.map(
            Effect.suspend(() => run(given.map(({ row }) => row))),
            (results) => resultsOf(label, given, results, onReject)
          )
  })
}

/**
 * Passes the rows of items through the transform, and returns them beside their items. Rejected rows are reported with the
 * cause. The transform that changes nothing does not even read the items.
 *
 * @since 0.1.0
 * @category conversions
 */
export const toItems =
  <A, B, E, R>(self: Transform<A, B, E, R>) =>
  <T extends Item<A>>(
    given: ReadonlyArray<T>,
    onReject: (item: T, cause: unknown) => void
  ): Effect.Effect<{ readonly items: ReadonlyArray<Item<B>>; readonly passed: ReadonlyArray<T> }, E, R> => {
    // Its results are what it was given, so `B` is `A`.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    if (isUnchanged(self)) return Effect.succeed({ items: given as unknown as ReadonlyArray<Item<B>>, passed: given })
    const rejected = (place: number, cause: unknown) => {
      const item = given[place]
      if (item !== undefined) onReject(item, cause)
    }
    return Effect.map(self.run(given, rejected), ({ items, places }) => ({ items, passed: at(given, places) }))
  }

/**
 * The rows of records that are in memory, without those that it leaves out: to try a chain. Fails when one is rejected.
 *
 * @since 0.1.0
 * @category conversions
 */
export const applyAll: {
  <A>(
    records: ReadonlyArray<NoInfer<A>>
  ): <B, E, R>(self: Transform<A, B, E, R>) => Effect.Effect<ReadonlyArray<B>, E | TransformError, R>
  <A, B, E, R>(
    self: Transform<A, B, E, R>,
    records: ReadonlyArray<A>
  ): Effect.Effect<ReadonlyArray<B>, E | TransformError, R>
} = dual(
  2,
  <A, B, E, R>(
    self: Transform<A, B, E, R>,
    records: ReadonlyArray<A>
  ): Effect.Effect<ReadonlyArray<B>, E | TransformError, R> =>
    Effect.suspend(() => {
      const rejected: Array<unknown> = []
      const given = records.map((row, at) => ({ id: String(at), start: undefined, row }))
      return Effect.flatMap(
        toItems(self)(given, (_, cause) => void rejected.push(cause)),
        ({ items }) => {
          const [cause] = rejected
          return cause === undefined ? Effect.succeed(items.map(({ row }) => row)) : Effect.fail(rejection(cause))
        }
      )
    })
)

const rejection = (cause: unknown): TransformError =>
  cause instanceof TransformError ? cause : new TransformError("the transform failed", { cause })

/**
 * One after another: what the first leaves out the second never sees. Pure ones become one function.
 *
 * @since 0.1.0
 * @category combining
 */
export const andThen: {
  <B, C, E2, R2>(
    next: Transform<B, C, E2, R2>
  ): <A, E, R>(self: Transform<A, B, E, R>) => Transform<A, C, E | E2, R | R2>
  <A, B, C>(self: Pure<A, B>, next: Pure<B, C>): Pure<A, C>
  <A, B, C, E, R, E2, R2>(self: Transform<A, B, E, R>, next: Transform<B, C, E2, R2>): Transform<A, C, E | E2, R | R2>
} = dual(
  2,
  <A, B, C, E, R, E2, R2>(
    self: Transform<A, B, E, R>,
    next: Transform<B, C, E2, R2>
  ): Transform<A, C, E | E2, R | R2> => {
    const described: Described = {
      label: [self.label, next.label].filter((label) => label !== "").join(" | "),
      columns: (input) => next.columns(self.columns(input)),
      redaction: bothOf(self.redaction, next.redaction)
    }
    if (isPure(self) && isPure(next)) {
      return create({
        ...described,
        needs: NeedsOf.bothOf(self.needs, next.needs),
        apply: (record: A) => {
          const between = itself(self.label, self.apply(record))
          return between === undefined ? undefined : next.apply(between)
        }
      })
    }
    return createBatched({
      ...described,
      run: (given, onReject) =>
        Effect.flatMap(self.run(given, onReject), (first) =>
          Effect.map(
            next.run(first.items, (place, cause) => onReject(first.places[place] ?? place, cause)),
            (second): Passed<C> => ({ items: second.items, places: at(first.places, second.places) })
          )
        )
    })
  }
)
