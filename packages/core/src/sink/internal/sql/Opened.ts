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
import type { Instant } from "../../../model/Instant.ts"
import * as SqlFailure from "../../../model/internal/SqlFailure.ts"
import type { Batch, Refused, Writer } from "../../SessionSink.ts"
import * as StandIn from "../../../model/internal/StandIn.ts"
import { SinkError } from "../../SinkError.ts"
import * as Table from "../../Table.ts"
import * as Account from "./Account.ts"
import { type Dialect, type Layout, type Place, type Row, type Statement, statement } from "./Dialect.ts"
import * as LayoutOf from "./Layout.ts"
import * as Time from "./Time.ts"
import * as Transaction from "./Transaction.ts"

export interface Options {
  readonly name: string
  readonly place: Place
  readonly account: string | undefined
  readonly timeout: Duration.Input
  readonly maxPending: number
}

/** A transaction that nothing comes to keeps others from their work: it is begun anew when something does. */
const idle = { after: 10_000, look: "5 seconds" } as const

type Operation = SinkError["operation"]

export const failure = (
  sink: string,
  operation: Operation,
  told: Pick<SqlFailure.SqlFailure, "retryable" | "description"> & {
    readonly advice?: string | undefined
    readonly code?: string | undefined
  }
): SinkError =>
  new SinkError({
    sink,
    operation,
    retryable: told.retryable,
    description: told.description,
    ...(told.advice === undefined ? {} : { advice: told.advice }),
    ...(told.code === undefined ? {} : { code: told.code })
  })

