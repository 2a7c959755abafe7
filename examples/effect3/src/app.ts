/**
 * An HTTP service on Effect 3 that hands calls on as NDJSON while it reads them, and adds them up: `node src/app.ts`, then
 * `curl localhost:3000/calls`. It reads from Agni when AGNI_API_KEY is set, otherwise from a simulator in this process.
 */
import { AgniClient, type AgniError, CallSession, CallSessions } from "@callstream/effect3"
import { AgniSimulator } from "@callstream/effect3/testing"
import { FetchHttpClient, HttpApp, HttpRouter, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { BigDecimal, Chunk, Config, Effect, Layer, Option, Schema, Sink, Stream } from "effect"
import { createServer } from "node:http"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"

const parameters = HttpServerRequest.schemaSearchParams(Schema.Struct({ since: Schema.optional(Schema.String) }))

/** A chunk of the stream is a window of calls: one text for all of them. The reader sets the pace. */
const lines = (since: string | undefined) =>
  CallSessions.sessions({ from: since }).pipe(
    Stream.mapChunks((calls) =>
      Chunk.of(
        Chunk.join(
          Chunk.map(calls, (call) => `${JSON.stringify(call)}\n`),
          ""
        )
      )
    ),
    Stream.encodeText
  )

const calls = Effect.gen(function* () {
  const { since } = yield* parameters
  const agni = yield* AgniClient
  // The first window is read before the status is sent, so that a wrong key is a 502.
  const [first, rest] = yield* Stream.peel(
    Stream.provideService(lines(since), AgniClient, agni),
    Sink.take<Uint8Array>(1)
  )
  return HttpServerResponse.stream(Stream.concat(Stream.fromChunk(first), rest), {
    contentType: "application/x-ndjson"
  })
})

/** Calls and their exact cost by what became of each. */
const summary = Effect.gen(function* () {
  const { since } = yield* parameters
  const sums = new Map<string, { readonly calls: number; readonly cost: BigDecimal.BigDecimal }>()
  const zero = BigDecimal.fromBigInt(0n)
  yield* Stream.runForEach(CallSessions.sessions({ from: since }), (call) =>
    Effect.sync(() => {
      const outcome = CallSession.outcome(call)
      const { calls, cost } = sums.get(outcome) ?? { calls: 0, cost: zero }
      sums.set(outcome, { calls: calls + 1, cost: BigDecimal.sum(cost, CallSession.cost(call) ?? zero) })
    })
  )
  const rows = [...sums].map(([outcome, { calls, cost }]) => ({ outcome, calls, cost: BigDecimal.format(cost) }))
  return yield* HttpServerResponse.json(rows)
})

const refuse = ({ reason }: AgniError): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  reason._tag === "InvalidRequest"
    ? HttpServerResponse.text(reason.message, { status: 400 })
    : HttpServerResponse.text(`Agni: ${reason._tag}`, { status: 502 })

const app = HttpRouter.empty.pipe(
  HttpRouter.get("/calls", calls),
  HttpRouter.get("/summary", summary),
  HttpRouter.catchTags({
    AgniError: refuse,
    ParseError: () => HttpServerResponse.empty({ status: 400 })
  })
)

const simulated = AgniSimulator.layerClient({ sessions: 2345 })
const agni = Layer.unwrapEffect(
  Effect.map(Config.option(Config.redacted("AGNI_API_KEY")), (key) =>
    Option.isSome(key) ? Layer.provide(AgniClient.layerConfig(), FetchHttpClient.layer) : simulated
  )
)

export const { dispose, handler } = HttpApp.toWebHandlerLayer(app, agni)

/** `Bun.serve`, `deno serve` and Workers take the handler as it is; Node needs these lines. */
if (import.meta.main) {
  const server = createServer(async (request, response) => {
    const gone = new AbortController()
    response.on("close", () => gone.abort())
    const { body, headers, status } = await handler(
      new Request(`http://${request.headers.host}${request.url}`, { signal: gone.signal })
    )
    response.writeHead(status, Object.fromEntries(headers))
    // A reader that goes away ends the reading.
    await pipeline(body === null ? [] : Readable.fromWeb(body), response).catch(() => undefined)
  })
  server.listen(Number(process.env["PORT"] ?? 3000), "127.0.0.1", () => {
    const address = server.address()
    console.log(`http://127.0.0.1:${typeof address === "object" ? address?.port : address}`)
  })
}
