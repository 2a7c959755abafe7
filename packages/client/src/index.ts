/**
 * The calls of an Agni (Ravan AI) organization as async iterables, for code without Effect.
 *
 * @since 0.1.0
 */
export type * from "./CallTypes.ts"
export type * from "./ChangeTypes.ts"
export { type Client, createClient, memoryLedger } from "./Client.ts"
export * from "./ClientErrors.ts"
export type * from "./ClientOptions.ts"
export type * from "./CoverageTypes.ts"
export type * from "./StandardSchema.ts"
