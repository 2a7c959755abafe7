import {
  AgniError,
  calls,
  createBridge,
  doubtsInWords,
  errorInWords,
  type Host,
  instants
} from "@callstream/client/bridge"
import { simulate, type SimulatorOptions } from "@callstream/client/testing"
import { assert, describe, it } from "@effect/vitest"
import { begun, drain, failureOf, turns } from "./Simulated.ts"

interface Heard {
  readonly lines: Array<string>
  readonly metrics: Map<string, number>
  readonly spans: Array<{ readonly name: string; readonly below: string | undefined; how: string }>
}

/** A host that notes what it hears, over a simulator. */
const make = (options: SimulatorOptions = {}, transport?: Host["fetch"]) => {
  const simulator = simulate({ sessions: 250, content: "minimal", undated: 0, ...options })
  const heard: Heard = { lines: [], metrics: new Map(), spans: [] }
  const host: Host = {
    clock: {
      now: Date.now,
      sleep: (millis) => new Promise((resolve) => setTimeout(resolve, millis))
    },
    fetch: transport ?? simulator.fetch,
    log: ({ level, message }) => heard.lines.push(`${level} ${message}`),
    metric: ({ attributes, isRelative, kind, name, value }) => {
      const key = `${kind} ${name} ${JSON.stringify(attributes)}`
      heard.metrics.set(key, (kind === "gauge" && !isRelative ? 0 : (heard.metrics.get(key) ?? 0)) + value)
    },
    span: (name, { parent }) => {
      const span = { name, below: parent?.spanId, how: "begun" }
      heard.spans.push(span)
      return {
        spanId: `span ${heard.spans.length}`,
        traceId: "trace",
        sampled: true,
        attribute: () => undefined,
        event: () => undefined,
        end: (_, how) => void (span.how = how._tag)
      }
    }
  }
  const bridge = createBridge({ apiKey: simulator.apiKey, retry: { base: 1 } })
  return { simulator, heard, host, bridge }
}

const ledgers = () => {
  const kept = new Map<string, Map<string, string>>()
  return {
    name: "a map",
    read: async (ledger: string) => kept.get(ledger) ?? [],
    write: async (ledger: string, { put }: { readonly put: ReadonlyArray<readonly [string, string]> }) => {
      const known = kept.get(ledger) ?? new Map<string, string>()
      kept.set(ledger, known)
      for (const [key, value] of put) known.set(key, value)
    }
  }
}

describe("createBridge", () => {
  it("reads windows with the shapes of core, in arrays", async () => {
    const { bridge, host, simulator } = make()
    const windows = (await drain(bridge.windows(host, {}))).flat()
    const sessions = windows.flatMap(({ rows }) => rows.sessions())
    assert.deepStrictEqual(simulator.missed(sessions.map(({ id }) => id)), [])
    assert.lengthOf(sessions, 250)
    assert.isTrue(windows.every(({ coverage, from, to }) => from <= to && coverage._tag !== "Gap"))
  })

  it("gives the error of a gap as its own", async () => {
    const { bridge, host, simulator } = make({ sessions: 40 })
    for (const { id } of simulator.truth().slice(0, 1)) simulator.poison(id)
    const windows = (await drain(bridge.windows(host, { keepGoing: true }))).flat()
    const gaps = windows.flatMap(({ coverage }) => (coverage._tag === "Gap" ? [coverage.error] : []))
    assert.isAbove(gaps.length, 0)
    assert.instanceOf(gaps[0], AgniError)
  })

  it("reads pages, and one of them", async () => {
    const { bridge, host } = make()
    const pages = (await drain(bridge.pages(host, { pageSize: 100 }, {}))).flat()
    assert.strictEqual(pages.flatMap(({ rows }) => rows.sessions()).length, 250)
    const { rows } = await bridge.list(host, { pageSize: 7 }, new AbortController().signal)
    assert.strictEqual(rows.length, 7)
  })

  it("reads changes look by look, and again until they are acknowledged", async () => {
    const { bridge, host } = make()
    const store = ledgers()
    const looks: Array<string> = []
    const read = () =>
      bridge.changes(host, store, { name: "copy", from: "2026-01-01", onLook: async ({ why }) => void looks.push(why) })
    const first = await drain(read())
    assert.strictEqual(first.flat().length, 250)
    assert.isBelow(first.length, 50)
    assert.include(looks, "new")
    const late = await failureOf(() => first.at(-1)?.at(-1)?.acknowledge())
    assert.include(late, { _tag: "LedgerError", reason: "LoopEnded" })
    for await (const changes of read()) await changes.at(-1)?.acknowledge()
    assert.lengthOf((await drain(read())).flat(), 0)
  })

  it("ends at once on return(), and its requests", async () => {
    const aborted: Array<boolean> = []
    const { bridge, host } = make({}, (_, init) => {
      init?.signal?.addEventListener("abort", () => aborted.push(true))
      return new Promise(() => undefined)
    })
    const { loop, next } = await begun(bridge.windows(host, {}))
    const late = turns(20).then(() => "late")
    assert.notStrictEqual(await Promise.race([Promise.all([loop.return?.(), next]), late]), "late")
    assert.isAbove(aborted.length, 0)
  })

  it("logs, counts and traces in its host", async () => {
    const { bridge, heard, host, simulator } = make()
    simulator.failNext(1, { _tag: "Cut", at: 0.5 })
    await drain(bridge.pages(host, { pageSize: 100 }, {}))
    assert.isTrue(heard.lines.some((line) => line.startsWith("debug try 1 of 8 failed")))
    // One retry, and each call once at least.
    const counts = [...heard.metrics.values()]
    assert.isTrue(counts.includes(1) && counts.some((count) => count >= 250))
    assert.isAbove(heard.spans.length, 0)
    assert.isTrue(heard.spans.every(({ how }) => how !== "begun"))
  })

  it("refuses wrong options", async () => {
    const error = await failureOf(() => createBridge({ apiKey: "" }))
    assert.deepInclude(error instanceof AgniError ? error.reason : {}, { _tag: "InvalidRequest", parameter: "apiKey" })
  })
})

describe("the words of core", () => {
  it("are those of errors and doubts", () => {
    const words = errorInWords({
      reason: { _tag: "RateLimited", retryAfter: 2000 },
      request: "GET https://api.ravan.ai/x?page=2",
      attempts: 3,
      elapsed: 4000
    })
    assert.deepStrictEqual(words, {
      message:
        "RateLimited: the server limits the rate of requests and asks to wait 2s: GET https://api.ravan.ai/x (3 attempts in 4s)",
      reason: "the server limits the rate of requests and asks to wait 2s",
      retryable: true
    })
    assert.strictEqual(
      doubtsInWords([{ _tag: "NoBeginning" }, { _tag: "NoBeginning" }]),
      doubtsInWords([{ _tag: "NoBeginning" }])
    )
  })

  it("are those of calls and times", () => {
    const call = { id: "a", status: "completed", costTotal: "1e1", endedAt: "2026-07-01T00:00:00Z" }
    assert.deepStrictEqual([calls.cost(call), calls.isSettled(call), calls.outcome(call)], ["10", true, "completed"])
    const at = instants.fromBound("2026-07-01")
    assert.strictEqual(at && instants.format(at), "2026-07-01T00:00:00Z")
  })
})
