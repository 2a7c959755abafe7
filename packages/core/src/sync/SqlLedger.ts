/**
 * Ledgers as tables in PostgreSQL or SQLite.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as SecureRandom from "effect/crypto/SecureRandom"
import type * as SqlClient from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import type { CheckpointError } from "../checkpoint/CheckpointError.ts"
import type { ProcessOwner } from "../checkpoint/ProcessOwner.ts"
import * as SqlLease from "../checkpoint/internal/SqlLease.ts"
import * as Change from "../model/Change.ts"
import type { Fingerprint } from "../model/Fingerprint.ts"
import type { Micros } from "./Tail.ts"
import * as EntryBytes from "./internal/EntryBytes.ts"
import * as Reading from "./internal/LedgerReading.ts"
import * as Tables from "./internal/LedgerTables.ts"
import {
  type Entry,
  identity,
  isBefore,
  Ledger,
  type Lease,
  type Note,
  refuseOther,
  restarted,
  risen,
  type Span,
  type View
} from "./Ledger.ts"
import { of as versionOf, type Version } from "../model/Version.ts"
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
type Row = typeof Row.Type
const decodeRow = Schema.decodeUnknownEffect(Schema.fromJsonString(Row))
const decodeVersion = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Struct({ version: Schema.Finite })))

type Failure = SqlError | CheckpointError

/** The database, and the row of this ledger in it. */
interface Store extends Reading.Store {
  /** One transaction on one connection. By hand, because `withTransaction` makes a defect of a lost connection. */
  readonly transact: <A>(run: (connection: Connection) => Effect.Effect<A, Failure>) => Effect.Effect<A, LedgerError>
  /** Writes the row in a transaction, unless another run has it by now. */
  readonly write: (connection: Connection, row: Row) => Effect.Effect<void, Failure>
}

const stored = ({ reason }: CheckpointError) => new LedgerError({ reason: { _tag: "Store", reason } })

const transactOf =
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

const storeOf = (name: string, lease: SqlLease.SqlLease): Store => {
  const { own, patiently, sql, takenOver } = lease
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
      return yield* takenOver(typeof other?.["holder"] === "string" ? other["holder"] : undefined)
    })
  }
}

const readRow = Effect.fnUntraced(function* (name: string, kept: string): Effect.fn.Return<Row, LedgerError> {
  const found = decodeVersion(kept)
  if (found._tag === "Some" && found.value.version > 1) {
    return yield* new LedgerError({ reason: { _tag: "Newer", name, version: found.value.version, known: 1 } })
  }
  return yield* Effect.mapError(decodeRow(kept), () => Reading.torn(name))
})

/** The row as it was kept; a new one where none was. */
const rowOf = Effect.fnUntraced(function* (
  { dialect, name, transact, write }: Store,
  kept: string | undefined,
  fingerprint: Fingerprint | undefined
): Effect.fn.Return<Row, LedgerError> {
  if (kept === undefined) {
    return yield* transact(
      Effect.fnUntraced(function* (connection: Connection) {
        const number = yield* Tables.freeNumber(connection, dialect)
        const row: Row = {
          version: 1,
          ...identity(),
          number,
          fingerprint: fingerprint ?? {},
          head: 0,
          acknowledged: {},
          agents: []
        }
        yield* write(connection, row)
        return row
      })
    )
  }
  const row = yield* readRow(name, kept)
  if (fingerprint !== undefined) yield* refuseOther(name, row.fingerprint, fingerprint)
  return row
})

