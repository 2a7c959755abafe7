/** What every ledger does, wherever it is kept: histories of random operations, held against a list. */
import { Milestone } from "@callstream/core/model/Change"
import * as Version from "@callstream/core/model/Version"
import {
  type Acknowledged,
  byStart,
  type Doubt,
  entriesOf,
  type Entry,
  isAbsent,
  isBefore,
  factsOf,
  isIn,
  isLacking,
  type Lease,
  type Ledger
} from "@callstream/core/sync/Ledger"
import { laters } from "@callstream/core/sync/Settlement"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as EntryPage from "../../src/sync/internal/EntryPage.ts"
import { type Random, random } from "./SyncRandom.ts"

export type Open = Ledger["Service"]["open"]
export type Read = Ledger["Service"]["view"]

const second = 1_000_000
const origin = Date.parse("2026-07-31T00:00:00Z") * 1000

export const uuid = ({ below }: Random) => {
  const hex = Array.from({ length: 32 }, () => below(16).toString(16)).join("")
  return [0, 8, 12, 16, 20].map((from, i, all) => hex.slice(from, all[i + 1] ?? 32)).join("-")
}

/** Ids of all kinds: UUIDs, also in capitals, ids of 15 and 16 characters, and text of any language. */
const idsOf = (source: Random): ReadonlyArray<string> => [
  ...Array.from({ length: 30 }, () => uuid(source)),
  uuid(source).toUpperCase(),
  "a",
  "fifteen-letters",
  "sixteen-letters-",
  "\u0000",
  "\u0000fourteen-lette",
  "बातचीत 🙂",
  "it's; DROP TABLE callstream_ledgers --"
]

const some = <A>({ chance }: Random, list: ReadonlyArray<A>) => list.filter(() => chance(0.5))

const doubtOf = ({ chance, pick }: Random, since: number): Doubt => ({
  as: pick(["absent", "back"] as const),
  since,
  first: chance(0.5) ? since : since - 60 * second
})

export const entryOf = (source: Random, id: string, changed: number): Entry => {
  const { below, chance, pick } = source
  const time = () => origin + below(86_400) * second
  return {
    id,
    start: chance(0.8) ? origin + below(40) * 3600 * second + below(3) : undefined,
    created: chance(0.8) ? time() : undefined,
    ended: chance(0.5) ? time() : undefined,
    agent: pick(["", "0d5cf1a2-0c8e-4f3a-9d1e-7b6f2f1c3a44", "agent-2", "agent-3"]),
    status: pick(["open", "answered", "unanswered"]),
    digests: Array.from({ length: 5 }, () => below(2 ** 32)),
    milestones: some(source, Milestone.literals),
    lacks: some(source, laters),
    sequence: Version.of(origin + below(1e12)),
    readAt: time(),
    firstSeen: time(),
    born: below(changed + 1),
    changed,
    due: chance(0.5) ? time() : undefined,
    doubted: chance(0.3) ? doubtOf(source, time()) : undefined,
    gone: chance(0.2) ? pick(["left", "removed"] as const) : undefined,
    owed: chance(0.3),
    counted: chance(0.3),
    shown: pick(["never", "shown", "left"] as const),
    row: chance(0.3) ? below(2 ** 32) : undefined
  }
}

/** Calls that are new together, some of them shown. */
export const newPage = (source: Random, ids: ReadonlyArray<string>, first: number): EntryPage.NewPage => {
  const { below, chance } = source
  const page = new EntryPage.NewPage(ids.length, first, origin + below(86_400) * second)
  const about = origin + below(40) * 3600 * second
  for (const [i, id] of ids.entries()) {
    const { agent, created, digests, due, ended, sequence } = entryOf(source, id, first + i)
    const start = about + below(3) * 1800 * second + below(3)
    page.putTimes(i, start, created ?? Number.NaN, ended ?? Number.NaN)
    page.putVersion(i, sequence)
    page.put(i, id, agent, 4 * below(32) + below(3), chance(0.3), (due ?? 0) / second)
    for (const [facet, digest] of digests.entries()) page.putDigest(i, facet, digest)
    if (chance(0.5)) page.show(i, chance(0.5) ? below(2 ** 32) : undefined)
  }
  return page
}

const fingerprint = { endpoint: "https://api.example.com", filters: "" }

/** What a list of entries answers to each question. */
const answersOf = (entries: ReadonlyArray<Entry>, source: Random) => {
  const { below } = source
  const from = origin + below(40) * 3600 * second
  const range = { from, to: from + below(20) * 3600 * second }
  const present = entries.filter(({ gone }) => gone === undefined)
  const within = present.filter(({ start }) => start !== undefined && start >= range.from && start < range.to)
  const at = origin + below(86_400) * second
  const commit = below(60)
  const limit = 1 + below(30)
  return {
    range,
    at,
    commit,
    limit,
    count: within.filter((entry) => !isAbsent(entry)).length,
    between: within.sort(byStart),
    withoutStart: present.filter(({ start }) => start === undefined),
    absent: present.filter(isAbsent),
    gone: entries.filter((entry) => entry.gone !== undefined && isIn(entry, range)),
    awaiting: present.filter((entry) => !isAbsent(entry) && entry.due !== undefined && entry.due <= at),
    changedAfter: entries
      .filter(({ changed }) => changed > commit)
      .sort((left, right) => left.changed - right.changed)
      .slice(0, limit),
    bornAfter: present.reduce<number | undefined>(
      (least, { born, start }) =>
        born > commit && start !== undefined ? Math.min(least ?? start, Math.floor(start / second) * second) : least,
      undefined
    )
  }
}

