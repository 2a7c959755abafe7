/**
 * Faults between the simulated Agni API and its client.
 *
 * A fault replaces one answer. Give it to `failNext`, to the `script` option, or list it in the `faults` option.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"

/**
 * A status with a body as the vendor, or the proxy in front of it, writes them.
 *
 * @since 0.1.0
 * @category models
 */
export interface Status {
  readonly _tag: "Status"
  readonly status: number
  /** For a `Retry-After` header, in whole seconds, rounded up; without it there is none. */
  readonly retryAfter?: Duration.Input | undefined
  /** The form of `Retry-After`. @default "seconds" */
  readonly retryAfterAs?: "seconds" | "date" | undefined
  /** @default "json" (plain text for 404) */
  readonly body?: "json" | "html" | "empty" | undefined
}

/**
 * Any fault.
 *
 * - `Reset`: the connection breaks before an answer.
 * - `Hang`: no answer, ever.
 * - `Slow`: the body trickles in `chunks` pieces over `over`.
 * - `Cut`: the body's length is declared and the connection breaks after the share `at` of it.
 * - `Truncated`: a complete response whose JSON ends after the share `at`.
 * - `Unsuccessful`: status 200 and `success: false`.
 * - `EmptyAnswer`: `{"success":true,"data":{}}` although there are records.
 * - `Html`: status 200 and a page for people.
 * - `Redirect`: to the same path on this origin, on another one, or to a URL.
 * - `Oversized`: a true answer behind `bytes` of padding.
 *
 * @since 0.1.0
 * @category models
 */
export type Fault =
  | Status
  | { readonly _tag: "Reset" }
  | { readonly _tag: "Hang" }
  | { readonly _tag: "Slow"; readonly over: Duration.Input; readonly chunks: number }
  | { readonly _tag: "Cut"; readonly at: number }
  | { readonly _tag: "Truncated"; readonly at: number }
  | { readonly _tag: "Unsuccessful" }
  | { readonly _tag: "EmptyAnswer" }
  | { readonly _tag: "Html" }
  | { readonly _tag: "Redirect"; readonly to: "same-origin" | "other-origin" | URL; readonly status: number }
  | { readonly _tag: "Oversized"; readonly bytes: number }

/**
 * An error status.
 *
 * @since 0.1.0
 * @category constructors
 */
export const status = (status: number, options?: Omit<Status, "_tag" | "status">): Fault => ({
  _tag: "Status",
  status,
  ...options
})

/**
 * Status 429.
 *
 * @since 0.1.0
 * @category constructors
 */
export const tooManyRequests = (options?: Pick<Status, "retryAfter" | "retryAfterAs">): Fault => status(429, options)

/**
 * The proxy's own error page.
 *
 * @since 0.1.0
 * @category constructors
 */
export const htmlError = (code = 502): Fault => status(code, { body: "html" })

/**
 * The connection breaks before an answer.
 *
 * @since 0.1.0
 * @category constructors
 */
export const reset: Fault = { _tag: "Reset" }

/**
 * No answer, ever.
 *
 * @since 0.1.0
 * @category constructors
 */
export const hang: Fault = { _tag: "Hang" }

/**
 * The true answer, trickling.
 *
 * @since 0.1.0
 * @category constructors
 */
export const slow = (over: Duration.Input, chunks = 10): Fault => ({ _tag: "Slow", over, chunks })

/**
 * The true answer's head and the share `at` of its body, then the connection breaks.
 *
 * @since 0.1.0
 * @category constructors
 */
export const cut = (at = 0.5): Fault => ({ _tag: "Cut", at })

/**
 * A complete response whose JSON ends after the share `at`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const truncated = (at = 0.5): Fault => ({ _tag: "Truncated", at })

/**
 * Status 200 and `success: false`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const unsuccessful: Fault = { _tag: "Unsuccessful" }

/**
 * An empty answer that isn't true.
 *
 * @since 0.1.0
 * @category constructors
 */
export const emptyAnswer: Fault = { _tag: "EmptyAnswer" }

/**
 * Status 200 and HTML.
 *
 * @since 0.1.0
 * @category constructors
 */
export const html: Fault = { _tag: "Html" }

/**
 * A redirect.
 *
 * @since 0.1.0
 * @category constructors
 */
export const redirect = (to: "same-origin" | "other-origin" | URL = "same-origin", status = 307): Fault => ({
  _tag: "Redirect",
  to,
  status
})

/**
 * The true answer behind so many bytes of padding.
 *
 * @since 0.1.0
 * @category constructors
 */
export const oversized = (bytes = 64 * 1024 * 1024): Fault => ({ _tag: "Oversized", bytes })
