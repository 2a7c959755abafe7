/**
 * The error of the client and its streams, and each reason for it, with the names that they have in `@callstream/core`.
 *
 * @since 0.1.0
 */
import { errorInWords } from "@callstream/client/bridge"
import * as Schema from "effect/Schema"

const quote = Schema.optionalWith(Schema.String, { exact: true })
const code = quote
const retryAfter = Schema.optionalWith(Schema.DurationFromMillis, { exact: true })

/**
 * An option or a parameter is wrong, or the server refused the request (`status`).
 *
 * @since 0.1.0
 * @category reasons
 */
export class InvalidRequest extends Schema.TaggedError<InvalidRequest>()("InvalidRequest", {
  parameter: quote,
  requirement: quote,
  allowedBy: Schema.optionalWith(Schema.Literal("allowInsecureHttp"), { exact: true }),
  status: Schema.optionalWith(Schema.Int, { exact: true }),
  quote
}) {
  get retryable(): boolean {
    return wordsOf(this).retryable
  }
  override get message(): string {
    return wordsOf(this).reason
  }
}

/**
 * 401: the API key is missing or not accepted. `quote` is what the server said.
 *
 * @since 0.1.0
 * @category reasons
 */
export class Unauthorized extends Schema.TaggedError<Unauthorized>()("Unauthorized", { quote }) {
  get retryable(): boolean {
    return wordsOf(this).retryable
  }
  override get message(): string {
    return wordsOf(this).reason
  }
}

/**
 * 403: the key is known but may not do this.
 *
 * @since 0.1.0
 * @category reasons
 */
export class Forbidden extends Schema.TaggedError<Forbidden>()("Forbidden", { quote }) {
  get retryable(): boolean {
    return wordsOf(this).retryable
  }
  override get message(): string {
    return wordsOf(this).reason
  }
}

/**
 * 404: there is no such endpoint at the base URL.
 *
 * @since 0.1.0
 * @category reasons
 */
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", {}) {
  get retryable(): boolean {
    return wordsOf(this).retryable
  }
  override get message(): string {
    return wordsOf(this).reason
  }
}

/**
 * 429: too many requests. `retryAfter` is how long the server asked to wait, when it said.
 *
 * @since 0.1.0
 * @category reasons
 */
export class RateLimited extends Schema.TaggedError<RateLimited>()("RateLimited", { retryAfter }) {
  get retryable(): boolean {
    return wordsOf(this).retryable
  }
  override get message(): string {
    return wordsOf(this).reason
  }
}

/**
 * How the server, or the way to it, failed.
 *
 * @since 0.1.0
 * @category reasons
 */
export const Outage = Schema.Union(
  Schema.TaggedStruct("Unreachable", {
    code,
    proxy: Schema.optionalWith(Schema.Struct({ host: Schema.String, port: Schema.Int, variable: Schema.String }), {
      exact: true
    })
  }),
  Schema.TaggedStruct("TimedOut", { limit: Schema.DurationFromMillis }),
  Schema.TaggedStruct("CutOff", { code }),
  Schema.TaggedStruct("Status", { status: Schema.Int, quote }),
  Schema.TaggedStruct("Unsuccessful", { quote }),
  Schema.TaggedStruct("DecoderEnded", {})
)

/**
 * How the server, or the way to it, failed.
 *
 * @since 0.1.0
 * @category reasons
 */
export type Outage = typeof Outage.Type

/**
 * The server or the way to it failed: no connection, a time-out, a body cut off, a 5xx, an error with status 200.
 *
 * @since 0.1.0
 * @category reasons
 */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", { outage: Outage, retryAfter }) {
  get retryable(): boolean {
    return wordsOf(this).retryable
  }
  override get message(): string {
    return wordsOf(this).reason
  }
}

/**
 * Why a response is invalid.
 *
 * @since 0.1.0
 * @category reasons
 */
export const Malformed = Schema.Union(
  Schema.TaggedStruct("TooManyRedirects", { limit: Schema.Int }),
  Schema.TaggedStruct("RedirectedNowhere", {}),
  Schema.TaggedStruct("RedirectedElsewhere", { to: Schema.String, origin: Schema.String }),
  Schema.TaggedStruct("TooLarge", { limit: Schema.Int }),
  Schema.TaggedStruct("Html", {}),
  Schema.TaggedStruct("NotJson", { characters: Schema.Int }),
  Schema.TaggedStruct("NoContent", {}),
  Schema.TaggedStruct("NoList", {}),
  Schema.TaggedStruct("MadeUp", {})
)

/**
 * Why a response is invalid.
 *
 * @since 0.1.0
 * @category reasons
 */
export type Malformed = typeof Malformed.Type

/**
 * The response is not what the contract says.
 *
 * @since 0.1.0
 * @category reasons
 */
export class InvalidResponse extends Schema.TaggedError<InvalidResponse>()("InvalidResponse", { problem: Malformed }) {
  get retryable(): boolean {
    return wordsOf(this).retryable
  }
  override get message(): string {
    return wordsOf(this).reason
  }
}

/**
 * Every reason for an `AgniError`, each a tagged error.
 *
 * @since 0.1.0
 * @category reasons
 */
export const AgniErrorReason = Schema.Union(
  InvalidRequest,
  Unauthorized,
  Forbidden,
  NotFound,
  RateLimited,
  Unavailable,
  InvalidResponse
)

/**
 * Every reason for an `AgniError`, each a tagged error.
 *
 * @since 0.1.0
 * @category reasons
 */
export type AgniErrorReason = typeof AgniErrorReason.Type

/**
 * The one error of the client and its streams: the reason, the request it was about, and what was tried. It never contains the key.
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
  elapsed: Schema.DurationFromMillis,
  /** The server answered another request meanwhile: it is up, and fails for what was asked. */
  alone: Schema.optionalWith(Schema.Boolean, { exact: true })
}) {
  /** Whether another try may succeed. */
  get retryable(): boolean {
    return errorInWords(encodeError(this)).retryable
  }
  override get message(): string {
    return errorInWords(encodeError(this)).message
  }
}

const encodeError = Schema.encodeSync(AgniError)
const encodeReason = Schema.encodeSync(AgniErrorReason)

/** The words of a reason are core's. */
const wordsOf = (reason: AgniErrorReason) =>
  errorInWords({ reason: encodeReason(reason), request: "", attempts: 0, elapsed: 0 })
