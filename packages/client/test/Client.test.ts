import { AgniError, type ClientOptions, createClient, type LogEntry, type RequestEvent } from "@callstream/client"
import { simulate } from "@callstream/client/testing"
import { assert, describe, it } from "@effect/vitest"
import { drain, failureOf, make, turns } from "./Simulated.ts"

const day = 86_400_000

const idsOf = (sessions: ReadonlyArray<{ readonly id: string }>) => sessions.map(({ id }) => id)

describe("createClient", () => {
  it("reads calls, windows and pages, each loop from the start", async () => {
    const { client, simulator } = make()
    const truth = idsOf(simulator.truth())
    const sessions = client.sessions({ pageSize: 20 })
    for (let loop = 0; loop < 2; loop++) assert.sameMembers(idsOf(await drain(sessions)), truth)
    const windows = await drain(client.windows({ pageSize: 20 }))
    assert.sameMembers(idsOf(windows.flatMap(({ sessions }) => sessions)), truth)
    for (const [i, { coverage, from, to }] of windows.entries()) {
      assert.strictEqual(from, windows[i - 1]?.to ?? from)
      assert.strictEqual(new Date(to) >= new Date(from), true)
      assert.oneOf(coverage.verdict, ["proven", "provisional"])
      assert.strictEqual(coverage.reason === undefined, coverage.verdict === "proven")
    }
    const pages = await drain(client.pages({ pageSize: 20, concurrency: 2 }))
    assert.deepStrictEqual(
      pages.map(({ sessions }) => sessions.length),
      [20, 20, 20, 20, 20, 5]
    )
    const page = await client.list({ page: 2, pageSize: 50 })
    assert.deepStrictEqual([page.page, page.sessions.length], [2, 50])
    assert.strictEqual(new Date(page.observedAt).getTime() > Date.now() - 60_000, true)
  })

  it("takes dates and texts as times", async () => {
    const { client, simulator } = make()
    const from = new Date(Date.now() - 20 * day)
    const to = new Date(Date.now() - 10 * day)
    const truth = idsOf(simulator.truth({ from, to }))
    assert.isAbove(truth.length, 10)
    for (const range of [
      { from, to },
      { from: from.toISOString(), to: to.toISOString() }
    ]) {
      const sessions = client.sessions(range)
      assert.sameMembers(idsOf(await drain(sessions)), truth)
      assert.deepInclude(sessions.verdict, { verdict: "proven", reasons: [], sessions: truth.length, rejected: 0 })
      assert.strictEqual(sessions.verdict?.provenUntil, sessions.verdict?.to)
      assert.strictEqual(Date.parse(sessions.verdict?.from ?? ""), from.getTime())
    }
    await drain(client.pages({ startedAfter: from, startedBefore: to }))
  })

  it("says what is proven at the end, and nothing before", async () => {
    const { client, simulator } = make({ filterAfterPaging: "all", sessions: 60 }, { log: () => {} })
    const sessions = client.sessions()
    const verdicts = [sessions.verdict]
    for await (const session of sessions) {
      assert.isString(session.id)
      break
    }
    verdicts.push(sessions.verdict)
    assert.deepStrictEqual(verdicts, [undefined, undefined])
    const read = await drain(sessions)
    assert.lengthOf(read, 60)
    const { verdict } = sessions
    assert.deepInclude(verdict, { verdict: "unprovable", sessions: 60, rejected: 0, provenUntil: undefined })
    assert.isAbove(verdict?.reasons[0]?.message.length ?? 0, 10)
    assert.lengthOf(simulator.missed(idsOf(read)), 0)
    // The next loop, left early, has none of the one before.
    await sessions[Symbol.asyncIterator]().return?.()
    assert.isUndefined(sessions.verdict)
  })

  it("reads the newest, without the others", async () => {
    const { client, simulator } = make({ sessions: 5000 })
    const byStart = simulator
      .truth({ from: new Date(0) })
      .toSorted((left, right) => ((left.startedAt ?? "") < (right.startedAt ?? "") ? 1 : -1))
    const newest = client.newest({ limit: 12 })
    assert.deepStrictEqual(idsOf(await drain(newest)), idsOf(byStart).slice(0, 12))
    assert.deepInclude(newest.verdict, { sessions: 12, final: 12 })
    assert.isBelow(simulator.requests.length, 40)
    const error = await failureOf(() => drain(client.newest({ limit: 0 })))
    assert.deepInclude(error instanceof AgniError ? error.reason : {}, { _tag: "InvalidRequest", parameter: "limit" })
  })

  it("asks for nothing before the loop begins", async () => {
    const { client, simulator } = make()
    client.sessions()[Symbol.asyncIterator]()
    await turns()
    assert.isEmpty(simulator.requests)
  })

  it("answers calls of next in their order, also without waiting for each", async () => {
    const { client } = make({ sessions: 5 })
    const loop = client.sessions()[Symbol.asyncIterator]()
    const results = await Promise.all(Array.from({ length: 7 }, () => loop.next()))
    assert.deepStrictEqual(
      results.map(({ done }) => done === true),
      [false, false, false, false, false, true, true]
    )
    assert.lengthOf(new Set(results.flatMap(({ value }) => (value === undefined ? [] : [value.id]))), 5)
    assert.deepStrictEqual(await loop.next(), { done: true, value: undefined })
  })

  it("fails with an AgniError that has its reason as data", async () => {
    const { client } = make({}, { apiKey: "wrong" })
    for (const run of [
      () => client.list(),
      () => drain(client.pages()),
      () => drain(client.sessions()),
      () => drain(client.windows()),
      () => drain(client.newest({ limit: 1 }))
    ]) {
      const error = await failureOf(run)
      assert.instanceOf(error, AgniError)
      assert.instanceOf(error, Error)
      assert.deepInclude(error, { _tag: "AgniError", name: "AgniError", attempts: 1, retryable: false })
      const plain: unknown = JSON.parse(JSON.stringify(error))
      assert.deepInclude(plain, { _tag: "AgniError", attempts: 1, retryable: false })
      assert.include(JSON.stringify(plain), "GET https://api.ravan.ai/api/v1/calling/call-sessions")
      assert.deepInclude(error instanceof AgniError ? error.reason : {}, { _tag: "Unauthorized" })
      assert.include(String(error), "did not accept the API key")
      assert.notInclude(JSON.stringify(error) + String(error), "wrong")
    }
  })

  it("gives the calls that came before an error, and goes past it if asked to", async () => {
    const { client, simulator } = make({ order: "insertion" }, { retry: { tries: 1 }, log: () => {} })
    const byStart = idsOf(
      simulator
        .truth({ from: new Date(0) })
        .toSorted((left, right) => ((left.startedAt ?? "") < (right.startedAt ?? "") ? -1 : 1))
    )
    simulator.poison(byStart[50] ?? "")
    const got: Array<string> = []
    const error = await failureOf(async () => {
      for await (const { id } of client.sessions({ pageSize: 20 })) got.push(id)
    })
    assert.isAbove(got.length, 20)
    assert.deepStrictEqual(got, byStart.slice(0, got.length))
    assert.strictEqual(error instanceof AgniError ? error.reason._tag : "", "Unavailable")
    const windows = await drain(client.windows({ pageSize: 20, keepGoing: true }))
    const gaps = windows.filter(({ coverage }) => coverage.error !== undefined)
    assert.isAbove(gaps.length, 0)
    assert.deepInclude(gaps[0]?.coverage, { verdict: "unprovable" })
    assert.instanceOf(gaps[0]?.coverage.error, AgniError)
  })

  it.each<[Partial<ClientOptions>, string]>([
    [{ apiKey: " " }, "apiKey"],
    [{ baseUrl: "not a URL" }, "baseUrl"],
    [{ baseUrl: "http://api.example.com" }, "baseUrl"],
    [{ timeout: 0 }, "timeout"],
    [{ retry: { tries: 0 } }, "retry.tries"],
    [{ rate: { requestsPerSecond: -1 } }, "requestsPerSecond"],
    [{ rate: { maxConcurrentRequests: 0 } }, "maxConcurrentRequests"]
  ])("throws at once for wrong options: %j", async (options, parameter) => {
    const error = await failureOf(() => createClient({ apiKey: "key", ...options }))
    assert.instanceOf(error, AgniError)
    assert.deepInclude(error instanceof AgniError ? error.reason : {}, { _tag: "InvalidRequest", parameter })
  })

  it("says which variable is missing, also where the types were not asked", async () => {
    const options: ClientOptions = JSON.parse("{}")
    const error = await failureOf(() => createClient(options))
    assert.deepInclude(error instanceof AgniError ? error.reason : {}, { _tag: "InvalidRequest", parameter: "apiKey" })
  })

  it("a bad selection fails in the loop, without a request", async () => {
    const { client, simulator } = make()
    // JavaScript can give what types refuse; a number could be microseconds or milliseconds.
    const number: { from: string; to: string; startedAfter: string } = JSON.parse('{ "from": 1, "startedAfter": 1 }')
    const nothing: { from: string } = JSON.parse('{ "from": null }')
    const horizon: { horizon: "2 hours" } = JSON.parse('{ "horizon": "2 hrs" }')
    for (const run of [
      () => drain(client.sessions(number)),
      () => drain(client.windows(number)),
      () => drain(client.newest({ ...number, limit: 1 })),
      () => drain(client.pages(number)),
      () => client.list(number),
      () => drain(client.sessions(nothing)),
      () => drain(client.sessions(horizon)),
      () => drain(client.sessions({ concurrency: 0 })),
      () => drain(client.newest({ limit: 1, pageSize: 0.5 })),
      () => drain(client.pages({ concurrency: -1 })),
      () => drain(client.sessions({ from: "2026-07-02", to: "2026-07-01" })),
      () => drain(client.sessions({ from: "yesterday" })),
      () => drain(client.sessions({ from: new Date(NaN) })),
      () => client.list({ startedAfter: "yesterday" })
    ]) {
      const error = await failureOf(run)
      assert.strictEqual(error instanceof AgniError ? error.reason._tag : "", "InvalidRequest")
    }
    assert.isEmpty(simulator.requests)
  })

  it("two loops share one budget", async () => {
    const { apiKey, fetch } = simulate({ sessions: 400, content: "minimal", undated: 0, latency: 2 })
    const seen = { now: 0, most: 0 }
    const counting: typeof fetch = async (...request) => {
      seen.most = Math.max(seen.most, ++seen.now)
      try {
        return await fetch(...request)
      } finally {
        seen.now--
      }
    }
    const client = createClient({ apiKey, fetch: counting, rate: { maxConcurrentRequests: 3 } })
    const [left, right] = await Promise.all([
      drain(client.sessions({ pageSize: 20 })),
      drain(client.sessions({ pageSize: 20 }))
    ])
    assert.deepStrictEqual([left.length, right.length, seen.most], [400, 400, 3])
  })

  it("reports each request, without what is personal", async () => {
    const events: Array<RequestEvent> = []
    const { client, simulator } = make({}, { onRequest: (event) => events.push(event), retry: { base: 1 } })
    simulator.failNext(1, { _tag: "Status", status: 503 })
    simulator.failNext(1, { _tag: "Reset" })
    await client.list({ callerNumber: "+14155550123", search: "Asha", channel: "web_call" })
    assert.deepStrictEqual(
      events.map(({ status }) => status),
      [503, undefined, 200]
    )
    for (const event of events) {
      assert.deepInclude(event, {
        method: "GET",
        url: "https://api.ravan.ai/api/v1/calling/call-sessions?channel=web_call&caller_number=…&search=…",
        aborted: false
      })
      assert.isAtLeast(event.duration, 0)
      assert.isAtLeast(event.startedAt, Date.now() - 60_000)
    }
  })

  it("a callback that throws fails no request", async () => {
    const lines: Array<LogEntry> = []
    const onRequest = () => {
      throw new Error("mine")
    }
    const { client } = make({}, { onRequest, log: (entry) => lines.push(entry) })
    assert.lengthOf((await client.list()).sessions, 20)
    assert.deepInclude(lines, { level: "error", message: "onRequest failed: Error: mine" })
  })

  it("nor does one that fails later, or the log itself", async () => {
    const warned: Array<unknown> = []
    const { warn } = console
    console.warn = (line) => warned.push(line)
    try {
      const onRequest = () => Promise.reject(new Error("mine"))
      const log = () => {
        throw new Error("full")
      }
      const { client } = make({ filterAfterPaging: "all", sessions: 30 }, { onRequest, log })
      assert.lengthOf(await drain(client.sessions()), 30)
    } finally {
      console.warn = warn
    }
    assert.include(warned, "callstream: log failed: Error: full")
  })

  it("logs what could not be proven, and never what is in a call", async () => {
    const lines: Array<LogEntry> = []
    const { client, simulator } = make({ filterAfterPaging: "all" }, { log: (entry) => lines.push(entry) })
    await drain(client.sessions())
    const warnings = lines.filter(({ level }) => level === "warn")
    assert.include(warnings.map(({ message }) => message).join("\n"), "not proven complete")
    assert.isAbove(lines.filter(({ level }) => level === "debug").length, 0)
    const text = lines.map(({ message }) => message).join("\n")
    assert.notInclude(text, simulator.apiKey)
    for (const { id } of simulator.truth()) assert.notInclude(text, id)
  })

  it("waits by the given clock, and measures time by it", async () => {
    const time = { now: Date.parse("2026-07-31T00:00:00Z"), slept: 0 }
    const clock = {
      now: () => time.now,
      sleep: async (millis: number) => {
        time.slept += millis
        time.now += millis
      }
    }
    const simulator = simulate({ sessions: 20, content: "minimal" }, clock)
    const { apiKey, fetch } = simulator
    // A time-out sleeps beside its request, so a clock that jumps needs none that can be reached.
    const client = createClient({
      apiKey,
      fetch,
      clock,
      timeout: "1 day",
      retry: { base: "10 seconds", cap: "10 minutes" }
    })
    simulator.failNext(1, { _tag: "Status", status: 503, retryAfter: "45 seconds" })
    const failed = await failureOf(() => client.list())
    const began = performance.now()
    assert.instanceOf(failed, AgniError)
    assert.isAtLeast(time.slept, 86_400_000)
    assert.isBelow(performance.now() - began, 1000)
  })
})

