/** `callstream demo`: a whole export from the simulator. */
import { AgniClient, Limits, Transform } from "@callstream/core"
import { AgniSimulator } from "@callstream/core/testing"
import { AgniTransport } from "@callstream/node"
import * as Command from "effect/cli/Command"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as Redacted from "effect/Redacted"
import { fromPlatform } from "@callstream/core/sink/OutputError"
import * as Target from "../option/Target.ts"
import * as Zone from "../option/Zone.ts"
import * as Format from "../render/Format.ts"
import { invocation, print } from "../render/Screen.ts"
import * as ReportedRun from "../render/ReportedRun.ts"
import { serve } from "./SimulateCommand.ts"

const sessions = 4000

const demo = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const folder = yield* Effect.mapError(
    fs.makeTempDirectory({ prefix: "callstream-demo-" }),
    fromPlatform("the temporary folder", "open")
  )
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
    `A simulated Agni API with ${Format.counted(sessions, "call session")} answers on ${baseUrl}; one request in eight fails.`,
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
    sinks: [{ target, settings: {} }],
    commitEvery: Duration.seconds(1),
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

export const demoCommand = Command.make("demo", {}, () => Effect.scoped(demo)).pipe(
  Command.withDescription(
    "Export a few thousand made-up calls from a simulated API on this machine, which fails now and then, to a file in the temporary folder. Needs no key and no network."
  ),
  Command.withShortDescription("The whole job against a simulated API"),
  Command.withExamples([{ command: "callstream demo", description: "See it work" }])
)
