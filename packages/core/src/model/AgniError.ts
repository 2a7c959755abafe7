/**
 * Why a page could not be had, sorted by what one can do about it.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

const retryAfter = Schema.optionalKey(Schema.DurationFromMillis)

/**
 * The query or the configuration is wrong: refused before a request was made, or by the server with a 400.
 *
 * @since 0.1.0
 * @category reasons
 */
export class InvalidRequest extends Schema.TaggedError<InvalidRequest>()("InvalidRequest", {
  /** The option at fault, when it is known. */
  parameter: Schema.optionalKey(Schema.String),
  /** What it has to be, or what is wrong with it, as a predicate: `must be a UUID`. Absent when the server refused it. */
  requirement: Schema.optionalKey(Schema.String),
  /** The option that would allow what was refused. */
  allowedBy: Schema.optionalKey(Schema.Literal("allowInsecureHttp")),
  /** The status with which the server refused it, and its words. */
  status: Schema.optionalKey(Schema.Int),
  quote: Schema.optionalKey(Schema.String)
}) {
  readonly retryable = false
  override get message(): string {
    return this.requirement === undefined
      ? `the server refused the request${this.status === undefined ? "" : ` with status ${this.status}`}${
          this.quote === undefined ? "" : `: "${this.quote}"`
        }`
      : `${this.parameter ?? "the request"} ${this.requirement}`
  }
}

/**
 * 401: the API key is missing or not accepted.
 *
 * @since 0.1.0
 * @category reasons
 */
export class Unauthorized extends Schema.TaggedError<Unauthorized>()("Unauthorized", {
  description: Schema.String
}) {
  readonly retryable = false
  override get message(): string {
    return this.description
  }
}

/**
 * 403: the key is known but may not do this, for example on a plan without API access.
 *
 * @since 0.1.0
 * @category reasons
 */
export class Forbidden extends Schema.TaggedError<Forbidden>()("Forbidden", { description: Schema.String }) {
  readonly retryable = false
  override get message(): string {
    return this.description
  }
}

/**
 * 404: there is no such endpoint at the base URL.
 *
 * @since 0.1.0
 * @category reasons
 */
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", { description: Schema.String }) {
  readonly retryable = false
  override get message(): string {
    return this.description
  }
}

/**
 * 429: too many requests. `retryAfter` is how long the server asked to wait, when it said.
 *
 * @since 0.1.0
 * @category reasons
 */
export class RateLimited extends Schema.TaggedError<RateLimited>()("RateLimited", { retryAfter }) {
  readonly retryable = true
  override get message(): string {
    return this.retryAfter === undefined
      ? "the server limits the rate of requests"
      : `the server limits the rate of requests and asks to wait ${Duration.format(this.retryAfter)}`
  }
}

/**
 * The server or the way to it failed: no connection, a time-out, a body cut off, a 5xx, `success: false`.
 *
 * @since 0.1.0
 * @category reasons
 */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", {
  status: Schema.optionalKey(Schema.Int),
  description: Schema.String,
  retryAfter
}) {
  readonly retryable = true
  override get message(): string {
    return this.retryAfter === undefined
      ? this.description
      : `${this.description}, and asks to wait ${Duration.format(this.retryAfter)}`
  }
}

/**
 * The response is not what the contract says. `retryable` when it may have been cut off on the way.
 *
 * @since 0.1.0
 * @category reasons
 */
export class InvalidResponse extends Schema.TaggedError<InvalidResponse>()("InvalidResponse", {
  description: Schema.String,
  retryable: Schema.Boolean,
  /** `size` and `syntax` may come from what was asked for: another page may be well. `noContent` is a status of 204. */
  fault: Schema.optionalKey(Schema.Literals(["size", "syntax", "noContent"]))
}) {
  override get message(): string {
    return this.description
  }
}

/**
 * Every reason for an `AgniError`.
 *
 * @since 0.1.0
 * @category reasons
 */
export const AgniErrorReason = Schema.Union([
  InvalidRequest,
  Unauthorized,
  Forbidden,
  NotFound,
  RateLimited,
  Unavailable,
  InvalidResponse
])

/**
 * Every reason for an `AgniError`.
 *
 * @since 0.1.0
 * @category reasons
 */
export type AgniErrorReason = typeof AgniErrorReason.Type

/**
 * The one error of the client and its streams: the reason, the request it was about, and what was tried.
 *
 * It is schema-backed, so that it crosses process boundaries, and holds nothing of the transport, which carries the key.
 *
 * @since 0.1.0
 * @category errors
 */
export class AgniError extends Schema.TaggedError<AgniError>()("AgniError", {
  reason: AgniErrorReason,
  /** Method and URL, with the values of `caller_number` and `search` left out. */
  request: Schema.String,
  /** Requests sent; 0 when it was refused before the first. */
  attempts: Schema.Int,
  /** From the first attempt to the last, waits included. */
  elapsed: Schema.DurationFromMillis
}) {
  get retryable(): boolean {
    return this.reason.retryable
  }
  override get message(): string {
    const tried = this.attempts > 1 ? ` (${this.attempts} attempts in ${Duration.format(roundUp(this.elapsed))})` : ""
    // Without the query, which holds ids: a failed span carries this message.
    return `${this.reason._tag}: ${this.reason.message}: ${this.request.replace(/\?.*$/, "")}${tried}`
  }
}

const roundUp = (elapsed: Duration.Duration): Duration.Duration => {
  const millis = Duration.toMillis(elapsed)
  return millis < 1000 ? elapsed : Duration.seconds(Math.round(millis / 1000))
}
