/** `callstream simulate`: the Agni simulator on a local port. */
import { AgniSimulator, Fault } from "@callstream/core/testing"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { createServer } from "node:http"
import * as Figure from "../flag/Figure.ts"
import * as Source from "../flag/Source.ts"
import * as Format from "../output/Format.ts"
import { answer, invocation, print } from "../output/Screen.ts"
import { UsageError } from "../output/UsageError.ts"

/** Serves a simulator on a loopback port while the scope is open, and answers its base URL. Port 0 takes a free one. */
export const serve = (
  simulator: AgniSimulator.AgniSimulator,
  port: number
): Effect.Effect<string, UsageError, Scope.Scope> =>
  Effect.gen(function* () {
    const server = yield* NodeHttpServer.make(createServer, { port, host: "127.0.0.1", gracefulShutdownTimeout: 100 })
    yield* server.serve(simulator.httpApp)
    return HttpServer.formatAddress(server.address)
  }).pipe(
    Effect.catchTag(
      "ServeError",
      () =>
        new UsageError({
          problem: `--port: ${port} cannot be listened on`,
          advice: "Another program may use it: choose another one, or 0 for any free one."
        })
    )
  )

const faults = {
  "429": [
    Fault.tooManyRequests({ retryAfter: 1 }),
    Fault.tooManyRequests({ retryAfter: 1, retryAfterAs: "date" }),
    Fault.tooManyRequests()
  ],
  "500": [Fault.status(500)],
  "503": [Fault.status(503)],
  html: [Fault.htmlError(502), Fault.html],
  reset: [Fault.reset],
  hang: [Fault.hang],
  slow: [Fault.slow("2 seconds")],
  cut: [Fault.cut(), Fault.truncated()],
  unsuccessful: [Fault.unsuccessful],
  empty: [Fault.emptyAnswer],
  redirect: [Fault.redirect("same-origin")]
} as const satisfies Record<string, ReadonlyArray<Fault.Fault>>

const faultNames = Object.keys(faults)

const isFaultName = (name: string): name is keyof typeof faults => Object.hasOwn(faults, name)

const parseFaults = (text: string): Option.Option<ReadonlyArray<Fault.Fault>> => {
  const names = text.split(",").map((name) => name.trim())
  return names.every(isFaultName) ? Option.some(names.flatMap((name) => [...faults[name]])) : Option.none()
}

const whole = (name: string, least: number, most: number, otherwise: number, description: string) =>
  Figure.integer(name, least, `${description} (default: ${otherwise})`, most).pipe(Flag.withDefault(otherwise))

const flags = {
  port: whole("port", 0, 65_535, 8787, "Port on 127.0.0.1; 0 takes a free one"),
  seed: whole("seed", 0, 4_294_967_295, 1, "All chance follows from it"),
  sessions: whole("sessions", 0, 5_000_000, 1000, "Sessions that exist at the start"),
  arrivals: whole("arrivals", 0, 1_000_000, 0, "Further sessions an hour"),
  wire: Flag.Literals("wire", ["documented", "seen"]).pipe(
    Flag.withMetavar("NAME"),
    Flag.withDescription(
      "Shape of the answers: documented follows the contract; seen mixes nulls, omissions, numeric text and Go times (default: documented)"
    ),
    Flag.withDefault("documented")
  ),
  edition: Flag.Literals("edition", ["camel", "snake"]).pipe(
    Flag.withMetavar("NAME"),
    Flag.withDescription("Edition of the answers; snake, the older one, needs --wire seen (default: camel)"),
    Flag.withDefault("camel")
  ),
  maxPageSize: whole("max-page-size", 1, 1_000_000, 100, "Larger pages are silently cut to it"),
  latency: Source.duration("latency", "How long each answer takes, such as 50ms or 1s (default: none)").pipe(
    Flag.withDefault(Duration.zero)
  ),
  rate: Figure.integer("rate", 1, "Requests a second that are answered; above it comes 429 (default: no limit)").pipe(
    Flag.optional
  ),
  faultRate: Figure.decimal(
    "fault-rate",
    (value) => value <= 1,
    "a number from 0 to 1",
    "The share of requests that meet a fault, from 0 to 1 (default: 0, or 0.1 with --faults)"
  ).pipe(Flag.optional),
  faults: Flag.String("faults").pipe(
    Flag.withMetavar("LIST"),
    Flag.withDescription(
      `Which faults, separated by commas: ${faultNames.join(", ")} (default: all that pass quickly)`
    ),
    Flag.filterMap(parseFaults, () => `Expected: some of ${faultNames.join(", ")}, separated by commas`),
    Flag.optional
  )
}

export const simulateCommand = Command.make(
  "simulate",
  flags,
  Effect.fnUntraced(function* (input) {
    if (input.edition === "snake" && input.wire === "documented") {
      return yield* new UsageError({
        problem: "--edition snake: the documented wire has the camel edition only",
        advice: "Add --wire seen, or remove --edition."
      })
    }
    const simulator = yield* AgniSimulator.make({
      seed: input.seed,
      sessions: input.sessions,
      arrivalsPerHour: input.arrivals,
      wire: input.wire,
      edition: input.edition,
      maxPageSize: input.maxPageSize,
      latency: input.latency,
      rateLimit: Option.getOrUndefined(input.rate),
      faultRate: Option.getOrElse(input.faultRate, () => (Option.isSome(input.faults) ? 0.1 : 0)),
      faults: Option.getOrUndefined(input.faults)
    })
    return yield* Effect.scoped(
      Effect.gen(function* () {
        const url = yield* serve(simulator, input.port)
        yield* answer(url)
        yield* print(
          `A simulated Agni API with ${Format.counted(input.sessions, "session")} (seed ${input.seed}) answers until Ctrl-C. In another terminal:`,
          `  AGNI_API_KEY=${simulator.apiKey} ${invocation} export --base-url ${url} --to calls.ndjson`
        )
        return yield* Effect.never
      })
    )
  })
).pipe(
  Command.withDescription(
    "Serve a simulated Agni API on this machine, with made-up calls, for trying things out and for tests. It answers GET /api/v1/calling/call-sessions to the key agni_test_key, and prints its address on stdout."
  ),
  Command.withShortDescription("A simulated Agni API on this machine"),
  Command.withExamples([
    { command: "callstream simulate", description: "A thousand sessions on port 8787" },
    {
      command: "callstream simulate --port 0 --sessions 50000 --latency 50ms",
      description: "More of them, further away, on a free port"
    },
    {
      command: "callstream simulate --wire seen --edition snake",
      description: "The older edition, with nulls, omissions, numeric text and Go times"
    },
    { command: "callstream simulate --faults 429,cut,reset --fault-rate 0.2", description: "One that often fails" }
  ])
)
