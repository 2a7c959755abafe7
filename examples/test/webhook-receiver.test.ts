import { CallSessions, SessionSink, WebhookSink, type AgniClientOptions, AgniClient, Version } from "@callstream/core"
import { AgniSimulator } from "@callstream/core/testing"
import { GuardedTransport } from "@callstream/node"
import { NodeDns, NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Path, Redacted, Stream } from "effect"
import { once } from "node:events"
import { Webhook } from "standardwebhooks"
import { receiver } from "../src/webhook-receiver.ts"

const oldSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
const newSecret = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4"

const folder = Effect.flatMap(FileSystem.FileSystem, (fs) => fs.makeTempDirectoryScoped())

/** The receiver on a free port, until its scope ends. */
const serve = (file: string, secret: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const server = await receiver({ secret, file })
      server.listen(0, "127.0.0.1")
      await once(server, "listening")
      const address = server.address()
      return { server, url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/in` }
    }),
    ({ server }) =>
      Effect.promise(async () => {
        server.closeAllConnections()
        server.close()
        await once(server, "close")
      })
  )

const lines = (file: string) =>
  Effect.map(
    Effect.flatMap(FileSystem.FileSystem, (fs) => fs.readFileString(file)),
    (text) =>
      text
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as { sessionId: string; sequence: number; data: { id: string; v?: number } })
  )

interface Row {
  readonly id: string
}

const send = Effect.fnUntraced(function* (
  url: string,
  rows: ReadonlyArray<Row>,
  observedAt: number,
  options: Partial<WebhookSink.Options> = {}
) {
  const sink = WebhookSink.make({
    url,
    secrets: Redacted.make(`${newSecret} ${oldSecret}`),
    organization: "acme",
    spool: yield* folder,
    allowPrivateHosts: true,
    ...options
  })
  const writer = yield* sink.open(SessionSink.opening())
  const items = rows.map((row) => ({ id: row.id, start: undefined, row }))
  return yield* writer.write({ items, columns: [], observedAt: Version.of(observedAt) })
}, Effect.scoped)

const layer = Layer.mergeAll(GuardedTransport.layer.pipe(Layer.provide(NodeDns.layer)), NodeServices.layer)
const file = Effect.gen(function* () {
  return (yield* Path.Path).join(yield* folder, "events.ndjson")
})

describe("webhook-receiver", () => {
  it.live("stores what the sink sends, once, over a restart of its own", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 300 })
      const agni: AgniClientOptions = { apiKey: Redacted.make(simulator.apiKey) }
      const sessions = yield* Stream.runCollect(CallSessions.sessions()).pipe(
        Effect.provide(AgniClient.layer(agni).pipe(Layer.provide(simulator.layer)))
      )
      const path = yield* file
      for (const [observedAt, options] of [
        [1, {}],
        [2, { batchSize: 7 }],
        [3, { batchBytes: 5000 }]
      ] as const) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const { url } = yield* serve(path, oldSecret)
            assert.deepStrictEqual(yield* send(url, [...sessions], observedAt, options), [])
          })
        )
      }
      const stored = yield* lines(path)
      assert.sameMembers(
        stored.map(({ data }) => data.id),
        simulator.truth().map(({ id }) => id)
      )
      assert.isTrue(stored.every(({ sequence }) => sequence === 1))
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.live("keeps up with a session that changes and changes back, and leaves what is late", () =>
    Effect.gen(function* () {
      const path = yield* file
      const { url } = yield* serve(path, `${oldSecret} ${newSecret}`)
      const versions = [
        [1, 10],
        [2, 20],
        [1, 30],
        [1, 40],
        [2, 25]
      ] as const
      for (const [v, observedAt] of versions) {
        yield* send(url, [{ id: "a", v } as Row], observedAt, { batchSize: 1 })
      }
      assert.deepStrictEqual(
        (yield* lines(path)).map(({ data, sequence }) => [data.v, sequence]),
        [
          [1, 10],
          [2, 20],
          [1, 30]
        ]
      )
    }).pipe(Effect.scoped, Effect.provide(layer))
  )

  it.live("takes nothing that is unsigned, changed, old, too large, or no event", () =>
    Effect.gen(function* () {
      const path = yield* file
      const { url } = yield* serve(path, oldSecret)
      const post = (body: string, signed = body, at = new Date()) =>
        Effect.promise(async () => {
          const response = await fetch(url, {
            method: "POST",
            body,
            headers: {
              "webhook-id": "msg_1",
              "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
              "webhook-signature": new Webhook(oldSecret).sign("msg_1", at, signed)
            }
          })
          return response.status
        })
      const event = JSON.stringify({ id: "evt_1", sessionId: "a", sequence: 1, data: {} })
      assert.strictEqual(yield* post(event, `${event} `), 401)
      assert.strictEqual(yield* post(event, event, new Date(Date.now() - 600_000)), 401)
      assert.strictEqual(yield* post("{}"), 422)
      assert.strictEqual(yield* Effect.promise(async () => (await fetch(url)).status), 405)
      const refused = yield* Effect.flip(send(url, [{ id: "a" }], 1, { secrets: Redacted.make(newSecret) }))
      assert.match(refused.message, /answered 401/)
      const large = yield* send(url, [{ id: "a", v: "x".repeat(5_000_000) } as Row, { id: "b" }], 1)
      assert.deepStrictEqual(
        large.map(({ id }) => id),
        ["a"]
      )
      assert.strictEqual(yield* post(event), 204)
      assert.deepStrictEqual(
        (yield* lines(path)).map(({ sessionId }) => sessionId),
        ["b", "a"]
      )
    }).pipe(Effect.scoped, Effect.provide(layer))
  )
})
