/**
 * Ledgers in memory that are kept in a store of keys and values: a file, a bucket, a table of an app's own.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Change from "../model/Change.ts"
import type { Fingerprint } from "../model/Fingerprint.ts"
import { of as versionOf, type Version } from "../model/Version.ts"
import * as Damage from "./internal/Damage.ts"
import * as EntryJson from "./internal/EntryJson.ts"
import {
  entriesOf,
  type Entry,
  identity,
  isBefore,
  Ledger,
  type Lease,
  refuseOther,
  restarted,
  risen,
  type Span,
  type View
} from "./Ledger.ts"
import { LedgerError } from "./LedgerError.ts"
import type { Micros } from "./Tail.ts"

/**
 * Values to write at once: all of them, or nothing.
 *
 * @since 0.1.0
 * @category models
 */
export interface Changes {
  readonly put: ReadonlyArray<readonly [key: string, value: string]>
  readonly remove: ReadonlyArray<string>
}

/**
 * Where ledgers are kept, as text by key. One process uses a ledger at a time: the store, or the app, must
 * prevent a second one.
 *
 * @since 0.1.0
 * @category models
 */
export interface Store<E extends { readonly message: string }> {
  /** What it is called in messages, without secrets. */
  readonly name: string
  /** Everything that was written under a name; nothing the first time. */
  readonly read: (ledger: string) => Effect.Effect<Iterable<readonly [key: string, value: string]>, E>
  readonly write: (ledger: string, changes: Changes) => Effect.Effect<void, E>
  /** The names of all ledgers. */
  readonly names: Effect.Effect<ReadonlyArray<string>>
}

const Row = Schema.Struct({
  version: Schema.Int,
  id: Schema.String,
  key: Change.Key,
  fingerprint: Schema.Record(Schema.String, Schema.String),
  head: Schema.Int,
  acknowledged: Schema.Record(Schema.String, Schema.Struct({ commit: Schema.Int, note: Schema.Json })),
  asked: Schema.Array(Schema.Struct({ id: Schema.String, from: Schema.Finite, to: Schema.Finite })),
  state: Schema.optionalKey(Schema.Json)
})
type Row = typeof Row.Type
const decodeRow = Schema.decodeUnknownEffect(Schema.fromJsonString(Row))
const decodeVersion = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Struct({ version: Schema.Finite })))

const rowKey = "ledger"
const callKey = (id: string) => `call:${id}`

const putRow = (row: Row) => [rowKey, JSON.stringify(row)] as const
const putEntry = (entry: Entry) => [callKey(entry.id), EntryJson.encode(entry)] as const

const stored = (name: string, problem: string) =>
  new LedgerError({ reason: { _tag: "Store", reason: { _tag: "Address", name, problem } } })

/** A ledger that was read: the row, and its calls in a ledger in memory. */
interface Opened {
  row: Row
  readonly calls: Lease
  /** Keys of what cannot be read: a restart removes it. */
  lost: ReadonlyArray<string>
}

/** One write at a time, so that none is made of what another one replaces. */
type InTurn = <A>(run: Effect.Effect<A, LedgerError>) => Effect.Effect<A, LedgerError>

type Write = (changes: Changes) => Effect.Effect<void, LedgerError>

const always = Number.MAX_SAFE_INTEGER

/** What a store has of a ledger. `row` is `undefined` where that of the ledger itself cannot be read: then no call can be used. */
interface Found {
  row: Row | undefined
  readonly entries: ReadonlyArray<Entry>
  readonly lost: ReadonlyArray<string>
}

const readOf = Effect.fnUntraced(function* <E extends { readonly message: string }>(
  store: Store<E>,
  name: string
): Effect.fn.Return<Found | undefined, LedgerError> {
  const kept = new Map(
    yield* Effect.mapError(store.read(name), ({ message }) => stored(store.name, `could not be read: ${message}`))
  )
  if (kept.size === 0) return undefined
  const text = kept.get(rowKey) ?? ""
  const found = decodeVersion(text)
  if (found._tag === "Some" && found.value.version > 1) {
    return yield* new LedgerError({ reason: { _tag: "Newer", name, version: found.value.version, known: 1 } })
  }
  const row = yield* Effect.option(decodeRow(text))
  if (Option.isNone(row)) return { row: undefined, entries: [], lost: [...kept.keys()].filter((key) => key !== rowKey) }
  const entries: Array<Entry> = []
  const lost: Array<string> = []
  for (const [key, value] of kept) {
    if (key === rowKey) continue
    const entry = yield* Effect.option(EntryJson.decode(value))
    if (Option.isSome(entry) && callKey(entry.value.id) === key) entries.push(entry.value)
    else lost.push(key)
  }
  return { row: row.value, entries, lost }
})

