/**
 * How far something was read or written, as a value that a checkpoint keeps.
 *
 * @since 0.1.0
 */
import * as Brand from "effect/Brand"
import type * as Order from "effect/Order"
import * as Schema from "effect/Schema"

/**
 * A place in a source, and only of that source: start time in microseconds since the epoch for a history, a place in a
 * file for dead letters. A safe integer.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Position = Schema.Int.pipe(Schema.brand("Position"))

/**
 * @since 0.1.0
 * @category models
 */
export type Position = typeof Position.Type

/**
 * A number as a position.
 *
 * @since 0.1.0
 * @category constructors
 */
export const of = Brand.nominal<Position>()

/**
 * Everything before a position, or `"end"` for all of the source, rows without a position included.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Cursor = Schema.Union([Position, Schema.Literal("end")])

/**
 * @since 0.1.0
 * @category models
 */
export type Cursor = typeof Cursor.Type

/**
 * `undefined`, nothing at all, comes before every position, and every position before `"end"`.
 *
 * @since 0.1.0
 * @category instances
 */
export const order: Order.Order<Cursor | undefined> = (left, right) => {
  const [one, other] = [weight(left), weight(right)]
  return one < other ? -1 : one > other ? 1 : 0
}

const weight = (cursor: Cursor | undefined): number =>
  cursor === undefined ? -Infinity : cursor === "end" ? Infinity : cursor

/**
 * Whether `left` comes before `right`.
 *
 * @since 0.1.0
 * @category reading
 */
export const isBefore = (left: Cursor | undefined, right: Cursor | undefined): boolean => order(left, right) < 0

/**
 * The cursor that comes first, `undefined` where one of them is; `"end"` of none at all.
 *
 * @since 0.1.0
 * @category combining
 */
export const least = (cursors: ReadonlyArray<Cursor | undefined>): Cursor | undefined =>
  cursors.reduce<Cursor | undefined>((least, one) => (isBefore(one, least) ? one : least), "end")

/**
 * The cursor that comes last.
 *
 * @since 0.1.0
 * @category combining
 */
export const greatest = (left: Cursor, right: Cursor | undefined): Cursor =>
  right !== undefined && isBefore(left, right) ? right : left
