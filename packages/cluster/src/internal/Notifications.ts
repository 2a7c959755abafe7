/**
 * PostgreSQL notifies the processes of a fleet when the state of a run changes, so that they need not wait for their next poll. No work
 * depends on it: a connection may be lost, and a pooler in transaction mode delivers none.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Attempt } from "./RunRows.ts"
import * as Tables from "./Tables.ts"

/** What the driver of PostgreSQL adds to a client. */
interface Listener {
  readonly listen: (
    channel: string
  ) => Effect.Effect<Queue.Dequeue<{ readonly payload: string }, SqlError>, SqlError, Scope.Scope>
}

const canListen = (sql: object): sql is Listener => "listen" in sql && typeof sql.listen === "function"

const decode = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Struct({ run: Schema.String, attempt: Schema.Int }))
)

const again = Schedule.spaced("5 seconds")

/**
 * Calls `onChanged` with the runs whose state changed, those of one moment together. It has one connection of the client for as long as it
 * runs, and listens again after that was lost. With a client that cannot listen it does nothing.
 */
export const listen = <R>(
  sql: SqlClient,
  fleet: string,
  onChanged: (runs: ReadonlyArray<Attempt>) => Effect.Effect<void, never, R>
): Effect.Effect<void, never, R> => {
  if (!canListen(sql)) return Effect.void
  const once = Effect.flatMap(sql.listen(Tables.channelOf(fleet)), (queue) =>
    Queue.takeAll(queue).pipe(
      // One of a process of another version may be something else.
      Effect.flatMap((all) => onChanged(all.flatMap(({ payload }) => Option.toArray(decode(payload))))),
      Effect.forever
    )
  )
  return Effect.ignore(Effect.retry(Effect.scoped(once), again))
}
