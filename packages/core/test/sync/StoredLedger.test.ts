import { Ledger } from "@callstream/core/sync/Ledger"
import type { LedgerError } from "@callstream/core/sync/LedgerError"
import * as StoredLedger from "@callstream/core/sync/StoredLedger"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import { assertAsked, assertHistory, assertLeases, entryOf } from "./LedgerLaws.ts"
import { random } from "./SyncRandom.ts"

/** A store as an app might have it; it can fail, and every write takes its time. */
const makeStore = () => {
  const kept = new Map<string, Map<string, string>>()
  const broken = { writes: false }
  const store: StoredLedger.Store<{ readonly message: string }> = {
    name: "the test's store",
    read: (name) => Effect.sync(() => new Map(kept.get(name))),
    write: (name, { put, remove }) =>
      Effect.andThen(
        Effect.yieldNow,
        Effect.suspend(() => {
          if (broken.writes) return Effect.fail({ message: "disk full" })
          const values = kept.get(name) ?? new Map<string, string>()
          for (const [key, value] of put) values.set(key, value)
          for (const key of remove) values.delete(key)
          kept.set(name, values)
          return Effect.void
        })
      ),
    names: Effect.sync(() => [...kept.keys()])
  }
  return { kept, broken, store }
}

const entries = (count: number) => Array.from({ length: count }, (_, i) => entryOf(random(i + 1), `call ${i}`, i + 1))

