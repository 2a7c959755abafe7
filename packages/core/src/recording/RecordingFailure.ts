/**
 * Why a recording could not be kept.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * - `expired`: the server no longer accepts the link (400, 401, 403, 410).
 * - `missing`: there is nothing behind it (404), or no such host.
 * - `notAudio`: something else is behind it, such as a page of HTML.
 * - `tooLarge`: it is larger than the limit.
 * - `forbiddenHost`: the link, or a redirect, leads to an address that may not be asked.
 * - `unavailable`: no answer, or none that could be used, after several tries.
 *
 * @since 0.1.0
 * @category schemas
 */
export const Failure = Schema.Literals(["expired", "missing", "notAudio", "tooLarge", "forbiddenHost", "unavailable"])

/**
 * @since 0.1.0
 * @category models
 */
export type Failure = typeof Failure.Type
