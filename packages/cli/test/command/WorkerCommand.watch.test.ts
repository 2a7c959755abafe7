/** Fleets as people and collectors see them: the live table on a terminal, and the telemetry of a worker. */
import { assert, describe, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import * as Postgres from "../../../node/test/postgres/PostgresServer.ts"
import * as FleetCommands from "../FleetCommands.ts"
import { simulation, until } from "../Callstream.ts"
import * as Collected from "../run/Collected.ts"

/** util-linux's `script` gives a command a terminal. */
const noTerminal = !String(spawnSync("script", ["--version"]).stdout).includes("util-linux")

/** The lines of a terminal on which a command drew: it goes up some lines, and removes what is below. */
const screenOf = (drawn: string): ReadonlyArray<string> => {
  // oxlint-disable-next-line no-control-regex
  const [first = "", ...rest] = drawn.split(/\u001b\[(\d+)A\u001b\[J/)
  const linesOf = (text = "") => text.split("\r\n").filter((line) => line !== "")
  let lines = linesOf(first)
  for (let i = 0; i < rest.length; i += 2)
    lines = [...lines.slice(0, lines.length - Number(rest[i])), ...linesOf(rest[i + 1])]
  return lines
}

describe.skipIf(Postgres.missing)(`a fleet that is watched${Postgres.reason}`, () => {
  layer(Postgres.Server.layer, { excludeTestServices: true })((it) => {
    it.effect.skipIf(noTerminal)("runs --watch draws the table in its place, until it is that of runs", () =>
      Effect.gen(function* () {
        const api = yield* simulation({ sessions: 300, undated: 0, age: "1 day", seed: 3, content: "minimal" })
        const { file, run, start } = yield* FleetCommands.make(api)
        yield* file("calls.yaml", "stretches: 2\nsource: { until: 12h }\nsinks: ['postgres:SINK_URL']\n")
        assert.strictEqual((yield* run(["run", "calls.yaml", "--detach"])).code, 0)
        const watched = yield* start(["runs", "calls", "--watch"], {
          env: { TERM: "xterm" },
          shell: 'exec script -qec "stty cols 200; $*" /dev/null'
        })
        yield* until(() => watched.stdout().includes("planned"))
        yield* start(["worker"])
        const { code, stdout } = yield* watched.ended
        assert.strictEqual(code, 0, stdout)
        assert.include(stdout, "\u001b[J")
        assert.include(stdout, "planned")
        const table = (yield* run(["runs", "calls"])).stdout.trimEnd().split("\n")
        assert.match(table.at(-1) ?? "", /finished/)
        assert.deepStrictEqual(screenOf(stdout), table)
      })
    )

    it.effect("worker --otlp sends the spans and metrics of its runs, at its end too", () =>
      Effect.gen(function* () {
        const api = yield* simulation({ sessions: 300, undated: 0, age: "1 day", seed: 3, content: "minimal" })
        const { file, run, start } = yield* FleetCommands.make(api)
        const collected = yield* Collected.collector()
        const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collected.url, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" }
        yield* file("calls.yaml", "stretches: 2\nsource: { until: 12h }\nsinks: ['postgres:SINK_URL']\n")
        const worker = yield* start(["worker", "--otlp"], { env })
        assert.strictEqual((yield* run(["run", "calls.yaml", "--json"])).code, 0)
        worker.child.kill("SIGTERM")
        assert.strictEqual((yield* worker.ended).code, 0)
        assert.sameMembers(
          [...new Set(collected.paths)].filter((path) => path !== "/v1/logs"),
          ["/v1/traces", "/v1/metrics"]
        )
        const names = collected.spans().map(({ name }) => name)
        assert.includeMembers(names, [
          "callstream.run",
          "callstream.window",
          "callstream.sink.flush",
          "callstream.commit"
        ])
        const rows = collected.metrics().find(({ name }) => name === "callstream.sink.rows")
        assert.strictEqual(
          rows?.sum?.dataPoints.reduce((sum, { asDouble = 0 }) => sum + asDouble, 0),
          300
        )
      })
    )
  })
})
