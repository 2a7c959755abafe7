import { AgniClient } from "@callstream/core/client/AgniClient"
import type { Options } from "@callstream/core/client/AgniClient"
import * as CallSessions from "@callstream/core/CallSessions"
import { AgniSimulator } from "@callstream/core/testing"
import * as AgniTransport from "@callstream/node/AgniTransport"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { createServer } from "node:http"
import { spawn } from "node:child_process"
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib"
import * as Loopback from "./LoopbackServer.ts"

const key = "sk-live-KEY7f3a9b2c"

const clientOf = (url: string, options: Partial<Options> = {}) =>
  AgniClient.make({ apiKey: Redacted.make(key), baseUrl: url, retry: { tries: 1 }, ...options })

const transports = { undici: AgniTransport.layer, fetch: FetchHttpClient.layer }
const both = ["undici", "fetch"] as const

describe("AgniTransport", () => {
  it.live.each([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
    ["br", brotliCompressSync],
    ["identity", (text: string) => Buffer.from(text)]
  ] as const)("reads a response in %s", ([encoding, compress]) =>
    Effect.gen(function* () {
      const body = Loopback.pageOf(Array.from({ length: 300 }, (_, index) => `é😀 ${index}`))
      const server = yield* Loopback.make((response) => {
        response.setHeader("content-encoding", encoding)
        response.end(compress(body))
      })
      const client = yield* clientOf(server.url)
      const page = yield* client.list({})
      assert.lengthOf(page.rows.sessions(), 300)
      assert.strictEqual(page.rows.sessions()[299]?.id, "é😀 299")
      assert.strictEqual(server.requests[0]?.headers["accept-encoding"], "gzip, deflate, br")
      assert.strictEqual(server.requests[0]?.headers["x-api-key"], key)
    }).pipe(Effect.scoped, Effect.provide(AgniTransport.layer))
  )

  it.live("follows no redirect by itself", () =>
    Effect.gen(function* () {
      const server = yield* Loopback.make((response) => {
        response.writeHead(302, { location: "/elsewhere" })
        response.end()
      })
      const response = yield* HttpClient.get(server.url)
      assert.strictEqual(response.status, 302)
      assert.strictEqual(response.headers["location"], "/elsewhere")
      yield* Stream.runDrain(response.stream).pipe(Effect.ignore)
      assert.lengthOf(server.requests, 1)
    }).pipe(Effect.scoped, Effect.provide(AgniTransport.layer))
  )

  it.live("keeps connections alive, after error bodies too", () =>
    Effect.gen(function* () {
      const server = yield* Loopback.make((response, _, number) => {
        response.statusCode = number % 3 === 0 ? 500 : 200
        response.end(number % 3 === 0 ? "x".repeat(20_000) : Loopback.empty)
      })
      const client = yield* clientOf(server.url)
      for (let times = 0; times < 30; times++) yield* Effect.exit(client.list({}))
      assert.lengthOf(server.requests, 30)
      assert.isAtMost(server.connections(), 2)
    }).pipe(Effect.scoped, Effect.provide(AgniTransport.layer))
  )

  it.live("closes its connections with its scope", () =>
    Effect.gen(function* () {
      let closed = 0
      const server = yield* Loopback.make((response, request) => {
        request.socket.once("close", () => closed++)
        response.end(Loopback.empty)
      })
      yield* Effect.flatMap(clientOf(server.url), (client) => client.list({})).pipe(Effect.provide(AgniTransport.layer))
      yield* Loopback.until(() => closed === 1)
      assert.strictEqual(closed, 1)
    }).pipe(Effect.scoped)
  )

  it.live("warns nobody of anything experimental", () =>
    Effect.gen(function* () {
      const server = yield* Loopback.make((response) => {
        response.setHeader("content-encoding", "gzip")
        response.end(gzipSync(Loopback.empty))
      })
      const child = yield* run(
        `
        import { AgniClient } from "@callstream/core/client/AgniClient"
        import * as AgniTransport from "@callstream/node/AgniTransport"
        import * as Effect from "effect/Effect"
        import * as Redacted from "effect/Redacted"
        const client = AgniClient.make({ apiKey: Redacted.make("k"), baseUrl: ${JSON.stringify(server.url)} })
        const page = await Effect.runPromise(
          Effect.flatMap(client, ({ list }) => list({})).pipe(Effect.provide(AgniTransport.layer))
        )
        process.emitWarning("mine")
        console.log(page.rows.sessions().length)
        `
      )
      assert.strictEqual(child.code, 0, child.stderr)
      assert.strictEqual(child.stdout, "0\n")
      assert.notInclude(child.stderr, "Experimental")
      // Others' warnings are still heard.
      assert.include(child.stderr, "mine")
    }).pipe(Effect.scoped)
  )
})

