/**
 * The options of a client.
 *
 * @since 0.1.0
 */
import type { Duration, OwnKeys } from "./CallTypes.ts"
import type { StandardSchema } from "./StandardSchema.ts"

/**
 * What the server is asked for at most. A 429 pauses all readings of the client.
 *
 * @since 0.1.0
 * @category options
 */
export interface Rate {
  /** Requests in flight, of all readings of the client together. @default 8 */
  readonly maxConcurrentRequests?: number | undefined
  /** Spaces all requests, retries included. @default no limit */
  readonly requestsPerSecond?: number | undefined
}

/**
 * How often a failed request is retried, and after how long: a random wait of at most `base × factor^(n − 1)`.
 *
 * @since 0.1.0
 * @category options
 */
export interface Retry {
  /** Requests at most, the first one included. @default 8 */
  readonly tries?: number | undefined
  /** @default "500 millis" */
  readonly base?: Duration | undefined
  /** @default 2 */
  readonly factor?: number | undefined
  /** The longest random wait. @default "30 seconds" */
  readonly cap?: Duration | undefined
  /** A server that asks for a longer wait than this is not waited for. @default "60 seconds" */
  readonly retryAfterCap?: Duration | undefined
}

/**
 * Times and waits, for tests and for runtimes with a clock of their own.
 *
 * @since 0.1.0
 * @category options
 */
export interface Clock {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Resolves after so many milliseconds. The signal says that nobody waits any more. */
  readonly sleep: (millis: number, signal: AbortSignal) => Promise<void>
}

/**
 * A line of the log. It contains neither the key nor the data of a call.
 *
 * @since 0.1.0
 * @category models
 */
export interface LogEntry {
  readonly level: "debug" | "info" | "warn" | "error"
  readonly message: string
}

/**
 * One HTTP request that was answered, or failed. Its body may still be on the way.
 *
 * @since 0.1.0
 * @category models
 */
export interface RequestEvent {
  readonly method: string
  /** With the values of `caller_number` and `search` left out. */
  readonly url: string
  /** `undefined` where no answer came. */
  readonly status: number | undefined
  /** When it was sent, in milliseconds since the epoch by the client's clock. */
  readonly startedAt: number
  /** Milliseconds until the head of the answer came, or the request failed. */
  readonly duration: number
  /** It ended because nobody waits for it any more: a time-out, a signal, a loop that was left. */
  readonly aborted: boolean
}

/**
 * Schemas of what is your own in a call, of any library with the interface of standardschema.dev. They are applied to each
 * call that has such a field; what they return takes its place. A call that one refuses is rejected.
 *
 * @since 0.1.0
 * @category options
 */
export interface Schemas<Metadata, Analysis> {
  readonly metadata?: StandardSchema<Metadata> | undefined
  /** Gets the values by key, without the `{ type, value }` in which the API may wrap each. */
  readonly postCallAnalysisResult?: StandardSchema<Analysis> | undefined
}

/**
 * How a client calls `fetch`. The `fetch` of each runtime is one, also with properties of its own.
 *
 * @since 0.1.0
 * @category options
 */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/**
 * Everything about a client that can be chosen; only the key must be.
 *
 * @since 0.1.0
 * @category options
 */
export interface ClientOptions<Metadata = OwnKeys, Analysis = OwnKeys> {
  /**
   * Sent as `X-Api-Key`, to the origin of `baseUrl` only. A function is called for each request, and again after a 401: so a key can
   * be replaced while the client is used. It must not fail.
   */
  readonly apiKey: string | (() => string | Promise<string>)
  /** @default "https://api.ravan.ai" */
  readonly baseUrl?: string | undefined
  /** Allows `http:` to a host that is not this machine: the key then travels readable. @default false */
  readonly allowInsecureHttp?: boolean | undefined
  /** Must not follow redirects where it is asked not to. @default the platform's `fetch` */
  readonly fetch?: Fetch | undefined
  /** For one attempt, from the request to the end of the body. @default "30 seconds" */
  readonly timeout?: Duration | undefined
  readonly rate?: Rate | undefined
  readonly retry?: Retry | undefined
  /** A larger response is an error. @default 64 MiB */
  readonly maxBodyBytes?: number | undefined
  /** @default warnings and errors to `console.warn` */
  readonly log?: ((entry: LogEntry) => void) | undefined
  readonly onRequest?: ((event: RequestEvent) => void) | undefined
  /** @default the platform's */
  readonly clock?: Clock | undefined
  readonly schemas?: Schemas<Metadata, Analysis> | undefined
}
