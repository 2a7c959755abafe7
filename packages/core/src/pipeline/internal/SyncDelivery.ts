/** Passes the changes of one step of a sync through the transform, and to each sink what it lacks. */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import { type CallSession, createdInstant, startInstant } from "../../model/CallSession.ts"
import * as Change from "../../model/Change.ts"
import * as Column from "../../model/Column.ts"
import * as Instant from "../../model/Instant.ts"
import { type Item, withRow } from "../../model/Item.ts"
import type { Rejected } from "../../model/Rejected.ts"
import type { RejectedRow } from "../../model/RejectedRow.ts"
import * as Version from "../../model/Version.ts"
import type { Batch, Refused } from "../../sink/SessionSink.ts"
import type { SinkError } from "../../sink/SinkError.ts"
import type { Entry, Lease, Shown } from "../../sync/Ledger.ts"
import type { Step, Change as SyncChange } from "../../sync/Sync.ts"
import * as Transform from "../../transform/TransformContract.ts"
import * as Letters from "./Letters.ts"
import * as RunState from "./RunState.ts"
import type { SinkHandle } from "./SinkHandle.ts"
import type { Member, SyncSinks } from "./SyncSinks.ts"

/** A change as sinks get it; the row is `null` of a call that is gone. `born`: the commit in which it was noted first. */
export interface Delivered<out A> {
  readonly item: Item<A | null>
  readonly change: Change.Change
  readonly commit: number
  readonly born: number
  /** No consumer has a version of the call. */
  readonly isFirst: boolean
  readonly isRepeated: boolean
  /** Consumers have the same row: only its milestones are new, for those that keep changes. */
  readonly isSame: boolean
}

/** What consumers may show of a call, and by which version and commit they know it. */
type Showing = Pick<Entry, "shown" | "row" | "sequence" | "changed" | "born">

const isGone = ({ kind }: Change.Change): boolean => kind === "left" || kind === "removed"

/** What one consumer gets of a change: of one that it may have missed it cannot say which version it had. */
const forConsumer = <A>({ born, change, isFirst, isRepeated, item }: Delivered<A>, given: number): Item<A | null> => {
  const kind = isFirst || born > given ? "created" : "updated"
  const { created, id, row, start, version } = item
  return withRow(
    { id, start, created, version, change: !isRepeated || isGone(change) ? change : { ...change, kind } },
    row
  )
}

/**
 * The change by what consumers may show of the call; nothing where it is none to them. `passes`: whether there is a row. What
 * consumers may show from now on comes with it.
 */
const decide = (
  change: Change.Change,
  entry: Pick<Entry, "milestones" | "shown">,
  about: { readonly passes: boolean; readonly isRepeated: boolean }
): { readonly change: Change.Change | undefined; readonly shown: Shown } => {
  const { milestones, shown } = entry
  if (about.passes) {
    // Consumers have no version of it: this is their first one.
    const first = { kind: "created", facets: Change.facets, milestones, previous: null } as const
    return { change: shown === "shown" ? change : { ...change, ...first }, shown: "shown" }
  }
  // One that a consumer may lack may be shown there although others know that it left.
  const mayLack = about.isRepeated || (change.previous === null && change.kind !== "created")
  const mayHave = shown === "shown" || (mayLack && shown === "left")
  const kind = isGone(change) ? change.kind : "left"
  return { change: mayHave ? { ...change, kind } : undefined, shown: shown === "never" ? "never" : "left" }
}

export interface Options<A, ET, RT> {
  readonly lease: Lease
  readonly transform: Transform.Transform<CallSession, A, ET, RT>
  readonly sinks: SyncSinks<A>
  readonly run: Ref.Ref<RunState.RunState>
  readonly letters: Letters.Letters
  readonly putAside: (found: ReadonlyArray<RejectedRow>, records: number) => Effect.Effect<void, SinkError>
}

/** Changes in a row that are alike, rows or calls that are gone, in the order of their commits. */
const segments = <A>(items: ReadonlyArray<Item<A | null>>): ReadonlyArray<ReadonlyArray<Item<A | null>>> => {
  const all: Array<Array<Item<A | null>>> = []
  let last: boolean | undefined
  const ids = new Set<string>()
  for (const item of items) {
    const gone = item.row === null
    // A call is once in a batch: of two versions a table would keep one only.
    if (gone !== last || ids.has(item.id)) {
      all.push([])
      ids.clear()
    }
    last = gone
    ids.add(item.id)
    all.at(-1)?.push(item)
  }
  return all
}

