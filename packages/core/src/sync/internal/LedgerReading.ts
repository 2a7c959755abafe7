/** Entries of a ledger, read from its table. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import { byStart, type Entry, factsOf, isAbsent, isIn, isLacking, type Span, type View } from "../Ledger.ts"
import { LedgerError } from "../LedgerError.ts"
import type { Micros } from "../Tail.ts"
import * as Damage from "./Damage.ts"
import * as EntryBytes from "./EntryBytes.ts"
import type * as LedgerPages from "./LedgerPages.ts"
import * as Tables from "./LedgerTables.ts"

export interface Store {
  readonly name: string
  readonly dialect: Tables.Dialect
  readonly ask: (text: string, params: ReadonlyArray<unknown>) => Effect.Effect<ReadonlyArray<unknown>, LedgerError>
}

const second = 1_000_000

/** No start is before it, in seconds. */
const earliest = 1e12

/** Rows of one statement, and ids asked for at once. */
const most = 500

export const inParts = <A>(list: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(list.length / most) }, (_, i) => list.slice(i * most, (i + 1) * most))

/** An entry from its row; nothing for a row that no ledger wrote. */
const entryOf = (row: unknown, agents: ReadonlyArray<string>): Entry | undefined => {
  const columns = Tables.read(row)
  return columns === undefined ? undefined : EntryBytes.decode(columns, columns.facts, agents)
}

/** Entries where a condition holds; `agents` are the ids that entries have the places of. */
export const select = Effect.fnUntraced(function* (
  { ask, dialect, name }: Store,
  number: number,
  agents: ReadonlyArray<string>,
  where: string,
  params: ReadonlyArray<unknown>
): Effect.fn.Return<ReadonlyArray<Entry>, LedgerError> {
  const entries: Array<Entry> = []
  for (const one of yield* ask(dialect.select(where), [number, ...params])) {
    const entry = entryOf(one, agents)
    if (entry === undefined) return yield* Damage.torn(name, "calls")
    entries.push(entry)
  }
  return entries
})

type Row = () => { readonly agents: ReadonlyArray<string>; readonly head: number }

/** The questions to a ledger's tables: to that of calls, and to that of pages, which has others. */
export const make = (
  store: Store,
  number: number,
  row: Row,
  pages: LedgerPages.Pages
): Omit<View, "name" | "id" | "key" | "kept" | "acknowledged" | "asked"> => {
  const rows = ofRows(store, number, row)
  const isPast = (commit: number) => commit >= row().head
  const byId = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
    const found = new Map((yield* rows.byId(ids)).map((entry) => [entry.id, entry]))
    const others = found.size === 0 ? ids : ids.filter((id) => !found.has(id))
    for (const entry of yield* pages.byId(others)) found.set(entry.id, entry)
    return found
  })
  return {
    ...rows,
    all: Stream.concat(rows.all, pages.all),
    lacking: Stream.concat(rows.all.pipe(Stream.filter(isLacking), Stream.map(factsOf)), pages.lacking),
    byId,
    count: (range) => Effect.zipWith(rows.count(range), pages.count(range), (left, right) => left + right),
    between: (range) =>
      Effect.zipWith(rows.between(range), pages.between(range), (left, right) => joined(left, right).toSorted(byStart)),
    awaiting: (at) => Effect.zipWith(rows.awaiting(at), pages.awaiting(at), joined),
    // Nobody lacks anything most of the time, and no index is kept for those who do.
    changedAfter: (commit, limit) =>
      Effect.suspend(() =>
        isPast(commit)
          ? Effect.succeed([])
          : Effect.zipWith(rows.changedAfter(commit, limit), pages.changedAfter(commit, limit), (left, right) =>
              joined(left, right)
                .toSorted((one, other) => one.changed - other.changed)
                .slice(0, limit)
            )
      ),
    bornAfter: (commit) =>
      Effect.suspend(() =>
        isPast(commit)
          ? Effect.undefined
          : Effect.zipWith(rows.bornAfter(commit), pages.bornAfter(commit), (left, right) =>
              left === undefined || right === undefined ? (left ?? right) : Math.min(left, right)
            )
      )
  }
}

const joined = (left: ReadonlyArray<Entry>, right: ReadonlyArray<Entry>): ReadonlyArray<Entry> =>
  right.length === 0 ? left : [...left, ...right]