/** The row of a ledger that nothing is missing of. */
const wholeRow = ({ lost, row }: Found, name: string): Effect.Effect<Row, LedgerError> =>
  row === undefined
    ? Effect.fail(Damage.torn(name, "state"))
    : lost.length > 0
      ? Effect.fail(Damage.torn(name, "calls"))
      : Effect.succeed(row)

const leaseOf = (name: string, opened: Opened, write: Write, inTurn: InTurn): Lease => {
  const { calls } = opened
  /** First what is kept, then what is known here: a write that fails changes nothing. */
  const commit = (
    row: Row,
    put: ReadonlyArray<Entry>,
    then: Effect.Effect<unknown, LedgerError> = Effect.void,
    remove: ReadonlyArray<string> = []
  ) =>
    write({ put: [putRow(row), ...put.map(putEntry)], remove }).pipe(
      Effect.andThen(then),
      Effect.andThen(Effect.sync(() => void (opened.row = row))),
      Effect.uninterruptible
    )
  const acknowledge = (consumer: string, at: number, note: Schema.Json = null) =>
    at < (opened.row.acknowledged[consumer]?.commit ?? 0)
      ? Effect.void
      : commit({ ...opened.row, acknowledged: { ...opened.row.acknowledged, [consumer]: { commit: at, note } } }, [])
  const restart = Effect.fnUntraced(function* (fingerprint?: Fingerprint, least: Version = versionOf(0)) {
    const { lost, row } = opened
    // Nothing is known of when such calls start.
    const asked = lost.length === 0 ? [] : [{ id: SecureRandom.uuidV4Unsafe(), from: 0, to: always }]
    const next = {
      ...row,
      asked: [...row.asked, ...asked],
      id: identity().id,
      fingerprint: fingerprint ?? row.fingerprint,
      acknowledged: restarted(row.acknowledged)
    }
    const all = yield* calls.changedAfter(-1, always)
    yield* commit(next, all.map(risen(least)), calls.restart(fingerprint, least), lost)
    opened.lost = []
    if (lost.length > 0) yield* Damage.warnOfCalls(name, lost.length)
  })
  const forget = Effect.fnUntraced(function* (before: Micros, acknowledged: number) {
    const range = { from: -Infinity, to: before }
    const old = [...(yield* calls.between(range)), ...(yield* calls.withoutStart), ...(yield* calls.gone(range))]
    const remove = old
      .filter((entry) => isBefore(entry, before) && entry.changed <= acknowledged)
      .map(({ id }) => callKey(id))
    if (remove.length === 0) return
    yield* Effect.uninterruptible(Effect.andThen(write({ put: [], remove }), calls.forget(before, acknowledged)))
  })
  return {
    ...viewOf(name, opened),
    get id() {
      return opened.row.id
    },
    note: (note) =>
      inTurn(
        Effect.suspend(() =>
          commit({ ...opened.row, state: note.state, head: note.head }, entriesOf(note), calls.note(note))
        )
      ),
    taken: (id) =>
      inTurn(
        Effect.suspend(() => commit({ ...opened.row, asked: opened.row.asked.filter((one) => one.id !== id) }, []))
      ),
    acknowledge: (consumer, at, note) => inTurn(Effect.suspend(() => acknowledge(consumer, at, note))),
    restart: (fingerprint, least) => inTurn(restart(fingerprint, least)),
    forget: (before, acknowledged) => inTurn(forget(before, acknowledged))
  }
}

const viewOf = (name: string, opened: Opened): View => {
  const { absent, all, awaiting, between, bornAfter, byId, changedAfter, count, gone, lacking, withoutStart } =
    opened.calls
  return {
    name,
    get id() {
      return opened.row.id
    },
    key: opened.row.key,
    kept: Effect.sync(() => ({ state: opened.row.state, head: opened.row.head })),
    acknowledged: Effect.sync(() => opened.row.acknowledged),
    asked: Effect.sync(() => opened.row.asked),
    absent,
    all,
    awaiting,
    between,
    bornAfter,
    byId,
    changedAfter,
    count,
    gone,
    lacking,
    withoutStart
  }
}

