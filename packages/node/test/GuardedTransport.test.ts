import * as Version from "@callstream/core/model/Version"
import * as SessionSink from "@callstream/core/sink/SessionSink"
import { SinkError } from "@callstream/core/sink/SinkError"
import * as WebhookSink from "@callstream/core/sink/WebhookSink"
import { WebhookTransport } from "@callstream/core/sink/WebhookTransport"
import * as GuardedTransport from "@callstream/node/GuardedTransport"
import * as NodeDns from "@effect/platform-node/NodeDns"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Dns from "effect/net/Dns"
import * as NetAddress from "effect/net/NetAddress"
import * as Path from "effect/Path"
import * as Redacted from "effect/Redacted"
import * as Loopback from "./LoopbackServer.ts"

const secrets = Redacted.make("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3")

const hosts = {
  "hooks.test": ["127.0.0.1"],
  "public.test": ["192.0.1.1", "2606:4700::1"],
  "private.test": ["10.0.0.1"],
  "metadata.test": ["169.254.169.254"],
  "mapped.test": ["::ffff:127.0.0.1"],
  "mixed.test": ["192.0.1.1", "127.0.0.1"],
  "unusable.test": ["0.0.0.0"]
}

const transport = GuardedTransport.layer.pipe(Layer.provide(Dns.layerStatic({ hosts })))

/** A sink to this address, with a spool of its own, and what is done with it. */
const write = (url: string, sessions: number, options: Partial<WebhookSink.Options> = {}) =>
  Effect.gen(function* () {
    const spool = yield* (yield* FileSystem.FileSystem).makeTempDirectoryScoped()
    const sink = WebhookSink.make({
      url,
      secrets,
      organization: "acme",
      spool,
      allowPrivateHosts: true,
      giveUpAfter: "5 seconds",
      ...options
    })
    const writer = yield* sink.open(SessionSink.opening())
    const items = Array.from({ length: sessions }, (_, at) => ({ id: `s${at}`, start: undefined, row: { at } }))
    return yield* writer.write({ items, columns: [], observedAt: Version.of(1) })
  }).pipe(Effect.scoped)

const connect = (url: string, allowPrivateHosts: boolean) =>
  Effect.scoped(
    Effect.flatMap(WebhookTransport, ({ connect }) => connect({ url: new URL(url), allowPrivateHosts, connections: 1 }))
  )

