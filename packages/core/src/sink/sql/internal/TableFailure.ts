/** Failures of a database or a table as errors of its sink. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import * as SqlFailure from "../../../platform/SqlFailure.ts"
import { SinkError } from "../../SinkError.ts"
import type { SinkReason } from "../../SinkReason.ts"

export type Operation = SinkError["operation"]

export const failure = (sink: string, operation: Operation, reason: SinkReason): SinkError =>
  new SinkError({
    sink,
    operation,
    retryable: reason._tag === "Database" && SqlFailure.isRetryable(reason.failure),
    reason
  })

/** The failure of a driver. An untrusted file has the same error as other outputs. */
export const broken = (sink: string, operation: Operation, failed: SqlFailure.SqlFailure): SinkError =>
  failure(sink, operation, failed._tag === "Untrusted" ? failed : { _tag: "Database", failure: failed })

/** All that one operation asks of the database, with the time that it may take. */
export const within =
  (sink: string, operation: Operation, timeout: Duration.Input) =>
  <A, R>(asked: Effect.Effect<A, SqlError | SinkError, R>): Effect.Effect<A, SinkError, R> =>
    asked.pipe(
      Effect.timeoutOrElse({
        duration: timeout,
        orElse: () => Effect.fail(broken(sink, operation, SqlFailure.make("NoAnswer")))
      }),
      Effect.mapError((error) => (error._tag === "SinkError" ? error : broken(sink, operation, SqlFailure.of(error))))
    )
