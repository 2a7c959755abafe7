/** Entries of a ledger that it keeps in pages, because they became known together and did not change since. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import type { Entry, Span, View } from "../Ledger.ts"
import type { LedgerError } from "../LedgerError.ts"
import type { Micros } from "../Tail.ts"
import * as Damage from "./Damage.ts"
import * as EntryPage from "./EntryPage.ts"
import type { Store } from "./LedgerReading.ts"
import * as Tables from "./LedgerTables.ts"
import * as PageIndex from "./PageIndex.ts"

const second = 1_000_000

/** Pages that are read at once, where their number is unknown. */
const atOnce = 16

type Agents = () => { readonly agents: ReadonlyArray<string> }

/** The pages that came as rows; nothing where one is no page that a ledger with these agents wrote. */
const pagesIn = (
  rows: ReadonlyArray<unknown>,
  agents: ReadonlyArray<string>
): ReadonlyArray<EntryPage.EntryPage> | undefined => {
  const found: Array<EntryPage.EntryPage> = []
  for (const row of rows) {
    const kept = Tables.readPage(row)
    const page = kept === undefined || !EntryPage.isKept(kept) ? undefined : EntryPage.ofKept(kept, agents)
    if (page?.isWhole() !== true) return undefined
    found.push(page)
  }
  return found
}

const entriesOf = (
  pages: ReadonlyArray<EntryPage.EntryPage>,
  isMeant: (page: EntryPage.EntryPage, place: number) => boolean
): ReadonlyArray<Entry> => {
  const found: Array<Entry> = []
  for (const page of pages) for (let i = 0; i < page.size; i++) if (isMeant(page, i)) found.push(page.at(i))
  return found
}

const everyone = () => true

const placesOf = (page: EntryPage.EntryPage, isMeant: (place: number) => boolean): ReadonlyArray<number> => {
  const found: Array<number> = []
  for (let i = 0; i < page.size; i++) if (isMeant(i)) found.push(i)
  return found
}

export interface Pages extends Pick<
  View,
  "count" | "between" | "awaiting" | "all" | "lacking" | "changedAfter" | "bornAfter"
> {
  /** Those of the calls that are in pages. */
  readonly byId: (ids: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Entry>, LedgerError>
  /** The first commits of pages that may have one of these calls. */
  readonly find: (ids: ReadonlySet<string>) => Effect.Effect<ReadonlySet<number>, LedgerError>
  /** A page was added. */
  readonly added: (part: EntryPage.Part) => void
}

const asking = ({ ask, dialect: { pages }, name }: Store, number: number, row: Agents) => {
  const select = Effect.fnUntraced(function* (
    where: string,
    params: ReadonlyArray<unknown>
  ): Effect.fn.Return<ReadonlyArray<EntryPage.EntryPage>, LedgerError> {
    return (
      pagesIn(yield* ask(pages.select(where), [number, ...params]), row().agents) ?? (yield* Damage.torn(name, "calls"))
    )
  })
  /** By their commits, what a function gives of each. */
  const inTurn = <A>(
    where: string,
    params: ReadonlyArray<unknown>,
    of: (page: EntryPage.EntryPage) => ReadonlyArray<A>
  ) =>
    Stream.paginate(-1, (after: number) =>
      Effect.map(select(where, [...params, after, atOnce]), (found) => {
        const last = found.at(-1)
        return [found.flatMap(of), last === undefined ? Option.none() : Option.some(last.first)] as const
      })
    )
  return { select, inTurn }
}

/** The pages of calls, by an index that is made when it is needed. */
const finding = ({ ask, dialect: { pages }, name }: Store, number: number, keepsIndex: boolean) => {
  const kept = Ref.makeUnsafe<PageIndex.PageIndex | undefined>(undefined)
  const made = Effect.flatMap(ask(pages.ids, [number]), (rows) => {
    const all = rows.flatMap((one) => Tables.readIds(one) ?? [])
    // A call whose page lost its id would come again as a new one.
    return all.length === rows.length ? Effect.succeed(PageIndex.of(all)) : Effect.fail(Damage.torn(name, "calls"))
  })
  const indexNow = Effect.flatMap(Ref.get(kept), (index) =>
    index !== undefined
      ? Effect.succeed(index)
      : Effect.tap(made, (index) => (keepsIndex ? Ref.set(kept, index) : Effect.void))
  )
  return {
    find: (ids: ReadonlySet<string>) =>
      // A first pass looks for no call: it needs no index while it adds pages.
      ids.size === 0 ? Effect.succeed(new Set<number>()) : Effect.map(indexNow, (index) => PageIndex.find(index, ids)),
    added: ({ first, ids }: EntryPage.Part) => {
      const index = Ref.getUnsafe(kept)
      if (index !== undefined) PageIndex.add(index, first, ids)
    }
  }
}

/** @param keepsIndex Whether nobody else changes the pages meanwhile. */
export const make = (store: Store, number: number, row: Agents, keepsIndex: boolean): Pages => {
  const { pages } = store.dialect
  const { inTurn, select } = asking(store, number, row)
  const starts = (range: Span) => (page: EntryPage.EntryPage, place: number) => {
    const start = page.startAt(place)
    return start >= range.from && start < range.to
  }
  const within = ({ from, to }: Span) => [Math.floor(from / second), Math.ceil(to / second)] as const
  const count = Effect.fnUntraced(function* (range: Span) {
    const inside = [Math.ceil(range.from / second), Math.floor(range.to / second)] as const
    const edges = yield* select(pages.edges, [...within(range), ...inside])
    const isIn = starts(range)
    let calls = Tables.countIn(yield* store.ask(pages.count, [number, ...inside]))
    for (const page of edges) for (let i = 0; i < page.size; i++) if (isIn(page, i)) calls++
    return calls
  })
  const { added, find } = finding(store, number, keepsIndex)
  const byId = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
    const wanted = new Set(ids)
    const firsts = [...(yield* find(wanted))]
    if (firsts.length === 0) return []
    const found: Array<Entry> = []
    for (let from = 0; from < firsts.length; from += atOnce) {
      const some = firsts.slice(from, from + atOnce)
      const read = yield* select(pages.of(some.length), some)
      found.push(...entriesOf(read, (page, place) => wanted.has(page.idAt(place))))
    }
    return found
  })
  const changedAfter = Effect.fnUntraced(function* (commit: number, limit: number) {
    const found: Array<Entry> = []
    const isMeant = (page: EntryPage.EntryPage, place: number) => page.first + place > commit
    for (let after = -1; found.length < limit;) {
      const read = yield* select(pages.changed, [commit + 1, after, atOnce])
      const last = read.at(-1)
      if (last === undefined) break
      after = last.first
      found.push(...entriesOf(read, isMeant))
    }
    return found.slice(0, limit)
  })
  const bornAfter = (commit: number) => {
    const born = (page: EntryPage.EntryPage) => placesOf(page, (place) => page.first + place > commit)
    const starts = inTurn(pages.changed, [commit + 1], (page) => born(page).map((place) => page.startAt(place)))
    const least = Stream.runFold(starts, () => Infinity, Math.min)
    return Effect.map(least, (least) => (least === Infinity ? undefined : Math.floor(least / second) * second))
  }
  return {
    count,
    between: (range) => Effect.map(select(pages.between, within(range)), (found) => entriesOf(found, starts(range))),
    awaiting: (at: Micros) => {
      const until = Math.floor(at / second)
      const isDue = (page: EntryPage.EntryPage, place: number) => {
        const due = page.dueAt(place)
        return due !== 0 && due <= until
      }
      return Effect.map(select(pages.due, [until]), (found) => entriesOf(found, isDue))
    },
    all: inTurn(pages.after, [], (page) => entriesOf([page], everyone)),
    lacking: inTurn(pages.after, [], (page) =>
      placesOf(page, (place) => page.lacksAt(place).length > 0).map((place) => page.factsAt(place))
    ),
    changedAfter,
    bornAfter,
    byId,
    find,
    added
  }
}