const byId = (entries: ReadonlyArray<Entry>) => entries.toSorted((left, right) => (left.id < right.id ? -1 : 1))

/** Of a call that is gone, or absent, nobody asks when it is due. */
const asKept = (entry: Entry): Entry =>
  entry.gone === undefined && !isAbsent(entry) ? entry : { ...entry, due: undefined }

const compare = Effect.fnUntraced(function* (lease: Lease, model: Map<string, Entry>, source: Random, about: string) {
  const all = [...model.values()].map(asKept)
  const expected = answersOf(all, source)
  assert.strictEqual(yield* lease.count(expected.range), expected.count, about)
  assert.deepStrictEqual((yield* lease.between(expected.range)).map(asKept), expected.between, about)
  assert.deepStrictEqual(byId((yield* lease.withoutStart).map(asKept)), byId(expected.withoutStart), about)
  assert.deepStrictEqual(byId((yield* lease.absent).map(asKept)), byId(expected.absent), about)
  assert.deepStrictEqual(byId((yield* lease.gone(expected.range)).map(asKept)), byId(expected.gone), about)
  assert.deepStrictEqual(byId(yield* lease.awaiting(expected.at)), byId(expected.awaiting), about)
  const changed = yield* lease.changedAfter(expected.commit, expected.limit)
  assert.deepStrictEqual(changed.map(asKept), expected.changedAfter, about)
  assert.deepStrictEqual(byId((yield* Stream.runCollect(lease.all)).map(asKept)), byId(all), about)
  assert.strictEqual(yield* lease.bornAfter(expected.commit), expected.bornAfter, about)
  const found = yield* lease.byId(["none", ...model.keys()])
  assert.deepStrictEqual(byId([...found.values()].map(asKept)), byId(all), about)
  const lacking = (yield* Stream.runCollect(lease.lacking)).map((facts) => JSON.stringify(facts)).sort()
  assert.deepStrictEqual(
    lacking,
    all
      .filter(isLacking)
      .map((entry) => JSON.stringify(factsOf(entry)))
      .sort(),
    about
  )
})

/** A history: notes, acknowledgements and forgetting, over several leases. */
export const assertHistory = Effect.fnUntraced(function* (open: Open, name: string, seed: number) {
  const source = random(seed)
  const { below, chance, pick } = source
  const ids = seed % 4 > 0 ? idsOf(source) : Array.from({ length: 300 }, () => uuid(source))
  const model = new Map<string, Entry>()
  let head = 0
  let state: { readonly at: number } | undefined
  let identity: string | undefined
  const acknowledged: Record<string, Acknowledged> = {}
  for (let lease = 0; lease < 4; lease++) {
    yield* Effect.scoped(
      Effect.gen(function* () {
        const opened = yield* open(name, fingerprint)
        identity ??= JSON.stringify([opened.id, opened.key])
        assert.strictEqual(JSON.stringify([opened.id, opened.key]), identity)
        assert.deepStrictEqual(yield* opened.kept, { state, head }, `seed ${seed}`)
        assert.deepStrictEqual(yield* opened.acknowledged, { ...acknowledged }, `seed ${seed}`)
        for (let step = 0; step < 6; step++) {
          if (chance(0.7)) {
            // A call is once in a note, as in a look.
            const noted = new Map(
              Array.from({ length: below(20) }, () => pick(ids)).map((id) => [id, entryOf(source, id, ++head)])
            )
            const others = ids.filter((id) => !noted.has(id) && !model.has(id))
            const fresh = chance(0.5) ? undefined : newPage(source, some(source, others), head + 1)
            head += fresh?.size ?? 0
            state = { at: head }
            const note = { state, head, entries: [...noted.values()], fresh }
            yield* opened.note(note)
            for (const entry of entriesOf(note)) model.set(entry.id, entry)
          } else if (below(10) < 7) {
            const consumer = pick(["one", "two"])
            const commit = below(head + 1)
            const note = { bytes: below(100) }
            yield* opened.acknowledge(consumer, commit, note)
            if (commit >= (acknowledged[consumer]?.commit ?? 0)) acknowledged[consumer] = { commit, note }
          } else if (chance(0.3)) {
            const before = opened.id
            const least = chance(0.5) ? Version.of(origin + below(1e12)) : undefined
            yield* opened.restart(chance(0.5) ? fingerprint : undefined, least)
            // Positions in it mean nothing any more.
            assert.notStrictEqual(opened.id, before)
            identity = JSON.stringify([opened.id, opened.key])
            for (const [name, { note }] of Object.entries(acknowledged)) acknowledged[name] = { commit: 0, note }
            for (const [id, entry] of model) {
              model.set(id, {
                ...entry,
                sequence: Version.of(Math.max(entry.sequence + 1, least ?? 0)),
                shown: least !== undefined && entry.shown === "never" ? "left" : entry.shown
              })
            }
          } else {
            const before = origin + below(20) * 3600 * second
            const commit = below(head + 1)
            yield* opened.forget(before, commit)
            for (const entry of model.values()) {
              if (isBefore(entry, before) && entry.changed <= commit) model.delete(entry.id)
            }
          }
          yield* compare(opened, model, source, `seed ${seed}, lease ${lease}, step ${step}`)
        }
      })
    )
  }
})

