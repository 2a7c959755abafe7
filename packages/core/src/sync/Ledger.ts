/**
 * What a sync knows of each recent call: ids, times, and digests of its content, but none of the content.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SecureRandom from "effect/crypto/SecureRandom"
import type { Key } from "../model/Change.ts"
import * as Epoch from "../model/Epoch.ts"
import { difference, type Fingerprint } from "../model/Fingerprint.ts"
import { of as versionOf, type Version } from "../model/Version.ts"
import type { Facts } from "./Settlement.ts"
import type { Micros } from "./Tail.ts"
import {
  type Asked,
  type Entry,
  factsOf,
  isBefore,
  isIn,
  isLacking,
  type NewCalls,
  risen,
  type Span
} from "./LedgerEntry.ts"
import { LedgerError } from "./LedgerError.ts"
import * as EntryPlaces from "./internal/EntryPlaces.ts"

export * from "./LedgerEntry.ts"

/**
 * How far a consumer is: it has every change up to `commit`. `note` is the consumer's own, such as the length of a file.
 *
 * @since 0.1.0
 * @category models
 */
export interface Acknowledged {
  readonly commit: number
  readonly note: Schema.Json
}

/**
 * The content of one transaction: everything that was read, or nothing.
 *
 * @since 0.1.0
 * @category models
 */
export interface Note {
  /** The state of the sync, replaced. */
  readonly state: Schema.Json
  /** The last commit that was given. */
  readonly head: number
  /** Entries that are new or differ. */
  readonly entries: ReadonlyArray<Entry>
  /** Entries of other calls, which are all new. */
  readonly fresh?: NewCalls | undefined
}

/**
 * All entries of a note.
 *
 * @since 0.1.0
 * @category reading
 */
export const entriesOf = ({ entries, fresh }: Note): ReadonlyArray<Entry> =>
  fresh === undefined ? entries : [...entries, ...Array.from({ length: fresh.size }, (_, i) => fresh.at(i))]

/**
 * A ledger as it is now, also while a run holds it.
 *
 * @since 0.1.0
 * @category models
 */
export interface View {
  /** The name that it was opened by. */
  readonly name: string
  /** The ledger's own random id: a commit means nothing in another ledger. */
  readonly id: string
  /** The key of its digests. */
  readonly key: Key
  /** The state and the last commit as they were noted last. `state` is `undefined` of a new one. */
  readonly kept: Effect.Effect<{ readonly state: Schema.Json | undefined; readonly head: number }>
  /** What each consumer acknowledged last. */
  readonly acknowledged: Effect.Effect<Readonly<Record<string, Acknowledged>>>
  /** Entries by id, those of calls that are gone included. */
  readonly byId: (ids: ReadonlyArray<string>) => Effect.Effect<ReadonlyMap<string, Entry>, LedgerError>
  /** How many calls that are neither gone nor absent start in the range. */
  readonly count: (range: Span) => Effect.Effect<number, LedgerError>
  /** Calls that are not gone and start in the range, by start, then id. */
  readonly between: (range: Span) => Effect.Effect<ReadonlyArray<Entry>, LedgerError>
  /** Calls that are gone, and start in the range; without a start time, were created or first seen in it. */
  readonly gone: (range: Span) => Effect.Effect<ReadonlyArray<Entry>, LedgerError>
  /** Calls without a start time that are not gone. */
  readonly withoutStart: Effect.Effect<ReadonlyArray<Entry>, LedgerError>
  /** Calls that are absent, and not gone yet. */
  readonly absent: Effect.Effect<ReadonlyArray<Entry>, LedgerError>
  /** Calls that are neither gone nor absent, and due at that time. */
  readonly awaiting: (at: Micros) => Effect.Effect<ReadonlyArray<Entry>, LedgerError>
  /** Every call, gone or not, some at a time, in no order of time. */
  readonly all: Stream.Stream<Entry, LedgerError>
  /** The calls that are not gone and lack something, as far as they are known, some at a time. */
  readonly lacking: Stream.Stream<Facts, LedgerError>
  /** Ranges that were asked for, and that no pass took yet. */
  readonly asked: Effect.Effect<ReadonlyArray<Asked>, LedgerError>
  /** The next `limit` calls, gone or not, that changed after a commit, in the order of their commits. */
  readonly changedAfter: (commit: number, limit: number) => Effect.Effect<ReadonlyArray<Entry>, LedgerError>
  /** The least start, in whole seconds, of calls that are not gone and are new since a commit, by `born`, if any has a start. */
  readonly bornAfter: (commit: number) => Effect.Effect<Micros | undefined, LedgerError>
}

