/** Writes entries of a ledger: to its table of calls, or to that of pages. */
import * as Effect from "effect/Effect"
import * as SecureRandom from "effect/crypto/SecureRandom"
import type { Connection } from "effect/sql/SqlConnection"
import type { Fingerprint } from "../../model/Fingerprint.ts"
import { of as versionOf, type Version } from "../../model/Version.ts"
import { entriesOf, type Entry, identity, isBefore, type Note, restarted, risen } from "../Ledger.ts"
import type { LedgerError } from "../LedgerError.ts"
import type { Micros } from "../Tail.ts"
import * as Damage from "./Damage.ts"
import * as EntryBytes from "./EntryBytes.ts"
import * as EntryPage from "./EntryPage.ts"
import * as Pages from "./LedgerPages.ts"
import * as Reading from "./LedgerReading.ts"
import type * as LedgerRow from "./LedgerRow.ts"
import * as Tables from "./LedgerTables.ts"

interface About {
  readonly number: number
  readonly rowNow: () => LedgerRow.Row
  /** One transaction, after which the row is another one. */
  readonly commit: (
    next: LedgerRow.Row,
    run: (connection: Connection) => Effect.Effect<unknown, LedgerRow.Failure>
  ) => Effect.Effect<void, LedgerError>
  readonly pages: Pages.Pages
}

const placesOf = ({ agents }: LedgerRow.Row) => new Map(agents.map((agent, i) => [agent, i]))

const putPages = (
  { dialect }: LedgerRow.Store,
  number: number,
  connection: Connection,
  parts: ReadonlyArray<EntryPage.Part>
) =>
  Effect.forEach(
    Pages.inParts(parts),
    (part) => connection.execute(dialect.pages.insert(part.length), Tables.columnsOfPages(number, part), undefined),
    { discard: true }
  )

/** Reads the range again in which calls are not known any more: those that are there come as new ones. */
const askFor = (name: string, lost: ReadonlyArray<Tables.Lost>): ReadonlyArray<unknown> => {
  const since = lost.reduce((least, one) => Math.min(least, one.since), Infinity)
  const until = lost.reduce((most, one) => Math.max(most, one.until), -Infinity)
  return [name, SecureRandom.uuidV4Unsafe(), 1_000_000 * since, 1_000_000 * (until + 1)]
}

const callsOf = (lost: ReadonlyArray<Tables.Lost>) => lost.reduce((sum, one) => sum + one.calls, 0)

const putting =
  ({ dialect }: LedgerRow.Store, number: number) =>
  (connection: Connection, entries: ReadonlyArray<Entry>, places: ReadonlyMap<string, number>) =>
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

/** The sequence of each call rises, and none is in a page any more. Gives what could not be read. */
const raiseAll = Effect.fnUntraced(function* <E, F>(
  store: LedgerRow.Store,
  connection: Connection,
  about: { readonly number: number; readonly agents: ReadonlyArray<string>; readonly least: Version },
  putAll: (connection: Connection, entries: ReadonlyArray<Entry>) => Effect.Effect<F, E>
) {
  const { agents, least, number } = about
  const inPages = yield* Pages.takeAllApart(store, connection, about, (entries) => putAll(connection, entries))
  const inRows = yield* Reading.inTurn(store, connection, number, agents, (entries) =>
    putAll(connection, entries.map(risen(least)))
  )
  return [...inPages, ...inRows]
})

export const make = (store: LedgerRow.Store, { commit, number, pages, rowNow }: About) => {
  const { dialect } = store
  const placesNow = () => placesOf(rowNow())
  const put = putting(store, number)
  const apart = (connection: Connection, found: Pages.Where, isMeant: (page: EntryPage.EntryPage) => boolean) =>
    Pages.takeApart(store, connection, { number, agents: rowNow().agents }, found, isMeant, (entries) =>
      put(connection, entries, placesNow())
    )
  /** Pages with these calls: they change. */
  const touched = (connection: Connection, ids: ReadonlySet<string>, firsts: ReadonlyArray<number>) =>
    Effect.forEach(
      Reading.inParts(firsts),
      (part) => apart(connection, { text: dialect.pages.of(part.length), params: part }, (page) => page.hasSome(ids)),
      { discard: true }
    )
  const note = Effect.fnUntraced(function* (noted: Note) {
    const { fresh, head, state } = noted
    const places = placesNow()
    const placeOf = (agent: string): number => {
      const place = places.get(agent) ?? places.size
      if (place === places.size) places.set(agent, place)
      return place
    }
    const parts = fresh instanceof EntryPage.NewPage ? fresh.parts(placeOf) : undefined
    const entries = parts === undefined ? entriesOf(noted) : noted.entries
    for (const { agent } of entries) placeOf(agent)
    const ids = new Set(entries.map(({ id }) => id))
    const firsts = [...(yield* pages.find(ids))]
    const next = { ...rowNow(), agents: [...places.keys()], head, state }
    const written = commit(next, (connection) =>
      touched(connection, ids, firsts).pipe(
        Effect.andThen(put(connection, entries, places)),
        Effect.andThen(putPages(store, number, connection, parts ?? []))
      )
    )
    const added = Effect.sync(() => parts?.forEach(pages.added))
    yield* Effect.uninterruptible(Effect.andThen(written, added))
  })
  const restart = (fingerprint: Fingerprint = rowNow().fingerprint, least: Version = versionOf(0)) => {
    const next = { ...rowNow(), id: identity().id, fingerprint, acknowledged: restarted(rowNow().acknowledged) }
    const putAll = (connection: Connection, entries: ReadonlyArray<Entry>) => put(connection, entries, placesNow())
    const lost: Array<Tables.Lost> = []
    const run = Effect.fnUntraced(function* (connection: Connection) {
      lost.length = 0
      lost.push(...(yield* raiseAll(store, connection, { number, agents: next.agents, least }, putAll)))
      if (lost.length > 0) yield* connection.execute(dialect.ask, askFor(store.name, lost), undefined)
    })
    return Effect.andThen(
      commit(next, run),
      Effect.suspend(() => (lost.length === 0 ? Effect.void : Damage.warnOfCalls(store.name, callsOf(lost))))
    )
  }
  const forget = Effect.fnUntraced(function* (before: Micros, acknowledged: number) {
    const without = yield* Reading.select(store, number, rowNow().agents, "start IS NULL", [])
    const old = without.filter((entry) => isBefore(entry, before) && entry.changed <= acknowledged)
    const remove = (part: ReadonlyArray<Entry>, connection: Connection) =>
      connection.execute(dialect.remove(part.length), [number, ...part.map(({ id }) => EntryBytes.ofId(id))], undefined)
    const until = Math.floor(before / 1_000_000)
    const isMeant = { text: dialect.pages.forgetPart, params: [until, acknowledged] }
    yield* commit(rowNow(), (connection) =>
      connection
        .execute(dialect.pages.forget, [number, until, acknowledged + 1], undefined)
        .pipe(
          Effect.andThen(apart(connection, isMeant, () => true)),
          Effect.andThen(connection.execute(dialect.forget, [number, until, acknowledged], undefined)),
          Effect.andThen(Effect.forEach(Reading.inParts(old), (part) => remove(part, connection)))
        )
    )
  })
  return { note, restart, forget }
}