const isRow = <A>(item: Item<A | null>): item is Item<A> => item.row !== null
const isEmpty = <A>(item: Item<A | null>): item is Item<null> => item.row === null

/** What consumers may show is noted before they get it, so that a killed run knows what it may have delivered. */
const noteShown = Effect.fnUntraced(function* (
  lease: Lease,
  entries: ReadonlyMap<string, Entry>,
  shown: ReadonlyMap<string, Showing>
) {
  const changed = [...shown].flatMap(([id, now]): ReadonlyArray<Entry> => {
    const entry = entries.get(id)
    const isAsKept =
      entry?.shown === now.shown && entry.row === now.row && entry.changed === now.changed && entry.born === now.born
    return entry === undefined || isAsKept ? [] : [{ ...entry, ...now }]
  })
  if (changed.length === 0) return
  const { head, state = null } = yield* lease.kept
  yield* lease.note({ state, head, entries: changed })
})

interface Rejection extends Refused {
  readonly sink: string
}

/** Writes items to one sink, in their order. */
const write = Effect.fnUntraced(function* <A>(
  handle: SinkHandle<A>,
  items: ReadonlyArray<Item<A | null>>,
  columns: Batch<A>["columns"]
): Effect.fn.Return<ReadonlyArray<Rejection>, SinkError> {
  const now = yield* Instant.now
  const highest = items.reduce<number>((most, { version = 0 }) => Math.max(most, version), now)
  const about: Omit<Batch<A>, "items"> = {
    columns,
    observedAt: Version.of(highest),
    highestCredible: Version.of(highest + Version.tolerance)
  }
  const rejected: Array<Rejection> = []
  for (const segment of segments(items)) {
    const gone = segment.filter(isEmpty)
    const refused =
      gone.length > 0
        ? yield* handle.remove({ ...about, items: gone })
        : yield* handle.write({ ...about, items: segment.filter(isRow) })
    for (const row of refused) rejected.push({ ...row, sink: handle.name })
  }
  return rejected
})

/** Gives each open sink the changes that it lacks. `last`: the commit up to which it has everything then. */
const give = Effect.fnUntraced(function* <A>(
  sinks: SyncSinks<A>,
  changes: ReadonlyArray<Delivered<A>>,
  last: number,
  columns: Batch<A>["columns"]
) {
  const rejected: Array<Rejection> = []
  const one = ({ given, handle }: Member<A>) => {
    const isNew = ({ commit, isSame }: Delivered<A>) => commit > given && !(isSame && handle.keeps === "latest")
    const lacks = changes.filter(isNew)
    const items = lacks.map((change) => forConsumer(change, given))
    const step = items.length === 0 ? Effect.succeed([]) : write(handle, items, columns)
    return sinks.give(
      handle.name,
      Effect.map(step, (rows) => void rejected.push(...rows)),
      last
    )
  }
  yield* Effect.forEach(sinks.members(), one, { concurrency: "unbounded", discard: true })
  return rejected
})

interface Judging {
  readonly key: Change.Key
  readonly isRepeated: boolean
  readonly unusable: ReadonlySet<SyncChange>
}

/**
 * The changes of a step as consumers get them, and what they may show then. One of which the transform leaves nothing is none to
 * them, and they still know the call by the version before.
 */
