/** Passes the changes of one step of a sync through the transform, and to each sink what it lacks. */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type { CallSession } from "../../model/CallSession.ts"
import * as Change from "../../model/Change.ts"
import * as Column from "../../model/Column.ts"
import * as Instant from "../../model/Instant.ts"
import type { Item } from "../../model/Item.ts"
import type { Rejected } from "../../model/Rejected.ts"
import type { RejectedRow } from "../../model/RejectedRow.ts"
import * as Version from "../../model/Version.ts"
import type { Batch, Refused } from "../../sink/SessionSink.ts"
import type { SinkError } from "../../sink/SinkError.ts"
import type { Entry, Lease, Shown } from "../../sync/Ledger.ts"
import type { Judge, Showable, Step, Change as SyncChange } from "../../sync/Sync.ts"
import * as Transform from "../../transform/TransformContract.ts"
import * as Letters from "./Letters.ts"
import * as RunState from "./RunState.ts"
import { type ChangedRow, type Delivered, forConsumer, Fresh, Given, givenOf, isGone, segments } from "./SyncItems.ts"
import type { SinkHandle } from "./SinkHandle.ts"
import type { SyncOrganization } from "./SyncOrganization.ts"
import type { Member, SyncSinks } from "./SyncSinks.ts"

/** What consumers may show of a call, and by which version and commit they know it. */
type Showing = Pick<Entry, "shown" | "row" | "sequence" | "changed" | "born">

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
  /** Whose calls they are: a part of events. */
  readonly organization: SyncOrganization["ofCalls"]
  readonly run: Ref.Ref<RunState.RunState>
  readonly letters: Letters.Letters
  readonly putAside: (found: ReadonlyArray<RejectedRow>, records: number) => Effect.Effect<void, SinkError>
}

/** Entries with what consumers may show from now on. */
const withShown = (
  entries: ReadonlyMap<string, Entry>,
  shown: ReadonlyMap<string, Showing>
): ReadonlyMap<string, Entry> => {
  const all = new Map(entries)
  for (const [id, now] of shown) {
    const entry = entries.get(id)
    if (entry !== undefined) all.set(id, { ...entry, ...now })
  }
  return all
}

/** What consumers may show is noted before they get it, so that a killed run knows what it may have delivered. */
const noteShown = Effect.fnUntraced(function* (
  lease: Lease,
  entries: ReadonlyMap<string, Entry>,
  shown: ReadonlyMap<string, Showing>
) {
  const changed = [...withShown(entries, shown).values()].filter((now) => {
    const entry = entries.get(now.id)
    return (
      entry?.shown !== now.shown || entry.row !== now.row || entry.changed !== now.changed || entry.born !== now.born
    )
  })
  if (changed.length === 0) return
  const { head, state = null } = yield* lease.kept
  yield* lease.note({ state, head, entries: changed })
})

interface Rejection extends Refused {
  readonly sink: string
}

/** What the batches of a step have in common. */
type Common<A> = Pick<Batch<A>, "columns" | "organization">

/** Writes items to one sink, in their order. */
const write = Effect.fnUntraced(function* <A>(
  handle: SinkHandle<A>,
  items: ReadonlyArray<ChangedRow<A> | Item<null>>,
  common: Common<A>
): Effect.fn.Return<ReadonlyArray<Rejection>, SinkError> {
  const now = yield* Instant.now
  const highest = items.reduce<number>((most, { version = 0 }) => Math.max(most, version), now)
  const about: Omit<Batch<A>, "items"> = {
    ...common,
    observedAt: Version.of(highest),
    highestCredible: Version.of(highest + Version.tolerance)
  }
  const rejected: Array<Rejection> = []
  for (const segment of segments(items)) {
    const refused =
      segment._tag === "Gone"
        ? yield* handle.remove({ ...about, items: segment.items })
        : yield* handle.write({ ...about, items: segment.items })
    for (const row of refused) rejected.push({ ...row, sink: handle.name })
  }
  return rejected
})

/** So many changes are made rows of a sink at once: all of a window would be alive together. */
const together = 512

