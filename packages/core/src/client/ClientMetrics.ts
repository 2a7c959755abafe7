/**
 * The client's metrics, for apps that install an exporter. No label carries an id, a query or a secret.
 *
 * @since 0.1.0
 */
import * as Metric from "effect/Metric"

/**
 * Requests sent, by how they ended: `reason` is `Success` or the tag of an error's reason.
 *
 * @since 0.1.0
 * @category metrics
 */
export const requests = Metric.counter("callstream_requests_total", {
  description: "Requests sent to the endpoint, by how they ended",
  incremental: true
})

/**
 * Requests that were retried, by the `reason` of the failure.
 *
 * @since 0.1.0
 * @category metrics
 */
export const retries = Metric.counter("callstream_retries_total", {
  description: "Requests that were retried, by the reason of the failure",
  incremental: true
})

/**
 * Sessions decoded.
 *
 * @since 0.1.0
 * @category metrics
 */
export const sessions = Metric.counter("callstream_sessions_total", {
  description: "Call sessions decoded",
  incremental: true
})

/**
 * Records that could not be decoded.
 *
 * @since 0.1.0
 * @category metrics
 */
export const rejected = Metric.counter("callstream_rejected_total", {
  description: "Records that could not be decoded",
  incremental: true
})

/**
 * Bytes of response bodies, after decompression.
 *
 * @since 0.1.0
 * @category metrics
 */
export const bytes = Metric.counter("callstream_response_bytes_total", {
  description: "Bytes of response bodies, after decompression",
  incremental: true
})
