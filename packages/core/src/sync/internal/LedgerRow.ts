/** The row of a ledger in its database, and how it is written to. */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import type { CheckpointError } from "../../checkpoint/CheckpointError.ts"
import type * as SqlLease from "../../checkpoint/internal/SqlLease.ts"
import * as Change from "../../model/Change.ts"
import type { Fingerprint } from "../../model/Fingerprint.ts"
import { identity, refuseOther } from "../Ledger.ts"
import { LedgerError } from "../LedgerError.ts"
import * as Damage from "./Damage.ts"
import * as Numbers from "./LedgerNumbers.ts"
import type * as Reading from "./LedgerReading.ts"
import * as Tables from "./LedgerTables.ts"

const Row = Schema.Struct({
  version: Schema.Int,
  id: Schema.String,
  key: Change.Key,
  /** Stands for this ledger in the table of calls. */
  number: Schema.Int,
  fingerprint: Schema.Record(Schema.String, Schema.String),
  head: Schema.Int,
  acknowledged: Schema.Record(Schema.String, Schema.Struct({ commit: Schema.Int, note: Schema.Json })),
  /** Ids of agents: an entry has its place in here. */
  agents: Schema.Array(Schema.String),
  state: Schema.optionalKey(Schema.Json)
})
export type Row = typeof Row.Type
const decodeRow = Schema.decodeUnknownEffect(Schema.fromJsonString(Row))
const decodeVersion = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Struct({ version: Schema.Finite })))

export type Failure = SqlError | CheckpointError

/** The database, and the row of this ledger in it. */
export interface Store extends Reading.Store {
  /** One transaction on one connection. By hand, because `withTransaction` makes a defect of a lost connection. */
  readonly transact: <A>(run: (connection: Connection) => Effect.Effect<A, Failure>) => Effect.Effect<A, LedgerError>
  /** Writes the row in a transaction, unless another run has it by now. */
  readonly write: (connection: Connection, row: Row) => Effect.Effect<void, Failure>
}

export const stored = ({ reason }: CheckpointError) => new LedgerError({ reason: { _tag: "Store", reason } })

export const transactOf =
  ({ patiently, sql }: Pick<SqlLease.Connected, "patiently" | "sql">): Store["transact"] =>
  (run) =>
    Effect.gen(function* () {
      const connection = yield* sql.reserve
      const plainly = (text: string) => connection.executeUnprepared(text, [], undefined)
      yield* plainly(Tables.dialectOf(sql).begin)
      return yield* run(connection).pipe(
        Effect.tap(() => plainly("COMMIT")),
        Effect.onError(() => Effect.ignoreCause(Effect.timeoutOption(plainly("ROLLBACK"), "5 seconds")))
      )
    }).pipe(Effect.scoped, patiently, Effect.mapError(stored))

/** Questions that are all answered from one state of the database, whatever a run writes meanwhile, until the scope ends. */
export const snapshotOf = Effect.fnUntraced(function* ({
  patiently,
  sql
}: Pick<SqlLease.Connected, "patiently" | "sql">): Effect.fn.Return<Store["ask"], LedgerError, Scope.Scope> {
  const scope = yield* Effect.scope
  const begin = Effect.gen(function* () {
    const connection = yield* Scope.provide(sql.reserve, scope)
    const plainly = (text: string) => connection.executeUnprepared(text, [], undefined)
    yield* plainly(Tables.dialectOf(sql).look)
    yield* Scope.addFinalizer(scope, Effect.ignoreCause(Effect.timeoutOption(plainly("ROLLBACK"), "5 seconds")))
    return connection
  })
  const connection = yield* Effect.mapError(patiently(begin), stored)
  return (text, params) => Effect.mapError(patiently(connection.execute(text, params, undefined)), stored)
})

export const storeOf = (name: string, lease: SqlLease.SqlLease): Store => {
  const { fenced, own, patiently, sql } = lease
  const dialect = Tables.dialectOf(sql)
  return {
    name,
    dialect,
    ask: (text, params) => Effect.mapError(patiently(sql.unsafe(text, params)), stored),
    transact: transactOf(lease),
    write: Effect.fnUntraced(function* (connection, row) {
      const now = DateTime.formatIso(DateTime.makeUnsafe(yield* Clock.currentTimeMillis))
      const written = yield* connection.execute(dialect.write, [JSON.stringify(row), now, name, own], undefined)
      if (written.length > 0) return
      const [other] = yield* connection.execute(dialect.holder, [name], undefined)
      return yield* fenced(typeof other?.["holder"] === "string" ? other["holder"] : undefined)
    })
  }
}

export const readRow = Effect.fnUntraced(function* (name: string, kept: string): Effect.fn.Return<Row, LedgerError> {
  const found = decodeVersion(kept)
  if (found._tag === "Some" && found.value.version > 1) {
    return yield* new LedgerError({ reason: { _tag: "Newer", name, version: found.value.version, known: 1 } })
  }
  return yield* Effect.mapError(decodeRow(kept), () => Damage.torn(name, "state"))
})

/** Makes a new row, in a transaction that begins with something else. */
const newRow = (
  { dialect, transact, write }: Store,
  fingerprint: Fingerprint,
  first: (connection: Connection) => Effect.Effect<void, Failure> = () => Effect.void
) =>
  transact(
    Effect.fnUntraced(function* (connection: Connection) {
      const number = yield* Numbers.free(connection, dialect)
      yield* first(connection)
      const row: Row = { version: 1, ...identity(), number, fingerprint, head: 0, acknowledged: {}, agents: [] }
      yield* write(connection, row)
      return row
    })
  )

/** The row as it was kept; a new one where none was, or, without a fingerprint, where it cannot be read. */
export const rowOf = Effect.fnUntraced(function* (
  store: Store,
  kept: string | undefined,
  fingerprint: Fingerprint | undefined
): Effect.fn.Return<Row, LedgerError> {
  const { name } = store
  if (kept === undefined) return yield* newRow(store, fingerprint ?? {})
  const found = yield* Effect.result(readRow(name, kept))
  if (Result.isFailure(found)) {
    if (found.failure.reason._tag !== "Torn" || fingerprint !== undefined) return yield* found.failure
    const row = yield* newRow(store, {}, (connection) => Numbers.removeLost(connection, name))
    yield* Damage.warnOfAll(name)
    return row
  }
  const row = found.success
  if (fingerprint !== undefined) yield* refuseOther(name, row.fingerprint, fingerprint)
  return row
})
