/**
 * Ledgers as tables in PostgreSQL or SQLite.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import type * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as SecureRandom from "effect/crypto/SecureRandom"
import type * as SqlClient from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import type { ProcessOwner } from "../checkpoint/ProcessOwner.ts"
import * as SqlLease from "../checkpoint/internal/SqlLease.ts"
import type { Fingerprint } from "../model/Fingerprint.ts"
import * as Pages from "./internal/LedgerPages.ts"
import * as Reading from "./internal/LedgerReading.ts"
import * as LedgerRow from "./internal/LedgerRow.ts"
import * as Tables from "./internal/LedgerTables.ts"
import * as Writing from "./internal/LedgerWriting.ts"
import { Ledger, type Lease, refuseOther, type Span, type View } from "./Ledger.ts"
import { LedgerError } from "./LedgerError.ts"

/**
 * Where the tables are.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options<E extends SqlError | { readonly description: string }, R> {
  /** What the database is called in messages, without secrets. */
  readonly name: string
  /** Made when a ledger is opened, and closed with it. PostgreSQL needs two connections: one holds the lock. */
  readonly client: Layer.Layer<SqlClient.SqlClient, E, R>
}

const leaseOf = (store: LedgerRow.Store, first: LedgerRow.Row, epoch: number): Lease => {
  const { dialect, name, transact, write } = store
  const { key, number } = first
  /** What the row holds: replaced when a transaction was committed. */
  const kept = Ref.makeUnsafe(first)
  const rowNow = () => Ref.getUnsafe(kept)
  const turns = Semaphore.makeUnsafe(1)
  const commit = (next: LedgerRow.Row, run: (connection: Connection) => Effect.Effect<unknown, LedgerRow.Failure>) =>
    Effect.uninterruptible(transact((connection) => Effect.andThen(run(connection), write(connection, next)))).pipe(
      Effect.tap(() => Ref.set(kept, next))
    )
  const pages = Pages.make(store, number, rowNow, true)
  const reading = Reading.make(store, number, rowNow, pages)
  const acknowledge = (consumer: string, at: number, note: Schema.Json) => {
    const acknowledged = { ...rowNow().acknowledged, [consumer]: { commit: at, note } }
    return at < (rowNow().acknowledged[consumer]?.commit ?? 0)
      ? Effect.void
      : commit({ ...rowNow(), acknowledged }, () => Effect.void)
  }
  const { forget, note, restart } = Writing.make(store, { number, rowNow, commit, pages })
  return {
    name,
    get id() {
      return rowNow().id
    },
    key,
    epoch,
    kept: Effect.sync(() => ({ state: rowNow().state, head: rowNow().head })),
    acknowledged: Effect.sync(() => rowNow().acknowledged),
    ...reading,
    asked: askedOf(store),
    taken: (id) => Effect.asVoid(store.ask(dialect.taken, [name, id])),
    note: (noted) => turns.withPermit(Effect.suspend(() => note(noted))),
    acknowledge: (consumer, at, kept = null) => turns.withPermit(Effect.suspend(() => acknowledge(consumer, at, kept))),
    restart: (fingerprint, least) => turns.withPermit(Effect.suspend(() => restart(fingerprint, least))),
    forget: (before, acknowledged) => turns.withPermit(forget(before, acknowledged))
  }
}

const askedOf = ({ ask, dialect, name }: Reading.Store) =>
  Effect.map(ask(dialect.asked, [name]), (rows) => rows.flatMap(Tables.askedIn))

const open = Effect.fnUntraced(function* <E extends SqlError | { readonly description: string }, R>(
  options: Options<E, R>,
  name: string,
  fingerprint: Fingerprint | undefined
): Effect.fn.Return<Lease, LedgerError, ProcessOwner | R | Scope.Scope> {
  const lease = yield* Effect.mapError(SqlLease.take(options, Tables.ledgers, name), LedgerRow.stored)
  const store = LedgerRow.storeOf(name, lease)
  const version = yield* store.transact((connection) => Tables.migrate(connection, store.dialect))
  if (version > Tables.version) {
    return yield* new LedgerError({ reason: { _tag: "Newer", name, version, known: Tables.version } })
  }
  if (lease.taken.state === undefined) yield* Reading.refuseExport(store)
  return leaseOf(store, yield* LedgerRow.rowOf(store, lease.taken.state, fingerprint), lease.taken.epoch)
})

