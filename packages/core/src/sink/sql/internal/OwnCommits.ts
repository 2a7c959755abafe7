/** What a run writes to the table of commits, in the transaction of its rows. */
import * as Effect from "effect/Effect"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import * as Instant from "../../../model/Instant.ts"
import type { Cursor } from "../../../model/Position.ts"
import type { SinkError } from "../../SinkError.ts"
import * as CommitTable from "./CommitTable.ts"
import type { Place } from "./Dialect.ts"
import type { TableAccess } from "./TableAccess.ts"
import { failure } from "./TableFailure.ts"
import * as Time from "./Time.ts"

/** Each is the last step before a commit, so that a later run waits for no more than that. Fails once that has the table. */
export interface OwnCommits {
  /** For rows that lead up to no cursor yet. */
  readonly check: Effect.Effect<void, SqlError | SinkError>
  readonly write: (at: Cursor) => Effect.Effect<void, SqlError | SinkError>
}

export const make = (
  { dialect, name, transaction }: TableAccess,
  place: Place,
  account: CommitTable.Account | undefined
): OwnCommits => {
  if (account === undefined) return { check: Effect.void, write: () => Effect.void }
  const orFenced = (
    operation: SinkError["operation"],
    ask: (connection: Connection) => Effect.Effect<boolean, SqlError>
  ) =>
    Effect.flatMap(transaction.use(ask), (may): Effect.Effect<void, SinkError> =>
      may ? Effect.void : Effect.fail(failure(name, operation, { _tag: "Fenced" }))
    )
  return {
    check: orFenced("write", (connection) => CommitTable.holds(dialect, place, connection, account)),
    write: (at) =>
      Effect.flatMap(Instant.now, (now) =>
        orFenced("flush", (connection) => CommitTable.write(dialect, place, connection, account, at, Time.format(now)))
      )
  }
}