const leaseOf = (store: Store, first: Row): Lease => {
  const { dialect, name, transact, write } = store
  const { key, number } = first
  /** What the row holds: replaced when a transaction was committed. */
  const kept = Ref.makeUnsafe(first)
  const rowNow = () => Ref.getUnsafe(kept)
  const turns = Semaphore.makeUnsafe(1)
  const commit = (next: Row, run: (connection: Connection) => Effect.Effect<unknown, Failure>) =>
    Effect.uninterruptible(transact((connection) => Effect.andThen(run(connection), write(connection, next)))).pipe(
      Effect.tap(() => Ref.set(kept, next))
    )
  const reading = Reading.make(store, number, rowNow)
  const placesNow = () => new Map(rowNow().agents.map((agent, i) => [agent, i]))
  const put = (connection: Connection, entries: ReadonlyArray<Entry>, places: ReadonlyMap<string, number>) =>
    Effect.forEach(
      Reading.inParts(entries),
      (part) =>
        connection.execute(
          dialect.upsert(part.length),
          Tables.columnsOf(number, part, (agent) => places.get(agent) ?? 0),
          undefined
        ),
      { discard: true }
    )
  const note = ({ entries, head, state }: Note) => {
    const places = placesNow()
    for (const { agent } of entries) if (!places.has(agent)) places.set(agent, places.size)
    const next = { ...rowNow(), agents: [...places.keys()], head, state }
    return commit(next, (connection) => put(connection, entries, places))
  }
  const acknowledge = (consumer: string, at: number, note: Schema.Json) => {
    const acknowledged = { ...rowNow().acknowledged, [consumer]: { commit: at, note } }
    return at < (rowNow().acknowledged[consumer]?.commit ?? 0)
      ? Effect.void
      : commit({ ...rowNow(), acknowledged }, () => Effect.void)
  }
  const restart = (fingerprint: Fingerprint = rowNow().fingerprint, least: Version = versionOf(0)) => {
    const next = { ...rowNow(), id: identity().id, fingerprint, acknowledged: restarted(rowNow().acknowledged) }
    const raise = (connection: Connection) => (entries: ReadonlyArray<Entry>) =>
      put(connection, entries.map(risen(least)), placesNow())
    return commit(next, (connection) => Reading.inTurn(store, connection, number, next.agents, raise(connection)))
  }
  const forget = Effect.fnUntraced(function* (before: Micros, acknowledged: number) {
    const without = yield* Reading.select(store, number, rowNow().agents, "start IS NULL", [])
    const old = without.filter((entry) => isBefore(entry, before) && entry.changed <= acknowledged)
    const remove = (part: ReadonlyArray<Entry>, connection: Connection) =>
      connection.execute(dialect.remove(part.length), [number, ...part.map(({ id }) => EntryBytes.ofId(id))], undefined)
    yield* commit(rowNow(), (connection) =>
      Effect.andThen(
        connection.execute(dialect.forget, [number, Math.floor(before / 1_000_000), acknowledged], undefined),
        Effect.forEach(Reading.inParts(old), (part) => remove(part, connection))
      )
    )
  })
  return {
    name,
    get id() {
      return rowNow().id
    },
    key,
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
  const lease = yield* Effect.mapError(SqlLease.take(options, Tables.ledgers, name), stored)
  const store = storeOf(name, lease)
  const version = yield* store.transact((connection) => Tables.migrate(connection, store.dialect))
  if (version > Tables.version) {
    return yield* new LedgerError({ reason: { _tag: "Newer", name, version, known: Tables.version } })
  }
  if (lease.kept === undefined) yield* Reading.refuseExport(store)
  return leaseOf(store, yield* rowOf(store, lease.kept, fingerprint))
})

const viewOf = Effect.fnUntraced(function* (
  name: string,
  { patiently, sql }: SqlLease.Connected
): Effect.fn.Return<View | undefined, LedgerError> {
  const dialect = Tables.dialectOf(sql)
  const ask: Reading.Store["ask"] = (text, params) => Effect.mapError(patiently(sql.unsafe(text, params)), stored)
  const kept = (yield* states(ask, dialect)).get(name)
  if (kept === undefined) return undefined
  const row = yield* readRow(name, kept)
  const { acknowledged, head, id, key, number, state } = row
  return {
    name,
    id,
    key,
    kept: Effect.succeed({ state, head }),
    acknowledged: Effect.succeed(acknowledged),
    asked: askedOf({ name, dialect, ask }),
    ...Reading.make({ name, dialect, ask }, number, () => row)
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
    Effect.mapError(connected.patiently(connected.sql.unsafe(text, params)), stored)
  const kept = (yield* states(ask, dialect)).get(name)
  if (kept === undefined) return false
  yield* refuseOther(name, (yield* readRow(name, kept)).fingerprint, fingerprint)
  const transact = transactOf(connected)
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
  const within = <A>(use: (connected: SqlLease.Connected) => Effect.Effect<A, LedgerError>) =>
    Effect.flatMap(Effect.scope, (scope) =>
      Effect.mapError(SqlLease.connect(options), stored).pipe(
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
          states((text, params) => Effect.mapError(patiently(sql.unsafe(text, params)), stored), Tables.dialectOf(sql)),
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
