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
import * as Tables from "./internal/LedgerTables.ts"
import {
  byStart,
  type Entry,
  identity,
  isAbsent,
  isBefore,
  Ledger,
  type Lease,
  type Note,
  refuseOther,
  type Span
} from "./Ledger.ts"
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
  acknowledged: Schema.Record(Schema.String, Schema.Int),
  /** Ids of agents: an entry has its place in here. */
  agents: Schema.Array(Schema.String),
  state: Schema.optionalKey(Schema.Json)
})
type Row = typeof Row.Type
const decodeRow = Schema.decodeUnknownEffect(Schema.fromJsonString(Row))
const decodeVersion = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Struct({ version: Schema.Finite })))

const second = 1_000_000

/** Rows of one statement, and ids asked for at once. */
const most = 500

const inParts = <A>(list: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(list.length / most) }, (_, i) => list.slice(i * most, (i + 1) * most))

type Failure = SqlError | CheckpointError

const torn = (name: string) => new LedgerError({ reason: { _tag: "Torn", name } })

/** The database, and the row of this ledger in it. */
interface Store {
  readonly name: string
  readonly dialect: Tables.Dialect
  readonly ask: (text: string, params: ReadonlyArray<unknown>) => Effect.Effect<ReadonlyArray<unknown>, LedgerError>
  /** One transaction on one connection. By hand, because `withTransaction` makes a defect of a lost connection. */
  readonly transact: <A>(run: (connection: Connection) => Effect.Effect<A, Failure>) => Effect.Effect<A, LedgerError>
  /** Writes the row in a transaction, unless another run has it by now. */
  readonly write: (connection: Connection, row: Row) => Effect.Effect<void, Failure>
}

const stored = ({ reason }: CheckpointError) => new LedgerError({ reason: { _tag: "Store", reason } })

const storeOf = (name: string, lease: SqlLease.SqlLease): Store => {
  const { own, patiently, sql, takenOver } = lease
  const dialect = Tables.dialectOf(sql)
  return {
    name,
    dialect,
    ask: (text, params) => Effect.mapError(patiently(sql.unsafe(text, params)), stored),
    transact: (run) =>
      Effect.gen(function* () {
        const connection = yield* sql.reserve
        const plainly = (text: string) => connection.executeUnprepared(text, [], undefined)
        yield* plainly(dialect.begin)
        return yield* run(connection).pipe(
          Effect.tap(() => plainly("COMMIT")),
          Effect.onError(() => Effect.ignoreCause(Effect.timeoutOption(plainly("ROLLBACK"), "5 seconds")))
        )
      }).pipe(Effect.scoped, patiently, Effect.mapError(stored)),
    write: Effect.fnUntraced(function* (connection, row) {
      const now = DateTime.formatIso(DateTime.makeUnsafe(yield* Clock.currentTimeMillis))
      const written = yield* connection.execute(dialect.write, [JSON.stringify(row), now, name, own], undefined)
      if (written.length > 0) return
      const [other] = yield* connection.execute(dialect.holder, [name], undefined)
      return yield* takenOver(typeof other?.["holder"] === "string" ? other["holder"] : undefined)
    })
  }
}

/** The row as it was kept; a new one where none was. */
const rowOf = Effect.fnUntraced(function* (
  { dialect, name, transact, write }: Store,
  kept: string | undefined,
  fingerprint: Fingerprint
): Effect.fn.Return<Row, LedgerError> {
  if (kept === undefined) {
    return yield* transact(
      Effect.fnUntraced(function* (connection: Connection) {
        const number = yield* Tables.freeNumber(connection, dialect)
        const row: Row = { version: 1, ...identity(), number, fingerprint, head: 0, acknowledged: {}, agents: [] }
        yield* write(connection, row)
        return row
      })
    )
  }
  const found = decodeVersion(kept)
  if (found._tag === "Some" && found.value.version > 1) {
    return yield* new LedgerError({ reason: { _tag: "Newer", name, version: found.value.version, known: 1 } })
  }
  const row = yield* Effect.mapError(decodeRow(kept), () => torn(name))
  yield* refuseOther(name, row.fingerprint, fingerprint)
  return row
})

