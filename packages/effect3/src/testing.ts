/**
 * A simulated Agni endpoint, for tests.
 *
 * @since 0.1.0
 */
export * as AgniSimulator from "./AgniSimulator.ts"
