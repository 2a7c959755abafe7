/** OTLP as OpenTelemetry's conventions have it: units only as units, and numbers as numbers. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as OtlpMetrics from "effect/observability/OtlpMetrics"
import type * as OtlpResource from "effect/observability/OtlpResource"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import manifest from "../../../package.json" with { type: "json" }

const scope = { name: "callstream", version: manifest.version }

/** Effect has a metric's unit among its attributes, and all of them as texts. */
const attributesOf = (attributes: ReadonlyArray<OtlpResource.KeyValue>): Array<OtlpResource.KeyValue> =>
  attributes.flatMap(({ key, value }) => {
    if (key === "unit") return []
    const isNumber = key === "server.port" || key === "http.response.status_code"
    return [{ key, value: isNumber ? { intValue: Number(value.stringValue) } : value }]
  })

const pointsOf = <Data extends { dataPoints: Array<{ readonly attributes?: Array<OtlpResource.KeyValue> }> }>(
  data: Data
): Data => ({
  ...data,
  dataPoints: data.dataPoints.map((point) => ({ ...point, attributes: attributesOf(point.attributes ?? []) }))
})

const metricsOf = ({ resourceMetrics }: OtlpMetrics.MetricsData): OtlpMetrics.MetricsData => ({
  resourceMetrics: resourceMetrics.map((one) => ({
    ...one,
    scopeMetrics: one.scopeMetrics.map(({ metrics }) => ({
      scope,
      metrics: metrics.map(({ gauge, histogram, sum, ...metric }) => ({
        ...metric,
        ...(gauge === undefined ? {} : { gauge: pointsOf(gauge) }),
        ...(histogram === undefined ? {} : { histogram: pointsOf(histogram) }),
        ...(sum === undefined ? {} : { sum: pointsOf(sum) })
      }))
    }))
  }))
})

/** The bodies of requests. */
export const layer = (protocol: "http/json" | "http/protobuf"): Layer.Layer<OtlpSerialization.OtlpSerialization> =>
  Layer.effect(
    OtlpSerialization.OtlpSerialization,
    Effect.map(OtlpSerialization.OtlpSerialization, ({ logs, metrics, traces }) => ({
      traces: ({ resourceSpans }) =>
        traces({
          resourceSpans: resourceSpans.map((one) => ({
            ...one,
            scopeSpans: one.scopeSpans.map((spans) => ({ ...spans, scope }))
          }))
        }),
      metrics: (data) => metrics(metricsOf(data)),
      logs: ({ resourceLogs }) =>
        logs({
          resourceLogs: resourceLogs.map((one) => ({
            ...one,
            scopeLogs: one.scopeLogs.map((records) => ({ ...records, scope }))
          }))
        })
    }))
  ).pipe(Layer.provide(protocol === "http/json" ? OtlpSerialization.layerJson : OtlpSerialization.layerProtobuf))
