import { AgniError } from "@callstream/core/model/AgniError"
import * as Plain from "@callstream/core/Plain"
import { AgniSimulator, Fault } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"

// Without Effect, and so by the real clock: nothing here waits longer than a few milliseconds.
const make = (options: AgniSimulator.Options = {}, clientOptions: Partial<Plain.Options> = {}) => {
  const simulator = AgniSimulator.makeUnsafe({ sessions: 105, content: "minimal", undated: 0, ...options }, Date.now)
  const client = Plain.createClient({ apiKey: simulator.apiKey, httpClient: simulator.layer, ...clientOptions })
  return { simulator, client }
}

/** What a promise, or a loop, ends with. */
const failureOf = async (run: () => Promise<unknown>): Promise<unknown> => {
  try {
    await run()
  } catch (error) {
    return error
  }
  throw new Error("it should have failed")
}

const drain = async <A>(iterable: AsyncIterable<A>): Promise<Array<A>> => {
  const all: Array<A> = []
  for await (const one of iterable) all.push(one)
  return all
}

/** Lets everything run that is ready to. */
const turns = async (count = 50): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe("Plain.createClient", () => {
  it("lists one page", async () => {
    const { client } = make()
    const page = await client.list({ page: 2, pageSize: 50 })
    assert.lengthOf(page.sessions, 50)
    assert.strictEqual(page.page, 2)
    assert.lengthOf((await client.list()).sessions, 20)
    await client.dispose()
  })

  it("walks by call and by page, each loop from the start", async () => {
    const { client, simulator } = make()
    const truth = simulator.truth().map(({ id }) => id)
    const sessions = await drain(client.sessions({ pageSize: 20 }))
    assert.sameMembers(
      sessions.map(({ id }) => id),
      truth
    )
    const pages = await drain(client.pages({ pageSize: 20 }, { concurrency: 2 }))
    assert.deepStrictEqual(
      pages.map(({ sessions }) => sessions.length),
      [20, 20, 20, 20, 20, 5]
    )
    await client.dispose()
  })

  it("asks for nothing before the loop begins", async () => {
    const { client, simulator } = make()
    const iterable = client.sessions()
    await turns()
    assert.isEmpty(simulator.requests)
    assert.lengthOf(await drain(iterable), 105)
    await client.dispose()
  })

  it("break stops the requests, after one session as after one page", async () => {
    const { client, simulator } = make({ sessions: 5000, latency: 5 })
    const askedAfter = async (reading: Promise<void>) => {
      const before = simulator.requests.length
      await reading
      const asked = simulator.requests.length
      await new Promise((resolve) => setTimeout(resolve, 40))
      assert.lengthOf(simulator.requests, asked)
      return asked - before
    }
    const onePage = async () => {
      for await (const page of client.pages({ pageSize: 10 })) {
        assert.lengthOf(page.sessions, 10)
        break
      }
    }
    const oneSession = async () => {
      for await (const session of client.sessions({ pageSize: 10 })) {
        assert.isString(session.id)
        break
      }
    }
    assert.isBelow(await askedAfter(onePage()), 10)
    // Of 500 pages: what probing asks, and the first windows.
    assert.isBelow(await askedAfter(oneSession()), 200)
    await client.dispose()
  })

  it("an error thrown in the loop body stops the requests and comes out as it is", async () => {
    const { client, simulator } = make({ sessions: 5000 })
    const mine = new Error("mine")
    const error = await failureOf(async () => {
      for await (const session of client.sessions({ pageSize: 10 })) throw session.id === "" ? undefined : mine
    })
    assert.strictEqual(error, mine)
    const asked = simulator.requests.length
    await turns()
    assert.lengthOf(simulator.requests, asked)
    await client.dispose()
  })

  it("fails with an AgniError that has its reason", async () => {
    const { client } = make({}, { apiKey: "wrong" })
    for (const run of [() => client.list(), () => drain(client.pages()), () => drain(client.sessions())]) {
      const error = await failureOf(run)
      assert.instanceOf(error, AgniError)
      assert.instanceOf(error, Error)
      assert.deepInclude(error, { _tag: "AgniError", attempts: 1, retryable: false })
      assert.strictEqual(error instanceof AgniError ? error.reason._tag : "", "Unauthorized")
    }
    await client.dispose()
  })

  it("gives the sessions that came before an error", async () => {
    const { client, simulator } = make({ order: "insertion" }, { retry: { tries: 1 } })
    const byStart = simulator.truth({ from: "1970-01-01" }).toSorted((a, b) => (a.startedAt ?? 0) - (b.startedAt ?? 0))
    const poisoned = byStart[50]
    simulator.poison(poisoned?.id ?? "")
    const got: Array<string> = []
    const error = await failureOf(async () => {
      for await (const session of client.sessions({ pageSize: 20 })) got.push(session.id)
    })
    assert.isAbove(got.length, 20)
    assert.deepStrictEqual(
      got,
      byStart.slice(0, got.length).map(({ id }) => id)
    )
    assert.strictEqual(error instanceof AgniError ? error.reason._tag : "", "Unavailable")
    await client.dispose()
  })

  it.each<[Partial<Plain.Options>, string]>([
    [{ apiKey: " " }, "apiKey"],
    [{ baseUrl: "not a URL" }, "baseUrl"],
    [{ baseUrl: "http://api.example.com" }, "baseUrl"],
    [{ maxConcurrentRequests: 0 }, "maxConcurrentRequests"]
  ])("wrong options %j reject at the first use and every other", async (options, parameter) => {
    const { client, simulator } = make({}, options)
    for (const run of [() => client.list(), () => drain(client.pages()), () => drain(client.sessions())]) {
      const error = await failureOf(run)
      assert.instanceOf(error, AgniError)
      assert.deepInclude(error instanceof AgniError ? error.reason : {}, { _tag: "InvalidRequest", parameter })
    }
    assert.isEmpty(simulator.requests)
    await client.dispose()
  })

  it("a bad selection rejects in the loop", async () => {
    const { client, simulator } = make()
    const error = await failureOf(() => drain(client.sessions({ from: "yesterday" })))
    assert.deepInclude(error instanceof AgniError ? error.reason : {}, { _tag: "InvalidRequest", parameter: "from" })
    assert.isEmpty(simulator.requests)
    await client.dispose()
  })

  it("two loops share one budget", async () => {
    let now = 0
    let most = 0
    const { simulator } = make({ sessions: 400, latency: 2 })
    const counting = Layer.succeed(
      HttpClient.HttpClient,
      HttpClient.transform(simulator.httpClient, (response) =>
        Effect.suspend(() => {
          most = Math.max(most, ++now)
          return Effect.ensuring(
            response,
            Effect.sync(() => now--)
          )
        })
      )
    )
    const client = Plain.createClient({ apiKey: simulator.apiKey, httpClient: counting, maxConcurrentRequests: 3 })
    const [left, right] = await Promise.all([
      drain(client.sessions({ pageSize: 20, concurrency: 4 })),
      drain(client.sessions({ pageSize: 20, concurrency: 4 }))
    ])
    assert.lengthOf(left, 400)
    assert.lengthOf(right, 400)
    assert.strictEqual(most, 3)
    await client.dispose()
  })
})