describe("StoredLedger", () => {
  it.effect("answers as a list of entries does, over 12 histories, each lease by another process", () =>
    Effect.gen(function* () {
      const { store } = makeStore()
      const open: Ledger["Service"]["open"] = (...asked) => StoredLedger.make(store).open(...asked)
      for (let seed = 1; seed <= 12; seed++) yield* assertHistory(open, `history ${seed}`, seed)
    })
  )

  it.effect("is held by one run at a time, and refused to another sync", () =>
    Effect.flatMap(Ledger, ({ open, view }) => assertLeases(open, view)).pipe(
      Effect.provide(StoredLedger.layer(makeStore().store))
    )
  )

  it.effect("keeps ranges that were asked for", () => {
    const { store } = makeStore()
    return assertAsked(StoredLedger.make(store))
  })

  it.effect("a write that fails changes nothing, here or there", () =>
    Effect.gen(function* () {
      const { broken, store } = makeStore()
      const lease = yield* StoredLedger.make(store).open("calls", {})
      yield* lease.note({ state: { at: 1 }, head: 3, entries: entries(3) })
      yield* lease.acknowledge("changes", 1)
      const { id } = lease
      broken.writes = true
      const failing = [
        lease.note({ state: { at: 2 }, head: 9, entries: entries(9) }),
        lease.acknowledge("changes", 3),
        lease.restart({ filters: "other" }),
        lease.forget(Number.MAX_SAFE_INTEGER, 3)
      ]
      for (const write of failing) {
        const { message } = yield* Effect.flip(write)
        assert.include(message, "the test's store: could not be written: disk full")
      }
      for (const view of [lease, yield* StoredLedger.make(store).view("calls")]) {
        assert.strictEqual(view?.id, id)
        assert.deepStrictEqual(yield* view?.kept ?? Effect.undefined, { state: { at: 1 }, head: 3 })
        assert.deepStrictEqual(yield* view?.acknowledged ?? Effect.undefined, { changes: { commit: 1, note: null } })
        assert.strictEqual((yield* view?.changedAfter(0, 100) ?? Effect.succeed([])).length, 3)
      }
    })
  )

  it.effect("what is no ledger, or a later one, is refused", () =>
    Effect.gen(function* () {
      const { kept, store } = makeStore()
      const reasonOf = (value: string) => {
        kept.set("calls", new Map([["ledger", value]]))
        return Effect.map(Effect.flip(StoredLedger.make(store).open("calls", {})), ({ reason }) => reason)
      }
      assert.deepStrictEqual(yield* reasonOf("{"), { _tag: "Torn", name: "calls", damaged: "state" })
      assert.deepStrictEqual(yield* reasonOf(`{"version":1}`), { _tag: "Torn", name: "calls", damaged: "state" })
      assert.deepInclude(yield* reasonOf(`{"version":2}`), { _tag: "Newer", version: 2, known: 1 })
    })
  )

  it.effect("what is damaged is refused, and left out by a restart, over 60 random damages", () =>
    Effect.gen(function* () {
      for (let seed = 1; seed <= 60; seed++) {
        const { below, chance, pick } = random(seed)
        const about = `seed ${seed}`
        const { kept, store } = makeStore()
        yield* Effect.scoped(
          Effect.flatMap(StoredLedger.make(store).open("calls", {}), (lease) =>
            lease.note({ state: { at: 1 }, head: 9, entries: entries(9) })
          )
        )
        const values = kept.get("calls") ?? new Map<string, string>()
        const calls = [...values.keys()].filter((key) => key !== "ledger")
        const lost = calls.filter(() => chance(0.3))
        const isRow = lost.length === 0 || chance(0.3)
        for (const key of isRow ? [...lost, "ledger"] : lost) {
          const value = values.get(key) ?? ""
          const other = values.get(calls.find((one) => one !== key) ?? "") ?? ""
          values.set(key, pick(["", "null", "{}", value.slice(0, below(value.length)), other]))
        }
        if (isRow && chance(0.3)) values.delete("ledger")
        const damaged = { _tag: "Torn", name: "calls", damaged: isRow ? "state" : "calls" } as const
        const service = StoredLedger.make(store)
        const range = { from: 0, to: 1 }
        for (const use of [service.open("calls", {}), service.view("calls"), service.ask("calls", {}, range)]) {
          assert.deepStrictEqual(
            (yield* Effect.flip(Effect.scoped<unknown, LedgerError, Scope.Scope>(use))).reason,
            damaged,
            about
          )
        }
        const logs: Array<string> = []
        const logger = Logger.make(({ message }) => void logs.push(String(message)))
        yield* Effect.scoped(Effect.flatMap(service.open("calls", undefined), ({ restart }) => restart({}))).pipe(
          Effect.provide(Logger.layer([logger]))
        )
        assert.match(logs.join(), /could not be read/, about)
        // Another process finds it whole.
        const lease = yield* StoredLedger.make(store).open("calls", {})
        const found = yield* lease.changedAfter(0, 100)
        const left = isRow ? [] : calls.filter((key) => !lost.includes(key))
        assert.deepStrictEqual(new Set(found.map(({ id }) => `call:${id}`)), new Set(left), about)
        assert.deepStrictEqual(new Set(values.keys()), new Set(["ledger", ...left]), about)
        const [asked] = yield* lease.asked
        if (isRow) assert.deepStrictEqual(yield* lease.kept, { state: undefined, head: 0 }, about)
        else assert.isTrue((asked?.from ?? 1) <= 0 && (asked?.to ?? 0) > Date.now() * 1000, about)
      }
    })
  )

  it.effect("writes only what changed", () =>
    Effect.gen(function* () {
      const { kept, store } = makeStore()
      const written: Array<number> = []
      const counting: typeof store = {
        ...store,
        write: (name, changes) => {
          written.push(changes.put.length + changes.remove.length)
          return store.write(name, changes)
        }
      }
      const lease = yield* StoredLedger.make(counting).open("calls", {})
      yield* lease.note({ state: null, head: 50, entries: entries(50) })
      yield* lease.note({ state: null, head: 50, entries: entries(1) })
      yield* lease.acknowledge("changes", 50)
      assert.deepStrictEqual(written, [1, 51, 2, 1])
      yield* lease.forget(Number.MAX_SAFE_INTEGER, 50)
      assert.deepStrictEqual([written.at(-1), kept.get("calls")?.size], [50, 1])
    })
  )
})
