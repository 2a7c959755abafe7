/**
 * How far a sink got, as a value that a checkpoint keeps.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { Cursor } from "./Position.ts"

/**
 * Everything before `at` is in the sink and survives a power failure; `note` is the sink's own note of where that ends,
 * such as the length of a file.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Committed = Schema.Struct({ at: Cursor, note: Schema.Json })

/**
 * @since 0.1.0
 * @category models
 */
export type Committed = typeof Committed.Type
