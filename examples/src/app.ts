/** An HTTP service that hands calls on as NDJSON while it reads them: `node src/app.ts`, then `curl localhost:3000/calls`. */
import { AgniClient, type AgniError, CallSessions, Ndjson } from "@callstream/core"
import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Config, Effect, Layer, Schema, Sink, Stream } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { createServer } from "node:http"
import * as Agni from "./Agni.ts"

/** What the service had before. */
const health = HttpRouter.add("GET", "/health", HttpServerResponse.text("ok"))

const Parameters = Schema.Struct({
  since: Schema.optionalKey(Schema.String),
  status: Schema.optionalKey(Schema.String)
})

/**
 * `AgniClient` is taken when the route is added, once for all requests: they share one budget.
 *
 * The reader sets the pace. While it does not read, the next windows are not asked for; when it goes away, reading ends.
 */
const calls = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const agni = yield* AgniClient
    yield* router.add(
      "GET",
      "/calls",
      Effect.gen(function* () {
        const { since, status } = yield* HttpServerRequest.schemaSearchParams(Parameters)
        const lines = CallSessions.sessions({ from: since, status }).pipe(
          Stream.mapArray((sessions) => [Ndjson.encode(sessions)]),
          Stream.encodeText,
          Stream.provideService(AgniClient, agni)
        )
        // The first window is read before the status is sent, so that a wrong key is a 502. A later failure can only cut
        // the body off, which every HTTP client reports.
        const [first, rest] = yield* Stream.peel(lines, Sink.take(1))
        return HttpServerResponse.stream(Stream.concat(Stream.fromIterable(first), rest), {
          contentType: "application/x-ndjson"
        })
      }).pipe(
        Effect.catchTags({
          AgniError: refuse,
          SchemaError: () => Effect.succeed(HttpServerResponse.empty({ status: 400 }))
        })
      )
    )
  })
)

const refuse = (error: AgniError) =>
  Effect.succeed(
    error.reason._tag === "InvalidRequest"
      ? HttpServerResponse.text(error.reason.message, { status: 400 })
      : HttpServerResponse.text(`Agni: ${error.reason._tag}`, { status: 502 })
  )

/** The service, for whichever server and client it is given. */
export const app = HttpRouter.serve(Layer.mergeAll(health, calls))

if (import.meta.main) {
  const port = Config.Port("PORT").pipe(Config.withDefault(3000))
  app.pipe(
    Layer.provide(Agni.layer),
    Layer.provide(NodeHttpServer.layerConfig(createServer, { port, host: Config.succeed("127.0.0.1") })),
    Layer.launch,
    NodeRuntime.runMain
  )
}
