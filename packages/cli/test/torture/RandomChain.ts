/** One export that is killed again and again and goes on until it ends, and what must hold then. */
import { Fault } from "@callstream/core/testing"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { folder, simulation, type Simulation, until } from "../Callstream.ts"
import * as Postgres from "../../../node/test/postgres/PostgresServer.ts"
import * as Evidence from "./Evidence.ts"
import { type KillPoint, type Trace, variables } from "./KillPoint.ts"
import * as Receiver from "./KillReceiver.ts"

/** What is exported, and where to. */
export interface Scenario {
  readonly name: string
  readonly file?: string | undefined
  readonly rotate?: string | undefined
  readonly webhook?: boolean | undefined
  readonly stdout?: boolean | undefined
  /** A SQLite file of this name. */
  readonly table?: string | undefined
  /** A database of a server that is not killed. */
  readonly postgres?: boolean | undefined
}

export const scenarios: ReadonlyArray<Scenario> = [
  { name: "file", file: "calls.ndjson" },
  { name: "gzip", file: "calls.ndjson.gz" },
  { name: "zstd", file: "calls.ndjson.zst" },
  { name: "by day", file: "calls.ndjson", rotate: "day" },
  { name: "by size", file: "calls.ndjson", rotate: "100KB" },
  { name: "by size, gzip", file: "calls.ndjson.gz", rotate: "20KB" },
  { name: "csv", file: "calls.csv" },
  { name: "csv by size, zstd", file: "calls.csv.zst", rotate: "20KB" },
  { name: "parquet", file: "calls.parquet" },
  { name: "parquet by size", file: "calls.parquet", rotate: "60KB" },
  { name: "parquet by day", file: "calls.parquet", rotate: "day" },
  { name: "webhook", webhook: true },
  { name: "file and webhook", file: "calls.ndjson", webhook: true },
  { name: "stdout", stdout: true },
  { name: "sqlite", table: "calls.db" },
  { name: "sqlite and webhook", table: "calls.db", webhook: true },
  ...(Postgres.missing ? [] : [{ name: "postgres", postgres: true }])
]

/** How a run is ended: at a call of its own, at an answer of the receiver, or after so many requests to the server. */
export type Kill =
  | { readonly _tag: "Point"; readonly point: KillPoint }
  | { readonly _tag: "Answer"; readonly phase: "before" | "after"; readonly nth: number }
  | { readonly _tag: "Request"; readonly nth: number; readonly delay: number }

export const describe = (kill: Kill): string => {
  switch (kill._tag) {
    case "Point":
      return `${kill.point.phase} ${kill.point.op} of ${kill.point.on}`
    case "Answer":
      return `${kill.phase} the webhook's 2xx`
    case "Request":
      return "at random"
  }
}

/** All that chance decides of a run; the same for the same seed. */
export interface Run {
  readonly pageSize: number
  readonly concurrency: number
  readonly kill: Kill | undefined
}

export interface Options {
  readonly scenario: Scenario
  /** Of the simulator. */
  readonly seed: number
  readonly sessions: number
  readonly random: () => number
  /** One after the other, until one ends by itself: the last one of them is not killed. */
  readonly runs: ReadonlyArray<Run>
}

/** Where each run was killed, in words, and what that proves. */
export interface Result {
  readonly kills: ReadonlyArray<string>
  /** A kill that left a checkpoint half way between its sinks' flush and its rename. */
  readonly insideCommits: number
  /** Events that a receiver was sent again after it had taken them. */
  readonly repeats: number
  /** Runs that went on where another was killed. */
  readonly resumed: number
  readonly problems: ReadonlyArray<string>
  /** How often the last run did what. */
  readonly counts: Readonly<Record<string, number>>
}

const startAt = Date.UTC(2026, 5, 1)
const secret = "whsec_bm8gc2VjcmV0LCBqdXN0IGEgdGVzdCdzIGtleSE="
const preload = pathToFileURL(join(import.meta.dirname, "KillPoint.ts")).href
const quick = [
  Fault.tooManyRequests({ retryAfter: "0 seconds" }),
  Fault.status(500),
  Fault.htmlError(502),
  Fault.reset,
  Fault.cut(),
  Fault.truncated()
]