/** Writes the changes that one sink lacks, in their order. `given`: the commit up to which it has everything. */
const writeAll = Effect.fnUntraced(function* <A>(
  handle: SinkHandle<A>,
  changes: ReadonlyArray<Delivered<A>>,
  given: number,
  common: Common<A>
): Effect.fn.Return<ReadonlyArray<Rejection>, SinkError> {
  const isNew = ({ commit, isSame }: Delivered<A>) => commit > given && !(isSame && handle.keeps === "latest")
  const rejected: Array<Rejection> = []
  for (let from = 0; from < changes.length; from += together) {
    const lacks = changes.slice(from, from + together).filter(isNew)
    const items = lacks.map((change) => forConsumer(change, given))
    if (items.length > 0) rejected.push(...(yield* write(handle, items, common)))
  }
  return rejected
})

/** Gives each open sink the changes that it lacks. `last`: the commit up to which it has everything then. */
const give = Effect.fnUntraced(function* <A>(
  sinks: SyncSinks<A>,
  changes: ReadonlyArray<Delivered<A>>,
  last: number,
  common: Common<A>
) {
  const rejected: Array<Rejection> = []
  const one = ({ given, handle }: Member<A>) => {
    const step = Effect.map(writeAll(handle, changes, given, common), (rows) => void rejected.push(...rows))
    return sinks.give(handle.name, step, last)
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
    const before = now === undefined ? entry : { ...entry, ...now }
    const { commit, facets, id, kind, milestones, sequence } = one
    // A version that consumers were not given is not the one before this one.
    const previous = one.previous === null ? null : (now?.sequence ?? one.previous)
    const plain = { kind, id, facets, milestones, sequence, previous }
    const decided = decide(plain, before, { passes: row !== undefined, isRepeated })
    const digest = row === undefined || isItself(row, one) ? undefined : Change.rowDigest(row.row, key)
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
    const start = entry.start === undefined ? undefined : Instant.of(entry.start)
    const isFirst = row !== undefined && before.shown !== "shown"
    return [{ item: row, start, change, commit: commit.commit, born: entry.born, isFirst, isRepeated, isSame }]
  })
  return { delivered, shown }
}

/** The transform gave the call as it came. */
const isItself = (row: Item<unknown>, change: SyncChange): boolean => row instanceof Given || row.row === change.session

/** Changes that were judged, and wait for their delivery. */
interface Judged<A> {
  readonly given: ReadonlyArray<Given>
  readonly failed: ReadonlyArray<RejectedRow>
  readonly filtered: number
  readonly delivered: ReadonlyArray<Delivered<A>>
  readonly shown: ReadonlyMap<string, Showing>
}

/** Passes changes through the transform, and decides what they are to consumers. */
const judging = <A, ET, RT>({
  lease,
  letters,
  transform
}: Pick<Options<A, ET, RT>, "lease" | "letters" | "transform">) => {
  const apply = Transform.toItems(transform)
  const { key } = lease
  const transformed = Effect.fnUntraced(function* (changes: ReadonlyArray<SyncChange>) {
    const failed: Array<RejectedRow> = []
    const given: Array<Given> = []
    for (const change of changes) {
      const one = givenOf(change)
      if (one !== undefined) given.push(one)
    }
    const unusable = new Set<SyncChange>()
    const { items, passed } = yield* apply(given, (item, cause) => {
      unusable.add(item.of)
      const observedAt = item.of.sequence
      failed.push(letters.ofRecord({ stage: transform.label, reason: nameOf(cause), raw: item.row, observedAt }))
    })
    const filtered = given.length - passed.length - unusable.size
    return { given, failed, filtered, unusable, items, passed }
  })
  return {
    changes: Effect.fnUntraced(function* (
      changes: ReadonlyArray<SyncChange>,
      entries: ReadonlyMap<string, Entry>,
      isRepeated: boolean
    ): Effect.fn.Return<Judged<A>, ET, RT> {
      const { failed, filtered, given, items, passed, unusable } = yield* transformed(changes)
      const rows = new Map(passed.map((item, at) => [item.of, items[at]] as const))
      return { given, failed, filtered, ...judge(changes, entries, rows, { key, isRepeated, unusable }) }
    }),
    /** The same of calls that are all new: what passes is what consumers get first. */
    fresh: Effect.fnUntraced(function* (
      changes: ReadonlyArray<SyncChange>,
      calls: Showable
    ): Effect.fn.Return<Judged<A>, ET, RT> {
      const { failed, filtered, given, items, passed } = yield* transformed(changes)
      const first = changes[0]?.commit.commit ?? 0
      const delivered: Array<Delivered<A>> = []
      for (let at = 0; at < passed.length; at++) {
        const item = items[at]
        const given = passed[at]
        if (item === undefined || given === undefined) continue
        const one = new Fresh(item, given)
        calls.show(one.commit - first, isItself(item, one.change) ? undefined : Change.rowDigest(item.row, key))
        delivered.push(one)
      }
      return { given, failed, filtered, delivered, shown: new Map() }
    })
  }
}

