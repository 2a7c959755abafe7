/** A table that is open for writing. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import type * as Scope from "effect/Scope"
import type * as SqlClient from "effect/sql/SqlClient"
import * as Column from "../../../model/Column.ts"
import type { Committed } from "../../../model/Committed.ts"
import * as Instant from "../../../model/Instant.ts"
import type { Cursor } from "../../../model/Position.ts"
import type { Repairs } from "../../../model/internal/Json.ts"
import type { Batch, Refused, Writer } from "../../SessionSink.ts"
import type { SinkError } from "../../SinkError.ts"
import * as Table from "../../Table.ts"
import * as Misfits from "../../internal/Misfits.ts"
import * as Repaired from "../../internal/Repaired.ts"
import * as CommitTable from "./CommitTable.ts"
import * as OwnCommits from "./OwnCommits.ts"
import * as Removal from "./Removal.ts"
import type { Dialect, Layout, Place, Row } from "./Dialect.ts"
import * as TableAccess from "./TableAccess.ts"
import { failure } from "./TableFailure.ts"
import * as Time from "./Time.ts"
import * as Transaction from "./Transaction.ts"
import * as Turns from "./Turns.ts"
import * as TypedRows from "./TypedRows.ts"
import * as Uncommitted from "./Uncommitted.ts"

export interface Options {
  readonly name: string
  readonly place: Place
  /** Where the sink keeps its own position. */
  readonly account: CommitTable.Account | undefined
  /** Accounts of stretches, which are of no use once the whole is finished. */
  readonly done: ReadonlyArray<string>
  readonly timeout: Duration.Input
  readonly maxPending: number
  /** Of a table in a sync. */
  readonly sync: Removal.Options | undefined
}

export const make = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  dialect: Dialect,
  from: Option.Option<Committed>,
  options: Options
): Effect.fn.Return<Writer<object>, SinkError, Scope.Scope> {
  const { account, name, timeout } = options
  const transaction = yield* Transaction.make(sql, dialect, account?.epoch !== undefined)
  const access: TableAccess.TableAccess = { name, dialect, transaction }
  const removal = Removal.open(dialect, transaction, options.place, options.sync)
  const rows = Uncommitted.make({ ...dialect, upserts: removal.upserts }, transaction)
  const rollback = Uncommitted.rollback(rows)
  const turns = Turns.make({ name, timeout, isOpen: transaction.isOpen, rollback })
  const { cursor, place } = yield* turns.take("open", TableAccess.open(access, options.place, account))
  const commits = OwnCommits.make(access, place, account)
  yield* turns.take("open", options.sync === undefined ? Effect.void : forgetStale(access, place, account))

  const repairs: Repairs = { texts: 0 }
  const tables = Table.ofBatches(name, { timestamp: Time.text, repairs })
  const warn = Misfits.warner(name)
  /** Known from the first batch on. */
  const layout = yield* Ref.make<Layout | undefined>(undefined)
  const settle = (table: Table.Table) =>
    Effect.tap(TableAccess.settle(access, place, table, removal.settle), (settled) => Ref.set(layout, settled))
  const tableOf = ({ columns }: Pick<Batch<unknown>, "columns">) => tables(removal.columns(columns))

  const write = Effect.fnUntraced(function* (batch: Batch<object>) {
    const table = yield* tableOf(batch)
    const at = (yield* Ref.get(layout)) ?? (yield* settle(table))
    const typed = TypedRows.make(batch, table, at.keyCell)
    const { unsayable, upserts } = removal.upserts(at, typed.rows)
    if (typed.found.hasOtherKeys) return yield* failure(name, "write", { _tag: "KeyColumn", column: at.key })
    const rejected = [...typed.found.refused, ...unsayable.map(unsayableId)]
    if (upserts.length === 0) return rejected
    const before = rows.pending.length
    const { highestCredible } = batch
    const more = yield* Uncommitted.put(rows, { layout: at, rows: typed.rows, upserts, highestCredible })
    if (rows.weight > options.maxPending) {
      yield* Effect.andThen(Uncommitted.send(rows), commits.check).pipe(
        Effect.andThen(Uncommitted.commit(rows)),
        // The same batch will be given again.
        Effect.onError(() => Effect.sync(() => Uncommitted.takeBack(rows, before)))
      )
    }
    return [...rejected, ...more]
  })

  const remove = Effect.fnUntraced(function* (batch: Batch<null>) {
    const at = (yield* Ref.get(layout)) ?? (yield* settle(yield* tableOf(batch)))
    Uncommitted.add(rows, yield* removal.mark(at, batch))
    return []
  })

  const flush = Effect.fnUntraced(function* (at: Cursor) {
    if (rows.pending.length > 0 || account !== undefined) {
      yield* Uncommitted.send(rows)
      const known = yield* Ref.get(layout)
      if (known !== undefined) yield* removal.sweep(known)
      yield* commits.write(at)
      yield* Uncommitted.commit(rows)
    }
    return { at, note: null } satisfies Committed
  })

  /** Even a run without a batch leaves a table that can be read. */
  const finish = Effect.gen(function* () {
    if ((yield* Ref.get(layout)) === undefined) yield* settle(Table.make(Column.ofSession))
    if (options.done.length > 0) yield* forget(access, place, options.done)
  })

  if (dialect.eager) yield* turns.releaseIdle
  return {
    committed: committedAt(account, from, cursor),
    write: (batch) => Effect.tap(turns.take("write", write(batch)), () => Effect.flatMap(tableOf(batch), warn)),
    ...(options.sync === undefined ? {} : { remove: (batch: Batch<null>) => turns.take("write", remove(batch)) }),
    flush: (at) => turns.take("flush", flush(at)),
    compared: () => rows.committed,
    finish: Repaired.reporting(name, repairs, turns.take("finish", finish))
  }
})

const unsayableId = ({ id }: Row): Refused => ({ id, reason: "its id has a character that the database cannot hold" })

/** The accounts of stretches are not needed any more. They may stay where this user has no right to delete. */
const forget = (
  { dialect, transaction }: TableAccess.TableAccess,
  place: Place,
  accounts: ReadonlyArray<string>
): Effect.Effect<void> =>
  Effect.gen(function* () {
    yield* transaction.begin
    for (const one of accounts) yield* transaction.run(CommitTable.forget(dialect, place, one))
    yield* transaction.commit
  }).pipe(Effect.catch(() => transaction.rollback))

/** A ledger that nobody used for so long is not used any more. */
const longest = 30 * 86_400_000_000

/** Each ledger has a row of its own: those of ledgers that were lost or restarted would stay for ever. */
const forgetStale = (
  { dialect, transaction }: TableAccess.TableAccess,
  place: Place,
  account: CommitTable.Account | undefined
) =>
  Effect.gen(function* () {
    if (account === undefined) return
    const about = { account: account.name, before: Time.format(Instant.of((yield* Instant.now) - longest)) }
    yield* transaction.begin
    const accounts = yield* transaction.use((connection) => CommitTable.staleOf(dialect, place, connection, about))
    for (const one of accounts) yield* transaction.run(CommitTable.forget(dialect, place, one))
    yield* transaction.commit
  }).pipe(Effect.catch(() => transaction.rollback))

/**
 * The table's own offset. If the earlier run finished but its checkpoint is missing, the run starts from the beginning.
 */
const committedAt = (
  account: CommitTable.Account | undefined,
  from: Option.Option<Committed>,
  at: Cursor | undefined
): Option.Option<Committed> =>
  account === undefined
    ? from
    : at === undefined || (Option.isNone(from) && at === "end")
      ? Option.none()
      : Option.some({ at, note: null })
