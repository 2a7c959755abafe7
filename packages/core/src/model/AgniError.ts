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
  /** The option at fault. Absent when the server refused the request: its words may name one, as `quote`. */
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

const quote = Schema.optionalKey(Schema.String)

const quoted = (words: string | undefined): string => (words === undefined ? "" : `: "${words}"`)

/**
 * 401: the API key is missing or not accepted. `quote` is what the server said.
 *
 * @since 0.1.0
 * @category reasons
 */
export class Unauthorized extends Schema.TaggedError<Unauthorized>()("Unauthorized", { quote }) {
  readonly retryable = false
  override get message(): string {
    return `the server did not accept the API key (401)${quoted(this.quote)}`
  }
}

/**
 * 403: the key is known but may not do this, for example on a plan without API access.
 *
 * @since 0.1.0
 * @category reasons
 */
export class Forbidden extends Schema.TaggedError<Forbidden>()("Forbidden", { quote }) {
  readonly retryable = false
  override get message(): string {
    return `the API key may not list call sessions (403)${quoted(this.quote)}`
  }
}

/**
 * 404: there is no such endpoint at the base URL.
 *
 * @since 0.1.0
 * @category reasons
 */
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", {}) {
  readonly retryable = false
  override get message(): string {
    return "there is no call-sessions endpoint at this address (404)"
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

/** The proxy that a connection was made to: never its user and password. */
const Proxy = Schema.Struct({
  host: Schema.String,
  port: Schema.Int,
  /** The environment variable that names it. */
  variable: Schema.String
})

/** A code of the system or of TLS, such as `ECONNREFUSED`. */
const code = Schema.optionalKey(Schema.String)

/**
 * How the server, or the way to it, failed.
 *
 * - `Unreachable`: no connection. `proxy` when the connection to it was the one that failed.
 * - `TimedOut`: no complete response within `limit`.
 * - `CutOff`: the connection ended within the body.
 * - `Status`: 408, 425 or a 5xx; `quote` is what the server said.
 * - `Unsuccessful`: status 200 with `success: false`, or with an error in place of a list.
 * - `DecoderEnded`: the thread that decoded the response ended.
 *
 * @since 0.1.0
 * @category reasons
 */
export const Outage = Schema.Union([
  Schema.TaggedStruct("Unreachable", { code, proxy: Schema.optionalKey(Proxy) }),
  Schema.TaggedStruct("TimedOut", { limit: Schema.DurationFromMillis }),
  Schema.TaggedStruct("CutOff", { code }),
  Schema.TaggedStruct("Status", { status: Schema.Int, quote }),
  Schema.TaggedStruct("Unsuccessful", { quote }),
  Schema.TaggedStruct("DecoderEnded", {})
])

/**
 * How the server, or the way to it, failed.
 *
 * @since 0.1.0
 * @category reasons
 */
export type Outage = typeof Outage.Type

/** What a code of the system or of TLS says of a connection. */
const connections: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  EPIPE: "connection closed",
  UND_ERR_SOCKET: "connection closed",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "the name of the host could not be looked up",
  ETIMEDOUT: "connection timed out",
  UND_ERR_CONNECT_TIMEOUT: "connection timed out",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "no network",
  CERT_HAS_EXPIRED: "its certificate has expired",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed",
  SELF_SIGNED_CERT_IN_CHAIN: "a certificate in its chain is self-signed",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate could not be verified",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another host",
  HTTP_403: "it does not allow this connection",
  HTTP_407: "it asks for another user or password"
}

const because = (code: string | undefined): string => {
  if (code === undefined) return ""
  const known = connections[code]
  return known === undefined ? ` (${code})` : `: ${known} (${code})`
}

const outageMessage = (outage: Outage): string => {
  switch (outage._tag) {
    case "Unreachable": {
      const { code, proxy } = outage
      const what = proxy === undefined ? "the server" : `the proxy ${proxy.host}:${proxy.port} (from ${proxy.variable})`
      return `${what} could not be reached${because(code)}`
    }
    case "TimedOut":
      return `no complete response within ${Duration.format(outage.limit)}`
    case "CutOff":
      return `the response was cut off on the way${because(outage.code)}`
    case "Status":
      return `the server failed with status ${outage.status}${quoted(outage.quote)}`
    case "Unsuccessful":
      return `the server answered with an error, though with status 200${outage.quote === undefined ? "" : ` ("${outage.quote}")`}`
    case "DecoderEnded":
      return "the thread that decoded the response ended"
  }
}

