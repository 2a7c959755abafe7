import { AgniClient, type AgniError, type Page, PageDecoder, Rows, Instant, Transform } from "@callstream/core"
import { AgniSimulator } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { markAsUntransferable } from "node:worker_threads"
import * as DecodingThread from "../src/DecodingThread.ts"
import * as Thread from "../src/internal/Thread.ts"
import { chainOf } from "./threads/CompletedMasked.ts"

const about: PageDecoder.About = { page: 3, observedAt: Instant.of(5), age: 0, quote: (text) => `<${text}>` }

const bytes = (text: string) => new TextEncoder().encode(text)

/** Long enough for the thread. */
const padded = (value: object) => JSON.stringify({ ...value, padding: "x".repeat(Thread.worthIt) })

const records = [
  { id: "a", startedAt: "2026-07-31T07:16:10.117605Z", status: "completed", callerNumber: "+49 ☎", costTotal: 0.5 },
  { id: "b", agent_id: "x", started_at: null, metadata: { emoji: "😀", __proto__x: [1, null] } },
  {
    id: "c",
    createdAt: "2026-07-31T07:16:10Z",
    duration_sec: "12",
    postCallAnalysisResult: { a: { type: "t", value: 1 } }
  },
  { agentId: "no id" },
  "no record"
]

const bodies = {
  camelCase: padded({ success: true, data: { callSessions: records } }),
  snakeCase: padded({ success: true, data: records, meta: { total: 41 } }),
  empty: padded({ success: true, data: { callSessions: [] } }),
  nothing: padded({ success: true }),
  failure: padded({ success: false, message: "no such luck" }),
  unexpected: padded({ data: { calls: [] } }),
  cut: padded({ success: true, data: { callSessions: records } }).slice(0, -5),
  html: `<html>${"x".repeat(Thread.worthIt)}</html>`,
  small: JSON.stringify({ success: true, data: { callSessions: records } })
}

const plain = (result: Result.Result<Page, AgniError["reason"]>) =>
  Result.isSuccess(result)
    ? {
        ...result.success,
        rows: Rows.items(result.success.rows).map(({ id, row, start, version }) => ({ id, row, start, version }))
      }
    : { tag: result.failure._tag, message: result.failure.message, retryable: result.failure.retryable }

