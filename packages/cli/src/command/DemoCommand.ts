/** `callstream demo`: a whole export from the simulator. */
import { AgniClient, Instant, Limits, Transform } from "@callstream/core"
import { AgniSimulator } from "@callstream/core/testing"
import { AgniTransport } from "@callstream/node"
import * as Clock from "effect/Clock"
import * as Command from "effect/cli/Command"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as Redacted from "effect/Redacted"
import { fromPlatform } from "@callstream/core/sink/OutputError"
import { flags, onOff } from "../option/Declared.ts"
import * as Resolve from "../job/Resolve.ts"
import * as ReportedSync from "../render/ReportedSync.ts"
import * as RunSync from "../run/RunSync.ts"
import * as Target from "../option/Target.ts"
import * as Zone from "../option/Zone.ts"
import * as Format from "../render/Format.ts"
import { invocation, print } from "../render/Screen.ts"
import * as ReportedRun from "../render/ReportedRun.ts"
import { serve } from "./SimulateCommand.ts"

const sessions = 4000

const folderOf = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  return yield* Effect.mapError(
    fs.makeTempDirectory({ prefix: "callstream-demo-" }),
    fromPlatform("the temporary folder", "open")
  )
})

/** The hours that pass in the organization before each pass but the first. */
const pauses = [3, 9] as const

/** The clock of this machine as the simulator's: a difference would be warned of. */
const clockOf = ({ now }: AgniSimulator.AgniSimulator): Effect.Effect<Clock.Clock> =>
  Effect.map(Clock.Clock, (clock) => {
    const nanos = () => BigInt(now()) * 1000n
    return {
      currentTimeMillisUnsafe: () => Math.floor(now() / 1000),
      currentTimeMillis: Effect.sync(() => Math.floor(now() / 1000)),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
      monotonicTimeNanos: clock.monotonicTimeNanos,
      sleep: (duration) => clock.sleep(duration)
    }
  })

/** A living organization: its clock is moved forward between the passes, and reaches the present. */
const syncDemo = Effect.gen(function* () {
  const paths = yield* Path.Path
  const folder = yield* folderOf
  const path = paths.join(folder, "calls.db")
  const before = Duration.hours(pauses.reduce((sum, hours) => sum + hours, 0))
  const simulator = yield* AgniSimulator.make({
    sessions: 2000,
    span: "7 days",
    startAt: Instant.of((yield* Instant.now) - Duration.toMillis(before) * 1000),
    arrivalsPerHour: 60,
    departuresPerHour: 0.0002,
    settlesWithin: "4 hours",
    latency: "20 millis",
    jitter: "30 millis"
  })
  const baseUrl = yield* serve(simulator, 0)
  const job = yield* Resolve.toJob(
    { name: "calls", source: { baseUrl, since: "30d" }, sinks: [`sqlite:${path}`], state: folder, sync: {} },
    { report: "people" }
  )
  if (!RunSync.isSync(job)) return yield* Effect.die(new Error("no sync"))
  const pass = ReportedSync.run(job, { restart: false }).pipe(
    Effect.provide(
      Layer.provide(AgniClient.layer({ apiKey: Redacted.make(simulator.apiKey), baseUrl }), AgniTransport.layer)
    ),
    Effect.provideService(Clock.Clock, yield* clockOf(simulator))
  )
  const command = `$ callstream sync --since 30d --to sqlite:${path} --state ${folder}`
  yield* print(
    `A simulated Agni API answers on ${baseUrl}, with the calls of a week, as of ${Format.duration(Duration.toMillis(before))} ago.`,
    command
  )
  yield* pass
  for (const hours of pauses) {
    simulator.advance(Duration.hours(hours))
    yield* print("", `${hours} hours later, with new calls, and costs, recordings and analyses that came:`, command)
    yield* pass
  }
  yield* print(
    "",
    `The table: ${path}`,
    `What the sync knows: ${invocation} status calls --state ${folder}`,
    "With your own organization:",
    "  export AGNI_API_KEY=…",
    `  ${invocation} sync --since 30d --to sqlite:calls.db --follow`
  )
})

const demo = Effect.gen(function* () {
  const paths = yield* Path.Path
  const folder = yield* folderOf
  const path = paths.join(folder, "calls.ndjson")
  const simulator = yield* AgniSimulator.make({
    sessions,
    latency: "80 millis",
    jitter: "80 millis",
    faultRate: 0.12,
    life: {}
  })
  const baseUrl = yield* serve(simulator, 0)
  yield* print(
    `A simulated Agni API with ${Format.counted(sessions, "call")} answers on ${baseUrl}; one request in eight fails.`,
    `$ callstream export --base-url ${baseUrl} --to ${path}`
  )
  const client = AgniClient.layer({ apiKey: Redacted.make(simulator.apiKey), baseUrl })
  const target: Target.Target = { _tag: "File", path, format: "ndjson", compression: undefined }
  yield* ReportedRun.run({
    title: undefined,
    name: undefined,
    state: { folder, database: undefined },
    baseUrl,
    selection: {},
    asked: { since: "", until: "", on: "" },
    zone: Zone.utc,
    zoned: false,
    filters: "",
    walk: "history",
    horizon: Limits.defaultHorizon,
    keepGoing: false,
    withoutStart: "include",
    profile: undefined,
    keep: undefined,
    limit: undefined,
    passes: undefined,
    conditions: [],
    transform: Transform.identity(),
    chain: { transforms: {}, tabular: false, zone: Zone.utc.name },
    folders: [],
    sinks: [{ target, settings: {} }],
    commitEvery: Duration.seconds(1),
    stretches: 1,
    onSinkFailure: "stop",
    deadLetters: Target.deadLettersOf([target]),
    deadLettersRaw: false,
    maxDeadShare: 0.1,
    coverage: undefined,
    recordings: undefined,
    strict: false,
    sync: undefined,
    report: "people",
    summaryTo: "stdout"
  }).pipe(Effect.provide(Layer.provide(client, AgniTransport.layer)))
  yield* print(
    "",
    `The file: ${path}`,
    "With your own organization:",
    "  export AGNI_API_KEY=…",
    `  ${invocation} check`,
    `  ${invocation} export --since 7d --to calls.ndjson`
  )
})

export const options = {
  sync: onOff(
    "Keep a table up to date instead: three passes over an organization that lives, twelve hours in a few seconds"
  )
}

export const demoCommand = Command.make("demo", flags(options), ({ sync }) =>
  Effect.scoped(sync === true ? syncDemo : demo)
).pipe(
  Command.withDescription(
    "Export a few thousand made-up calls from a simulated API on this machine, which fails now and then, to a file in the temporary folder; or with --sync keep a table up to date. Needs no key and no network."
  ),
  Command.withShortDescription("Export from a simulated API, without a key"),
  Command.withExamples([
    { command: "callstream demo", description: "See it work" },
    { command: "callstream demo --sync", description: "See a table that is kept up to date" }
  ])
)