/** A condition on pages. */
export interface Where {
  readonly text: string
  readonly params: ReadonlyArray<unknown>
}

/** Pages of one statement. */
export const inParts = <A>(list: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(list.length / atOnce) }, (_, i) => list.slice(i * atOnce, (i + 1) * atOnce))

/** Takes the pages that are meant apart, within a transaction: their calls are given to `put`. Whether there were any. */
export const takeApart = Effect.fnUntraced(function* <E>(
  { dialect: { pages } }: Pick<Store, "dialect">,
  connection: Connection,
  { agents, number }: { readonly agents: ReadonlyArray<string>; readonly number: number },
  where: Where,
  isMeant: (page: EntryPage.EntryPage) => boolean,
  put: (entries: ReadonlyArray<Entry>) => Effect.Effect<unknown, E>
): Effect.fn.Return<boolean, E | SqlError> {
  const rows = yield* connection.execute(pages.select(where.text), [number, ...where.params], undefined)
  let isFound = false
  // A page that cannot be read stays as it is, and is reported when it is asked for.
  for (const row of rows) {
    const [page] = pagesIn([row], agents) ?? []
    if (page === undefined || !isMeant(page)) continue
    yield* put(entriesOf([page], everyone))
    yield* connection.execute(pages.remove, [number, page.first], undefined)
    isFound = true
  }
  return isFound
})

/** Takes all pages apart, within a transaction. One that cannot be read is removed: gives what such pages held. */
export const takeAllApart = Effect.fnUntraced(function* <E>(
  { dialect: { pages } }: Pick<Store, "dialect">,
  connection: Connection,
  { agents, number }: { readonly agents: ReadonlyArray<string>; readonly number: number },
  put: (entries: ReadonlyArray<Entry>) => Effect.Effect<unknown, E>
): Effect.fn.Return<ReadonlyArray<Tables.Lost>, E | SqlError> {
  const lost: Array<Tables.Lost> = []
  for (let after = -1; ;) {
    const [row] = yield* connection.execute(pages.select(pages.after), [number, after, 1], undefined)
    if (row === undefined) return lost
    after = Number(row["first"])
    const [page] = pagesIn([row], agents) ?? []
    if (page === undefined) {
      const [place] = yield* connection.execute(pages.place, [number, after], undefined)
      lost.push(Tables.lostIn(place))
    } else yield* put(entriesOf([page], everyone))
    yield* connection.execute(pages.remove, [number, after], undefined)
  }
})
