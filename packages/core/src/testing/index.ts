/**
 * What tests of code that reads call sessions need.
 *
 * @since 0.1.0
 */

/**
 * @since 0.1.0
 */
export * as AgniSimulator from "./AgniSimulator.ts"

/**
 * @since 0.1.0
 */
export * as DocumentedCall from "./DocumentedCall.ts"

/**
 * @since 0.1.0
 */
export * as Fault from "./Fault.ts"

/**
 * @since 0.1.0
 */
export * as SinkConformance from "./SinkConformance.ts"
