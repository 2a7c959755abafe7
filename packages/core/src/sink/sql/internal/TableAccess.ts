/** The table of a sink in the database: checked when the sink opens, and changed to what its rows need. */
import * as Effect from "effect/Effect"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import * as Instant from "../../../model/Instant.ts"
import type { Cursor } from "../../../model/Position.ts"
import type { SinkError } from "../../SinkError.ts"
import type { TableProblem } from "../../SinkReason.ts"
import type { Table } from "../../Table.ts"
import * as SqlFailure from "../../../platform/SqlFailure.ts"
import * as CommitTable from "./CommitTable.ts"
import { type Dialect, type Found, type Layout, type Place, statement } from "./Dialect.ts"
import * as LayoutOf from "./Layout.ts"
import { failure, type Operation } from "./TableFailure.ts"
import * as Time from "./Time.ts"
import type { Transaction } from "./Transaction.ts"

export interface TableAccess {
  /** Of the sink. */
  readonly name: string
  readonly dialect: Dialect
  readonly transaction: Transaction
}

/** Where the table is or would be, and the offset that is kept beside it. */
export interface Opened {
  readonly place: Place
  readonly cursor: Cursor | undefined
}

/** Mistakes in an existing table are reported here, unless they depend on the rows. */
export const open = (
  self: TableAccess,
  given: Place,
  account: CommitTable.Account | undefined
): Effect.Effect<Opened, SqlError | SinkError> =>
  whole(
    self,
    Effect.gen(function* () {
      const { dialect, transaction } = self
      const { found, schema } = yield* look(self, "open", given)
      const place = { ...given, schema }
      const planned = LayoutOf.plan(dialect, place, found, { columns: [], hasExtra: false })
      if (planned._tag === "Failure") return yield* refused(self, "open", planned.failure)
      if (account === undefined) return { place, cursor: undefined }
      yield* settleCommits(self, place)
      const now = Time.format(yield* Instant.now)
      const use = <A>(ask: (connection: Connection) => Effect.Effect<A, SqlError>) => transaction.use(ask)
      if (!(yield* use((connection) => CommitTable.claim(dialect, place, connection, account, now)))) {
        return yield* failure(self.name, "open", { _tag: "Fenced" })
      }
      const cursor = yield* use((connection) => CommitTable.read(dialect, place, connection, account.name))
      // A person who removed the table wants its rows again.
      if (found === undefined && cursor !== undefined) {
        yield* use((connection) => CommitTable.write(dialect, place, connection, account, undefined, now))
      }
      return { place, cursor: found === undefined ? undefined : cursor }
    })
  )

/** Creates the table of commits, or adds what it lacks. */
const settleCommits = Effect.fnUntraced(function* (
  self: TableAccess,
  place: Place
): Effect.fn.Return<void, SqlError | SinkError> {
  const { dialect, transaction } = self
  const table = { ...place, table: CommitTable.tableName }
  const { found } = yield* look(self, "open", table)
  const changes = CommitTable.changes(dialect, place, found)
  if (changes.length === 0) return
  for (const one of [...dialect.lock(table), ...changes]) {
    yield* transaction.run(one).pipe(
      Effect.catchIf(
        (error) => found !== undefined && isForbidden(error),
        () => Effect.fail(refused(self, "open", { _tag: "NoEpoch", table: dialect.qualified(table) }))
      )
    )
  }
})

const isForbidden = (error: SqlError): boolean => {
  const failed = SqlFailure.of(error)
  return failed._tag === "Server" && failed.problem === "NoPermission"
}

/** Creates the table, or adds the columns that it lacks. `more` is done with it, in the same transaction. */
export const settle = (
  self: TableAccess,
  place: Place,
  table: Pick<Table, "columns" | "hasExtra">,
  more: (layout: Layout) => Effect.Effect<void, SqlError>
): Effect.Effect<Layout, SqlError | SinkError> =>
  whole(
    self,
    Effect.gen(function* () {
      const { dialect, transaction } = self
      for (const one of dialect.lock(place)) yield* transaction.run(one)
      const { found } = yield* look(self, "write", place)
      const planned = LayoutOf.plan(dialect, place, found, table)
      if (planned._tag === "Failure") return yield* refused(self, "write", planned.failure)
      for (const change of planned.success.changes) yield* transaction.run(statement(change))
      yield* more(planned.success.layout)
      return planned.success.layout
    })
  )

/** In a transaction of its own. */
const whole = <A>({ transaction }: TableAccess, run: Effect.Effect<A, SqlError | SinkError>) =>
  Effect.andThen(
    transaction.begin,
    Effect.tap(run, () => transaction.commit)
  )

const refused = ({ name }: TableAccess, operation: Operation, problem: TableProblem) =>
  failure(name, operation, { _tag: "Table", problem })

interface Seen {
  readonly schema: string | undefined
  readonly found: Found | undefined
}

const look = (self: TableAccess, operation: Operation, place: Place): Effect.Effect<Seen, SqlError | SinkError> =>
  Effect.flatMap(
    self.transaction.use((connection) => self.dialect.look(connection, place)),
    (seen): Effect.Effect<Seen, SinkError> =>
      seen._tag === "Refused" ? Effect.fail(refused(self, operation, seen.problem)) : Effect.succeed(seen)
  )
