/**
 * The metrics of the library, and their names in Prometheus.
 *
 * @since 0.1.0
 */
import type * as Metric from "effect/Metric"
import * as ClientMetrics from "./client/ClientMetrics.ts"
import * as HistoryMetrics from "./history/HistoryMetrics.ts"
import * as PipelineMetrics from "./pipeline/PipelineMetrics.ts"

type AnyMetric = Metric.Metric<number, unknown>

/**
 * All metrics of the library, without attributes.
 *
 * @since 0.1.0
 * @category metrics
 */
export const metrics: ReadonlyArray<AnyMetric> = [ClientMetrics, HistoryMetrics, PipelineMetrics].flatMap((group) =>
  Object.values<AnyMetric>(group)
)

/** Units as words; those in braces are notes and no unit. */
const words: Readonly<Record<string, string>> = { s: "_seconds", By: "_bytes" }

const nameOf = ({ attributes, id, type }: Pick<AnyMetric, "attributes" | "id" | "type">): string => {
  const unit = words[attributes?.["unit"] ?? ""] ?? ""
  return `${id.replaceAll(".", "_")}${unit}${type === "Counter" ? "_total" : ""}`
}

const names = new Map(metrics.map((metric) => [metric.id, nameOf(metric)]))

/**
 * The name of a metric in Prometheus: with its unit, and `_total` for a counter. A name that is none of the library's stays as
 * it is.
 *
 * ```ts
 * PrometheusMetrics.format({ metricNameMapper: Telemetry.prometheusName })
 * ```
 *
 * @since 0.1.0
 * @category naming
 */
export const prometheusName = (name: string): string => names.get(name) ?? name