/**
 * A ledger, held by one run at a time.
 *
 * @since 0.1.0
 * @category models
 */
export interface Lease extends View {
  /** As that of a checkpoint: higher than all before it. @default none: nobody else has the ledger */
  readonly epoch?: number | undefined
  /** Keeps what was read. Nobody has it yet. */
  readonly note: (note: Note) => Effect.Effect<void, LedgerError>
  /** A range that was asked for is in the state now. */
  readonly taken: (id: string) => Effect.Effect<void, LedgerError>
  /** A consumer has everything up to a commit. An earlier commit than before changes nothing. @default null of `note` */
  readonly acknowledge: (consumer: string, commit: number, note?: Schema.Json) => Effect.Effect<void, LedgerError>
  /**
   * From now on the ledger is of this fingerprint and has another id, and no consumer has any commit; their notes stay. The
   * sequence of each call rises, to `least` at least, because what a consumer gets of the same call may differ.
   * @default the fingerprint that it has; 0
   */
  readonly restart: (fingerprint?: Fingerprint, least?: Version) => Effect.Effect<void, LedgerError>
  /**
   * Forgets calls that started before (without a start time: were created or first seen before), unless they changed after a commit
   * that not every consumer acknowledged.
   */
  readonly forget: (before: Micros, acknowledged: number) => Effect.Effect<void, LedgerError>
}

/**
 * Where ledgers are kept. `open` is a lease that is given back with its scope. A ledger of another fingerprint is refused, and so is a
 * damaged one. Without a fingerprint every ledger is opened, to be restarted: what cannot be read of it is left out then.
 *
 * @since 0.1.0
 * @category services
 */
export class Ledger extends Context.Service<
  Ledger,
  {
    readonly open: (
      name: string,
      fingerprint: Fingerprint | undefined
    ) => Effect.Effect<Lease, LedgerError, Scope.Scope>
    /** The ledger to read, without holding it; `undefined` where none has that name. */
    readonly view: (name: string) => Effect.Effect<View | undefined, LedgerError, Scope.Scope>
    /**
     * Asks the sync of that name to read and deliver a range again, in its next pass. Works also while a run holds the ledger, and is
     * refused to a sync of another fingerprint. `false` where none has that name.
     */
    readonly ask: (name: string, fingerprint: Fingerprint, range: Span) => Effect.Effect<boolean, LedgerError>
    /** The names of all ledgers, sorted. */
    readonly names: Effect.Effect<ReadonlyArray<string>, LedgerError>
  }
>()("@callstream/core/sync/Ledger") {
  /**
   * Ledgers that last as long as the layer.
   */
  static readonly layerMemory: Layer.Layer<Ledger> = Layer.sync(Ledger, () => {
    const ledgers = new Map<string, Memory>()
    const held = new Set<string>()
    return {
      open: Effect.fnUntraced(function* (name, fingerprint) {
        yield* Effect.acquireRelease(
          Effect.suspend(() => {
            if (!held.has(name)) return Effect.sync(() => held.add(name))
            const reason = { _tag: "Held", pipeline: name, held: { _tag: "Running" } } as const
            return Effect.fail(new LedgerError({ reason: { _tag: "Store", reason } }))
          }),
          () => Effect.sync(() => held.delete(name))
        )
        const known = ledgers.get(name)
        if (known !== undefined && fingerprint !== undefined) {
          yield* refuseOther(name, known.fingerprint, fingerprint)
        }
        const memory = known ?? makeMemory(fingerprint ?? {})
        ledgers.set(name, memory)
        memory.epoch = Epoch.next(memory.epoch, yield* Clock.currentTimeMillis)
        return leaseOf(name, memory)
      }),
      view: (name) =>
        Effect.sync(() => {
          const memory = ledgers.get(name)
          return memory === undefined ? undefined : leaseOf(name, memory)
        }),
      ask: Effect.fnUntraced(function* (name, fingerprint, { from, to }) {
        const memory = ledgers.get(name)
        if (memory === undefined) return false
        yield* refuseOther(name, memory.fingerprint, fingerprint)
        memory.asked.push({ id: SecureRandom.uuidV4Unsafe(), from, to })
        return true
      }),
      names: Effect.sync(() => [...ledgers.keys()].sort())
    }
  })
}

/**
 * Fails, naming the parts, when a ledger was kept by another sync than the one that asks for it.
 *
 * @since 0.1.0
 * @category checks
 */
export const refuseOther = (name: string, kept: Fingerprint, asked: Fingerprint): Effect.Effect<void, LedgerError> => {
  const parts = difference(kept, asked)
  return parts.length === 0 ? Effect.void : Effect.fail(new LedgerError({ reason: { _tag: "Different", name, parts } }))
}

