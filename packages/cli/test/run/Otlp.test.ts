/** `--otlp` as people use it: the command, a collector, and what goes wrong between them. */
import { Fault } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { alongside, callstream, folder, lines, server, simulation, until } from "../Callstream.ts"
import * as Collected from "./Collected.ts"

const json = (url: string) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" })

/** Texts of calls that say more than a word or a time. */
const leaves = (value: unknown): ReadonlyArray<string> => {
  if (typeof value === "string") return value.length >= 8 && !/^[a-z_]+$|^\d{4}-\d\d-\d\dT/.test(value) ? [value] : []
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(leaves) : []
}

describe("--otlp", alongside, () => {
  it.live("sends traces, metrics and logs of an export, a sync and a file, and the API gets no trace headers", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation({ sessions: 300, undated: 0 })
      writeFileSync(join(cwd, "p.yaml"), "name: filed\nsinks:\n  - to: b.ndjson\n")
      for (const [args, root] of [
        [["export", "--to", "a.ndjson"], "callstream.run"],
        [["run", "p.yaml"], "callstream.run"],
        [["sync", "--to", "sqlite:a.db"], "callstream.pass"]
      ] as const) {
        const collected = yield* Collected.collector()
        const env = {
          ...json(`${collected.url}/base/`),
          OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20abc",
          OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
          OTEL_SERVICE_NAME: "nightly",
          OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test,service.name=other",
          OTEL_PROPAGATORS: "b3"
        }
        const { code, stderr } = yield* run([...args, "--otlp"], { cwd, env })
        assert.strictEqual(code, 0, stderr)
        assert.include(stderr, "callstream does not use OTEL_PROPAGATORS")
        assert.sameMembers([...new Set(collected.paths)], ["/base/v1/traces", "/base/v1/metrics", "/base/v1/logs"])
        for (const { authorization } of collected.headers) assert.strictEqual(authorization, "Bearer abc")
        const { "service.instance.id": instance, ...resource } = collected.resource()
        assert.match(String(instance), /^[0-9a-f-]{36}$/)
        assert.deepInclude(resource, { "service.name": "nightly", "deployment.environment.name": "test" })
        const roots = collected.spans().filter(({ parentSpanId }) => parentSpanId === undefined)
        // What is asked before a run under a name is a trace of its own.
        const runs = roots.filter(({ name }) => !name.startsWith("GET "))
        assert.deepStrictEqual(
          runs.map(({ name }) => name),
          [root],
          args.join(" ")
        )
        assert.isAtMost(roots.length, 2)
        assert.include(
          collected.metrics().map(({ name }) => name),
          "callstream.sink.rows"
        )
        assert.isNotEmpty(collected.logs())
      }
      for (const { headers } of simulator.requests) {
        for (const name of ["traceparent", "tracestate", "b3", "baggage"]) assert.isFalse(name in headers, name)
      }
    })
  )

  it.live("sends what is left when a run fails, and when a signal ends it", () =>
    Effect.gen(function* () {
      const { run, simulator, start } = yield* simulation({ sessions: 300 })
      const failed = yield* Collected.collector()
      const { code } = yield* run(["export", "--otlp"], { env: { ...json(failed.url), AGNI_API_KEY: "wrong" } })
      assert.strictEqual(code, 1)
      const [root] = failed.spans().filter(({ name }) => name === "callstream.run")
      assert.strictEqual(root?.status.message, "401")
      const stopped = yield* Collected.collector()
      simulator.failNext(1, Fault.hang)
      const before = simulator.requests.length
      const running = yield* start(["export", "--otlp", "--timeout", "30s"], { env: json(stopped.url) })
      yield* until(() => simulator.requests.length > before)
      running.child.kill("SIGTERM")
      assert.strictEqual((yield* running.ended).code, 130)
      assert.include(
        stopped.spans().map(({ name }) => name),
        "callstream.run"
      )
      assert.include(
        stopped.metrics().map(({ name }) => name),
        "http.client.active_requests"
      )
    })
  )

  it.live("reports a collector that is away, refuses or hangs once, and the run continues", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run } = yield* simulation({ sessions: 300, undated: 0 })
      const refusing = yield* Collected.collector(401)
      const hanging = yield* server(() => {})
      const lost = "http://127.0.0.1:9"
      for (const [url, problem] of [
        [lost, "could not be reached (ECONNREFUSED)"],
        [refusing.url, "answered 401"],
        [hanging.url, "gave no answer within 500ms"]
      ] as const) {
        const env = { ...json(url), OTEL_BLRP_SCHEDULE_DELAY: "50", OTEL_EXPORTER_OTLP_TIMEOUT: "500" }
        const args = ["export", "--to", "a.ndjson", "--force", "--otlp"]
        const { code, stderr } = yield* run(args, { cwd, env: { ...env, OTEL_PROPAGATORS: "b3" } })
        assert.strictEqual(code, 0, stderr)
        const said = stderr.split("\n").filter((line) => line.includes("telemetry is not exported"))
        assert.deepStrictEqual(said, [
          `warning: telemetry is not exported: ${url} ${problem}; the run does not wait for it`
        ])
        assert.lengthOf(lines(readFileSync(join(cwd, "a.ndjson"), "utf8")), 300)
      }
    })
  )

  it.live("refuses what it cannot do, before any request", () =>
    Effect.gen(function* () {
      const { run, simulator } = yield* simulation()
      for (const [name, value, problem] of [
        ["OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf or http/json"],
        ["OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "br", "none or gzip"],
        ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "localhost:4317", "a URL that begins with http:// or https://"],
        ["OTEL_EXPORTER_OTLP_HEADERS", "canary", "key=value pairs with commas in between, percent-encoded"],
        ["OTEL_LOGS_EXPORTER", "console", "otlp or none"],
        ["OTEL_BSP_SCHEDULE_DELAY", "0", "a whole number of at least 1"]
      ] as const) {
        const { code, stderr } = yield* run(["export", "--otlp"], { env: { [name]: value } })
        assert.strictEqual(code, 2)
        assert.strictEqual(stderr, `error: ${name} is not ${problem}\n  Change ${name}, or remove --otlp.\n`)
      }
      assert.isEmpty(simulator.requests)
    })
  )

  it.live("sends protobuf without a variable that says otherwise, and nothing when it is switched off", () =>
    Effect.gen(function* () {
      const { run } = yield* simulation()
      const collected = yield* Collected.collector()
      const at = { OTEL_EXPORTER_OTLP_ENDPOINT: collected.url }
      assert.strictEqual((yield* run(["export", "--otlp"], { env: { ...at, OTEL_METRICS_EXPORTER: "none" } })).code, 0)
      assert.deepStrictEqual([...new Set(collected.paths)], ["/v1/traces"])
      for (const headers of collected.headers) assert.strictEqual(headers["content-type"], "application/x-protobuf")
      const before = collected.paths.length
      const off = yield* run(["export", "--otlp"], { env: { ...at, OTEL_SDK_DISABLED: "true" } })
      assert.include(off.stderr, "--otlp exports nothing")
      yield* callstream(["--version"], { env: at })
      assert.lengthOf(collected.paths, before)
    })
  )

  it.live("has nothing personal in it, also where requests fail and rows are rejected", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const { run, simulator } = yield* simulation({ sessions: 400, undated: 0.05 })
      const receiver = yield* server((request, response) => {
        request.resume()
        request.on("end", () => response.writeHead(422).end())
      })
      const collected = yield* Collected.collector()
      yield* run(["export", "--to", "plain.ndjson"], { cwd })
      const secrets = {
        caller: "+14155550199",
        search: "canary words",
        key: simulator.apiKey,
        path: "canary-path",
        secret: "whsec_bm8gc2VjcmV0LCBqdXN0IGEgdGVzdCdzIGtleSE="
      }
      const env = { ...json(collected.url), CALLSTREAM_WEBHOOK_SECRET: secrets.secret }
      const common = ["--otlp", "--debug", "--retries", "2", "--force"]
      const faults = () => {
        simulator.failNext(2, Fault.status(500, { body: "json" }))
        simulator.failNext(1, Fault.cut())
      }
      faults()
      const to = ["--to", "a.ndjson", "--to", `${receiver.url}/${secrets.path}`, "--allow-private-hosts"]
      yield* run(
        [
          "export",
          ...to,
          "--redact",
          "phone,email,name",
          "--max-dead-letters",
          "1000000",
          "--where",
          `callerNumber != '${secrets.caller}'`,
          ...common
        ],
        { cwd, env }
      )
      faults()
      yield* run(["export", "--caller-number", secrets.caller, "--search", secrets.search, ...common], { cwd, env })
      yield* run(["export", ...common], { cwd, env: { ...env, AGNI_API_KEY: "canary-key" } })
      yield* run(["sync", "--to", "sqlite:s.db", "--otlp", "--debug"], { cwd, env })
      const text = collected.texts.join("\n")
      assert.isNotEmpty(collected.spans())
      assert.isNotEmpty(collected.logs())
      assert.isAbove(collected.metrics().length, 5)
      const personal = new Set(leaves(lines(readFileSync(join(cwd, "plain.ndjson"), "utf8"))))
      assert.isAbove(personal.size, 1000)
      for (const value of [...personal, ...Object.values(secrets), "canary", "4155550199"]) {
        assert.isFalse(text.includes(value), value)
        assert.isFalse(text.includes(encodeURIComponent(value)), value)
      }
    })
  )
})
