/**
 * A rejected record, kept whole so that nothing is lost.
 *
 * @since 0.1.0
 */
import type { Version } from "./Version.ts"

/**
 * A rejected record or row, with the stage and the reason. `reason` names paths and expectations, never values; `raw` holds the record
 * as it came and may contain personal data.
 *
 * @since 0.1.0
 * @category models
 */
export interface Rejected {
  /**
   * The stage that refused it: `decode` for a record that does not have the contract's shape; `range` for a session whose
   * start is no time, so that no window of start time holds it, with the session in camelCase as `raw`.
   */
  readonly stage: string
  readonly reason: string
  readonly raw: unknown
  /** The page it was on, from 1. */
  readonly page: number
  /** Its place on that page, from 0. */
  readonly index: number
  /** The version of the response that held it. */
  readonly observedAt: Version
}
