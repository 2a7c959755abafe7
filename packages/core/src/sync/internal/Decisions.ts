/** Decides on the calls of a reading, before it is noted. */
import type { CallSession } from "../../model/CallSession.ts"
import type * as Instant from "../../model/Instant.ts"
import type { Item } from "../../model/Item.ts"
import * as Outline from "../../model/internal/Outline.ts"
import * as Version from "../../model/Version.ts"
import type { Entry } from "../Ledger.ts"
import type { Change } from "../Sync.ts"
import type { Micros } from "../Tail.ts"
import * as Decide from "./Decide.ts"
import type { NewPage } from "./EntryPage.ts"
import * as FreshPage from "./FreshPage.ts"
import * as Noted from "./Noted.ts"
import type * as Pass from "./Pass.ts"
import type * as SyncState from "./SyncState.ts"

interface Decided {
  readonly changes: ReadonlyArray<Change>
  readonly entries: Map<string, Entry>
  readonly settlement: SyncState.SyncState["settlement"]
  readonly clock: number
}

/** What became of each call: its new entry, and its change if it is one. */
export const of = (run: Pass.Run, read: Pass.Read, known: ReadonlyMap<string, Entry>): Decided => {
  const changes: Array<Change> = []
  const entries = new Map<string, Entry>()
  let { settlement } = run.state
  let clock: number = run.state.clock ?? 0
  const { isFirst, now, settings } = run
  const { lease } = settings
  const about: Decide.About = { key: lease.key, from: settings.from, now, isFirst, before: run.before }
  const commit = (entry: Entry, change: Decide.Changed | undefined, item: Item<CallSession>, before?: Entry): void => {
    if (change === undefined) return void entries.set(entry.id, entry)
    const changed = ++run.head
    const isNew = entry.born === 0 || (before?.gone !== undefined && entry.gone === undefined)
    entries.set(entry.id, { ...entry, changed, born: isNew ? changed : entry.born })
    clock = Math.max(clock, change.sequence)
    const at = { ledger: lease.id, commit: changed }
    const about = { id: entry.id, commit: at, replaces: before?.changed }
    changes.push(Noted.make(change, change.kind === "left" ? undefined : item, about))
  }
  for (const item of read.items) {
    const before = entries.get(item.id) ?? known.get(item.id)
    const version = item.version ?? Version.of(now)
    clock = Math.max(clock, version)
    const decided = Decide.seen(
      settlement,
      before,
      { id: item.id, outline: Outline.ofItem(item), start: item.start, version },
      about
    )
    const wasFinal = before !== undefined && before.due === undefined && before.gone === undefined
    settlement = decided.learned
    if (read.why === "audit" && wasFinal) {
      const { changed, looked } = settlement.audited
      settlement = {
        ...settlement,
        audited: { looked: looked + 1, changed: changed + (decided.change === undefined ? 0 : 1) }
      }
    }
    if (decided.entry !== undefined) commit(decided.entry, decided.change, item, before)
  }
  return { changes, entries, settlement, clock }
}

const isDated =
  (from: Micros) =>
  (item: Item<CallSession>): item is Item<CallSession> & { readonly start: Instant.Instant } =>
    item.start !== undefined && item.start >= from

/**
 * The same of a reading of a first pass, if nothing of it is known: its calls stay together. Not where each would be noted again when
 * it is delivered.
 */
export const fresh = (
  run: Pass.Run,
  { isNew, items }: Pass.Read,
  known: ReadonlyMap<string, Entry>
): (Decided & { readonly page: NewPage }) | undefined => {
  const { from, lease } = run.settings
  if (!run.isFirst || run.judge === "later" || known.size > 0 || items.length === 0) return undefined
  const dated = items.filter(isDated(from))
  const isOnce = isNew === true || new Set(items.map(({ id }) => id)).size === items.length
  if (dated.length < items.length || !isOnce) return undefined
  const about = { ledger: lease.id, key: lease.key, now: run.now, head: run.head }
  const made = FreshPage.make(dated, run.state.settlement, about)
  return { ...made, entries: new Map(), clock: Math.max(run.state.clock ?? 0, made.clock) }
}