const viewOf = Effect.fnUntraced(function* (
  name: string,
  connected: SqlLease.Connected
): Effect.fn.Return<View | undefined, LedgerError, Scope.Scope> {
  const dialect = Tables.dialectOf(connected.sql)
  // A call that changes moves from one table to the other.
  const ask = yield* LedgerRow.snapshotOf(connected)
  const kept = (yield* states(ask, dialect)).get(name)
  if (kept === undefined) return undefined
  const row = yield* LedgerRow.readRow(name, kept)
  const { acknowledged, head, id, key, number, state } = row
  const store = { name, dialect, ask }
  return {
    name,
    id,
    key,
    kept: Effect.succeed({ state, head }),
    acknowledged: Effect.succeed(acknowledged),
    asked: askedOf(store),
    ...Reading.make(
      store,
      number,
      () => row,
      Pages.make(store, number, () => row, false)
    )
  }
})

/** Adds to what was asked for, on a connection of its own: a run may hold the ledger. */
const askFor = Effect.fnUntraced(function* (
  name: string,
  fingerprint: Fingerprint,
  { from, to }: Span,
  connected: SqlLease.Connected
): Effect.fn.Return<boolean, LedgerError> {
  const dialect = Tables.dialectOf(connected.sql)
  const ask: Reading.Store["ask"] = (text, params) =>
    Effect.mapError(connected.patiently(connected.sql.unsafe(text, params)), LedgerRow.stored)
  const kept = (yield* states(ask, dialect)).get(name)
  if (kept === undefined) return false
  yield* refuseOther(name, (yield* LedgerRow.readRow(name, kept)).fingerprint, fingerprint)
  const transact = LedgerRow.transactOf(connected)
  yield* transact((connection) => Tables.migrate(connection, dialect))
  yield* ask(dialect.ask, [name, SecureRandom.uuidV4Unsafe(), from, to])
  return true
})

/** The rows of all ledgers, by name; nothing where the tables were never made. */
const states = Effect.fnUntraced(function* (
  ask: Reading.Store["ask"],
  dialect: Tables.Dialect
): Effect.fn.Return<ReadonlyMap<string, string>, LedgerError> {
  if ((yield* ask(dialect.tables, [])).length === 0) return new Map()
  const found = yield* ask(`SELECT name, state FROM ${Tables.ledgers} WHERE state IS NOT NULL ORDER BY name`, [])
  return new Map(
    found.flatMap((row) => {
      const { name, state }: Record<string, unknown> = { ...(typeof row === "object" ? row : {}) }
      return typeof name === "string" && typeof state === "string" ? [[name, state] as const] : []
    })
  )
})

/**
 * The service. The tables `callstream_ledgers` and `callstream_ledger_calls` are made when they are missing. One run holds a
 * ledger at a time, as with `SqlCheckpoint`, and one that lost it does not write to it any more.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* <E extends SqlError | { readonly description: string }, R>(
  options: Options<E, R>
): Effect.fn.Return<Ledger["Service"], never, ProcessOwner | R> {
  const context = yield* Effect.context<ProcessOwner | R>()
  const within = <A>(use: (connected: SqlLease.Connected) => Effect.Effect<A, LedgerError, Scope.Scope>) =>
    Effect.flatMap(Effect.scope, (scope) =>
      Effect.mapError(SqlLease.connect(options), LedgerRow.stored).pipe(
        Effect.flatMap(use),
        Scope.provide(scope),
        Effect.provideContext(context)
      )
    )
  return {
    view: (name) => within((connected) => viewOf(name, connected)),
    ask: (name, fingerprint, range) =>
      Effect.scoped(within((connected) => askFor(name, fingerprint, range, connected))),
    names: Effect.scoped(
      within(({ patiently, sql }) =>
        Effect.map(
          states(
            (text, params) => Effect.mapError(patiently(sql.unsafe(text, params)), LedgerRow.stored),
            Tables.dialectOf(sql)
          ),
          (found) => [...found.keys()]
        )
      )
    ),
    open: (name, fingerprint) =>
      Effect.flatMap(Effect.scope, (scope) =>
        open(options, name, fingerprint).pipe(Scope.provide(scope), Effect.provideContext(context))
      )
  }
})

/**
 * Ledgers in the database.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = <E extends SqlError | { readonly description: string }, R>(
  options: Options<E, R>
): Layer.Layer<Ledger, never, ProcessOwner | R> => Layer.effect(Ledger, make(options))
