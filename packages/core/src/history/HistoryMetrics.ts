/**
 * The metrics of histories, for apps that install an exporter. `callstream.client.name` is that of the client that reads.
 *
 * @since 0.1.0
 */
import * as Metric from "effect/Metric"

/**
 * Windows that were delivered, by `callstream.window.verdict`: `proven`, `provisional` or `unprovable`.
 *
 * @since 0.1.0
 * @category metrics
 */
export const windows = Metric.counter("callstream.windows", {
  description: "Windows delivered, by verdict",
  incremental: true,
  attributes: { unit: "{window}" }
})
