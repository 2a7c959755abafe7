/**
 * What callstream needs Node for.
 *
 * @since 0.1.0
 */
export * as AgniTransport from "./AgniTransport.ts"
export * as GuardedTransport from "./GuardedTransport.ts"
export * as Gzip from "./Gzip.ts"
export * as StdoutOutput from "./StdoutOutput.ts"