const ofRows = (store: Store, number: number, row: Row) => {
  const { ask, dialect } = store
  const found = (where: string, params: ReadonlyArray<unknown>) =>
    Effect.suspend(() => select(store, number, row().agents, where, params))
  const between = ({ from, to }: Span) =>
    Effect.map(found(dialect.between, [Math.floor(from / second), Math.ceil(to / second)]), (entries) =>
      entries.filter(({ start = from }) => start >= from && start < to).toSorted(byStart)
    )
  /** The column has whole seconds: those at the ends that are not in the range as a whole are read. */
  const count = Effect.fnUntraced(function* ({ from, to }: Span) {
    const [first, last] = [Math.ceil(from / second), Math.floor(to / second)]
    const isThere = (entry: Entry) => !isAbsent(entry)
    if (first > last) return (yield* between({ from, to })).filter(isThere).length
    const whole = Tables.countIn(yield* ask(dialect.count, [number, first, last]))
    const ends = [
      { from, to: first * second },
      { from: last * second, to }
    ]
    const rest = yield* Effect.forEach(
      ends.filter((part) => part.from < part.to),
      between
    )
    return whole + rest.flat().filter(isThere).length
  })
  /** Most of those that changed are known for long: the first that is new ends it. */
  const bornAfter = Effect.fnUntraced(function* (commit: number) {
    let at = -earliest
    for (let id: Uint8Array = new Uint8Array(); ;) {
      const changed = yield* found(dialect.changedByStart, [commit, at, at, id, most])
      const born = changed.flatMap(({ born, start }) => (born > commit && start !== undefined ? [start] : []))
      if (born[0] !== undefined) return Math.floor(born[0] / second) * second
      const last = changed.at(-1)
      if (last?.start === undefined) return undefined
      at = Math.floor(last.start / second)
      id = EntryBytes.ofId(last.id)
    }
  })
  const pages = Stream.paginate(new Uint8Array(), (after: Uint8Array) =>
    Effect.map(found(dialect.after, [after, most]), (entries) => {
      const last = entries.at(-1)
      return [entries, last === undefined ? Option.none() : Option.some(EntryBytes.ofId(last.id))] as const
    })
  )
  return {
    all: pages,
    bornAfter,
    byId: (ids: ReadonlyArray<string>) =>
      Effect.map(
        Effect.forEach(inParts(ids), (part) => found(dialect.byId(part.length), part.map(EntryBytes.ofId))),
        (found) => found.flat()
      ),
    count,
    between,
    gone: ({ from, to }: Span) =>
      Effect.map(found(dialect.gone, [Math.floor(from / second), Math.ceil(to / second)]), (found) =>
        found.filter((entry) => isIn(entry, { from, to }))
      ),
    withoutStart: found(dialect.withoutStart, []),
    absent: found(dialect.absent, []),
    awaiting: (at: Micros) => found(dialect.due, [Math.floor(at / second)]),
    changedAfter: (commit: number, limit: number) => found(dialect.changed, [commit, limit])
  }
}

/**
 * Gives all entries to a function, some at a time, within a transaction. Rows that cannot be read are removed: gives what they held.
 */
export const inTurn = Effect.fnUntraced(function* <E>(
  { dialect }: Store,
  connection: Connection,
  number: number,
  agents: ReadonlyArray<string>,
  take: (entries: ReadonlyArray<Entry>) => Effect.Effect<unknown, E>
): Effect.fn.Return<ReadonlyArray<Tables.Lost>, E | SqlError> {
  const lost: Array<Tables.Lost> = []
  for (let after: unknown = new Uint8Array(); ;) {
    const found = yield* connection.execute(dialect.select(dialect.after), [number, after, most], undefined)
    const last = found.at(-1)
    if (last === undefined) return lost
    after = last["id"]
    const entries = found.map((row) => entryOf(row, agents))
    for (const [i, row] of found.entries()) {
      if (entries[i] !== undefined) continue
      lost.push(Tables.lostCall(row))
      yield* connection.execute(dialect.remove(1), [number, row["id"]], undefined)
    }
    yield* take(entries.flatMap((entry) => entry ?? []))
  }
})

/** One name for an export and a sync would be one for two states. */
export const refuseExport = Effect.fnUntraced(function* ({ ask, dialect, name }: Store) {
  if ((yield* ask(dialect.checkpoints, [])).length === 0) return
  if ((yield* ask(dialect.checkpoint, [name])).length === 0) return
  return yield* new LedgerError({ reason: { _tag: "OfExport", name } })
})
