/**
 * A row for a sink.
 *
 * @since 0.1.0
 */
import type { Change } from "./Change.ts"
import type { Instant } from "./Instant.ts"
import type { Version } from "./Version.ts"

/**
 * JSON as a piece of a buffer, in UTF-8, from `begin` up to `end`. Nobody writes to the buffer.
 *
 * @since 0.1.0
 * @category models
 */
export interface JsonBytes {
  readonly bytes: Uint8Array
  readonly begin: number
  readonly end: number
  /** The JSON before and after the row: the whole is all three. @default nothing */
  readonly within?: Within | undefined
}

/**
 * JSON around a row, such as an event around its data. It is written where the row is written, so that no text is made of it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Within {
  /** How many bytes are before the row. */
  readonly length: number
  /** Writes them into a buffer, at a place. */
  readonly write: (into: Uint8Array, at: number) => void
  readonly after: Uint8Array
}

/**
 * A row that may be read only when it is asked for. The type of a class, because TypeScript leaves the accessors of a class
 * out of `{ ...item }`, as JavaScript does: such a copy has no row, and does not compile as an item.
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- `Item` gives it
declare abstract class WithRow<out A> {
  /** Not to be changed: the next caller may get the same one, or another one without the change. */
  abstract get row(): A
}

/**
 * A row with what must not get lost when transforms leave fields out: the session's id, which is the key of an upsert and
 * of a webhook's event, and its start.
 *
 * @since 0.1.0
 * @category models
 */
export interface Item<out A> extends WithRow<A> {
  readonly id: string
  /** `undefined` for a session without a credible start. */
  readonly start: Instant | undefined
  /** When a session without a credible start was created, where that is known: its file of `rotate: "day"` is of that day. */
  readonly created?: Instant | undefined
  /** The version of the answer that held it. @default that of the batch it is in */
  readonly version?: Version | undefined
  /** In a sync, the change that this row is. @default the row is of an export */
  readonly change?: Change | undefined
  /** The row as JSON, where it is held so: in a hundredth of the objects, and ready for a file of lines. */
  readonly json?: JsonBytes | undefined
}

/**
 * An item with another row in place of its own.
 *
 * @since 0.1.0
 * @category combining
 */
export const withRow = <A>({ change, created, id, start, version }: Omit<Item<unknown>, "row">, row: A): Item<A> =>
  change !== undefined
    ? { id, start, created, version, change, row }
    : start === undefined
      ? { id, start, created, version, row }
      : { id, start, version, row }
