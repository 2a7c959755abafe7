import { AgniSimulator, Fault } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"

const url = `https://api.ravan.ai${AgniSimulator.endpointPath}`

const make = (options: AgniSimulator.Options = {}) => {
  const simulator = AgniSimulator.makeUnsafe({ sessions: 30, content: "minimal", ...options }, Date.now)
  const fetch = AgniSimulator.toFetch(simulator)
  const ask = (search = "", init: RequestInit = {}) =>
    fetch(`${url}?${search}`, { headers: { "X-Api-Key": simulator.apiKey }, ...init })
  return { simulator, fetch, ask }
}

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => assert.fail("it should have failed"),
    (error: unknown) => error
  )

describe("AgniSimulator.toFetch", () => {
  it("answers as the server does, and notes the request", async () => {
    const { ask, simulator } = make()
    const response = await ask("page=2&page_size=20")
    assert.strictEqual(response.status, 200)
    assert.strictEqual(response.headers.get("content-type"), "application/json")
    const { data } = (await response.json()) as { readonly data: { readonly callSessions: ReadonlyArray<unknown> } }
    assert.lengthOf(data.callSessions, 10)
    assert.deepInclude(simulator.requests[0], { page: 2, pageSize: 20, key: "right", origin: "https://api.ravan.ai" })
    assert.strictEqual((await ask("", { headers: {} })).status, 401)
  })

  it("takes a Request as well", async () => {
    const { fetch, simulator } = make()
    const request = new Request(url, { headers: { "x-api-key": simulator.apiKey } })
    assert.strictEqual((await fetch(request)).status, 200)
  })

  it("breaks as a connection does", async () => {
    const { ask, simulator } = make()
    simulator.failNext(1, Fault.reset)
    const reset = await failureOf(ask())
    assert.instanceOf(reset, TypeError)
    assert.deepInclude(reset instanceof Error ? reset.cause : {}, { code: "ECONNRESET" })
    simulator.failNext(1, Fault.cut(0.5))
    const cut = await ask()
    assert.strictEqual(cut.status, 200)
    assert.instanceOf(await failureOf(cut.text()), Error)
    simulator.failNext(1, Fault.slow(4, 3))
    assert.isObject(await (await ask()).json())
    simulator.failNext(1, Fault.oversized(100_000))
    assert.isAbove((await (await ask()).text()).length, 100_000)
    simulator.failNext(1, Fault.status(204, { body: "empty" }))
    assert.strictEqual((await ask()).status, 204)
  })

  it("a request that hangs, or waits, ends with its signal", async () => {
    const { ask, simulator } = make({ latency: "1 hour" })
    for (const isHung of [true, false]) {
      if (isHung) simulator.failNext(1, Fault.hang)
      const controller = new AbortController()
      const failed = failureOf(ask("", { signal: controller.signal }))
      controller.abort(new Error("mine"))
      assert.deepInclude(await failed, { message: "mine" })
    }
    const asked = simulator.requests.length
    assert.deepInclude(await failureOf(ask("", { signal: AbortSignal.abort(new Error("before")) })), {
      message: "before"
    })
    assert.lengthOf(simulator.requests, asked)
  })
})
