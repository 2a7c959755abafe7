/**
 * The contract of what happens to a record between the endpoint and a sink.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import { type Pipeable, pipeArguments } from "effect/Pipeable"
import type { Column } from "../model/Column.ts"
import type { Item } from "../model/Item.ts"
import { itself, NotARow } from "./internal/Itself.ts"

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
  /** What it takes out of records, if that is its purpose: dead letters are redacted by it. */
  readonly redaction?: Redaction | undefined
}

/**
 * What a transform throws to say why it cannot take a record: `message` becomes the reason in the dead letter, so it must
 * hold no value of the record. Of anything else that is thrown a dead letter has only the name.
 *
 * @since 0.1.0
 * @category errors
 */
export class TransformError extends Error {
  override readonly name = "TransformError"
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
  readonly redaction?: Redaction | undefined
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
  readonly redaction?: Redaction | undefined
}) => Transform<A, B> = create

/**
 * The transform that changes nothing.
 *
 * @since 0.1.0
 * @category constructors
 */
export const identity = <A>(): Transform<A, A> => create({ label: "", columns: (columns) => columns, apply: same })

const same = <A>(record: A): A => record

/** Milliseconds without a look at signals and timers: shorter than anybody notices, far longer than a batch takes. */
const turn = 20

/** Records between two looks at the clock. */
const longest = 32

/**
 * What comes of items: their rows through the transform, beside the items that they came from. Those that the transform
 * threw for are reported with what was thrown. Where it is the one that changes nothing, the items are not even read. One
 * that takes long lets others have a turn, so that it can be interrupted between two records.
 *
 * @since 0.1.0
 * @category conversions
 */
export const toItems =
  <A, B>(self: Transform<A, B>) =>
  (
    given: ReadonlyArray<Item<A>>,
    onThrow: (item: Item<A>, cause: unknown) => void
  ): Effect.Effect<{ readonly items: ReadonlyArray<Item<B>>; readonly passed: ReadonlyArray<Item<A>> }> => {
    // Its results are what it was given, so `B` is `A`.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const unchanged = self.apply === (same as unknown) ? (given as unknown as ReadonlyArray<Item<B>>) : undefined
    if (unchanged !== undefined) return Effect.succeed({ items: unchanged, passed: given })
    return Effect.clockWith((clock) => {
      const items: Array<Item<B>> = []
      const passed: Array<Item<A>> = []
      const from = (begin: number): Effect.Effect<{ items: Array<Item<B>>; passed: Array<Item<A>> }> => {
        const begun = clock.currentTimeMillisUnsafe()
        // A look at the clock may cost more than a record: as long as records are quick, it is seldom.
        let stride = 1
        let next = begin
        for (let at = begin; at < given.length; at++) {
          const item = given[at]
          if (item === undefined) continue
          const { row: record } = item
          try {
            const row = itself(self.label, self.apply(record))
            if (row !== undefined) {
              items.push({ id: item.id, start: item.start, version: item.version, row })
              passed.push(item)
            }
          } catch (cause) {
            if (cause instanceof NotARow) throw cause
            onThrow(item, cause)
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
        return Effect.succeed({ items, passed })
      }
      return from(0)
    })
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
    redaction: bothOf(self.redaction, next.redaction),
    apply: (record) => {
      const between = itself(self.label, self.apply(record))
      return between === undefined ? undefined : next.apply(between)
    }
  })
)
