/**
 * What callstream needs Node for.
 *
 * @since 0.1.0
 */
export * as AgniTransport from "./AgniTransport.ts"
export * as DecodingThread from "./DecodingThread.ts"
export * as Deflate from "./Deflate.ts"
export * as GuardedTransport from "./GuardedTransport.ts"
export * as Gzip from "./Gzip.ts"
export * as ParquetSink from "./ParquetSink.ts"
export * as PostgresClient from "./PostgresClient.ts"
export * as NodeProcessOwner from "./NodeProcessOwner.ts"
export * as KeyedHash from "./KeyedHash.ts"
export * as NodeContentHash from "./NodeContentHash.ts"
export * as S3Credentials from "./S3Credentials.ts"
export * as S3Store from "./S3Store.ts"
export * as SqliteClient from "./SqliteClient.ts"
export * as StdoutOutput from "./StdoutOutput.ts"
export * as StdoutSink from "./StdoutSink.ts"
export * as Zstd from "./Zstd.ts"