/** Of two rows with one id the last one. */
const last = (rows: ReadonlyArray<Row>): ReadonlyArray<Row> => {
  const ids = new Set<string>()
  for (const { id } of rows) ids.add(id)
  return ids.size === rows.length ? rows : [...new Map(rows.map((row) => [row.id, row])).values()]
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
  const fail = (operation: Operation, description: string, advice?: string) =>
    Effect.fail(failure(name, operation, { retryable: false, description, advice }))

  /** What was not committed: it is sent again when its transaction was lost. */
  let pending: Array<Statement> = []
  let weight = 0
  /** How much of it the open transaction has. */
  let sent = 0
  let used = 0
  const rollback = Effect.suspend(() => {
    sent = 0
    return transaction.rollback
  })

  /** One operation at a time, which takes everything back when it fails. */
  const operation = <A>(what: Operation, run: Effect.Effect<A, SqlError | SinkError>): Effect.Effect<A, SinkError> =>
    Effect.tap(run, () => Effect.map(Clock.currentTimeMillis, (now) => (used = now))).pipe(
      Effect.timeoutOrElse({
        duration: options.timeout,
        orElse: () =>
          Effect.fail(
            failure(name, what, {
              retryable: true,
              description: "the database did not answer in time",
              advice: "Does it wait for a lock? Run it again: it goes on where it was."
            })
          )
      }),
      Effect.onError(() => rollback),
      Effect.mapError((error) => (error._tag === "SinkError" ? error : failure(name, what, SqlFailure.of(error)))),
      turns.withPermits(1)
    )
  /** In an open transaction, that has all that is pending. */
  const send = Effect.gen(function* () {
    if (!transaction.isOpen()) {
      sent = 0
      yield* transaction.begin
    }
    for (let next = pending[sent]; next !== undefined; next = pending[sent]) {
      yield* transaction.run(next)
      sent++
    }
  })
  const commit = Effect.map(transaction.commit, () => {
    pending = []
    weight = 0
    sent = 0
  })
  const whole = <A>(run: Effect.Effect<A, SqlError | SinkError>) =>
    Effect.andThen(
      transaction.begin,
      Effect.tap(run, () => transaction.commit)
    )

  const look = (table: string) =>
    Effect.flatMap(
      transaction.use((connection) => dialect.look(connection, { ...options.place, table })),
      (look) => (look._tag === "Refused" ? fail("open", look.description, look.advice) : Effect.succeed(look))
    )
  const opened = yield* operation(
    "open",
    whole(
      Effect.gen(function* () {
        const { found, schema } = yield* look(options.place.table)
        const place = { ...options.place, schema }
        // What is wrong with a table that is there is told now, as far as it does not depend on the rows.
        const planned = LayoutOf.plan(dialect, place, found, Table.make([]).columns)
        if (planned._tag === "Failure") return yield* fail("open", planned.failure.description, planned.failure.advice)
        if (account === undefined) return { place, cursor: undefined }
        if ((yield* look(Account.tableName)).found === undefined) {
          for (const one of dialect.lock({ ...place, table: Account.tableName })) yield* transaction.run(one)
          yield* transaction.run(Account.create(dialect, place))
        }
        const cursor = yield* transaction.use((connection) => Account.read(dialect, place, connection, account))
        // Whoever removed the table wants its rows again.
        if (found === undefined && cursor !== undefined) {
          yield* transaction.run(Account.forget(dialect, place, account))
        }
        return { place, cursor: found === undefined ? undefined : cursor }
      })
    )
  )
  const { place } = opened

  const tables = Table.ofBatches(name, { timestamp: Time.text })
  let layout: Layout | undefined
  /** Makes the table, or brings it to what these columns need. */
  const settle = Effect.fnUntraced(function* (columns: ReadonlyArray<Column.Column>) {
    const planned = yield* whole(
      Effect.gen(function* () {
        for (const one of dialect.lock(place)) yield* transaction.run(one)
        const { found } = yield* look(place.table)
        const planned = LayoutOf.plan(dialect, place, found, columns)
        if (planned._tag === "Failure") return yield* fail("write", planned.failure.description, planned.failure.advice)
        for (const change of planned.success.changes) yield* transaction.run(statement(change))
        return planned.success
      })
    )
    layout = planned.layout
    return planned.layout
  })

  const refuse = ({ id }: Row, reason: string): Refused => ({ id, reason })

  const typed = (batch: Batch<object>, table: Table.Table, keyCell: number | undefined) => {
    const rows: Array<Row> = []
    const refused: Array<Refused> = []
    let strange = false
    for (const { id, row } of batch.items) {
      try {
        const cells = table.cells(row)
        if (!id.isWellFormed()) refused.push({ id, reason: "its id is no text that a database can hold" })
        else {
          const key = keyCell === undefined ? undefined : cells[keyCell]
          // The key of a row stays what it is, also where the id in it is redacted.
          const isRedacted = typeof key === "string" && key !== id && StandIn.isIn(key)
          strange ||= keyCell !== undefined && key !== id && !isRedacted
          rows.push({ id, cells: keyCell !== undefined && isRedacted ? cells.with(keyCell, id) : cells })
        }
      } catch {
        refused.push({ id, reason: "JSON cannot say one of its values" })
      }
    }
    return { rows: last(rows), refused, strange }
  }

  /** Each half by itself, until those are alone that the database does not take. */
  const sift = (layout: Layout, rows: ReadonlyArray<Row>, observedAt: Instant): Effect.Effect<Sifted, SqlError> =>
    Effect.gen(function* () {
      const { statements } = dialect.upserts(layout, rows, observedAt)
      yield* transaction.run(statement("SAVEPOINT callstream"))
      const failed = yield* Effect.forEach(statements, transaction.run, { discard: true }).pipe(
        Effect.as(undefined),
        Effect.catch((error) => Effect.succeed(error))
      )
      if (failed === undefined) {
        yield* transaction.run(statement("RELEASE SAVEPOINT callstream"))
        return { statements, refused: [] }
      }
      const { description, row } = SqlFailure.of(failed)
      if (!row) return yield* failed
      yield* transaction.run(statement("ROLLBACK TO SAVEPOINT callstream"))
      yield* transaction.run(statement("RELEASE SAVEPOINT callstream"))
      const [first] = rows
      if (rows.length <= 1) return { statements: [], refused: first === undefined ? [] : [refuse(first, description)] }
      const middle = rows.length >> 1
      const left = yield* sift(layout, rows.slice(0, middle), observedAt)
      const right = yield* sift(layout, rows.slice(middle), observedAt)
      return { statements: [...left.statements, ...right.statements], refused: [...left.refused, ...right.refused] }
    })

  const write = Effect.fnUntraced(function* (batch: Batch<object>) {
    const table = yield* tables(batch.columns)
    const at = layout ?? (yield* settle(table.columns))
    const { refused, rows, strange } = typed(batch, table, at.keyCell)
    if (strange) {
      return yield* fail(
        "write",
        `the column ${at.key} of the rows is not the session's id, and the table's key is called so`,
        "Give that column another name with --select, or leave it out."
      )
    }
    if (rows.length === 0) return refused
    const { statements, unsayable } = dialect.upserts(at, rows, batch.observedAt)
    for (const row of unsayable) refused.push(refuse(row, "its id has a character that the database cannot hold"))
    const before = pending.length
    const add = (more: ReadonlyArray<Statement>) => {
      for (const one of more) {
        pending.push(one)
        weight += one.weight
      }
    }
    if (!dialect.eager) add(statements)
    else {
      yield* send
      const failed = yield* Effect.forEach(statements, transaction.run, { discard: true }).pipe(
        Effect.as(undefined),
        Effect.catch((error) => Effect.succeed(error))
      )
      if (failed === undefined) add(statements)
      else if (!SqlFailure.of(failed).row) return yield* failed
      else {
        // The server has given up the whole transaction.
        yield* rollback
        yield* send
        const sifted = yield* sift(at, rows, batch.observedAt)
        add(sifted.statements)
        refused.push(...sifted.refused)
      }
      sent = pending.length
    }
    if (weight > options.maxPending) {
      yield* Effect.andThen(send, commit).pipe(
        // The same batch will be given again.
        Effect.onError(() =>
          Effect.sync(() => {
            for (const one of pending.splice(before)) weight -= one.weight
          })
        )
      )
    }
    return refused
  })

  const flush = Effect.fnUntraced(function* (cursor: Instant) {
    if (pending.length > 0 || account !== undefined) {
      yield* send
      if (account !== undefined) {
        const now = Time.format((yield* Clock.currentTimeMillis) * 1000)
        yield* transaction.run(Account.write(dialect, place, account, cursor, now))
      }
      yield* commit
    }
    return { cursor, position: null } satisfies Committed
  })

  if (dialect.eager) {
    const letGo = Effect.flatMap(Clock.currentTimeMillis, (now) =>
      transaction.isOpen() && now - used >= idle.after ? rollback : Effect.void
    ).pipe(turns.withPermitsIfAvailable(1))
    yield* Effect.forkScoped(Effect.forever(Effect.delay(letGo, idle.look)))
  }

  return {
    committed: stands(account, from, opened.cursor),
    write: (batch) => operation("write", write(batch)),
    flush: (cursor) => operation("flush", flush(cursor)),
    // A run without a single batch leaves a table that can be read all the same.
    finish: operation(
      "finish",
      Effect.suspend(() =>
        layout === undefined ? Effect.asVoid(settle(Table.make(Column.ofSession).columns)) : Effect.void
      )
    )
  }
})

interface Sifted {
  readonly statements: ReadonlyArray<Statement>
  readonly refused: ReadonlyArray<Refused>
}

/**
 * Where the table stands by its own account. A run that has no checkpoint, although the one before came to its end, begins
 * anew.
 */
const stands = (
  account: string | undefined,
  from: Option.Option<Committed>,
  cursor: Instant | undefined
): Option.Option<Committed> =>
  account === undefined
    ? from
    : cursor === undefined || (Option.isNone(from) && cursor === Number.MAX_SAFE_INTEGER)
      ? Option.none()
      : Option.some({ cursor, position: null })