describe.each(both)("AgniClient over %s", (name) => {
  const transport = transports[name]

  it.live("the key never reaches another origin, on another port of the same host", () =>
    Effect.gen(function* () {
      for (const status of [301, 302, 303, 307, 308]) {
        const other = yield* Loopback.make((response) => response.end(Loopback.empty))
        const server = yield* Loopback.make((response, request) => {
          response.writeHead(status, { location: `${other.url}${request.url ?? ""}` })
          response.end()
        })
        const client = yield* clientOf(server.url)
        const error = yield* Effect.flip(client.list({}))
        assert.strictEqual(error.reason._tag, "InvalidResponse")
        assert.include(error.message, other.url)
        assert.isEmpty(other.requests, String(status))
        assert.lengthOf(server.requests, 1)
      }
    }).pipe(Effect.scoped, Effect.provide(transport))
  )

  it.live("a redirect on the same origin is followed, with the key", () =>
    Effect.gen(function* () {
      const server = yield* Loopback.make((response, request) => {
        if (request.url?.startsWith("/moved") === true) response.end(Loopback.pageOf(["a"]))
        else {
          response.writeHead(307, { location: "/moved?page=1" })
          response.end()
        }
      })
      const client = yield* clientOf(server.url)
      const page = yield* client.list({})
      assert.lengthOf(page.rows.sessions(), 1)
      assert.deepStrictEqual(
        server.requests.map(({ headers }) => headers["x-api-key"]),
        [key, key]
      )
    }).pipe(Effect.scoped, Effect.provide(transport))
  )

  it.live("a body that is cut off is unavailable, and retried", () =>
    Effect.gen(function* () {
      const body = Loopback.pageOf(Array.from({ length: 5000 }, (_, index) => String(index)))
      const server = yield* Loopback.make((response, _, number) => {
        if (number > 1) {
          response.end(body)
          return
        }
        response.writeHead(200, { "content-length": String(body.length) })
        response.write(body.slice(0, 1000), () => response.destroy())
      })
      const once = yield* clientOf(server.url)
      const error = yield* Effect.flip(once.list({}))
      assert.strictEqual(error.reason._tag, "Unavailable")
      assert.notInclude(error.message, key)
      const again = yield* Loopback.make((response, _, number) => {
        if (number > 1) response.end(body)
        else {
          response.writeHead(200, { "content-length": String(body.length) })
          response.write(body.slice(0, 1000), () => response.destroy())
        }
      })
      const client = yield* clientOf(again.url, { retry: { base: "1 millis" } })
      assert.lengthOf((yield* client.list({})).rows.sessions(), 5000)
      assert.lengthOf(again.requests, 2)
    }).pipe(Effect.scoped, Effect.provide(transport))
  )

  it.live.each(["headers", "body"] as const)("interruption aborts the socket during the %s", (stage) =>
    Effect.gen(function* () {
      const server = yield* Loopback.make((response) => {
        if (stage === "body") response.write('{"success":true,')
      })
      const client = yield* clientOf(server.url)
      const fiber = yield* Effect.forkChild(client.list({}))
      yield* Loopback.until(() => server.requests.length === 1)
      if (stage === "body") yield* Effect.sleep("20 millis")
      assert.strictEqual(server.aborted(), 0)
      yield* Fiber.interrupt(fiber)
      yield* Loopback.until(() => server.aborted() === 1)
      assert.strictEqual(server.aborted(), 1)
    }).pipe(Effect.scoped, Effect.provide(transport))
  )

  it.live("a server that is not there is unavailable", () =>
    Effect.gen(function* () {
      const gone = yield* Effect.scoped(
        Effect.map(
          Loopback.make(() => {}),
          ({ url }) => url
        )
      )
      const client = yield* clientOf(gone)
      const error = yield* Effect.flip(client.list({}))
      assert.strictEqual(error.reason._tag, "Unavailable")
      assert.include(error.message, "ECONNREFUSED")
    }).pipe(Effect.scoped, Effect.provide(transport))
  )

  it.live("a proxy that is not there is named, without its password", () =>
    Effect.gen(function* () {
      const gone = yield* Effect.scoped(
        Effect.map(
          Loopback.make(() => {}),
          ({ url }) => new URL(url)
        )
      )
      vi.stubEnv("HTTPS_PROXY", `http://user:proxypass@127.0.0.1:${gone.port}`)
      const error = yield* Effect.flatMap(clientOf("https://api.example"), (client) =>
        Effect.flip(client.list({}))
      ).pipe(Effect.provide(AgniTransport.layer))
      const { reason } = error
      assert.deepStrictEqual(reason._tag === "Unavailable" ? reason.outage : undefined, {
        _tag: "Unreachable",
        code: "ECONNREFUSED",
        proxy: { host: "127.0.0.1", port: Number(gone.port), variable: "HTTPS_PROXY" }
      })
      assert.notInclude(JSON.stringify(error), "proxypass")
    }).pipe(Effect.scoped, Effect.ensuring(Effect.sync(() => vi.unstubAllEnvs())))
  )

  it.live("a proxy that is not there is named for plain http too", () =>
    Effect.gen(function* () {
      const gone = yield* Effect.scoped(
        Effect.map(
          Loopback.make(() => {}),
          ({ url }) => new URL(url)
        )
      )
      vi.stubEnv("HTTP_PROXY", `http://127.0.0.1:${gone.port}`)
      const client = AgniClient.make({
        apiKey: Redacted.make("key"),
        baseUrl: "http://api.example",
        allowInsecureHttp: true,
        retry: { tries: 1 }
      })
      const { reason } = yield* Effect.flatMap(client, (client) => Effect.flip(client.list({}))).pipe(
        Effect.provide(AgniTransport.layer)
      )
      assert.deepStrictEqual(reason._tag === "Unavailable" ? reason.outage : undefined, {
        _tag: "Unreachable",
        code: "ECONNREFUSED",
        proxy: { host: "127.0.0.1", port: Number(gone.port), variable: "HTTP_PROXY" }
      })
    }).pipe(Effect.scoped, Effect.ensuring(Effect.sync(() => vi.unstubAllEnvs())))
  )

  it.live("a proxy that asks for a password is named, with what it asks for", () =>
    Effect.gen(function* () {
      const refusing = createServer()
      refusing.on("connect", (_, socket) => socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"))
      yield* Effect.acquireRelease(
        Effect.callback<void>((resume) => {
          refusing.listen(0, "127.0.0.1", () => resume(Effect.void))
        }),
        () => Effect.sync(() => refusing.close())
      )
      const address = refusing.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      vi.stubEnv("HTTPS_PROXY", `http://127.0.0.1:${port}`)
      const error = yield* Effect.flatMap(clientOf("https://api.example"), (client) =>
        Effect.flip(client.list({}))
      ).pipe(Effect.provide(AgniTransport.layer))
      assert.include(
        error.message,
        `the proxy 127.0.0.1:${port} (from HTTPS_PROXY) could not be reached: it asks for another user or password (HTTP_407)`
      )
    }).pipe(Effect.scoped, Effect.ensuring(Effect.sync(() => vi.unstubAllEnvs())))
  )

  it.live("walks the simulator over real sockets, with faults", () =>
    Effect.gen(function* () {
      const simulator = yield* AgniSimulator.make({ sessions: 500, faultRate: 0.15, content: "varied", seed: 3 })
      const serving = Layer.build(
        HttpServer.serve(simulator.httpApp).pipe(
          Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
        )
      )
      const context = yield* serving
      const url = yield* Effect.provide(
        HttpServer.addressFormattedWith((address) => Effect.succeed(address)),
        context
      )
      const client = yield* AgniClient.make({
        apiKey: Redacted.make(simulator.apiKey),
        baseUrl: url,
        retry: { base: "1 millis" }
      })
      const sessions = yield* Stream.runCollect(CallSessions.sessions({ pageSize: 25 })).pipe(
        Effect.provideService(AgniClient, client)
      )
      assert.sameMembers(
        [...sessions].map(({ id }) => id),
        simulator.truth().map(({ id }) => id)
      )
      assert.isAbove(simulator.requests.filter(({ outcome }) => outcome === "fault").length, 0)
    }).pipe(Effect.scoped, Effect.provide(transport))
  )
})

/** A program in a process of its own. */
const run = (program: string) =>
  Effect.callback<{ code: number | null; stdout: string; stderr: string }>((resume) => {
    const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", program], {
      cwd: new URL("..", import.meta.url),
      stdio: ["ignore", "pipe", "pipe"]
    })
    let stdout = ""
    let stderr = ""
    child.stdout.on("data", (chunk) => (stdout += String(chunk)))
    child.stderr.on("data", (chunk) => (stderr += String(chunk)))
    child.on("close", (code) => resume(Effect.succeed({ code, stdout, stderr })))
    return Effect.sync(() => child.kill())
  })
