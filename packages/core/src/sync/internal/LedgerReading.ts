/** Entries of a ledger, read from its table. */
import * as Effect from "effect/Effect"
import { byStart, type Entry, type View } from "../Ledger.ts"
import { LedgerError } from "../LedgerError.ts"
import * as EntryBytes from "./EntryBytes.ts"
import * as Tables from "./LedgerTables.ts"

export interface Store {
  readonly name: string
  readonly dialect: Tables.Dialect
  readonly ask: (text: string, params: ReadonlyArray<unknown>) => Effect.Effect<ReadonlyArray<unknown>, LedgerError>
}

/** Rows of one statement, and ids asked for at once. */
const most = 500

export const inParts = <A>(list: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(list.length / most) }, (_, i) => list.slice(i * most, (i + 1) * most))

export const torn = (name: string) => new LedgerError({ reason: { _tag: "Torn", name } })

/** An entry from its row; nothing for a row that no ledger wrote. */
export const entryOf = (row: unknown, agents: ReadonlyArray<string>): Entry | undefined => {
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
    if (entry === undefined) return yield* torn(name)
    entries.push(entry)
  }
  return entries
})

/** The questions to a ledger's table. */
export const make = (
  store: Store,
  number: number,
  agents: () => ReadonlyArray<string>
): Omit<View, "name" | "id" | "key" | "kept" | "acknowledged"> => {
  const { ask, dialect } = store
  const all = (where: string, params: ReadonlyArray<unknown>) =>
    Effect.suspend(() => select(store, number, agents(), where, params))
  return {
    byId: (ids) =>
      Effect.map(
        Effect.forEach(inParts(ids), (part) => all(dialect.byId(part.length), part.map(EntryBytes.ofId))),
        (found) => new Map(found.flat().map((entry) => [entry.id, entry]))
      ),
    count: ({ from, to }) => Effect.map(ask(dialect.count, [number, from, to]), Tables.countIn),
    between: ({ from, to }) => Effect.map(all(dialect.between, [from, to]), (found) => found.toSorted(byStart)),
    withoutStart: all(dialect.withoutStart, []),
    absent: all(dialect.absent, []),
    awaiting: (at) => all(dialect.due, [Math.floor(at / 1_000_000)]),
    changedAfter: (commit, limit) => all(dialect.changed, [commit, limit])
  }
}
