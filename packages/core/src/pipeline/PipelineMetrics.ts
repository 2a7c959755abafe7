/**
 * The metrics of pipelines and syncs, for apps that install an exporter. Each has the name of the pipeline as
 * `callstream.pipeline.name`; those of sinks also have `callstream.sink.name`. No attribute has a call or a secret. Requests
 * are counted by `ClientMetrics`.
 *
 * Counters are made of the state of the run, and brought up to it at each event and when the run ends in whatever way:
 * nothing is left out, and nothing is counted twice.
 *
 * @since 0.1.0
 */
import * as Metric from "effect/Metric"

const counter = (name: string, unit: string, description: string) =>
  Metric.counter(name, { description, incremental: true, attributes: { unit } })

const gauge = (name: string, unit: string, description: string) =>
  Metric.gauge(name, { description, attributes: { unit } })

/**
 * Calls that the source brought.
 *
 * @since 0.1.0
 * @category metrics
 */
export const read = counter("callstream.pipeline.read", "{call}", "Calls that the source brought")

/**
 * Calls that the transform let through, and that are in all open sinks or were rejected by them.
 *
 * @since 0.1.0
 * @category metrics
 */
export const delivered = counter("callstream.pipeline.delivered", "{call}", "Calls in all open sinks")

/**
 * Calls that the transform left out.
 *
 * @since 0.1.0
 * @category metrics
 */
export const filtered = counter("callstream.pipeline.filtered", "{call}", "Calls that the transform left out")

/**
 * Records that the source could not decode.
 *
 * @since 0.1.0
 * @category metrics
 */
export const rejected = counter("callstream.pipeline.rejected", "{record}", "Records that the source could not decode")

/**
 * Dead letters written, by `callstream.stage`: `decode`, `range`, `transform` or `sink`.
 *
 * @since 0.1.0
 * @category metrics
 */
export const deadLetters = counter("callstream.dead_letters", "{record}", "Dead letters written, by stage")

/**
 * Commits: all open sinks were flushed, and the checkpoint was written.
 *
 * @since 0.1.0
 * @category metrics
 */
export const commits = counter("callstream.commits", "{commit}", "Commits of all open sinks with the checkpoint")

/**
 * How long commits took.
 *
 * @since 0.1.0
 * @category metrics
 */
export const commitDuration = Metric.histogram("callstream.commit.duration", {
  description: "How long commits took",
  boundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  attributes: { unit: "s" }
})

/**
 * Every call that started before this Unix time is there, proven by counts.
 *
 * @since 0.1.0
 * @category metrics
 */
export const provenUntil = gauge(
  "callstream.proven_until.timestamp",
  "s",
  "Every call that started before this is there, proven by counts"
)

/**
 * Calls that may still change.
 *
 * @since 0.1.0
 * @category metrics
 */
export const unsettled = gauge("callstream.unsettled", "{call}", "Calls that may still change")

/**
 * Rows that a sink took.
 *
 * @since 0.1.0
 * @category metrics
 */
export const sinkRows = counter("callstream.sink.rows", "{row}", "Rows that a sink took")

/**
 * Bytes that a sink wrote or sent, as far as it counts them: files, standard output and webhooks do.
 *
 * @since 0.1.0
 * @category metrics
 */
export const sinkSize = counter("callstream.sink.size", "By", "Bytes that a sink wrote or sent")

/**
 * Rows that a sink rejected.
 *
 * @since 0.1.0
 * @category metrics
 */
export const sinkRejected = counter("callstream.sink.rejected", "{row}", "Rows that a sink rejected")

/**
 * Calls of a sink that were retried after a transient failure: writes, flushes, its opening and its end.
 *
 * @since 0.1.0
 * @category metrics
 */
export const sinkRetries = counter(
  "callstream.sink.retries",
  "{operation}",
  "Operations of a sink that were retried after a transient failure"
)

/**
 * How long a sink took, by `callstream.sink.operation`: `write`, `remove`, `flush` or `finish`. Retries are included.
 *
 * @since 0.1.0
 * @category metrics
 */
export const sinkDuration = Metric.histogram("callstream.sink.operation.duration", {
  description: "How long a sink took, by operation",
  boundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  attributes: { unit: "s" }
})

/**
 * The Unix time when everything was safe in the sink last.
 *
 * @since 0.1.0
 * @category metrics
 */
export const sinkLastFlush = gauge(
  "callstream.sink.last_flush.timestamp",
  "s",
  "When everything was safe in the sink last"
)

/**
 * Changes of a sync that the sink lacks.
 *
 * @since 0.1.0
 * @category metrics
 */
export const sinkLag = gauge("callstream.sink.lag", "{change}", "Changes of a sync that the sink lacks")