const leaseOf = (store: Store, first: Row): Lease => {
  const { ask, dialect, name, transact, write } = store
  const { id, key, number } = first
  /** What the row holds: replaced when a transaction was committed. */
  const kept = Ref.makeUnsafe(first)
  const rowNow = () => Ref.getUnsafe(kept)
  const turns = Semaphore.makeUnsafe(1)
  const commit = (next: Row, run: (connection: Connection) => Effect.Effect<unknown, Failure>) =>
    Effect.uninterruptible(transact((connection) => Effect.andThen(run(connection), write(connection, next)))).pipe(
      Effect.tap(() => Ref.set(kept, next))
    )
  const select = Effect.fnUntraced(function* (where: string, params: ReadonlyArray<unknown>) {
    const found = yield* ask(dialect.select(where), [number, ...params])
    const entries: Array<Entry> = []
    for (const one of found) {
      const columns = Tables.read(one)
      const entry = columns === undefined ? undefined : EntryBytes.decode(columns, columns.facts, rowNow().agents)
      if (entry === undefined) return yield* torn(name)
      entries.push(entry)
    }
    return entries
  })
  const between = ({ from, to }: Span) =>
    Effect.map(select(dialect.between, [Math.floor(from / second), Math.ceil(to / second)]), (found) =>
      found.filter(({ start = from }) => start >= from && start < to).sort(byStart)
    )
  /** The column has whole seconds: those at the ends that are not in the range as a whole are looked at. */
  const count = Effect.fnUntraced(function* ({ from, to }: Span) {
    const [first, last] = [Math.ceil(from / second), Math.floor(to / second)]
    if (first > last) return (yield* between({ from, to })).filter((entry) => !isAbsent(entry)).length
    const whole = Tables.countIn(yield* ask(dialect.count, [number, first, last]))
    const parts = [
      { from, to: first * second },
      { from: last * second, to }
    ].filter((part) => part.from < part.to)
    const rest = yield* Effect.forEach(parts, between)
    return whole + rest.flat().filter((entry) => !isAbsent(entry)).length
  })
  const note = ({ entries, head, state }: Note) => {
    const places = new Map(rowNow().agents.map((agent, i) => [agent, i]))
    for (const { agent } of entries) if (!places.has(agent)) places.set(agent, places.size)
    return commit({ ...rowNow(), agents: [...places.keys()], head, state }, (connection) =>
      Effect.forEach(inParts(entries), (part) =>
        connection.execute(
          dialect.upsert(part.length),
          part.flatMap((entry) => Tables.columnsOf(number, entry, places.get(entry.agent) ?? 0)),
          undefined
        )
      )
    )
  }
  const acknowledge = (consumer: string, at: number) => {
    const acknowledged = { ...rowNow().acknowledged, [consumer]: at }
    return at > (rowNow().acknowledged[consumer] ?? 0)
      ? commit({ ...rowNow(), acknowledged }, () => Effect.void)
      : Effect.void
  }
  const forget = Effect.fnUntraced(function* (before: Micros, acknowledged: number) {
    const without = yield* select("start IS NULL", [])
    const old = without.filter((entry) => isBefore(entry, before) && entry.changed <= acknowledged)
    const remove = (part: ReadonlyArray<Entry>, connection: Connection) =>
      connection.execute(dialect.remove(part.length), [number, ...part.map(({ id }) => EntryBytes.ofId(id))], undefined)
    yield* commit(rowNow(), (connection) =>
      Effect.andThen(
        connection.execute(dialect.forget, [number, Math.floor(before / second), acknowledged], undefined),
        Effect.forEach(inParts(old), (part) => remove(part, connection))
      )
    )
  })
  return {
    name,
    id,
    key,
    kept: Effect.sync(() => ({ state: rowNow().state, head: rowNow().head })),
    acknowledged: Effect.sync(() => rowNow().acknowledged),
    byId: (ids) =>
      Effect.map(
        Effect.forEach(inParts(ids), (part) => select(dialect.byId(part.length), part.map(EntryBytes.ofId))),
        (found) => new Map(found.flat().map((entry) => [entry.id, entry]))
      ),
    count,
    between,
    withoutStart: select(dialect.withoutStart, []),
    absent: select(dialect.absent, []),
    awaiting: (at) => select(dialect.due, [Math.floor(at / second)]),
    // Nobody lacks anything most of the time, and no index is kept for those who do.
    changedAfter: (commit, limit) =>
      commit >= rowNow().head ? Effect.succeed([]) : select(dialect.changed, [commit, limit]),
    note: (noted) => turns.withPermit(Effect.suspend(() => note(noted))),
    acknowledge: (consumer, at) => turns.withPermit(Effect.suspend(() => acknowledge(consumer, at))),
    forget: (before, acknowledged) => turns.withPermit(forget(before, acknowledged))
  }
}

const open = Effect.fnUntraced(function* <E extends SqlError | { readonly description: string }, R>(
  options: Options<E, R>,
  name: string,
  fingerprint: Fingerprint
): Effect.fn.Return<Lease, LedgerError, ProcessOwner | R | Scope.Scope> {
  const lease = yield* Effect.mapError(SqlLease.take(options, Tables.ledgers, name), stored)
  const store = storeOf(name, lease)
  const version = yield* store.transact((connection) => Tables.migrate(connection, store.dialect))
  if (version > Tables.version) {
    return yield* new LedgerError({ reason: { _tag: "Newer", name, version, known: Tables.version } })
  }
  return leaseOf(store, yield* rowOf(store, lease.kept, fingerprint))
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
  return {
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