describe("DecodingThread", () => {
  for (const hold of ["json", "response"] as const) {
    it.live(`makes of each body what would be made of it here: ${hold}`, () =>
      Effect.gen(function* () {
        const thread = yield* Thread.make({ hold })
        yield* thread.started
        for (const [name, body] of Object.entries(bodies)) {
          const expected = yield* Effect.result(PageDecoder.here.decode(bytes(body), about))
          assert.deepStrictEqual(plain(yield* Effect.result(thread.decode(bytes(body), about))), plain(expected), name)
        }
      }).pipe(Effect.scoped)
    )
  }

  it.live("reads a response again when its calls are asked for, in any order and from many pages", () =>
    Effect.gen(function* () {
      const thread = yield* Thread.make({ hold: "response" })
      yield* thread.started
      const exact = bodies.camelCase.replace('"12"', "12345678901234567890")
      const texts = [bodies.camelCase, bodies.snakeCase, exact, bodies.camelCase, bodies.snakeCase, exact]
      const pages = yield* Effect.forEach(texts, (text) => thread.decode(bytes(text), about))
      const expected = yield* Effect.forEach(texts, (text) => PageDecoder.here.decode(bytes(text), about))
      for (let turn = 0; turn < 5; turn++) {
        for (const i of [2, 0, 1]) {
          for (const [at, { rows }] of pages.entries()) {
            assert.deepStrictEqual(rows.decode(i), expected[at]?.rows.decode(i))
            // What is asked for twice in a row is read once.
            assert.strictEqual(rows.decode(i), rows.decode(i))
          }
        }
      }
    }).pipe(Effect.scoped)
  )

  it.live("gives ids, starts and JSON without reading the sessions, and reads them one by one or together", () =>
    Effect.gen(function* () {
      const thread = yield* Thread.make()
      yield* thread.started
      const page = yield* thread.decode(bytes(bodies.camelCase), about)
      const expected = yield* PageDecoder.here.decode(bytes(bodies.camelCase), about)
      const items = Rows.items(page.rows)
      assert.deepStrictEqual(
        items.map(({ id, start }) => ({ id, start })),
        Rows.items(expected.rows).map(({ id, start }) => ({ id, start }))
      )
      for (const item of items) {
        const { begin, bytes, end } = item.json ?? assert.fail("no JSON")
        assert.deepStrictEqual(JSON.parse(new TextDecoder().decode(bytes.subarray(begin, end))), item.row)
      }
      for (const i of [1, 1, 1, 0, 2]) assert.deepStrictEqual(items[i]?.row, expected.rows.sessions()[i])
    }).pipe(Effect.scoped)
  )

  it.live("decodes here what cannot be given away", () =>
    Effect.gen(function* () {
      const thread = yield* Thread.make()
      yield* thread.started
      const body = bytes(bodies.camelCase)
      markAsUntransferable(body.buffer)
      const page = yield* thread.decode(body, about)
      assert.deepStrictEqual(
        plain(Result.succeed(page)),
        plain(yield* Effect.result(PageDecoder.here.decode(body, about)))
      )
    }).pipe(Effect.scoped)
  )

  it.live("decodes here before it starts, and after it has ended", () =>
    Effect.gen(function* () {
      const thread = yield* Thread.make({ hold: "json" }, { url: new URL("./threads/Ends.ts", import.meta.url) })
      const before = yield* thread.decode(bytes(bodies.camelCase), about)
      assert.isUndefined(Rows.items(before.rows)[0]?.json)
      yield* thread.started
      const exit = yield* Effect.exit(thread.decode(bytes(bodies.camelCase), about))
      const failure = Exit.isFailure(exit) ? Exit.findErrorOption(exit) : assert.fail("the thread ended")
      assert.deepInclude(failure, { _tag: "Some" })
      assert.include(JSON.stringify(failure), "Unavailable")
      const after = yield* thread.decode(bytes(bodies.camelCase), about)
      assert.deepStrictEqual(after.rows.sessions(), before.rows.sessions())
    }).pipe(Effect.scoped)
  )

  it.live.each([
    { url: new URL("./threads/NeverReady.ts", import.meta.url) },
    { url: new URL("./threads/Never.ts", import.meta.url) },
    { url: new URL("file:///no-such-folder/no-such-thread.js") }
  ])("decodes here what it was asked while it starts: $url", ({ url }) =>
    Effect.gen(function* () {
      const thread = yield* Thread.make({}, { url })
      yield* thread.decode(bytes(bodies.camelCase), about)
      const decode = Effect.suspend(() => thread.decode(bytes(bodies.camelCase), about))
      const pages = yield* Effect.all([decode, decode, decode], { concurrency: "unbounded" })
      for (const { rows } of pages) assert.lengthOf(rows.sessions(), 3)
    }).pipe(Effect.scoped)
  )

  it.live("decodes here what the thread can say and nobody here can read", () =>
    Effect.gen(function* () {
      // A record without an id is sent as it is, and the thread's stack is larger.
      const nested = `{"metadata":{"x":${"[".repeat(8000)}${"]".repeat(8000)}}}`
      const body = `{"success":true,"data":[${nested}],"padding":"${"x".repeat(Thread.worthIt)}"}`
      const thread = yield* Thread.make()
      yield* thread.started
      const decode = Effect.suspend(() => thread.decode(bytes(body), about))
      const page = yield* Effect.retry(Effect.timeout(decode, "5 seconds"), {
        times: 1,
        while: ({ _tag }) => _tag !== "TimeoutError"
      })
      assert.lengthOf(page.rejected, 1)
    }).pipe(Effect.scoped)
  )

  it.live("decodes here where no thread can start", () =>
    Effect.gen(function* () {
      const thread = yield* Thread.make({ hold: "json" }, { url: new URL("https://example.com/no-such-thread.js") })
      for (let n = 0; n < 2 * Thread.bodiesBeforeStart; n++) {
        const page = yield* thread.decode(bytes(bodies.camelCase), about)
        assert.lengthOf(page.rows.sessions(), 3)
      }
    }).pipe(Effect.scoped)
  )

  it.live("starts one thread, when enough large bodies came", () =>
    Effect.gen(function* () {
      let threads = 0
      const count = () => void threads++
      yield* Effect.acquireRelease(
        Effect.sync(() => process.on("worker", count)),
        () => Effect.sync(() => process.off("worker", count))
      )
      const thread = yield* Thread.make()
      const decode = (body: string) => thread.decode(bytes(body), about)
      for (let n = 1; n < Thread.bodiesBeforeStart; n++) {
        yield* decode(bodies.small)
        yield* decode(bodies.camelCase)
      }
      yield* decode(bodies.small)
      assert.strictEqual(threads, 0)
      for (let n = 0; n < 2 * Thread.bodiesBeforeStart; n++) yield* decode(bodies.camelCase)
      yield* thread.started
      assert.strictEqual(threads, 1)
    }).pipe(Effect.scoped)
  )

  it.live("is what a client under it uses, and a page whose thread ended is asked for again", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ wire: "seen", sessions: 300, content: "varied" })
      const read = Effect.flatMap(
        AgniClient.make({ apiKey: Redacted.make(simulator.apiKey), retry: { base: "1 millis" } }),
        ({ list }) => list({ pageSize: 100 })
      ).pipe(Effect.provideService(HttpClient.HttpClient, simulator.httpClient))
      const expected = yield* read
      const page = yield* Effect.provide(read, DecodingThread.layer)
      assert.deepStrictEqual(
        page.rows.sessions().map(({ id }) => id),
        expected.rows.sessions().map(({ id }) => id)
      )
      const thread = yield* Thread.make({ hold: "json" }, { url: new URL("./threads/Ends.ts", import.meta.url) })
      yield* thread.started
      const again = yield* Effect.provideService(read, PageDecoder.PageDecoder, thread)
      assert.strictEqual(again.rows.sessions().length, 100)
    }).pipe(Effect.scoped)
  )

  it.live("applies a transform ahead, if it is the one that was asked for", () =>
    Effect.gen(function* () {
      const url = new URL("./threads/CompletedMasked.ts", import.meta.url)
      const emails = records.map((record) =>
        typeof record === "object" ? { ...record, callerEmail: "jane@example.com" } : record
      )
      const body = padded({ success: true, data: { callSessions: emails } })
      const linesOf = Effect.fnUntraced(function* (data: string, wanted: string) {
        const transform = chainOf(wanted)
        const thread = yield* Thread.make({ hold: "response" }, { url, data, transform })
        yield* thread.started
        const { rows } = yield* thread.decode(bytes(body), about)
        const { items } = yield* Transform.toItems(transform)(Rows.items(rows), () => {})
        return items.map(({ id, json, row }) => ({
          id,
          row,
          line: json && new TextDecoder().decode(json.bytes.subarray(json.begin, json.end))
        }))
      })
      const [made = assert.fail("no row"), ...others] = yield* linesOf("completed", "completed")
      assert.deepStrictEqual(others, [])
      assert.strictEqual(made.id, "a")
      assert.include(made.line, '"callerEmail":"[email]"')
      assert.deepStrictEqual(JSON.parse(made.line ?? ""), made.row)
      const [here] = yield* linesOf("failed", "completed")
      assert.deepStrictEqual(here, { ...made, line: undefined })
    }).pipe(Effect.scoped)
  )
})
