/**
 * What a window proves.
 *
 * @since 0.1.0
 */
import type * as Bridge from "@callstream/client/bridge"
import type { AgniError } from "./AgniError.ts"

/**
 * Whether all calls of a range came: see `docs/completeness.md`.
 *
 * @since 0.1.0
 * @category models
 */
export type Coverage = Bridge.Coverage<AgniError>

/**
 * Calls of a range of start time, `from <= start < to`, with their coverage. Each call is in one window.
 *
 * @since 0.1.0
 * @category models
 */
export type Window = Bridge.Window<AgniError>

/**
 * The verdict on one window; a gap proves nothing.
 *
 * @since 0.1.0
 * @category reading
 */
export const verdict = ({ _tag }: Coverage): "proven" | "provisional" | "unprovable" =>
  _tag === "Proven" ? "proven" : _tag === "Provisional" ? "provisional" : "unprovable"
