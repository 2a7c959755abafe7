/**
 * The plain walk over pages as a source. It has no positions, so a stopped run starts again.
 *
 * @since 0.1.0
 */
import * as Stream from "effect/Stream"
import type { AgniClient } from "../client/AgniClient.ts"
import type { AgniError } from "../model/AgniError.ts"
import type * as PageWalk from "../history/PageWalk.ts"
import type { OpenRange } from "../history/History.ts"
import type * as Bounds from "./Bounds.ts"
import * as RangeSource from "./internal/RangeSource.ts"
import * as Units from "./internal/Units.ts"
import type { Source } from "./Source.ts"

/**
 * @since 0.1.0
 * @category options
 */
export type Options = Omit<PageWalk.Selection, "from" | "to">

/**
 * The calls of a range, page by page: what `CallSessions.pages` says of a walk over pages holds, and nothing is proven.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (range: OpenRange = {}, options: Options = {}): Source<Bounds.Bounds, AgniError, AgniClient> =>
  RangeSource.ofPages(range, options, {}, Stream.map(Units.page))
