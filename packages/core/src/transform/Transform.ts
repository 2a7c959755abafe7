/**
 * The contract of what happens to a record between the endpoint and a sink.
 *
 * @since 0.1.0
 */
import { dual } from "effect/Function"
import { type Pipeable, pipeArguments } from "effect/Pipeable"
import type { Column } from "../model/Column.ts"
import type { Item } from "../model/Item.ts"

/**
 * How a transform takes personal data out, for what is kept of a record that it did not reach the end of.
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

const bothOf = (first: Redaction | undefined, second: Redaction | undefined): Redaction | undefined => {
  if (first === undefined || second === undefined) return first ?? second
  return {
    label: `${first.label} | ${second.label}`,
    apply: (value) => {
      const one = first.apply(value)
      const other = second.apply(one.value)
      return {
        value: other.value,
        fields: [...new Set([...one.fields, ...other.fields])],
        text: (text) => other.text(one.text(text))
      }
    }
  }
}

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
  /** What it takes out of records, if that is its purpose: dead letters are redacted by it. */
  readonly redaction?: Redaction | undefined
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
  readonly redaction?: Redaction | undefined
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
export const identity = <A>(): Transform<A, A> => make({ label: "", columns: (columns) => columns, apply: same })

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
    onThrow: (row: A, cause: unknown) => void
  ): { readonly items: ReadonlyArray<Item<B>>; readonly passed: ReadonlyArray<Item<A>> } => {
    // Its results are what it was given, so `B` is `A`.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    if (self.apply === (same as unknown)) return { items: given as unknown as ReadonlyArray<Item<B>>, passed: given }
    const items: Array<Item<B>> = []
    const passed: Array<Item<A>> = []
    for (const item of given) {
      const { row: record } = item
      try {
        const row = self.apply(record)
        if (row === undefined) continue
        items.push({ id: item.id, start: item.start, row })
        passed.push(item)
      } catch (cause) {
        onThrow(record, cause)
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
  make({
    label: [self.label, next.label].filter((label) => label !== "").join(" | "),
    columns: (input) => next.columns(self.columns(input)),
    redaction: bothOf(self.redaction, next.redaction),
    apply: (record) => {
      const between = self.apply(record)
      return between === undefined ? undefined : next.apply(between)
    }
  })
)