/** A range is asked for while a run holds the ledger, and is there until it was taken. */
export const assertAsked = Effect.fnUntraced(function* ({ ask, open, view }: Ledger["Service"]) {
  const range = { from: origin, to: origin + 3600 * second }
  const all = { from: 0, to: Number.MAX_SAFE_INTEGER }
  assert.isFalse(yield* ask("calls", fingerprint, range))
  yield* Effect.scoped(
    Effect.gen(function* () {
      const lease = yield* open("calls", fingerprint)
      yield* open("other", fingerprint)
      yield* lease.note({ state: { at: 1 }, head: 1, entries: [] })
      assert.isTrue(yield* ask("calls", fingerprint, range))
      assert.isTrue(yield* ask("calls", fingerprint, all))
      const other = { ...fingerprint, filters: "agentId=1" }
      const refused = yield* Effect.flip(ask("calls", other, range))
      assert.deepStrictEqual(refused.reason, { _tag: "Different", name: "calls", parts: ["filters"] })
      // What was noted meanwhile is no reason to lose it.
      yield* lease.note({ state: { at: 2 }, head: 2, entries: [] })
      const asked = yield* lease.asked
      const ranges = asked.map(({ from, to }) => ({ from, to })).sort((left, right) => right.from - left.from)
      assert.deepStrictEqual(ranges, [range, all])
      const first = asked.find(({ from }) => from === 0)
      yield* lease.taken(first?.id ?? "")
      yield* lease.taken("nothing")
    })
  )
  yield* Effect.scoped(
    Effect.gen(function* () {
      const left = yield* (yield* open("calls", fingerprint)).asked
      assert.deepStrictEqual(left, yield* (yield* view("calls"))?.asked ?? Effect.succeed([]))
      assert.deepStrictEqual(
        left.map(({ from, to }) => ({ from, to })),
        [range]
      )
      assert.deepStrictEqual(yield* (yield* open("other", fingerprint)).asked, [])
    })
  )
})

/** It is held by one run at a time, each name by itself, and refused to a sync of another kind. */
export const assertLeases = Effect.fnUntraced(function* (open: Open, read: Read) {
  const first = yield* Effect.scoped(
    Effect.gen(function* () {
      const lease = yield* open("calls", fingerprint)
      const held = yield* Effect.flip(Effect.scoped(open("calls", fingerprint)))
      assert.deepInclude(held.reason, { _tag: "Store" })
      assert.include(held.message, "calls is running already")
      const other = yield* open("other", fingerprint)
      assert.notStrictEqual(other.id, lease.id)
      const entries = [entryOf(random(1), "a", 1)]
      yield* lease.note({ state: null, head: 1, entries })
      // Two ledgers of one place know nothing of each other.
      assert.strictEqual((yield* other.byId(["a"])).size, 0)
      yield* other.note({ state: null, head: 1, entries })
      yield* other.forget(Number.MAX_SAFE_INTEGER, 1)
      assert.strictEqual((yield* lease.byId(["a"])).size, 1)
      assert.strictEqual((yield* other.byId(["a"])).size, 0)
      return lease.epoch
    })
  )
  // It can be read while it is held, and without being asked what it is about.
  yield* Effect.scoped(
    Effect.gen(function* () {
      const lease = yield* open("calls", fingerprint)
      if (first !== undefined) assert.isAbove(lease.epoch ?? 0, first)
      const view = yield* read("calls")
      assert.deepStrictEqual([view?.id, view?.name], [lease.id, "calls"])
      assert.strictEqual((yield* view?.byId(["a"]) ?? Effect.succeed(new Map())).size, 1)
      assert.isUndefined(yield* read("nothing"))
    })
  )
  yield* Effect.scoped(open("calls", undefined))
  const different = yield* Effect.flip(Effect.scoped(open("calls", { ...fingerprint, filters: "agentId" })))
  assert.deepStrictEqual(different.reason, { _tag: "Different", name: "calls", parts: ["filters"] })
  // One that was refused is not held.
  yield* Effect.scoped(open("calls", fingerprint))
})