describe("order, profile, retry and the key", () => {
  it("newest first, resumed after errors, with each call once", async () => {
    const simulator = simulate({ seed: 5, sessions: 400, content: "minimal", faultRate: 0.04, undated: 0 })
    const { apiKey, fetch } = simulator
    const client = createClient({ apiKey, fetch, retry: { tries: 1 } })
    const retry = { tries: 50, base: 1, cap: 1, retryAfterCap: "1 minute" } as const
    const calls = await drain(client.sessions({ order: "newest", pageSize: 20, retry }))
    const ids = calls.map(({ id }) => id)
    assert.strictEqual(new Set(ids).size, ids.length)
    assert.isEmpty(simulator.missed(ids))
    const starts = calls.map(({ startedAt }) => startedAt ?? "")
    assert.deepStrictEqual(starts, starts.toSorted().reverse())
  })

  it("a profile that is none is refused", async () => {
    const { apiKey, fetch } = simulate()
    const error = await failureOf(() => drain(createClient({ apiKey, fetch }).sessions({ profile: { version: 9 } })))
    assert.instanceOf(error, AgniError)
    assert.include(String(error), "profile")
  })

  it("a key that is a function is called for each request", async () => {
    const { apiKey, fetch } = simulate({ sessions: 30 })
    const keys = ["old", apiKey]
    let calls = 0
    const client = createClient({ apiKey: async () => keys[Math.min(calls++, 1)] ?? "", fetch })
    assert.lengthOf((await client.list({ pageSize: 30 })).sessions, 30)
    assert.isAbove(calls, 1)
  })
})
