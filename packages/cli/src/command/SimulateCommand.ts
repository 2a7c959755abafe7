/** `callstream simulate`: the Agni simulator on a local port. */
import { AgniSimulator, Fault } from "@callstream/core/testing"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { createServer } from "node:http"
import { flags, one, pick } from "../option/Declared.ts"
import * as Kind from "../option/Kind.ts"
import * as Format from "../render/Format.ts"
import { answer, invocation, print } from "../render/Screen.ts"
import { UsageError } from "../option/UsageError.ts"

/** Serves a simulator on a loopback port while the scope is open, and answers its base URL. Port 0 takes a free one. */
export const serve = (
  simulator: AgniSimulator.AgniSimulator,
  port: number
): Effect.Effect<string, UsageError, Scope.Scope> =>
  Effect.gen(function* () {
    const server = yield* NodeHttpServer.make(createServer, { port, host: "127.0.0.1", gracefulShutdownTimeout: 100 })
    yield* server.serve(simulator.httpApp)
    return HttpServer.formatAddress(server.address)
  }).pipe(Effect.catchTag("ServeError", () => new UsageError({ option: "port", reason: { _tag: "PortTaken", port } })))

const faults = {
  "429": [
    Fault.tooManyRequests({ retryAfter: "1 second" }),
    Fault.tooManyRequests({ retryAfter: "1 second", retryAfterAs: "date" }),
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

const defaults = { port: 8787, seed: 1, sessions: 1000, arrivals: 0, maxPageSize: 100 }

const count = (key: keyof typeof defaults, least: number, most: number, help: string) =>
  one(Kind.integer(least, most), help, { fallback: String(defaults[key]) })

export const options = {
  port: count("port", 0, 65_535, "Port on 127.0.0.1; 0 takes a free one"),
  seed: count("seed", 0, 4_294_967_295, "Seed of everything random"),
  sessions: count("sessions", 0, 5_000_000, "Calls that exist at the start"),
  arrivals: count("arrivals", 0, 1_000_000, "New calls an hour"),
  wire: one(
    Kind.choice("NAME", ["documented", "seen"]),
    "Shape of the answers: documented follows the contract; seen mixes nulls, omissions, numeric text and Go times",
    { fallback: "documented" }
  ),
  edition: one(
    Kind.choice("NAME", ["camel", "snake"]),
    "Edition of the answers; snake, the older one, needs --wire seen",
    { fallback: "camel" }
  ),
  maxPageSize: count("maxPageSize", 1, 1_000_000, "Largest page; a larger one that is asked for is cut to it"),
  latency: one(Kind.duration, "Time that each answer takes", { fallback: "none" }),
  rate: one(Kind.integer(1), "Requests a second that are answered; above it comes 429", { fallback: "no limit" }),
  faultRate: one(Kind.share, "Share of requests that meet a fault, from 0 to 1", {
    fallback: "0, or 0.1 with --faults"
  }),
  faults: one(
    Kind.text("LIST", `some of ${faultNames.join(", ")}, separated by commas`, (text) =>
      Option.isSome(parseFaults(text))
    ),
    `Faults, separated by commas: ${faultNames.join(", ")}`,
    { fallback: "all that pass quickly" }
  )
}

/** A line that sets variables for the commands after it, in the shell of this system. */
const environment = (variables: Readonly<Record<string, string>>): string => {
  const all = Object.entries(variables)
  return process.platform === "win32"
    ? all.map(([name, value]) => `$env:${name} = "${value}"`).join("; ")
    : `export ${all.map(([name, value]) => `${name}=${value}`).join(" ")}`
}

export const simulateCommand = Command.make(
  "simulate",
  flags(options),
  Effect.fnUntraced(function* (values) {
    const input = { ...defaults, ...pick(options, values) }
    const { edition = "camel", wire = "documented" } = input
    if (edition === "snake" && wire === "documented") {
      const other = { option: "wire", value: "seen" } as const
      return yield* new UsageError({ option: "edition", reason: { _tag: "OnlyWithOption", other } })
    }
    const { faultRate = input.faults === undefined ? 0 : 0.1, latency = "0s", rate } = input
    const simulator = yield* AgniSimulator.make({
      seed: input.seed,
      sessions: input.sessions,
      arrivalsPerHour: input.arrivals,
      life: {},
      wire,
      edition,
      maxPageSize: input.maxPageSize,
      recordingsUrl: "here",
      latency: Kind.durationOf(latency),
      rateLimit: rate,
      faultRate,
      faults: input.faults === undefined ? undefined : Option.getOrUndefined(parseFaults(input.faults))
    })
    return yield* Effect.scoped(
      Effect.gen(function* () {
        const url = yield* serve(simulator, input.port)
        yield* answer(url)
        yield* print(
          `A simulated Agni API with ${Format.counted(input.sessions, "call")} (seed ${input.seed}) answers until Ctrl-C. In another terminal:`,
          `  ${environment({ AGNI_API_KEY: simulator.apiKey, AGNI_BASE_URL: url })}`,
          `  ${invocation} report --since 7d`
        )
        return yield* Effect.never
      })
    )
  })
).pipe(
  Command.withDescription(
    "Serve a simulated Agni API on this machine, with made-up calls, for trying things out and for tests. It answers GET /api/v1/calling/call-sessions to the key agni_test_key, and prints its address on stdout."
  ),
  Command.withShortDescription("Start a simulated Agni API on this machine"),
  Command.withExamples([
    { command: "callstream simulate", description: "A thousand calls on port 8787" },
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
