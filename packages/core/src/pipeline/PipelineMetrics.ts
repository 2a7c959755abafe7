/**
 * The metrics of pipelines, for apps that install an exporter. Each has the name of the pipeline as `pipeline`; those of
 * sinks also have `sink`. No label carries a call or a secret. Requests and their retries are counted by `ClientMetrics`.
 *
 * They are made of the state of the run, and brought up to it at each event and when the run ends in whatever way: nothing
 * is left out, and nothing is counted twice.
 *
 * @since 0.1.0
 */
import * as Metric from "effect/Metric"

/**
 * Calls that the source brought.
 *
 * @since 0.1.0
 * @category metrics
 */
export const read = Metric.counter("callstream_pipeline_read_total", {
  description: "Calls that the source brought",
  incremental: true
})

/**
 * Calls that the transform let through, and that are in all open sinks or were rejected by them.
 *
 * @since 0.1.0
 * @category metrics
 */
export const delivered = Metric.counter("callstream_pipeline_delivered_total", {
  description: "Calls in all open sinks",
  incremental: true
})

/**
 * Calls that the transform left out.
 *
 * @since 0.1.0
 * @category metrics
 */
export const filtered = Metric.counter("callstream_pipeline_filtered_total", {
  description: "Calls that the transform left out",
  incremental: true
})

/**
 * Records that the source could not decode.
 *
 * @since 0.1.0
 * @category metrics
 */
export const rejected = Metric.counter("callstream_pipeline_rejected_total", {
  description: "Records that the source could not decode",
  incremental: true
})

/**
 * Dead letters written.
 *
 * @since 0.1.0
 * @category metrics
 */
export const dead = Metric.counter("callstream_pipeline_dead_letters_total", {
  description: "Dead letters written",
  incremental: true
})

/**
 * Commits: all open sinks were flushed, and the checkpoint was written.
 *
 * @since 0.1.0
 * @category metrics
 */
export const commits = Metric.counter("callstream_pipeline_commits_total", {
  description: "Commits of all open sinks with the checkpoint",
  incremental: true
})

/**
 * Rows that a sink took.
 *
 * @since 0.1.0
 * @category metrics
 */
export const sinkWritten = Metric.counter("callstream_sink_written_total", {
  description: "Rows that a sink took",
  incremental: true
})

/**
 * Rows that a sink rejected.
 *
 * @since 0.1.0
 * @category metrics
 */
export const sinkRejected = Metric.counter("callstream_sink_rejected_total", {
  description: "Rows that a sink rejected",
  incremental: true
})

/**
 * Calls of a sink that were retried after a transient failure: writes, flushes, its opening and its end.
 *
 * @since 0.1.0
 * @category metrics
 */
export const sinkRetries = Metric.counter("callstream_sink_retries_total", {
  description: "Calls of a sink that were retried after a transient failure",
  incremental: true
})
