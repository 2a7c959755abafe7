/** Recordings over real connections, in a real folder. */
import * as Recordings from "@callstream/core/recording/Recordings"
import * as GuardedTransport from "@callstream/node/GuardedTransport"
import * as NodeContentHash from "@callstream/node/NodeContentHash"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Dns from "effect/net/Dns"
import * as Redacted from "effect/Redacted"
import { createHash } from "node:crypto"
import * as Fs from "node:fs"
import { join } from "node:path"
import * as Loopback from "./LoopbackServer.ts"
import * as SinkStore from "./SinkStore.ts"

const hosts = { "private.test": ["127.0.0.1"], "metadata.test": ["169.254.169.254"] }
const transport = GuardedTransport.layer.pipe(Layer.provide(Dns.layerStatic({ hosts })))

const sound = Buffer.concat([Buffer.from("ID3\u0004"), Buffer.alloc(300_000, 7)])

const opened = (baseUrl: string, folder: string, more: Partial<Recordings.Options> = {}) =>
  Recordings.open({
    folder,
    baseUrl,
    apiKey: Redacted.make("key"),
    contentHash: NodeContentHash.make,
    perSecond: 1000,
    ...more
  })

describe("Recordings", () => {
  it.live("come from the API's own origin though that is private, and from no other private address", () =>
    Effect.gen(function* () {
      const folder = join(yield* SinkStore.folder, "audio")
      const other = yield* Loopback.make((response) => response.end(sound))
      const api = yield* Loopback.make((response, request) => {
        if (request.url !== "/away") return response.writeHead(200, { "content-type": "audio/mpeg" }).end(sound)
        response.writeHead(302, { location: `${other.url}/x` }).end()
      })
      const elsewhere = other.url.replace("127.0.0.1", "private.test")
      const links = [
        `${api.url}/1`,
        `${api.url}/away`,
        `${other.url}/1`,
        `${elsewhere}/1`,
        "http://metadata.test/latest/"
      ]
      const calls = links.map((recordingUrl, at) => ({ id: `s${at}`, recordingUrl }))
      const recordings = yield* opened(api.url, folder)
      yield* recordings.keep(calls)
      assert.deepInclude(recordings.counts(), { of: 5, kept: 1, bytes: sound.length })
      assert.deepInclude(recordings.counts().failed, { forbiddenHost: 4 })
      assert.isEmpty(other.requests)
      const digest = createHash("sha256").update(sound).digest("hex")
      const file = join(folder, digest.slice(0, 2), `${digest}.mp3`)
      assert.deepStrictEqual(Fs.readFileSync(file), sound)
      assert.strictEqual(Fs.statSync(file).mode & 0o777, 0o600)
      assert.strictEqual(Fs.statSync(folder).mode & 0o777, 0o700)
    }).pipe(Effect.scoped, Effect.provide([transport, NodeServices.layer]))
  )

  it.live("come from private addresses where that is allowed, without the key", () =>
    Effect.gen(function* () {
      const folder = yield* SinkStore.folder
      const other = yield* Loopback.make((response) => response.end(sound))
      const recordings = yield* opened("https://api.test", folder, { allowPrivateHosts: true })
      yield* recordings.keep([{ id: "a", recordingUrl: `${other.url}/1?token=t` }])
      assert.deepInclude(recordings.counts(), { kept: 1 })
      assert.strictEqual(other.requests[0]?.url, "/1?token=t")
      assert.isUndefined(other.requests[0]?.headers["x-api-key"])
    }).pipe(Effect.scoped, Effect.provide([transport, NodeServices.layer]))
  )

  it.live("a body that breaks off is asked for again, and leaves nothing", () =>
    Effect.gen(function* () {
      const folder = yield* SinkStore.folder
      const api = yield* Loopback.make((response, _, number) => {
        if (number > 1) return response.end(sound)
        response.writeHead(200, { "content-length": String(sound.length) })
        response.write(sound.subarray(0, 100_000), () => response.destroy())
      })
      const recordings = yield* opened(api.url, folder)
      yield* recordings.keep([{ id: "a", recordingUrl: `${api.url}/1` }])
      assert.lengthOf(api.requests, 2)
      assert.deepInclude(recordings.counts(), { kept: 1, bytes: sound.length })
      assert.isEmpty(Fs.readdirSync(folder).filter((name) => name.endsWith(".partial")))
    }).pipe(Effect.scoped, Effect.provide([transport, NodeServices.layer]))
  )
})
