/**
 * Call sessions of an Agni (Ravan AI) organization as Effect streams.
 *
 * @since 0.1.0
 */
export { AgniClient, type Options as AgniClientOptions } from "./client/AgniClient.ts"
export * as ClientMetrics from "./client/ClientMetrics.ts"
export * as RetryPolicy from "./client/RetryPolicy.ts"
export * from "./model/AgniError.ts"
export * as CallSession from "./model/CallSession.ts"
export * as CallSessionQuery from "./model/CallSessionQuery.ts"
export * as Instant from "./model/Instant.ts"
export type { Edition, Page } from "./model/Page.ts"
export { Committed } from "./model/Committed.ts"
export type { Rejected } from "./model/Rejected.ts"
export * as Ndjson from "./sink/Ndjson.ts"
export { OutputError } from "./sink/OutputError.ts"
export * as OutputFile from "./sink/OutputFile.ts"
export * as CallSessions from "./stream/CallSessions.ts"
export * as Coverage from "./stream/Coverage.ts"
export * as Extremes from "./stream/Extremes.ts"
export * as History from "./stream/History.ts"
export { type Client, ClientDisposed, createClient, type Options as ClientOptions } from "./stream/Plain.ts"
export { Checkpoint, CheckpointError } from "./checkpoint/Checkpoint.ts"
export * as FileCheckpoint from "./checkpoint/FileCheckpoint.ts"
export type { Batch, Delivery, Item, Refused, SessionSink, Writer } from "./sink/SessionSink.ts"
export { SinkError } from "./sink/SinkError.ts"
export * as Transform from "./transform/Transform.ts"