/** A range, or all there is. */
const ranges: ReadonlyArray<{ readonly from?: string; readonly to?: string }> = [
  {},
  { from: "2026-05-28T06:00:00Z", to: "2026-05-31T18:30:00Z" },
  { from: "2026-05-29" },
  { to: "2026-05-31T12:00:00Z" }
]

export const run = Effect.fnUntraced(function* (options: Options): Effect.fn.Return<Result, never, Scope.Scope> {
  const { random, scenario } = options
  const cwd = yield* folder
  const simulator = yield* simulation({
    seed: options.seed,
    sessions: options.sessions,
    startAt: new Date(startAt),
    span: "4 days",
    age: "6 hours",
    undated: 0.02,
    latency: "3 millis",
    faultRate: 0.05,
    faults: quick
  })
  const refuses = (id: string) => scenario.webhook === true && options.seed % 2 === 0 && /[0-7][08]$/.test(id)
  const receiver = yield* Receiver.make({ refuses, fails: () => random() < 0.03 })
  const database =
    scenario.postgres === true
      ? yield* Effect.orDie(
          Effect.gen(function* () {
            const server = yield* Postgres.Server.make
            const name = yield* server.database()
            return yield* server.client(name, { maxConnections: 1 })
          })
        )
      : undefined
  const range = ranges[Math.floor(random() * ranges.length)] ?? {}
  const args = argumentsOf(scenario, range, receiver.url)
  const trace = join(yield* folder, "trace.json")
  const state = join(cwd, ".callstream", "torture.json")

  const kills: Array<string> = []
  const outputs: Array<string> = []
  const problems: Array<string> = []
  let insideCommits = 0
  let resumed = 0
  let counts: Trace["counts"] = {}
  let ended = false
  for (const one of options.runs) {
    // A state is kept before anything is read.
    const kept = existsSync(state) ? Evidence.stateOf(state) : undefined
    const goesOn = kept !== undefined && Object.keys(kept.sinks).length > 0
    const finished = kept?.finished === true
    const { code, stderr, stdout, traced } = yield* once(simulator, receiver, [...args, ...widths(one)], {
      cwd,
      trace,
      kill: one.kill,
      database: database?.config
    })
    outputs.push(stdout)
    if (traced !== undefined) counts = traced.counts
    if (code === null) {
      kills.push(one.kill === undefined ? "by nobody" : describe(one.kill))
      if (Evidence.leftInsideCommit(cwd)) insideCommits++
      if (scenario.table !== undefined) problems.push(...Evidence.tableAfterKill(cwd, scenario.table))
      if (database !== undefined) problems.push(...(yield* Evidence.serverAfterKill(database)))
      continue
    }
    if (code !== 0) problems.push(`a run ended with ${code}: ${stderr}`)
    if (goesOn) {
      resumed++
      const says = finished ? "has finished and exports nothing more" : "resumed at"
      if (!stderr.includes(says)) problems.push(`a run that goes on does not say "${says}": ${stderr}`)
    }
    ended = true
    break
  }
  if (!ended) problems.push("it never ended")
  const again = yield* once(simulator, receiver, args, {
    cwd,
    trace,
    kill: undefined,
    database: database?.config
  })
  if (again.code !== 0 || !again.stderr.includes("has finished and exports nothing more")) {
    problems.push(`one run more does something: ${again.code} ${again.stderr}`)
  }
  if (again.stdout !== "") problems.push("one run more writes to stdout")

  const from = range.from === undefined ? -Infinity : Date.parse(range.from) * 1000
  const to = range.to === undefined ? Infinity : Date.parse(range.to) * 1000
  // Calls without a start are of the range that they were created in.
  const truth = new Set(
    simulator.simulator.truth().flatMap(({ createdAt, id, startedAt }) => {
      const at = startedAt ?? createdAt
      return at >= from && at < to ? [id] : []
    })
  )
  const { events } = receiver
  const { file, rotate } = scenario
  const found =
    file === undefined ? [] : yield* Effect.promise(() => Evidence.files(cwd, file, rotate !== undefined, truth))
  problems.push(
    ...Evidence.leftovers(cwd),
    ...Evidence.coverage(join(cwd, "coverage.json"), range),
    ...found,
    ...(scenario.table === undefined ? [] : Evidence.table(cwd, scenario.table, truth)),
    ...(database === undefined ? [] : yield* Evidence.server(database, truth)),
    ...(scenario.webhook === true ? Evidence.received(events, truth, refuses) : []),
    ...(scenario.webhook === true ? Evidence.deadLetters(cwd, truth, refuses) : []),
    ...(scenario.stdout === true ? Evidence.appended(outputs, truth) : [])
  )
  const repeats = events.length - new Set(events.map(({ id }) => id)).size
  return { kills, insideCommits, repeats, resumed, problems, counts }
})

