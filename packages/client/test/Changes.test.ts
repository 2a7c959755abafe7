import {
  AgniError,
  type ChangesOptions,
  createClient,
  LedgerError,
  type LedgerStore,
  type Look,
  memoryLedger
} from "@callstream/client"
import { assert, describe, it } from "@effect/vitest"
import { drain, failureOf, make, turns } from "./Simulated.ts"

const from = new Date(Date.now() - 40 * 86_400_000)

/** A store that writes down what it is given. */
const observed = () => {
  const store = memoryLedger()
  const seen = { reads: 0, writes: 0, failing: false }
  const ledger: LedgerStore = {
    read: () => {
      seen.reads++
      return store.read()
    },
    write: (changes) => {
      seen.writes++
      return seen.failing ? Promise.reject(new Error("disk full")) : store.write(changes)
    }
  }
  return { seen, store, ledger }
}

describe("changes", () => {
  it("brings each call once, then what changed, and again what was not acknowledged", async () => {
    const { client, simulator } = make({ sessions: 60 })
    const { ledger, seen } = observed()
    const looks: Array<Look> = []
    const options = { from, ledger, onLook: (look: Look) => void looks.push(look) }
    const first: Array<string> = []
    for await (const change of client.changes(options)) {
      assert.deepInclude(change, { kind: "created", previous: null, rejected: undefined })
      assert.strictEqual(change.session?.id, change.id)
      first.push(change.id)
      if (first.length < 60) await change.acknowledge()
    }
    assert.sameMembers(
      first,
      simulator.truth().map(({ id }) => id)
    )
    assert.strictEqual(
      looks.reduce((sum, { changes }) => sum + changes, 0),
      60
    )
    assert.isTrue(looks.every(({ watermark }) => !Number.isNaN(Date.parse(watermark))))
    // Another process: only the store is the same.
    const other = { ...ledger }
    const removed = first[3] ?? ""
    simulator.remove(removed)
    const added = simulator.add()
    const later = createClient({ apiKey: simulator.apiKey, fetch: simulator.fetch })
    const kinds = new Map<string, string>()
    for await (const { acknowledge, id, kind } of later.changes({ from, ledger: other })) {
      kinds.set(id, kind)
      await acknowledge()
    }
    assert.deepStrictEqual([kinds.get(first[59] ?? ""), kinds.get(added), kinds.size], ["created", "created", 2])
    assert.deepStrictEqual(await drain(later.changes({ from, ledger: other })), [])
    assert.isAbove(seen.writes, 60)
  })

  it("begins with nothing in a new ledger, and keeps none of the content", async () => {
    const { client, simulator } = make({ sessions: 30, content: "varied" })
    const store = memoryLedger()
    assert.lengthOf(await drain(client.changes({ from, ledger: store })), 30)
    assert.lengthOf(await drain(client.changes({ from, ledger: memoryLedger() })), 30)
    const kept = JSON.stringify([...(await store.read())])
    for (const { sessions } of await drain(client.pages())) {
      for (const { callerName, callerNumber, summary } of sessions) {
        for (const value of [callerName, callerNumber, summary]) {
          if (typeof value === "string" && value.length > 3) assert.notInclude(kept, value)
        }
      }
    }
    assert.notInclude(kept, simulator.apiKey)
  })

  it("goes on `every` so often, until it is left", async () => {
    const { client, simulator } = make({ sessions: 3 })
    const ids: Array<string> = []
    for await (const { acknowledge, id } of client.changes({ from, ledger: memoryLedger(), every: 1 })) {
      ids.push(id)
      await acknowledge()
      if (ids.length === 3) ids.push(simulator.add())
      if (ids.length === 5) break
    }
    assert.strictEqual(ids[3], ids[4])
  })

  it("is held by one loop at a time, whichever client, and given back", async () => {
    const { client, simulator } = make({ sessions: 10 })
    const ledger = memoryLedger()
    const other = createClient({ apiKey: simulator.apiKey, fetch: simulator.fetch })
    for await (const change of client.changes({ from, ledger })) {
      assert.isString(change.id)
      const error = await failureOf(() => drain(other.changes({ from, ledger })))
      assert.instanceOf(error, LedgerError)
      assert.deepInclude(error, { _tag: "LedgerError", reason: "Held" })
      break
    }
    assert.lengthOf(await drain(other.changes({ from, ledger })), 10)
  })

  it("is refused to other filters, and where the store fails or holds something else", async () => {
    const { client } = make({ sessions: 10 })
    const { ledger, seen, store } = observed()
    await drain(client.changes({ from, ledger }))
    const reasonOf = async (options: { readonly channel?: string } = {}, into: LedgerStore = ledger) => {
      const error = await failureOf(() => drain(client.changes({ from, ledger: into, ...options })))
      return error instanceof LedgerError ? [error.reason, error.message] : [error]
    }
    assert.strictEqual((await reasonOf({ channel: "web_call" }))[0], "Different")
    seen.failing = true
    const [reason, message] = await reasonOf()
    assert.strictEqual(reason, "Store")
    assert.include(String(message), "disk full")
    await store.write({ put: [["ledger", "{"]], remove: [] })
    const [torn, advice] = await reasonOf()
    assert.strictEqual(torn, "Torn")
    assert.include(String(advice), "Set restart: true")
    seen.failing = false
    assert.lengthOf(await drain(client.changes({ from, ledger, restart: true })), 10)
    const [[key] = [""]] = [...(await store.read())].filter(([key]) => key !== "ledger")
    await store.write({ put: [[key, "{"]], remove: [] })
    assert.strictEqual((await reasonOf())[0], "Torn")
    const again = await drain(client.changes({ from, ledger, restart: true }))
    assert.deepStrictEqual(new Set(again.map(({ id }) => id)).size, 10)
    // None was acknowledged.
    assert.lengthOf(await drain(client.changes({ from, ledger })), 10)
  })

  it("a change is acknowledged before its loop ends, or not at all", async () => {
    const { client } = make({ sessions: 2 })
    const changes = await drain(client.changes({ from, ledger: memoryLedger() }))
    const error = await failureOf(() => changes[0]?.acknowledge())
    assert.deepInclude(error, { _tag: "LedgerError", reason: "LoopEnded" })
  })

  it("a look is reported before its changes, which wait for the callback", async () => {
    const { client } = make({ sessions: 5 })
    const steps: Array<string> = []
    const onLook = async ({ changes }: Look) => {
      await turns()
      if (changes > 0) steps.push("look")
    }
    for await (const { kind } of client.changes({ from, ledger: memoryLedger(), onLook })) steps.push(kind)
    assert.deepStrictEqual(steps, ["look", ...Array.from({ length: 5 }, () => "created")])
    const mine = new Error("mine")
    const failing = { from, ledger: memoryLedger(), onLook: () => Promise.reject(mine) }
    assert.strictEqual(await failureOf(() => drain(client.changes(failing))), mine)
    // What failed holds no ledger.
    assert.lengthOf(await drain(client.changes({ from, ledger: failing.ledger })), 5)
  })

  it("of wrong options fail before a request, whatever the types say", async () => {
    const { client, simulator } = make()
    const ledger = memoryLedger()
    const wrong: Array<Partial<ChangesOptions>> = JSON.parse(
      `[{"from":1},{"from":null},{"every":"soon"},{"every":0},{"horizon":"2 hrs"},{"remember":"ever"},{"audits":["x"]},{"worth":"x"}]`
    )
    for (const options of wrong) {
      const error = await failureOf(() => drain(client.changes({ from, ledger, ...options })))
      const [parameter] = Object.keys(options)
      assert.deepInclude(error instanceof AgniError ? error.reason : {}, { _tag: "InvalidRequest", parameter })
    }
    assert.isEmpty(simulator.requests)
  })
})