describe("GuardedTransport", () => {
  it.live("sends to the address that the name was found to have, under the name, over few connections", () =>
    Effect.gen(function* () {
      const server = yield* Loopback.make((response) => response.end("thanks"))
      const url = server.url.replace("127.0.0.1", "hooks.test")
      const refused = yield* write(`${url}/in?token=1`, 40, { batchSize: 1, concurrency: 3 })
      assert.deepStrictEqual(refused, [])
      assert.lengthOf(server.requests, 40)
      assert.strictEqual(server.requests[0]?.url, "/in?token=1")
      assert.strictEqual(server.requests[0]?.headers.host, new URL(url).host)
      assert.isAtMost(server.connections(), 3)
    }).pipe(Effect.scoped, Effect.provide([transport, NodeServices.layer]))
  )

  it.live("follows no redirect", () =>
    Effect.gen(function* () {
      const other = yield* Loopback.make((response) => response.end())
      const server = yield* Loopback.make((response) => {
        response.writeHead(307, { location: other.url })
        response.end()
      })
      const error = yield* Effect.flip(write(server.url, 1))
      assert.match(error.message, /redirect \(307\)/)
      assert.isEmpty(other.requests)
      assert.lengthOf(server.requests, 1)
    }).pipe(Effect.scoped, Effect.provide([transport, NodeServices.layer]))
  )

  it.live("sends again what was cut off, with the same id", () =>
    Effect.gen(function* () {
      const server = yield* Loopback.make((response, _, number) => {
        if (number === 1) response.destroy()
        else response.end()
      })
      assert.deepStrictEqual(yield* write(server.url, 1), [])
      const [first, second] = server.requests.map(({ headers }) => headers["webhook-id"])
      assert.isString(first)
      assert.strictEqual(second, first)
    }).pipe(Effect.scoped, Effect.provide([transport, NodeServices.layer]))
  )

  it.live.each(["private", "metadata", "mapped", "mixed", "hooks"])("refuses %s.test before a connection", (name) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(connect(`https://${name}.test/`, false))
      assert.match(error.message, /loopback, private or link-local/)
      assert.isFalse(error.retryable)
      yield* connect(`https://${name}.test/`, true)
    }).pipe(Effect.provide(transport))
  )

  it.live("refuses addresses in the URL, plain http in public, what is no host's address, and unknown names", () =>
    Effect.gen(function* () {
      for (const [url, allow, words] of [
        ["https://127.0.0.1/", false, /loopback/],
        ["https://[::1]/", false, /loopback/],
        ["https://[fe80::1]/", false, /link-local/],
        ["http://public.test/", true, /plain http/],
        ["https://unusable.test/", true, /not one of a host/],
        ["https://0.0.0.0/", true, /not one of a host/],
        ["https://nobody.test/", true, /no host of that name/]
      ] as const) {
        const error = yield* Effect.flip(connect(url, allow))
        assert.match(error.message, words)
      }
      yield* connect("https://public.test/", false)
    }).pipe(Effect.provide(transport))
  )

  it.live("a name that becomes private after the check gets no connection", () =>
    Effect.gen(function* () {
      const server = yield* Loopback.make((response) => response.end())
      const addresses = ["192.0.1.1", "127.0.0.1"].map(NetAddress.ipFromStringUnsafe)
      let lookups = 0
      const rebinding = Layer.succeed(
        Dns.Dns,
        Dns.make({ lookup: () => Effect.sync(() => addresses.slice(Math.min(lookups++, 1)).slice(0, 1)) })
      )
      const url = server.url.replace("http://127.0.0.1", "https://rebinding.test")
      const error = yield* Effect.flip(write(url, 1, { allowPrivateHosts: false })).pipe(
        Effect.provide(Layer.provide(GuardedTransport.layer, rebinding))
      )
      assert.instanceOf(error, SinkError)
      assert.match(error.message, /address that may not be sent to/)
      assert.strictEqual(lookups, 2)
      assert.strictEqual(server.connections(), 0)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )

  it.live("keeps unsent messages in private files of a private folder", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const paths = yield* Path.Path
      const spool = paths.join(yield* fs.makeTempDirectoryScoped(), "state", "spool")
      const server = yield* Loopback.make((response) => {
        response.statusCode = 410
        response.end()
      })
      const error = yield* Effect.flip(write(server.url, 1, { spool }))
      assert.match(error.message, /gone permanently/)
      const [folder = ""] = yield* fs.readDirectory(spool)
      const [file = ""] = yield* fs.readDirectory(paths.join(spool, folder))
      const mode = (path: string) => Effect.map(fs.stat(path), (info) => info.mode & 0o777)
      assert.strictEqual(yield* mode(paths.join(spool, folder)), 0o700)
      assert.strictEqual(yield* mode(paths.join(spool, folder, file)), 0o600)
    }).pipe(Effect.scoped, Effect.provide([transport, NodeServices.layer]))
  )

  it.live("asks the system for names that it does not know itself", () =>
    Effect.gen(function* () {
      const server = yield* Loopback.make((response) => response.end())
      const url = server.url.replace("127.0.0.1", "localhost")
      assert.deepStrictEqual(yield* write(url, 1), [])
      const refused = yield* Effect.flip(write(url.replace("http:", "https:"), 1, { allowPrivateHosts: false }))
      assert.match(refused.message, /loopback/)
    }).pipe(Effect.scoped, Effect.provide([Layer.provide(GuardedTransport.layer, NodeDns.layer), NodeServices.layer]))
  )
})