/**
 * The service. A ledger is read whole when it is opened: a few hundred bytes a call that it knows. Each note writes what
 * changed.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <E extends { readonly message: string }>(store: Store<E>): Ledger["Service"] => {
  const held = new Map<string, Opened | "opening">()
  const turns = Semaphore.makeUnsafe(1)
  const inTurn: InTurn = (run) => turns.withPermit(run)
  const writeOf =
    (name: string): Write =>
    (changes) =>
      Effect.mapError(store.write(name, changes), ({ message }) =>
        stored(store.name, `could not be written: ${message}`)
      )
  const load = Effect.fnUntraced(function* (name: string, fingerprint: Fingerprint | undefined, isWhole: boolean) {
    const known = yield* readOf(store, name)
    if (known !== undefined && isWhole) yield* wholeRow(known, name)
    if (known?.row !== undefined && fingerprint !== undefined) {
      yield* refuseOther(name, known.row.fingerprint, fingerprint)
    }
    const { entries = [], lost = [], row } = known ?? {}
    const calls = yield* inMemory
    yield* calls.note({ state: null, head: 0, entries })
    const isNew = row === undefined
    const opened: Opened = { row: row ?? newRow(fingerprint ?? {}), calls, lost: isNew ? [] : lost }
    return { isNew, isLost: isNew && known !== undefined, remove: isNew ? lost : [], opened }
  })
  const claim = (name: string) =>
    Effect.acquireRelease(
      Effect.suspend(() => {
        if (!held.has(name)) return Effect.sync(() => held.set(name, "opening"))
        const reason = { _tag: "Held", pipeline: name, held: { _tag: "Running" } } as const
        return Effect.fail(new LedgerError({ reason: { _tag: "Store", reason } }))
      }),
      () => Effect.sync(() => held.delete(name))
    )
  const open = Effect.fnUntraced(function* (name: string, fingerprint: Fingerprint | undefined) {
    yield* claim(name)
    const scope = yield* Effect.scope
    return yield* inTurn(
      Effect.gen(function* () {
        const { isLost, isNew, opened, remove } = yield* Scope.provide(
          load(name, fingerprint, fingerprint !== undefined),
          scope
        )
        if (isNew) yield* writeOf(name)({ put: [putRow(opened.row)], remove })
        if (isLost) yield* Damage.warnOfAll(name)
        held.set(name, opened)
        return leaseOf(name, opened, writeOf(name), inTurn)
      })
    )
  })
  const view = Effect.fnUntraced(function* (name: string) {
    const here = held.get(name)
    if (here !== undefined && here !== "opening") return viewOf(name, here)
    const { isNew, opened } = yield* load(name, undefined, true)
    return isNew ? undefined : viewOf(name, opened)
  })
  const ask = Effect.fnUntraced(function* (name: string, fingerprint: Fingerprint, { from, to }: Span) {
    const here = held.get(name)
    const found = here === undefined || here === "opening" ? yield* readOf(store, name) : here
    if (found === undefined) return false
    const before = "calls" in found ? found.row : yield* wholeRow(found, name)
    yield* refuseOther(name, before.fingerprint, fingerprint)
    const row = { ...before, asked: [...before.asked, { id: SecureRandom.uuidV4Unsafe(), from, to }] }
    yield* writeOf(name)({ put: [putRow(row)], remove: [] })
    found.row = row
    return true
  })
  return {
    open,
    view,
    ask: (name, fingerprint, range) => inTurn(ask(name, fingerprint, range)),
    names: Effect.map(store.names, (names) => [...names].sort())
  }
}

/** A ledger in memory that nobody else knows. */
const inMemory = Effect.flatMap(Ledger, ({ open }) => open("calls", undefined)).pipe(
  Effect.provide(Layer.fresh(Ledger.layerMemory))
)

const newRow = (fingerprint: Fingerprint): Row => ({
  version: 1,
  ...identity(),
  fingerprint,
  head: 0,
  acknowledged: {},
  asked: []
})

/**
 * Ledgers in the store.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = <E extends { readonly message: string }>(store: Store<E>): Layer.Layer<Ledger> =>
  Layer.sync(Ledger, () => make(store))