const argumentsOf = (
  scenario: Scenario,
  range: { readonly from?: string; readonly to?: string },
  url: string
): ReadonlyArray<string> => [
  "export",
  "--name",
  "torture",
  "--coverage",
  "coverage.json",
  "--commit-every",
  "0ms",
  "--retries",
  "20",
  ...(range.from === undefined ? [] : ["--since", range.from]),
  ...(range.to === undefined ? [] : ["--until", range.to]),
  ...(scenario.file === undefined ? [] : ["--to", scenario.file]),
  ...(scenario.table === undefined ? [] : ["--to", `sqlite:${scenario.table}`]),
  ...(scenario.postgres === true ? ["--to", "postgres:DATABASE_URL"] : []),
  ...(scenario.rotate === undefined ? [] : ["--rotate", scenario.rotate]),
  ...(scenario.webhook === true
    ? ["--to", url, "--allow-private-hosts", "--dead-letters", "dead-letters.ndjson", "--max-dead-letters", "50"]
    : []),
  ...(scenario.stdout === true ? ["--to", "-"] : [])
]

const widths = ({ concurrency, pageSize }: Run): ReadonlyArray<string> => [
  "--page-size",
  String(pageSize),
  "--concurrency",
  String(concurrency)
]

const once = Effect.fnUntraced(function* (
  { simulator, start }: Simulation,
  receiver: Receiver.Receiver,
  args: ReadonlyArray<string>,
  options: {
    readonly cwd: string
    readonly trace: string
    readonly kill: Kill | undefined
    readonly database: { readonly port?: number | undefined; readonly database?: string | undefined } | undefined
  }
) {
  const { cwd, database, kill, trace } = options
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const { child, ended } = yield* start(args, {
        cwd,
        env: {
          CALLSTREAM_WEBHOOK_SECRET: secret,
          DATABASE_URL:
            database === undefined ? undefined : `postgres://postgres@127.0.0.1:${database.port}/${database.database}`,
          NODE_OPTIONS: `--import=${preload}`,
          [variables.trace]: trace,
          [variables.point]: kill?._tag === "Point" ? JSON.stringify(kill.point) : undefined
        }
      })
      const end = () => void child.kill("SIGKILL")
      receiver.set(kill?._tag === "Answer" ? { phase: kill.phase, nth: kill.nth, kill: end } : undefined)
      if (kill?._tag === "Request") {
        const after = simulator.requests.length + kill.nth
        const reached = until(() => simulator.requests.length >= after || child.exitCode !== null)
        yield* Effect.forkScoped(Effect.andThen(Effect.delay(reached, 0), Effect.delay(Effect.sync(end), kill.delay)))
      }
      const ran = yield* ended
      receiver.set(undefined)
      const traced =
        ran.code === null && kill?._tag !== "Point" ? undefined : (JSON.parse(readFileSync(trace, "utf8")) as Trace)
      return { ...ran, traced }
    })
  )
})
