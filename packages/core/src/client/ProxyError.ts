/**
 * How a transport says that it could not connect to its proxy.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"

/**
 * The connection to a proxy failed. A transport puts it into the chain of causes of its `HttpClientError`; the client
 * then names the proxy in its `Unavailable`.
 *
 * @since 0.1.0
 * @category errors
 */
export class ProxyError extends Data.TaggedError("ProxyError")<{
  /** Without its user and password. `variable` is the environment variable that names it. */
  readonly proxy: { readonly host: string; readonly port: number; readonly variable: string }
  /** The system's code, such as `ECONNREFUSED`. */
  readonly code?: string
}> {}