describe("Plain: dispose", () => {
  it("ends a running loop with ClientDisposed, and its requests", async () => {
    const { client, simulator } = make({ sessions: 5000, latency: 5 })
    let got = 0
    const error = await failureOf(async () => {
      for await (const page of client.pages({ pageSize: 10 })) {
        got += page.sessions.length / 10
        if (got === 2) void client.dispose()
      }
    })
    assert.instanceOf(error, Plain.ClientDisposed)
    assert.strictEqual(got < 10, true)
    const asked = simulator.requests.length
    await new Promise((resolve) => setTimeout(resolve, 40))
    assert.lengthOf(simulator.requests, asked)
  })

  it("ends a loop that waits for an answer that never comes", async () => {
    const { client, simulator } = make()
    simulator.failNext(10, Fault.hang)
    const ended = failureOf(() => drain(client.sessions()))
    await turns()
    assert.isAbove(simulator.requests.length, 0)
    await client.dispose()
    assert.instanceOf(await ended, Plain.ClientDisposed)
  })

  it("ends a list that waits for an answer that never comes", async () => {
    const { client, simulator } = make()
    simulator.failNext(10, Fault.hang)
    const ended = failureOf(() => client.list())
    await turns()
    await client.dispose()
    assert.instanceOf(await ended, Plain.ClientDisposed)
  })

  it("lets nothing begin afterwards, and may be called twice", async () => {
    const { client, simulator } = make()
    await client.list()
    await client.dispose()
    await client.dispose()
    for (const run of [() => client.list(), () => drain(client.pages()), () => drain(client.sessions())]) {
      assert.instanceOf(await failureOf(run), Plain.ClientDisposed)
    }
    assert.lengthOf(simulator.requests, 1)
  })

  it("is what `await using` does", async () => {
    let outer: Plain.Client | undefined
    {
      await using client = make().client
      outer = client
      assert.lengthOf(await drain(client.sessions()), 105)
    }
    assert.instanceOf(await failureOf(() => outer.list()), Plain.ClientDisposed)
  })

  it("builds the transport once, and gives it back", async () => {
    const { simulator } = make()
    let built = 0
    let released = 0
    const layer = Layer.effect(
      HttpClient.HttpClient,
      Effect.acquireRelease(
        Effect.sync(() => {
          built++
          return simulator.httpClient
        }),
        () => Effect.sync(() => released++)
      )
    )
    const client = Plain.createClient({ apiKey: simulator.apiKey, httpClient: layer })
    assert.strictEqual(built, 0)
    await Promise.all([client.list(), drain(client.sessions()), client.list()])
    assert.deepStrictEqual([built, released], [1, 0])
    await client.dispose()
    assert.deepStrictEqual([built, released], [1, 1])
  })
})