/**
 * The server or the way to it failed: no connection, a time-out, a body cut off, a 5xx, an error with status 200.
 *
 * @since 0.1.0
 * @category reasons
 */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", { outage: Outage, retryAfter }) {
  readonly retryable = true
  override get message(): string {
    const what = outageMessage(this.outage)
    return this.retryAfter === undefined ? what : `${what}, and asks to wait ${Duration.format(this.retryAfter)}`
  }
}

/**
 * Why a response is invalid.
 *
 * - `RedirectedNowhere`, `RedirectedElsewhere`: the key is sent to `origin` only, so no other is followed.
 * - `TooLarge`: above `limit` bytes.
 * - `Html`: something between here and the API answered in its place.
 * - `NotJson`: or it ends early.
 * - `NoContent`: a status of 204, as some servers answer behind their last page.
 * - `NoList`: JSON without a list of call sessions.
 * - `MadeUp`: the same page has other calls each time, as a mock server's has.
 *
 * @since 0.1.0
 * @category reasons
 */
export const Malformed = Schema.Union([
  Schema.TaggedStruct("TooManyRedirects", { limit: Schema.Int }),
  Schema.TaggedStruct("RedirectedNowhere", {}),
  Schema.TaggedStruct("RedirectedElsewhere", { to: Schema.String, origin: Schema.String }),
  Schema.TaggedStruct("TooLarge", { limit: Schema.Int }),
  Schema.TaggedStruct("Html", {}),
  Schema.TaggedStruct("NotJson", { characters: Schema.Int }),
  Schema.TaggedStruct("NoContent", {}),
  Schema.TaggedStruct("NoList", {}),
  Schema.TaggedStruct("MadeUp", {})
])

/**
 * Why a response is invalid.
 *
 * @since 0.1.0
 * @category reasons
 */
export type Malformed = typeof Malformed.Type

const malformedMessage = (problem: Malformed): string => {
  switch (problem._tag) {
    case "TooManyRedirects":
      return `more than ${problem.limit} redirects`
    case "RedirectedNowhere":
      return "a redirect to nowhere: the response has no usable Location"
    case "RedirectedElsewhere":
      return `a redirect to another origin, ${problem.to}, was refused: the key is sent to ${problem.origin} only`
    case "TooLarge":
      return `the response is larger than ${bytes(problem.limit)}`
    case "Html":
      return "the response is HTML, not JSON: something between here and the API answered in its place"
    case "NotJson":
      return `the response is not JSON, or ends early (${problem.characters} characters)`
    case "NoContent":
      return "the server answered without content (204)"
    case "NoList":
      return "the response holds no list of call sessions (neither data.callSessions nor data)"
    case "MadeUp":
      return "the server gives other calls each time that it is asked for the same page: it makes its answers up, as a mock server does"
  }
}

const bytes = (count: number): string =>
  count >= 1024 * 1024 ? `${Math.floor(count / (1024 * 1024))} MiB` : `${count} bytes`

/**
 * The response is not what the contract says. One that may have been cut off on the way, or came from something between, is
 * retryable.
 *
 * @since 0.1.0
 * @category reasons
 */
export class InvalidResponse extends Schema.TaggedError<InvalidResponse>()("InvalidResponse", { problem: Malformed }) {
  get retryable(): boolean {
    const { _tag } = this.problem
    return _tag === "Html" || _tag === "NotJson" || _tag === "NoList"
  }
  /** `size` and `syntax` may come from what was asked for: another page may be well. */
  get fault(): "size" | "syntax" | undefined {
    const { _tag } = this.problem
    return _tag === "TooLarge" ? "size" : _tag === "NotJson" ? "syntax" : undefined
  }
  override get message(): string {
    return malformedMessage(this.problem)
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
  elapsed: Schema.DurationFromMillis,
  /** The server answered another request meanwhile: it is up, and fails for what was asked. */
  alone: Schema.optionalKey(Schema.Boolean)
}) {
  get retryable(): boolean {
    return this.reason.retryable
  }
  override get message(): string {
    const tried = [
      ...(this.attempts > 1 ? [`${this.attempts} attempts in ${Duration.format(roundUp(this.elapsed))}`] : []),
      ...(this.alone === true ? ["other requests were answered"] : [])
    ].join("; ")
    // Without the query, which holds ids: a failed span carries this message.
    return `${this.reason._tag}: ${this.reason.message}: ${this.request.replace(/\?.*$/, "")}${tried === "" ? "" : ` (${tried})`}`
  }
}

const roundUp = (elapsed: Duration.Duration): Duration.Duration => {
  const millis = Duration.toMillis(elapsed)
  return millis < 1000 ? elapsed : Duration.seconds(Math.round(millis / 1000))
}