const judge = <A>(
  changes: ReadonlyArray<SyncChange>,
  entries: ReadonlyMap<string, Entry>,
  rows: ReadonlyMap<SyncChange, Item<A> | undefined>,
  { isRepeated, key, unusable }: Judging
): { readonly delivered: ReadonlyArray<Delivered<A>>; readonly shown: ReadonlyMap<string, Showing> } => {
  const shown = new Map<string, Showing>()
  const delivered = changes.flatMap((one): ReadonlyArray<Delivered<A>> => {
    const entry = entries.get(one.id)
    if (entry === undefined || unusable.has(one)) return []
    const row = rows.get(one)
    const now = shown.get(one.id)
    const before = { ...entry, ...now }
    const { commit, facets, id, kind, milestones, sequence } = one
    // A version that consumers were not given is not the one before this one.
    const previous = one.previous === null ? null : (now?.sequence ?? one.previous)
    const plain = { kind, id, facets, milestones, sequence, previous }
    const decided = decide(plain, before, { passes: row !== undefined, isRepeated })
    const digest = row === undefined || row.row === one.session ? undefined : Change.rowDigest(row.row, key)
    const isSame =
      !isRepeated && digest !== undefined && previous !== null && before.shown === "shown" && digest === before.row
    const replaces = now?.changed ?? one.replaces
    const isNothing = isSame && milestones.length === 0 && replaces !== undefined
    const known = isNothing ? { sequence: previous, changed: replaces } : { sequence, changed: commit.commit }
    const isBorn = decided.shown === "shown" && before.shown !== "shown"
    const born = Math.min(isBorn ? commit.commit : before.born, known.changed)
    shown.set(one.id, { shown: decided.shown, row: digest, born, ...known })
    const { change } = decided
    if (change === undefined || isNothing) return []
    const bare = { id: one.id, start: entry.start === undefined ? undefined : Instant.of(entry.start) }
    const item = row ?? { ...bare, version: change.sequence, row: null }
    const isFirst = row !== undefined && before.shown !== "shown"
    return [{ item, change, commit: commit.commit, born: entry.born, isFirst, isRepeated, isSame }]
  })
  return { delivered, shown }
}

export const make = <A, ET, RT>({ lease, letters, putAside, run, sinks, transform }: Options<A, ET, RT>) => {
  const columns = transform.columns(Column.ofSession)
  const apply = Transform.toItems(transform)
  const ofRejection =
    (delivered: ReadonlyArray<Delivered<A>>, given: ReadonlyArray<Given>) =>
    ({ id, reason, sink }: Rejection): RejectedRow => {
      const one = delivered.findLast(({ item }) => item.id === id)
      const record = given.findLast((item) => item.id === id)?.row ?? { id }
      const observedAt = one?.change.sequence ?? Version.of(0)
      return letters.ofRow({ id, sink, reason, record, row: one?.item.row ?? { id }, observedAt })
    }

  /** Delivers the changes of a step, and gives those that were any to consumers. */
  return Effect.fnUntraced(function* (step: Step) {
    const isRepeated = step._tag === "CaughtUp"
    const changes = step._tag === "CaughtUp" ? step.changes : step.look.changes
    const rejected: ReadonlyArray<Rejected> = step._tag === "CaughtUp" ? [] : step.look.rejected
    const failed: Array<RejectedRow> = rejected.map(letters.ofRecord)
    const entries = yield* lease.byId(changes.map(({ id }) => id))
    const given = changes.flatMap((one) => (one.session === undefined || isGone(one) ? [] : [itemOf(one, one.session)]))
    const unusable = new Set<SyncChange>()
    const { items, passed } = yield* apply(given, (item, cause) => {
      unusable.add(item.of)
      const observedAt = item.of.sequence
      failed.push(letters.ofRecord({ stage: transform.label, reason: nameOf(cause), raw: item.row, observedAt }))
    })
    const rows = new Map(passed.map((item, at) => [item.of, items[at]] as const))
    const filtered = given.length - passed.length - unusable.size
    yield* Ref.update(run, RunState.received({ received: given.length + rejected.length, filtered }))
    const { delivered, shown } = judge(changes, entries, rows, { key: lease.key, isRepeated, unusable })
    yield* noteShown(lease, entries, shown)
    const last = changes.at(-1)?.commit.commit
    const refused = last === undefined ? [] : yield* give(sinks, delivered, last, columns)
    failed.push(...refused.map(ofRejection(delivered, given)))
    if (failed.length > 0) yield* putAside(failed, failed.length)
    return delivered
  })
}

interface Given extends Item<CallSession> {
  readonly of: SyncChange
}

const itemOf = (of: SyncChange, session: CallSession): Given => ({
  id: session.id,
  start: startInstant(session),
  created: createdInstant(session),
  version: of.sequence,
  row: session,
  of
})

/** A transform's message may hold a record's values, unless it is made for this. */
const nameOf = (cause: unknown): string =>
  cause instanceof Transform.TransformError
    ? cause.message
    : cause instanceof Error
      ? `the transform failed with ${cause.name}`
      : "the transform failed"
