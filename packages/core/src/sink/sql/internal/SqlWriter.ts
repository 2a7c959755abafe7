/** A table that is open for writing. */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Column from "../../../model/Column.ts"
import type { Committed } from "../../../model/Committed.ts"
import * as Instant from "../../../model/Instant.ts"
import type { Version } from "../../../model/Version.ts"
import type { Cursor } from "../../../model/Position.ts"
import type { Repairs } from "../../../model/internal/Json.ts"
import * as SqlFailure from "../../../platform/SqlFailure.ts"
import * as StandIn from "../../../model/internal/StandIn.ts"
import { type Batch, type Refused, versionOf, type Writer } from "../../SessionSink.ts"
import { SinkError } from "../../SinkError.ts"
import type { SinkReason, TableProblem } from "../../SinkReason.ts"
import * as Table from "../../Table.ts"
import * as Misfits from "../../internal/Misfits.ts"
import * as Repaired from "../../internal/Repaired.ts"
import * as CommitTable from "./CommitTable.ts"
import * as Comparing from "./Comparing.ts"
import { type Dialect, type Layout, type Place, type Row, statement } from "./Dialect.ts"
import * as LayoutOf from "./Layout.ts"
import * as Removal from "./Removal.ts"
import * as Sweeping from "./Sweeping.ts"
import * as Time from "./Time.ts"
import * as Transaction from "./Transaction.ts"

export interface Options {
  readonly name: string
  readonly place: Place
  readonly account: string | undefined
  readonly timeout: Duration.Input
  readonly maxPending: number
  /** Of a table in a sync. */
  readonly sync: Removal.Options | undefined
}

/** An idle transaction blocks other users, so it is closed after this time, and the next rows begin a new one. */
const idle = { after: 10_000, look: "5 seconds" } as const

type Operation = SinkError["operation"]

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

/** Of rows with one id the newest one, the last one of those that are as new. */
const newest = (rows: ReadonlyArray<Row>): ReadonlyArray<Row> => {
  const ids = new Set<string>()
  for (const { id } of rows) ids.add(id)
  if (ids.size === rows.length) return rows
  const found = new Map<string, Row>()
  for (const row of rows) if (row.version >= (found.get(row.id)?.version ?? -Infinity)) found.set(row.id, row)
  return [...found.values()]
}

