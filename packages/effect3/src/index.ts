/**
 * The calls of an Agni (Ravan AI) organization as streams of Effect 3, with the names of `@callstream/core`.
 *
 * @since 0.1.0
 */
export { AgniClient, type Options as AgniClientOptions, type RetryOptions } from "./AgniClient.ts"
export * from "./AgniError.ts"
/** @since 0.1.0 */
export * as CallSession from "./CallSession.ts"
/** @since 0.1.0 */
export * as CallSessions from "./CallSessions.ts"
/** @since 0.1.0 */
export * as Coverage from "./Coverage.ts"
/** @since 0.1.0 */
export * as Health from "./Health.ts"
/** @since 0.1.0 */
export * as Instant from "./Instant.ts"
export { Ledger } from "./Ledger.ts"
export * from "./LedgerError.ts"
/** @since 0.1.0 */
export * as StoredLedger from "./StoredLedger.ts"
