/**
 * The client's metrics, for apps that install an exporter: names, units and attributes as OpenTelemetry's conventions have
 * them. `callstream.client.name` is the name of the client. No attribute has an id, a query or a secret.
 *
 * @since 0.1.0
 */
import * as Metric from "effect/Metric"

/**
 * How long requests took, from the request to the end of the body, by how they ended: `http.response.status_code` where one
 * came, and `error.type` where it failed. Its count is that of the requests.
 *
 * @since 0.1.0
 * @category metrics
 */
export const requestDuration = Metric.histogram("http.client.request.duration", {
  description: "Duration of HTTP client requests.",
  boundaries: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
  attributes: { unit: "s" }
})

/**
 * Requests that are sent and not answered yet.
 *
 * @since 0.1.0
 * @category metrics
 */
export const activeRequests = Metric.gauge("http.client.active_requests", {
  description: "Number of active HTTP requests.",
  attributes: { unit: "{request}" }
})

/**
 * How long requests waited before they were sent, by `callstream.wait.reason`: `budget` for their turn, `rate_limit` because
 * the server answered 429, `retry` after another failure. Waits below 1 ms are not in it.
 *
 * @since 0.1.0
 * @category metrics
 */
export const wait = Metric.histogram("callstream.client.wait.duration", {
  description: "How long requests waited before they were sent, by the reason",
  boundaries: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  attributes: { unit: "s" }
})

/**
 * Requests that were retried, by `callstream.retry.reason`, the tag of the failure's reason.
 *
 * @since 0.1.0
 * @category metrics
 */
export const retries = Metric.counter("callstream.client.retries", {
  description: "Requests that were retried, by the reason of the failure",
  incremental: true,
  attributes: { unit: "{request}" }
})

/**
 * Calls decoded, those that are read again included.
 *
 * @since 0.1.0
 * @category metrics
 */
export const calls = Metric.counter("callstream.client.calls", {
  description: "Calls decoded",
  incremental: true,
  attributes: { unit: "{call}" }
})

/**
 * Records that could not be decoded.
 *
 * @since 0.1.0
 * @category metrics
 */
export const rejected = Metric.counter("callstream.client.rejected", {
  description: "Records that could not be decoded",
  incremental: true,
  attributes: { unit: "{record}" }
})

/**
 * Bytes of response bodies, after decompression.
 *
 * @since 0.1.0
 * @category metrics
 */
export const responseSize = Metric.counter("callstream.client.response.size", {
  description: "Bytes of response bodies, after decompression",
  incremental: true,
  attributes: { unit: "By" }
})
