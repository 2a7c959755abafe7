/** The exporter of `--otlp`. Loaded only with it. */
import { AgniTransport } from "@callstream/node"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as OtlpExporter from "effect/observability/OtlpExporter"
import * as OtlpLogger from "effect/observability/OtlpLogger"
import * as OtlpMetrics from "effect/observability/OtlpMetrics"
import * as OtlpTracer from "effect/observability/OtlpTracer"
import * as Redacted from "effect/Redacted"
import * as Tracer from "effect/Tracer"
import { randomUUID } from "node:crypto"
import manifest from "../../package.json" with { type: "json" }
import type { Export, Settings } from "../option/OtlpOptions.ts"
import * as Collector from "./otlp/Collector.ts"
import * as Serialization from "./otlp/Serialization.ts"

/** Spans of libraries, such as those of SQL statements, may say what a call holds: only callstream's own leave. */
const isOurs = (name: string): boolean => name.startsWith("callstream.") || name.startsWith("GET /api/")

const onlyOurs = (tracer: Tracer.Tracer): Tracer.Tracer =>
  Tracer.make({ span: (options) => (isOurs(options.name) ? tracer.span(options) : new Tracer.NativeSpan(options)) })

const layerOf = ({ attributes, exports, serviceName, temporality }: Settings, collector: Collector.Collector) => {
  const resource = {
    serviceName,
    serviceVersion: attributes["service.version"] ?? manifest.version,
    // Two processes on one machine are two series.
    attributes: { "service.instance.id": randomUUID(), ...attributes }
  }
  const common = ({ batch, compression, headers, interval, timeout, url }: Export) => ({
    url,
    headers: Redacted.value(headers),
    compression,
    resource,
    exportInterval: interval,
    maxBatchSize: batch,
    // `flush` has sent the rest before.
    shutdownTimeout: Math.min(timeout, 1000)
  })
  const { logs, metrics, traces } = exports
  const through = (one: Export) =>
    Layer.provide([
      Serialization.layer(one.protocol),
      Layer.effect(HttpClient.HttpClient, Effect.map(HttpClient.HttpClient, collector.watched(one)))
    ])
  return Layer.mergeAll(
    traces === undefined
      ? Layer.empty
      : Layer.effect(Tracer.Tracer, Effect.map(OtlpTracer.make(common(traces)), onlyOurs)).pipe(through(traces)),
    metrics === undefined
      ? Layer.empty
      : Layer.effectDiscard(OtlpMetrics.make({ ...common(metrics), temporality })).pipe(through(metrics)),
    logs === undefined
      ? Layer.empty
      : Logger.layer([OtlpLogger.make(common(logs))], { mergeWithExisting: true }).pipe(through(logs))
  ).pipe(
    Layer.provideMerge(OtlpExporter.layerFlusher),
    Layer.provide(AgniTransport.layer),
    // The settings are read: the exporter reads no variable by itself.
    Layer.provide(Layer.succeed(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown({})))
  )
}

/** The longest of the times that one of the signals may take at the end. */
const patience = ({ exports }: Settings): number => Math.max(0, ...Object.values(exports).map(({ timeout }) => timeout))

const told = ({ exports, unused }: Settings) =>
  Effect.gen(function* () {
    if (Object.keys(exports).length === 0) {
      yield* Effect.logWarning("--otlp exports nothing: OTEL_SDK_DISABLED or the exporters' variables switch it off")
    }
    if (unused.length > 0) {
      yield* Effect.logWarning(`callstream does not use ${unused.join(", ")}`)
    }
  })

/** Runs an effect with the exporter, and sends what is left when it ends, however it ends. */
export const within = <A, E, R>(settings: Settings, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const collector = Collector.make()
    return Effect.andThen(told(settings), effect).pipe(
      Effect.onExit(() =>
        Effect.flatMap(OtlpExporter.Flusher, (flusher) => collector.ending(flusher.flush, patience(settings)))
      ),
      Effect.provide(layerOf(settings, collector))
    )
  })
