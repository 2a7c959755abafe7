/** Records that cannot be read: each may be a call that is known and did not come, so that call is not absent. */
import * as Effect from "effect/Effect"
import type { Rejected } from "../../model/Rejected.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import { type Entry, isAbsent } from "../Ledger.ts"
import type { LedgerError } from "../LedgerError.ts"
import * as Decide from "./Decide.ts"
import type * as Pass from "./Pass.ts"

const { second } = Decide

const isSame = (shown: number | undefined, known: number | undefined): boolean =>
  shown === undefined || (known !== undefined && Math.floor(shown / second) === Math.floor(known / second))

/** Whether a record may be the call: by its id; without one, by the times that it shows. */
const mayBe = (record: Rejected, { created, id, start }: Entry): boolean => {
  const shown = Rows.idOf(record)
  if (shown !== undefined) return shown === id
  const row = Rows.ofRejected(record)
  return isSame(row.start, start) && isSame(Rows.createdOf(row), created)
}

/** The calls that one of these records may be, each of another record. */
const pairs = (entries: ReadonlyArray<Entry>, records: ReadonlyArray<Rejected>): ReadonlyMap<Entry, Rejected> => {
  const found = new Map<Entry, Rejected>()
  const rest = new Set(records)
  for (const entry of rest.size === 0 ? [] : entries) {
    const record = [...rest].find((one) => mayBe(one, entry))
    if (record === undefined) continue
    found.set(entry, record)
    rest.delete(record)
  }
  return found
}

type Uncounted = ReadonlyArray<{ readonly at: number; readonly rows: number }>

/** Rows that no call of the ledger stands for: without the records that may be known calls. */
const without = (uncounted: Uncounted, records: Iterable<Rejected>): Uncounted => {
  const rest = [...uncounted]
  for (const record of records) {
    const { start } = Rows.ofRejected(record)
    const i = rest.findIndex(({ at, rows }) => at === start && rows === 1)
    if (i !== -1) rest.splice(i, 1)
  }
  return rest
}

const none: ReadonlySet<string> = new Set()

interface Found {
  /** Calls that are absent, and those that are no longer, because a record may be one of them. */
  readonly entries: ReadonlyArray<Entry>
  /** Rows of the server that no call of the ledger stands for. */
  readonly uncounted: Uncounted
}

/**
 * Notes calls that did not come with a reading.
 *
 * @param held Calls that should have come.
 */
export const absent = Effect.fnUntraced(function* (
  { now, settings, state }: Pass.Run,
  { items, rejected, uncounted, unread = [], whole }: Pass.Read,
  held: ReadonlyArray<Entry>
): Effect.fn.Return<Found, LedgerError> {
  const isAll = held.length === 0 && rejected.length === 0 && unread.length === 0
  const there: ReadonlySet<string> = isAll ? none : new Set(items.map(({ id }) => id))
  const lacks = held.filter(({ id }) => !there.has(id))
  const records = [...rejected, ...unread]
  const paired = pairs(lacks, records)
  const ids = records.flatMap((record) => Rows.idOf(record) ?? []).filter((id) => !there.has(id))
  const named = ids.length === 0 ? [] : (yield* settings.lease.byId(ids)).values()
  const isOutside = ({ at }: Uncounted[number]) => whole === undefined || at < whole.from || at >= whole.to
  return {
    entries: [
      ...lacks.filter((entry) => !paired.has(entry)).map((entry) => Decide.missed(entry, now)),
      ...[...paired.keys(), ...named].filter(isAbsent).map((entry) => ({ ...entry, doubted: undefined }))
    ],
    uncounted:
      whole === undefined
        ? state.uncounted
        : [...state.uncounted.filter(isOutside), ...without(uncounted, paired.values())]
  }
})