export const make = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  dialect: Dialect,
  from: Option.Option<Committed>,
  options: Options
): Effect.fn.Return<Writer<object>, SinkError, Scope.Scope> {
  const { account, name } = options
  const transaction = yield* Transaction.make(sql, dialect)
  const turns = Semaphore.makeUnsafe(1)
  const fail = (operation: Operation, reason: SinkReason) => Effect.fail(failure(name, operation, reason))
  const refuseTable = (operation: Operation, problem: TableProblem) => fail(operation, { _tag: "Table", problem })

  /** Uncommitted rows, which are sent again if their transaction is lost. */
  let pending: Array<Comparing.Pending> = []
  let weight = 0
  /** How much of it the open transaction has, and what it did not simply write. */
  let sent = 0
  let compared = Comparing.nothing
  let committed = Comparing.nothing
  let used = 0
  const begin = () => {
    sent = 0
    compared = Comparing.nothing
  }
  const rollback = Effect.suspend(() => {
    begin()
    return transaction.rollback
  })
  const run = (all: ReadonlyArray<Comparing.Pending>) => Comparing.run(dialect, transaction, all)

  /** Runs one operation at a time, and rolls back when it fails. */
  const operation = <A>(what: Operation, run: Effect.Effect<A, SqlError | SinkError>): Effect.Effect<A, SinkError> =>
    Effect.tap(run, () => Effect.map(Clock.currentTimeMillis, (now) => (used = now))).pipe(
      Effect.timeoutOrElse({
        duration: options.timeout,
        orElse: () => Effect.fail(broken(name, what, SqlFailure.make("NoAnswer")))
      }),
      Effect.onError(() => rollback),
      Effect.mapError((error) => (error._tag === "SinkError" ? error : broken(name, what, SqlFailure.of(error)))),
      turns.withPermits(1)
    )
  /** In an open transaction, that has all that is pending. */
  const send = Effect.gen(function* () {
    if (!transaction.isOpen()) {
      begin()
      yield* transaction.begin
    }
    for (let next = pending[sent]; next !== undefined; next = pending[sent]) {
      compared = Comparing.plus(compared, yield* run([next]))
      sent++
    }
  })
  const commit = Effect.map(transaction.commit, () => {
    committed = Comparing.plus(committed, compared)
    pending = []
    weight = 0
    begin()
  })
  const whole = <A>(run: Effect.Effect<A, SqlError | SinkError>) =>
    Effect.andThen(
      transaction.begin,
      Effect.tap(run, () => transaction.commit)
    )

  const look = (table: string) =>
    Effect.flatMap(
      transaction.use((connection) => dialect.look(connection, { ...options.place, table })),
      (look) => (look._tag === "Refused" ? refuseTable("open", look.problem) : Effect.succeed(look))
    )
  const opened = yield* operation(
    "open",
    whole(
      Effect.gen(function* () {
        const { found, schema } = yield* look(options.place.table)
        const place = { ...options.place, schema }
        // Mistakes in an existing table are reported now, unless they depend on the rows.
        const planned = LayoutOf.plan(dialect, place, found, { columns: [], hasExtra: false })
        if (planned._tag === "Failure") return yield* refuseTable("open", planned.failure)
        if (account === undefined) return { place, cursor: undefined }
        if ((yield* look(CommitTable.tableName)).found === undefined) {
          for (const one of dialect.lock({ ...place, table: CommitTable.tableName })) yield* transaction.run(one)
          yield* transaction.run(CommitTable.create(dialect, place))
        }
        const cursor = yield* transaction.use((connection) => CommitTable.read(dialect, place, connection, account))
        // A person who removed the table wants its rows again.
        if (found === undefined && cursor !== undefined) {
          yield* transaction.run(CommitTable.forget(dialect, place, account))
        }
        return { place, cursor: found === undefined ? undefined : cursor }
      })
    )
  )
  const { place } = opened

  const repairs: Repairs = { texts: 0 }
  const tables = Table.ofBatches(name, { timestamp: Time.text, repairs })
  const warn = Misfits.warner(name)
  let layout: Layout | undefined
  let removals: Removal.Removals | undefined
  /** Makes the table, or brings it to what these columns need. */
  const settle = Effect.fnUntraced(function* (table: Table.Table) {
    const planned = yield* whole(
      Effect.gen(function* () {
        for (const one of dialect.lock(place)) yield* transaction.run(one)
        const { found } = yield* look(place.table)
        const planned = LayoutOf.plan(dialect, place, found, table)
        if (planned._tag === "Failure") return yield* refuseTable("write", planned.failure)
        for (const change of planned.success.changes) yield* transaction.run(statement(change))
        if (options.sync?.history === true) {
          const versions = yield* transaction.use((connection) => Removal.look(dialect, connection, place))
          const changes = Removal.changes(dialect, place, planned.success.layout, versions)
          for (const change of changes) yield* transaction.run(statement(change))
        }
        return planned.success
      })
    )
    layout = planned.layout
    if (options.sync !== undefined) removals = Removal.make(dialect, place, layout, options.sync)
    return planned.layout
  })
  const tableOf = ({ columns }: Pick<Batch<unknown>, "columns">) =>
    tables(options.sync === undefined ? columns : [...columns, Removal.column])
  const upsertsOf = (layout: Layout, rows: ReadonlyArray<Row>) => {
    const { unsayable, upserts } = dialect.upserts(layout, rows)
    const ids = rows.map(({ id }) => id)
    return { unsayable, upserts: removals === undefined ? upserts : removals.withHistory(upserts, ids) }
  }

  const refuse = ({ id }: Row, reason: string): Refused => ({ id, reason })

  const typed = (batch: Batch<object>, table: Table.Table, keyCell: number | undefined) => {
    const rows: Array<Row> = []
    const refused: Array<Refused> = []
    let strange = false
    for (const item of batch.items) {
      const { id, row } = item
      try {
        const cells = table.cells(row)
        if (!id.isWellFormed()) refused.push({ id, reason: "its id is no text that a database can hold" })
        else {
          const key = keyCell === undefined ? undefined : cells[keyCell]
          // The key of a row stays what it is, also where the id in it is redacted.
          const isRedacted = typeof key === "string" && key !== id && StandIn.isIn(key)
          strange ||= keyCell !== undefined && key !== id && !isRedacted
          rows.push({
            id,
            version: versionOf(batch, item),
            cells: keyCell !== undefined && isRedacted ? cells.with(keyCell, id) : cells
          })
        }
      } catch {
        refused.push({ id, reason: "JSON cannot say one of its values" })
      }
    }
    return { rows: newest(rows), refused, strange }
  }

  /** Writes each half separately, until each rejected row is alone. */
  const sift = (
    layout: Layout,
    rows: ReadonlyArray<Row>,
    highestCredible: Version | undefined
  ): Effect.Effect<Sifted, SqlError> =>
    Effect.gen(function* () {
      const pending = upsertsOf(layout, rows).upserts.map((upsert) => ({ ...upsert, highestCredible }))
      yield* transaction.run(statement("SAVEPOINT callstream"))
      const done = yield* Effect.result(run(pending))
      if (done._tag === "Success") {
        yield* transaction.run(statement("RELEASE SAVEPOINT callstream"))
        compared = Comparing.plus(compared, done.success)
        return { pending, refused: [] }
      }
      const failed = SqlFailure.of(done.failure)
      if (failed._tag !== "Row") return yield* done.failure
      const description = SqlFailure.describe(failed)
      yield* transaction.run(statement("ROLLBACK TO SAVEPOINT callstream"))
      yield* transaction.run(statement("RELEASE SAVEPOINT callstream"))
      const [first] = rows
      if (rows.length <= 1) return { pending: [], refused: first === undefined ? [] : [refuse(first, description)] }
      const middle = rows.length >> 1
      const left = yield* sift(layout, rows.slice(0, middle), highestCredible)
      const right = yield* sift(layout, rows.slice(middle), highestCredible)
      return { pending: [...left.pending, ...right.pending], refused: [...left.refused, ...right.refused] }
    })

  const write = Effect.fnUntraced(function* (batch: Batch<object>) {
    const table = yield* tableOf(batch)
    const at = layout ?? (yield* settle(table))
    const { refused, rows, strange } = typed(batch, table, at.keyCell)
    if (strange) {
      return yield* fail("write", { _tag: "KeyColumn", column: at.key })
    }
    if (rows.length === 0) return refused
    const { highestCredible } = batch
    const { unsayable, upserts } = upsertsOf(at, rows)
    const given = upserts.map((upsert) => ({ ...upsert, highestCredible }))
    for (const row of unsayable) refused.push(refuse(row, "its id has a character that the database cannot hold"))
    const before = pending.length
    const add = (more: ReadonlyArray<Comparing.Pending>) => {
      for (const one of more) {
        pending.push(one)
        weight += one.statement.weight
      }
    }
    if (!dialect.eager) add(given)
    else {
      yield* send
      const done = yield* Effect.result(run(given))
      if (done._tag === "Success") {
        add(given)
        compared = Comparing.plus(compared, done.success)
      } else if (SqlFailure.of(done.failure)._tag !== "Row") return yield* done.failure
      else {
        // The server has given up the whole transaction.
        yield* rollback
        yield* send
        const sifted = yield* sift(at, rows, highestCredible)
        add(sifted.pending)
        refused.push(...sifted.refused)
      }
      sent = pending.length
    }
    if (weight > options.maxPending) {
      yield* Effect.andThen(send, commit).pipe(
        // The same batch will be given again.
        Effect.onError(() =>
          Effect.sync(() => {
            for (const one of pending.splice(before)) weight -= one.statement.weight
          })
        )
      )
    }
    return refused
  })

  const remove = Effect.fnUntraced(function* (batch: Batch<null>) {
    const table = yield* tableOf(batch)
    if (layout === undefined) yield* settle(table)
    if (removals === undefined || batch.items.length === 0) return []
    const gone = batch.items.map((item) => ({ id: item.id, version: versionOf(batch, item) }))
    pending.push({ ...removals.mark(gone), highestCredible: undefined })
    sweeping.mark()
    return []
  })
  const sweeping = Sweeping.make(dialect, transaction, options.sync?.mostDeleted)

  const flush = Effect.fnUntraced(function* (at: Cursor) {
    if (pending.length > 0 || account !== undefined) {
      yield* send
      if (removals !== undefined) yield* sweeping.sweep(removals)
      if (account !== undefined) {
        const now = Time.format(yield* Instant.now)
        yield* transaction.run(CommitTable.write(dialect, place, account, at, now))
      }
      yield* commit
    }
    return { at, note: null } satisfies Committed
  })

  if (dialect.eager) {
    const letGo = Effect.flatMap(Clock.currentTimeMillis, (now) =>
      transaction.isOpen() && now - used >= idle.after ? rollback : Effect.void
    ).pipe(turns.withPermitsIfAvailable(1))
    yield* Effect.forkScoped(Effect.forever(Effect.delay(letGo, idle.look)))
  }

  return {
    committed: stands(account, from, opened.cursor),
    write: (batch) => Effect.tap(operation("write", write(batch)), () => Effect.flatMap(tableOf(batch), warn)),
    remove: (batch) => operation("write", remove(batch)),
    flush: (at) => operation("flush", flush(at)),
    compared: () => committed,
    // Even a run without a batch leaves a table that can be read.
    finish: Repaired.reporting(
      name,
      repairs,
      operation(
        "finish",
        Effect.suspend(() => (layout === undefined ? Effect.asVoid(settle(Table.make(Column.ofSession))) : Effect.void))
      )
    )
  }
})

interface Sifted {
  readonly pending: ReadonlyArray<Comparing.Pending>
  readonly refused: ReadonlyArray<Refused>
}

/**
 * The table's own offset. If the earlier run finished but its checkpoint is missing, the run starts from the beginning.
 */
const stands = (
  account: string | undefined,
  from: Option.Option<Committed>,
  at: Cursor | undefined
): Option.Option<Committed> =>
  account === undefined
    ? from
    : at === undefined || (Option.isNone(from) && at === "end")
      ? Option.none()
      : Option.some({ at, note: null })