export const make = <A, ET, RT>(options: Options<A, ET, RT>) => {
  const { lease, letters, organization, putAside, run, sinks, transform } = options
  const columns = transform.columns(Column.ofSession)
  const judge = judging(options)
  const waiting = new WeakMap<ReadonlyArray<SyncChange>, Judged<A>>()
  const ofRejection =
    ({ delivered, given }: Judged<A>) =>
    ({ id, reason, sink }: Rejection): RejectedRow => {
      const one = delivered.findLast(({ change }) => change.id === id)
      const record = given.findLast((item) => item.id === id)?.row ?? { id }
      const observedAt = one?.change.sequence ?? Version.of(0)
      return letters.ofRow({ id, sink, reason, record, row: one?.item?.row ?? { id }, observedAt })
    }

  /** Judges the changes of a step now, and notes what consumers may show, where that was not done when they were noted. */
  const judgeNow = Effect.fnUntraced(function* (changes: ReadonlyArray<SyncChange>, isRepeated: boolean) {
    const entries = yield* lease.byId(changes.map(({ id }) => id))
    const judged = yield* judge.changes(changes, entries, isRepeated)
    yield* noteShown(lease, entries, judged.shown)
    return judged
  })

  const giveAll = Effect.fnUntraced(function* (delivered: ReadonlyArray<Delivered<A>>, last: number) {
    const isNamed = delivered.length > 0 && sinks.members().some(({ handle }) => handle.keeps === "changes")
    const common = isNamed ? { columns, organization: yield* organization } : { columns }
    return yield* give(sinks, delivered, last, common)
  })

  /** Delivers the changes of a step, and gives those that were any to consumers. */
  const deliver = Effect.fnUntraced(function* (step: Step) {
    const isRepeated = step._tag === "CaughtUp"
    const changes = step._tag === "CaughtUp" ? step.changes : step.look.changes
    const rejected: ReadonlyArray<Rejected> = step._tag === "CaughtUp" ? [] : step.look.rejected
    const judged = waiting.get(changes) ?? (yield* judgeNow(changes, isRepeated))
    const { delivered, filtered, given } = judged
    yield* Ref.update(run, RunState.received({ received: given.length + rejected.length, filtered }))
    const last = changes.at(-1)?.commit.commit
    const refused = last === undefined ? [] : yield* giveAll(delivered, last)
    const failed = [...rejected.map(letters.ofRecord), ...judged.failed, ...refused.map(ofRejection(judged))]
    if (failed.length > 0) yield* putAside(failed, failed.length)
    return delivered
  })

  return {
    deliver,
    judge: Transform.isPure(transform) ? judgeBefore(waiting, judging({ ...options, transform })) : ("later" as const)
  }
}

/** Judges changes before they are noted: only with a transform that asks nobody, and cannot fail. */
const judgeBefore = <A>(
  waiting: WeakMap<ReadonlyArray<SyncChange>, Judged<A>>,
  judge: ReturnType<typeof judging<A, never, never>>
): Judge => ({
  changes: (changes, entries) =>
    Effect.map(judge.changes(changes, entries, false), (judged) => {
      waiting.set(changes, judged)
      return withShown(entries, judged.shown)
    }),
  fresh: (changes, calls) => Effect.map(judge.fresh(changes, calls), (judged) => void waiting.set(changes, judged))
})

/** A transform's message may hold a record's values, unless it is made for this. */
const nameOf = (cause: unknown): string =>
  cause instanceof Transform.TransformError
    ? cause.message
    : cause instanceof Error
      ? `the transform failed with ${cause.name}`
      : "the transform failed"
