/**
 * One page of call sessions, as the endpoint gave it.
 *
 * @since 0.1.0
 */
import type { Instant } from "./Instant.ts"
import type { Rejected } from "./Rejected.ts"
import type { Rows } from "./Rows.ts"
import type { Version } from "./Version.ts"

/**
 * Which of the two documented editions the response spoke: `{ data: { callSessions } }` with camelCase records, or
 * `{ data: [...], meta }` with snake_case ones.
 *
 * @since 0.1.0
 * @category models
 */
export type Edition = "camelCase" | "snake_case"

/**
 * The sessions of one response in the server's order, and the records that could not be decoded.
 *
 * @since 0.1.0
 * @category models
 */
export interface Page {
  /** The page number that was asked for, from 1. */
  readonly page: number
  /** Held as objects or as JSON, as the decoder made them. */
  readonly rows: Rows
  readonly rejected: ReadonlyArray<Rejected>
  /**
   * The server's clock when it made the response, in microseconds since the epoch: its `Date`, or this machine's clock when it
   * sent none. Of a cache that sends its own time as `Date` it is that time less `Age`.
   */
  readonly observedAt: Instant
  /** The version of its records. @default the run gives one when they are delivered */
  readonly version?: Version | undefined
  /** `undefined` when the response was empty in a way that both editions share. */
  readonly edition: Edition | undefined
  /** The count of the whole set, which only the snake_case edition has (`meta.total`). */
  readonly total: number | undefined
  /** Seconds that a cache held the response (`Age`); 0 when it came from the server itself. */
  readonly age: number
  /** How long the response was, in characters: what its sessions weigh. */
  readonly characters?: number | undefined
}
