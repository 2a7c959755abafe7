/** The names that are documented are those that both exports have. */
import { FleetMetrics, type FleetRun } from "@callstream/cluster"
import {
  AgniClient,
  type AgniClientOptions,
  type CallSession,
  Checkpoint,
  type DeadLetter,
  HistorySource,
  Instant,
  Ledger,
  Pipeline,
  Rows,
  SessionSink,
  SinkBytes,
  SinkError,
  Source,
  SyncPipeline,
  Telemetry,
  Transform,
  Version
} from "@callstream/core"
import { AgniSimulator, Fault } from "@callstream/core/testing"
import { AgniTransport } from "@callstream/node"
import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import * as OtlpOptions from "../../src/option/OtlpOptions.ts"
import * as Exposition from "../../src/run/Exposition.ts"
import * as RunMetrics from "../../src/run/RunMetrics.ts"
import { exporting } from "../../src/run/Otlp.ts"
import { folder, records, server } from "../Callstream.ts"
import * as Collected from "./Collected.ts"

const page = readFileSync(resolve(import.meta.dirname, "../../../../docs/telemetry.md"), "utf8")

const names = (cell: string) => Array.from(cell.matchAll(/`([^`]+)`/g), ([, name = ""]) => name)

/** The cells of the table below a heading. */
const table = (heading: string) =>
  (page.split(`## ${heading}\n`)[1] ?? "")
    .split("\n## ")[0]
    ?.split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) =>
      line
        .split("|")
        .map((cell) => cell.trim())
        .slice(1, -1)
    ) ?? []