/**
 * A new ledger's id and key.
 *
 * @since 0.1.0
 * @category constructors
 */
export const identity = (): { readonly id: string; readonly key: Key } => {
  const [low = 0, high = 0] = crypto.getRandomValues(new Uint32Array(2))
  return { id: SecureRandom.uuidV4Unsafe(), key: [low, high] }
}

/**
 * The same consumers, none of which has any commit.
 *
 * @since 0.1.0
 * @category combining
 */
export const restarted = (
  acknowledged: Readonly<Record<string, Acknowledged>>
): Readonly<Record<string, Acknowledged>> =>
  Object.fromEntries(Object.entries(acknowledged).map(([name, { note }]) => [name, { commit: 0, note }]))

interface Memory {
  id: string
  readonly key: Key
  fingerprint: Fingerprint
  state: Schema.Json | undefined
  head: number
  acknowledged: Readonly<Record<string, Acknowledged>>
  readonly entries: Map<string, Entry>
  readonly places: EntryPlaces.Places
  asked: Array<Asked>
  epoch: number
}

const makeMemory = (fingerprint: Fingerprint): Memory => ({
  ...identity(),
  fingerprint,
  state: undefined,
  head: 0,
  acknowledged: {},
  entries: new Map(),
  asked: [],
  epoch: 0,
  places: EntryPlaces.make()
})

const leaseOf = (name: string, memory: Memory): Lease => {
  const { entries, key, places } = memory
  const of = (ids: Iterable<string>): ReadonlyArray<Entry> => [...ids].flatMap((id) => entries.get(id) ?? [])
  return {
    name,
    get id() {
      return memory.id
    },
    key,
    epoch: memory.epoch,
    kept: Effect.sync(() => ({ state: memory.state, head: memory.head })),
    acknowledged: Effect.sync(() => memory.acknowledged),
    byId: (ids) => Effect.sync(() => new Map(of(ids).map((entry) => [entry.id, entry]))),
    count: ({ from, to }) =>
      Effect.sync(() => {
        const within = ({ start }: Entry) => start !== undefined && start >= from && start < to
        return places.start.count(from, to) - of(places.absent).filter(within).length
      }),
    gone: (range) => Effect.sync(() => of(places.gone).filter((entry) => isIn(entry, range))),
    asked: Effect.sync(() => [...memory.asked]),
    taken: (id) => Effect.sync(() => void (memory.asked = memory.asked.filter((one) => one.id !== id))),
    between: ({ from, to }) => Effect.sync(() => of(places.start.ids(from, to))),
    withoutStart: Effect.sync(() => of(places.withoutStart)),
    absent: Effect.sync(() => of(places.absent)),
    awaiting: (at) => Effect.sync(() => of(places.due.upTo(at)).filter(({ due = Infinity }) => due <= at)),
    all: Stream.suspend(() => Stream.fromIterable([...entries.values()])),
    lacking: Stream.suspend(() => Stream.fromIterable([...entries.values()].filter(isLacking).map(factsOf))),
    changedAfter: (commit, limit) => Effect.sync(() => of(places.changed.ids(commit + 1, Infinity, limit))),
    bornAfter: (commit) =>
      Effect.sync(() => EntryPlaces.earliest(of(places.changed.ids(commit + 1, Infinity)), commit)),
    note: (note) =>
      Effect.sync(() => {
        memory.state = note.state
        memory.head = note.head
        for (const entry of entriesOf(note)) {
          EntryPlaces.move(places, entry.id, entries.get(entry.id), entry)
          entries.set(entry.id, entry)
        }
      }),
    acknowledge: (consumer, commit, note = null) =>
      Effect.sync(() => {
        if (commit < (memory.acknowledged[consumer]?.commit ?? 0)) return
        memory.acknowledged = { ...memory.acknowledged, [consumer]: { commit, note } }
      }),
    restart: (fingerprint = memory.fingerprint, least = versionOf(0)) =>
      Effect.sync(() => {
        memory.id = identity().id
        memory.fingerprint = fingerprint
        memory.acknowledged = restarted(memory.acknowledged)
        for (const entry of entries.values()) entries.set(entry.id, risen(least)(entry))
      }),
    forget: (before, acknowledged) =>
      Effect.sync(() => {
        const old = [...of(places.start.ids(-Infinity, before)), ...of(places.withoutStart), ...of(places.gone)]
        for (const entry of old) {
          if (!isBefore(entry, before) || entry.changed > acknowledged) continue
          EntryPlaces.move(places, entry.id, entry, undefined)
          entries.delete(entry.id)
        }
      })
  }
}
