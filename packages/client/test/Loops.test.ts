import { createClient, memoryLedger } from "@callstream/client"
import { simulate } from "@callstream/client/testing"
import { assert, describe, it } from "@effect/vitest"
import { getEventListeners } from "node:events"
import { begun, drain, failureOf, make, turns } from "./Simulated.ts"

/**
 * Fails where something takes longer than a few turns of the event loop, such as a wait for a time-out. In milliseconds that
 * is one or two (`bench/main.ts` prints it); a machine that others use too makes them more.
 */
const atOnce = async <A>(result: Promise<A>): Promise<A> => {
  const late = async (): Promise<never> => {
    await turns(20)
    throw new Error("it did not end at once")
  }
  return await Promise.race([result, late()])
}

/** A server that answers nothing. Some transports do not even hear that nobody waits. */
const hanging = (isDeaf: boolean) => {
  const seen = { requests: 0 }
  const fetch: typeof globalThis.fetch = (_, init) => {
    seen.requests++
    return new Promise((_, reject) => {
      if (!isDeaf) init?.signal?.addEventListener("abort", () => reject(new Error("aborted")))
    })
  }
  const options = { apiKey: "key", fetch }
  return { seen, client: createClient(options) }
}

type Hanging = ReturnType<typeof hanging>

const from = "2026-07-01"

const loops: ReadonlyArray<readonly [string, (hanging: Hanging, signal?: AbortSignal) => AsyncIterable<unknown>]> = [
  ["sessions", ({ client }, signal) => client.sessions({ signal })],
  ["windows", ({ client }, signal) => client.windows({ signal })],
  ["newest", ({ client }, signal) => client.newest({ limit: 5, signal })],
  ["pages", ({ client }, signal) => client.pages({ signal })],
  ["changes", ({ client }, signal) => client.changes({ from, ledger: memoryLedger(), signal })]
]

describe.each([false, true])("a server that hangs; its transport is deaf: %s", (isDeaf) => {
  it.each(loops)("%s ends at once on return()", async (_name, open) => {
    const server = hanging(isDeaf)
    const { loop, next } = await begun(open(server))
    assert.isAbove(server.seen.requests, 0)
    const ended = await atOnce(Promise.all([loop.return?.(), next]))
    assert.deepStrictEqual(ended, [
      { done: true, value: undefined },
      { done: true, value: undefined }
    ])
    assert.deepStrictEqual(await loop.next(), { done: true, value: undefined })
    const asked = server.seen.requests
    await turns()
    assert.strictEqual(server.seen.requests, asked)
  })

  it.each(loops)("%s ends at once when its signal is aborted, with the signal's reason", async (_name, open) => {
    const server = hanging(isDeaf)
    const controller = new AbortController()
    const { loop, next } = await begun(open(server, controller.signal))
    const mine = new Error("mine")
    controller.abort(mine)
    assert.strictEqual(await atOnce(failureOf(() => next)), mine)
    assert.deepStrictEqual(await loop.next(), { done: true, value: undefined })
  })

  it("list ends at once when its signal is aborted", async () => {
    const { client } = hanging(isDeaf)
    const controller = new AbortController()
    const listed = failureOf(() => client.list({ signal: controller.signal }))
    await turns()
    controller.abort()
    assert.deepInclude(await atOnce(listed), { name: "AbortError" })
  })
})

describe("loops", () => {
  it.each(loops)("%s of a signal that was aborted before asks for nothing", async (_name, open) => {
    const server = hanging(false)
    const error = await failureOf(() => drain(open(server, AbortSignal.abort())))
    assert.deepInclude(error, { name: "AbortError" })
    assert.strictEqual(server.seen.requests, 0)
  })

  it("a signal ends what a loop holds, also between two calls of next", async () => {
    const { client } = make()
    const controller = new AbortController()
    let got = 0
    const error = await failureOf(async () => {
      for await (const session of client.sessions({ signal: controller.signal })) {
        assert.isString(session.id)
        if (++got === 3) controller.abort()
      }
    })
    assert.deepInclude(error, { name: "AbortError" })
    assert.strictEqual(got, 3)
  })

  it("a signal that outlives its loops keeps none of them", async () => {
    const { client } = make()
    const { signal } = new AbortController()
    await drain(client.sessions({ signal }))
    for await (const page of client.pages({ signal })) {
      assert.isAbove(page.sessions.length, 0)
      break
    }
    assert.isEmpty(getEventListeners(signal, "abort"))
  })

  it("break stops the requests, after one call as after one page", async () => {
    const { client, simulator } = make({ sessions: 5000, latency: 2 })
    for (const loop of [client.pages({ pageSize: 10 }), client.sessions({ pageSize: 10 })]) {
      for await (const one of loop) {
        assert.isObject(one)
        break
      }
      const asked = simulator.requests.length
      await turns(200)
      assert.lengthOf(simulator.requests, asked)
    }
    assert.isBelow(simulator.requests.length, 210)
  })

  it("an error thrown in the loop's body comes out as it is", async () => {
    const { client, simulator } = make({ sessions: 5000 })
    const mine = new Error("mine")
    const error = await failureOf(async () => {
      for await (const session of client.sessions({ pageSize: 10 })) throw session.id === "" ? undefined : mine
    })
    assert.strictEqual(error, mine)
    const asked = simulator.requests.length
    await turns()
    assert.lengthOf(simulator.requests, asked)
  })

  it("an error thrown in a callback ends the loop, and comes out as it is", async () => {
    const mine = new Error("mine")
    const onRejected = () => {
      throw mine
    }
    const { apiKey, fetch } = simulate({ sessions: 50, content: "varied" })
    const refuse = () => ({ issues: [{ message: "no" }] })
    const metadata = { "~standard": { version: 1, vendor: "test", validate: refuse } } as const
    const client = createClient({ apiKey, fetch, schemas: { metadata } })
    assert.strictEqual(await failureOf(() => drain(client.sessions({ onRejected }))), mine)
    const later = async () => {
      await turns()
      throw mine
    }
    assert.strictEqual(await failureOf(() => drain(client.sessions({ onRejected: later }))), mine)
  })

  // The pages that are held are counted, whose sizes are bounded: a heap is not to be measured beside other tests.
  it("a loop that waits reads as little ahead of many calls as of few", async () => {
    const aheadOf = async (sessions: number) => {
      const { client, simulator } = make({ sessions })
      const reading = client.sessions({ pageSize: 10, concurrency: 2 })
      const loop = reading[Symbol.asyncIterator]()
      await loop.next()
      let asked = -1
      while (asked < simulator.requests.length) {
        asked = simulator.requests.length
        await turns(200)
      }
      await loop.return?.()
      return asked
    }
    const few = await aheadOf(8000)
    const many = await aheadOf(64_000)
    assert.isBelow(few, 400)
    assert.isBelow(many, 1.2 * few)
  })
})