const settingsFor = (url: string) =>
  Result.getOrThrow(OtlpOptions.read({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" }))

/** Fails once, and then rejects a row of each batch. */
const troubled = (name: string): SessionSink.SessionSink<object> => {
  const failures = { left: 1 }
  return SessionSink.make<object>({
    name,
    delivery: "idempotent",
    keeps: "latest",
    open: () =>
      Effect.succeed({
        write: ({ items }: SessionSink.Batch<object>) =>
          Effect.suspend(() => {
            if (failures.left-- > 0) {
              const reason = { _tag: "Other", description: "it is down" } as const
              return Effect.fail(new SinkError({ sink: name, operation: "write", retryable: true, reason }))
            }
            const refused = items.slice(0, 1).map(({ id }) => ({ id, reason: "no room" }))
            return Effect.as(SinkBytes.add(100 * items.length), refused)
          }),
        remove: () => Effect.succeed([])
      })
  })
}

const letters: SessionSink.SessionSink<DeadLetter.DeadLetter> = SessionSink.make({
  name: "dead-letters",
  delivery: "idempotent",
  write: () => Effect.void
})

/** A page with a record that could not be decoded. */
const withRejected = Source.make({
  fingerprint: {},
  units: () =>
    Stream.make<ReadonlyArray<Source.Unit>>({
      _tag: "Page",
      rows: Rows.ofSessions([{ id: "a" }, { id: "b" }], Instant.of(0)),
      rejected: [
        { page: 1, index: 2, stage: "decode", reason: "id is no text", raw: { id: [] }, observedAt: Version.of(0) }
      ]
    })
})

const counters = { read: 5, delivered: 4, filtered: 1, rejected: 0, dead: 0, requests: 3, earliest: null, latest: null }

const fleetRun: FleetRun.FleetRun = {
  id: "1",
  name: "nightly",
  organization: null,
  state: "running",
  attempt: 1,
  parts: 3,
  finished: 1,
  failed: 0,
  counters,
  workers: 2,
  reason: null,
  summary: null,
  createdAt: new Date(0),
  finishedAt: null
}

/** Everything that is measured happens once. */
const everything = Effect.gen(function* () {
  const simulator = yield* AgniSimulator.make({ sessions: 3000, undated: 0.01, age: "1 day", seed: 3 })
  const broken = yield* server(records([{ id: [] }]))
  const client = (options: Partial<AgniClientOptions>) =>
    AgniClient.layer({
      apiKey: Redacted.make(simulator.apiKey),
      retry: { base: "20 millis" },
      maxConcurrentRequests: 1,
      ...options
    })
  const transform = Transform.make<CallSession.CallSession, object>({
    label: "some",
    columns: (all) => all,
    apply: (session) => (session.channel === "web_call" ? undefined : session)
  })
  const options = () => ({ transform, deadLetters: letters, maxDeadShare: 1, sinks: [troubled("a")] }) as const
  yield* Effect.gen(function* () {
    yield* Pipeline.make({ ...options(), name: "windows", source: HistorySource.make() }).run()
    yield* Pipeline.make({ ...options(), name: "pages", source: withRejected }).run()
    // Within the run, so that the retries are events of a window.
    simulator.failNext(1, Fault.status(503))
    simulator.failNext(1, Fault.tooManyRequests({ retryAfter: 1 }))
    yield* SyncPipeline.run({ ...options(), name: "sync", from: "2020-01-01T00:00:00Z" })
    yield* RunMetrics.succeeded("sync")
    yield* FleetMetrics.update([fleetRun])
  }).pipe(Effect.provide([client({}).pipe(Layer.provide(simulator.layer)), Checkpoint.layerMemory, Ledger.layerMemory]))
  yield* Effect.flatMap(AgniClient, ({ list }) => list({ page: 1 })).pipe(
    Effect.provide(client({ baseUrl: broken.url, name: "other" }).pipe(Layer.provide(AgniTransport.layer)))
  )
})

const exported = Effect.gen(function* () {
  const cwd = yield* folder
  const collected = yield* Collected.collector()
  const path = join(cwd, "m.prom")
  yield* exporting(settingsFor(collected.url), RunMetrics.writing(path, everything))
  return { collected, families: Exposition.parse(readFileSync(path, "utf8")) }
}).pipe(Effect.provideService(Metric.MetricRegistry, new Map()), Effect.provide(NodeServices.layer))

const union = (all: Iterable<ReadonlyArray<string>>) => [...new Set([...all].flat())].toSorted()

describe("docs/telemetry.md", () => {
  it.live("names the metrics, units and attributes that both exports have, and no others", () =>
    Effect.gen(function* () {
      const { collected, families } = yield* exported
      const rows = table("Metrics")
      const documented = Object.fromEntries(
        rows.map(([name = "", type = "", unit = "", attributes = "", prometheus = ""]) => [
          names(name).join(),
          { type, unit: names(unit)[0], attributes: names(attributes).toSorted(), prometheus: names(prometheus).join() }
        ])
      )
      const sent = Object.fromEntries(
        collected.metrics().map(({ gauge, histogram, name, sum, unit }) => {
          const points = (gauge ?? sum ?? histogram)?.dataPoints ?? []
          const type = gauge !== undefined ? "gauge" : sum !== undefined ? "counter" : "histogram"
          const attributes = union(points.map(({ attributes }) => attributes.map(({ key }) => key)))
          return [name, { type, unit, attributes, prometheus: RunMetrics.prometheusName(name) }]
        })
      )
      assert.deepStrictEqual(sent, documented)
      // Two clients are two series.
      const durations = collected.metrics().find(({ name }) => name === "http.client.request.duration")
      const clients = durations?.histogram?.dataPoints.map(
        ({ attributes }) => Collected.attributesOf(attributes)["callstream.client.name"]
      )
      assert.sameMembers([...new Set(clients)], ["default", "other"])
      const written = Object.fromEntries(
        [...families].map(([name, { series, type }]) => {
          const labels = union(
            [...series.keys()].map((key) => Array.from(key.matchAll(/([a-z_]+)="/g), ([, label = ""]) => label))
          ).filter((label) => label !== "run" && label !== "le")
          return [name, { type, labels }]
        })
      )
      assert.deepStrictEqual(
        written,
        Object.fromEntries(
          Object.values(documented).map(({ attributes, prometheus, type }) => [
            prometheus,
            { type, labels: attributes.map((name) => name.replaceAll(".", "_")).toSorted() }
          ])
        )
      )
      const ofFleets = [FleetMetrics.runs, FleetMetrics.parts, FleetMetrics.calls, FleetMetrics.workers]
      assert.sameMembers(
        [...Telemetry.metrics, RunMetrics.lastSuccess, ...ofFleets].map(({ id }) => id),
        Object.keys(documented)
      )
    })
  )

  it.live("names the spans, their parents, attributes and events", () =>
    Effect.gen(function* () {
      const { collected } = yield* exported
      const spans = collected.spans()
      const byId = new Map(spans.map((span) => [span.spanId, span]))
      const found = Object.fromEntries(
        Array.from(
          Map.groupBy(spans, ({ name }) => name),
          ([name, all]) => [
            name,
            {
              attributes: union(all.map(({ attributes }) => attributes.map(({ key }) => key))).filter(
                (key) => key !== "error.type" && key !== "effect.fiber.interrupted"
              ),
              parents: union(
                all.map(({ parentSpanId = "" }) =>
                  parentSpanId === "" ? [] : [byId.get(parentSpanId)?.name.replace("callstream.", "") ?? "lost"]
                )
              )
            }
          ]
        )
      )
      const documented = Object.fromEntries(
        table("Spans").map(([name = "", parents = "", attributes = ""]) => [
          names(name).join(),
          {
            attributes: names(attributes).toSorted(),
            parents: parents
              .split(/, | or /)
              .filter((parent) => parent !== "")
              .toSorted()
          }
        ])
      )
      const parentsOf = ({ parents }: { readonly parents: ReadonlyArray<string> } = { parents: [] }) => parents
      for (const [name, span] of Object.entries(found)) {
        // Which of them it is hangs on time.
        for (const parent of parentsOf(span)) assert.include(parentsOf(documented[name]), parent, name)
        assert.deepStrictEqual(span.attributes, documented[name]?.attributes, name)
      }
      assert.sameMembers(Object.keys(found), Object.keys(documented))
      for (const { kind, name } of spans) assert.strictEqual(kind, name.startsWith("GET ") ? 3 : 1)
      const events = spans.flatMap(({ events }) => events.filter(({ name }) => name !== "exception"))
      assert.isNotEmpty(events)
      const [, said = ""] = /The event `callstream\.retry` of its parent has (.*)\./.exec(page) ?? []
      for (const { attributes, name } of events) {
        assert.strictEqual(name, "callstream.retry")
        assert.sameMembers(
          attributes.map(({ key }) => key),
          names(said)
        )
      }
    })
  )

  it("names the variables that are read, and no others", () => {
    const variables = union(table("Variables").map(([name = ""]) => names(name).filter((one) => !one.includes("…"))))
    const env = Object.fromEntries(variables.map((name) => [name, ""]))
    const values: Record<string, string> = { OTEL_SERVICE_NAME: "x", OTEL_RESOURCE_ATTRIBUTES: "a=b" }
    for (const name of variables) {
      const read = OtlpOptions.read({ ...env, [name]: values[name] ?? "grpc" })
      if (name in values) assert.isTrue(Result.isSuccess(read) && read.success.unused.length === 0, name)
      else if (!name.endsWith("_HEADERS")) assert.isTrue(Result.isFailure(read), name)
    }
    const { unused } = Result.getOrThrow(OtlpOptions.read({ OTEL_TRACES_SAMPLER: "always_on", OTEL_SERVICE_NAME: "x" }))
    assert.deepStrictEqual(unused, ["OTEL_TRACES_SAMPLER"])
  })
})
