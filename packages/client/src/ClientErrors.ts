/**
 * The errors of a client.
 *
 * @since 0.1.0
 */

/**
 * How the server, or the way to it, failed.
 *
 * @since 0.1.0
 * @category models
 */
export type Outage =
  | {
      readonly _tag: "Unreachable"
      /** Of the system or of TLS, such as `ECONNREFUSED`. */
      readonly code?: string
      readonly proxy?: { readonly host: string; readonly port: number; readonly variable: string }
    }
  /** In milliseconds. */
  | { readonly _tag: "TimedOut"; readonly limit: number }
  | { readonly _tag: "CutOff"; readonly code?: string }
  | { readonly _tag: "Status"; readonly status: number; readonly quote?: string }
  | { readonly _tag: "Unsuccessful"; readonly quote?: string }
  | { readonly _tag: "DecoderEnded" }

/**
 * Why a response is invalid.
 *
 * @since 0.1.0
 * @category models
 */
export type Malformed =
  | { readonly _tag: "TooManyRedirects"; readonly limit: number }
  | { readonly _tag: "RedirectedNowhere" }
  | { readonly _tag: "RedirectedElsewhere"; readonly to: string; readonly origin: string }
  /** In bytes. */
  | { readonly _tag: "TooLarge"; readonly limit: number }
  | { readonly _tag: "Html" }
  | { readonly _tag: "NotJson"; readonly characters: number }
  | { readonly _tag: "NoContent" }
  | { readonly _tag: "NoList" }
  | { readonly _tag: "MadeUp" }

/**
 * Why a page could not be had, as data.
 *
 * - `InvalidRequest`: an option or parameter is wrong, or the server refused the request.
 * - `Unauthorized`: 401, the server does not accept the key.
 * - `Forbidden`: 403, the key or the plan may not do this.
 * - `NotFound`: 404, there is no such endpoint at the base URL.
 * - `RateLimited`: 429; `retryAfter` in milliseconds.
 * - `Unavailable`: no connection, a time-out, a body cut off, a 5xx, an error with status 200; `retryAfter` in milliseconds.
 * - `InvalidResponse`: not what the contract says.
 *
 * @since 0.1.0
 * @category models
 */
export type AgniReason =
  | {
      readonly _tag: "InvalidRequest"
      readonly parameter?: string
      readonly requirement?: string
      readonly allowedBy?: "allowInsecureHttp"
      readonly status?: number
      readonly quote?: string
    }
  | { readonly _tag: "Unauthorized" | "Forbidden"; readonly quote?: string }
  | { readonly _tag: "NotFound" }
  | { readonly _tag: "RateLimited"; readonly retryAfter?: number }
  | { readonly _tag: "Unavailable"; readonly outage: Outage; readonly retryAfter?: number }
  | { readonly _tag: "InvalidResponse"; readonly problem: Malformed }

/**
 * What an `AgniError` says.
 *
 * @since 0.1.0
 * @category models
 */
export interface AgniFailure {
  readonly message: string
  readonly reason: AgniReason & { readonly message: string }
  /** Method and URL, with the values of `caller_number` and `search` left out. */
  readonly request: string
  /** Requests sent; 0 when it was refused before the first. */
  readonly attempts: number
  /** Milliseconds from the first attempt to the last, waits included. */
  readonly elapsed: number
  /** Whether another try may succeed. */
  readonly retryable: boolean
  /** The server answered another request meanwhile: it is up, and fails for what was asked. */
  readonly alone?: boolean
}

/**
 * A page could not be had: the reason, the request that it was about, and what was tried. It never contains the key.
 *
 * @since 0.1.0
 * @category errors
 */
export class AgniError extends Error implements AgniFailure {
  readonly _tag = "AgniError"
  override readonly name = "AgniError"
  readonly reason: AgniFailure["reason"]
  readonly request: string
  readonly attempts: number
  readonly elapsed: number
  readonly retryable: boolean
  readonly alone?: boolean

  constructor(failure: AgniFailure) {
    super(failure.message)
    this.reason = failure.reason
    this.request = failure.request
    this.attempts = failure.attempts
    this.elapsed = failure.elapsed
    this.retryable = failure.retryable
    if (failure.alone !== undefined) this.alone = failure.alone
  }
}

/**
 * A ledger cannot be used.
 *
 * - `Held`: another loop of this process uses it.
 * - `Store`: the store failed.
 * - `Torn`: a part of it cannot be read: set `restart`. `Newer`: a later version wrote it.
 * - `Different`: it belongs to a sync with other filters.
 * - `OtherOrganization`: the API key is of another organization.
 * - `LoopEnded`: a change was acknowledged after its loop.
 *
 * @since 0.1.0
 * @category errors
 */
export class LedgerError extends Error {
  readonly _tag = "LedgerError"
  override readonly name = "LedgerError"
  readonly reason: "Held" | "Store" | "Torn" | "Newer" | "Different" | "OtherOrganization" | "LoopEnded"

  constructor(reason: LedgerError["reason"], message: string) {
    super(message)
    this.reason = reason
  }
}
