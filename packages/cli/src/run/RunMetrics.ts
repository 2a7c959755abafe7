/** The metrics of a command, in a file for the textfile collector of Prometheus' node exporter. */
import { OutputError, PipelineMetrics, type SessionSink, type SinkError } from "@callstream/core"
import { fromPlatform } from "@callstream/core/sink/OutputError"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Metric from "effect/Metric"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { randomUUID } from "node:crypto"
import { basename } from "node:path"
import * as Exposition from "./Exposition.ts"

/** Whether a file of metrics is written: sinks are timed only then. */
const Enabled = Context.Reference<boolean>("@callstream/cli/run/RunMetrics/Enabled", {
  defaultValue: () => false
})

const provenUntil = Metric.gauge("callstream_proven_until_timestamp_seconds", {
  description: "Every call that started before this is there, proven by counts"
})
const unsettled = Metric.gauge("callstream_unsettled_sessions", {
  description: "Calls that may still change"
})
const lastSuccess = Metric.gauge("callstream_last_success_timestamp_seconds", {
  description: "When a run, or a pass of a sync, succeeded last"
})
const lastFlush = Metric.gauge("callstream_sink_last_flush_timestamp_seconds", {
  description: "When everything was safe in the sink last"
})
const behind = Metric.gauge("callstream_sink_behind_changes", {
  description: "Changes of a sync that the sink lacks"
})
const duration = Metric.histogram("callstream_sink_duration_seconds", {
  description: "How long a sink took, by operation",
  boundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
})

/** What a run that succeeded shows; what is unknown stays as it was. */
export interface Shown {
  readonly pipeline: string
  /** In µs. */
  readonly provenUntil: number | undefined
  readonly unsettled: number | undefined
  /** Changes that each sink lacks. */
  readonly behind?: Readonly<Record<string, number>> | undefined
  readonly isSuccess: boolean
}

const set = (gauge: Metric.Gauge<number>, attributes: Record<string, string>, value: number | undefined) =>
  value === undefined ? Effect.void : Metric.update(Metric.withAttributes(gauge, attributes), value)

const seconds = Effect.map(Clock.currentTimeMillis, (millis) => millis / 1000)

/** Notes how a run ended. */
export const note = Effect.fnUntraced(function* (shown: Shown) {
  if (!(yield* Enabled)) return
  const { pipeline } = shown
  yield* set(provenUntil, { pipeline }, shown.provenUntil === undefined ? undefined : shown.provenUntil / 1e6)
  yield* set(unsettled, { pipeline }, shown.unsettled)
  for (const [sink, changes] of Object.entries(shown.behind ?? {})) yield* set(behind, { pipeline, sink }, changes)
  if (shown.isSuccess) yield* set(lastSuccess, { pipeline }, yield* seconds)
})

const timed =
  (pipeline: string, sink: string, operation: string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(Clock.currentTimeMillis, (begin) =>
      Effect.ensuring(
        effect,
        Effect.flatMap(Clock.currentTimeMillis, (end) =>
          Metric.update(Metric.withAttributes(duration, { pipeline, sink, operation }), (end - begin) / 1000)
        )
      )
    )

interface Options {
  readonly pipeline: string
  /** Whether rows are counted here: a pipeline counts its own. */
  readonly counts: boolean
}

/** The same sink, timed. */
const watched = <A, R>(
  self: SessionSink.SessionSink<A, R>,
  { counts, pipeline }: Options
): SessionSink.SessionSink<A, R> => {
  const { name: sink } = self
  const counted = (items: ReadonlyArray<unknown>) => (refused: ReadonlyArray<SessionSink.Refused>) =>
    counts
      ? Effect.andThen(
          Metric.update(
            Metric.withAttributes(PipelineMetrics.sinkWritten, { pipeline, sink }),
            items.length - refused.length
          ),
          refused.length === 0
            ? Effect.void
            : Metric.update(Metric.withAttributes(PipelineMetrics.sinkRejected, { pipeline, sink }), refused.length)
        )
      : Effect.void
  return {
    ...self,
    open: (opening) =>
      Effect.map(self.open(opening), (writer): SessionSink.Writer<A> => {
        const { flush, remove, write } = writer
        const time = <B>(operation: string, effect: Effect.Effect<B, SinkError>) =>
          timed(pipeline, sink, operation)(effect)
        return {
          ...writer,
          write: (batch) => Effect.tap(time("write", write(batch)), counted(batch.items)),
          ...(remove === undefined
            ? {}
            : { remove: (batch) => Effect.tap(time("remove", remove(batch)), counted(batch.items)) }),
          flush: (at) =>
            Effect.tap(time("flush", flush(at)), () =>
              Effect.flatMap(seconds, (now) => set(lastFlush, { pipeline, sink }, now))
            )
        }
      })
  }
}

/** Sinks that are timed where metrics are written. */
export const watch = <A, R>(sinks: ReadonlyArray<SessionSink.SessionSink<A, R>>, options: Options) =>
  Effect.map(Enabled, (enabled) => (enabled ? sinks.map((sink) => watched(sink, options)) : sinks))

/** How often the file is written while a command runs. */
const every = "15 seconds"

/**
 * The collector reads whole files: a new one takes the place of the old one when all of it is on disk. Before there is a metric
 * there is no file, but whether there can be one is known. Metrics hold nothing private.
 */
const replace = Effect.fnUntraced(function* (path: string, text: string) {
  const fs = yield* FileSystem.FileSystem
  const temporary = `${path}.${randomUUID()}.tmp`
  yield* Effect.scoped(
    Effect.gen(function* () {
      const file = yield* fs.open(temporary, { flag: "wx", mode: 0o644 })
      yield* file.writeAll(new TextEncoder().encode(text === "" ? "\n" : text))
      yield* file.sync
    })
  ).pipe(
    Effect.andThen(text === "" ? fs.remove(temporary) : fs.rename(temporary, path)),
    Effect.onError(() => Effect.ignore(fs.remove(temporary))),
    Effect.mapError(fromPlatform(path, "open"))
  )
})

/**
 * Runs a command, with its metrics in the file: from the beginning, every 15 seconds, and at the end, however it ends. Counters
 * continue from the file that is there, and each series says in `run` which file it is from: a collector refuses a series that
 * two files have.
 */
export const writing = <A, E, R>(
  path: string | undefined,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E | OutputError, R | FileSystem.FileSystem> =>
  path === undefined
    ? effect
    : Effect.scoped(
        Effect.gen(function* () {
          const fs = yield* FileSystem.FileSystem
          const run = basename(path).replace(/\.prom$/i, "")
          const text = yield* Effect.option(fs.readFileString(path))
          const before = Exposition.parse(Option.getOrElse(text, () => ""))
          const write = Effect.flatMap(PrometheusMetrics.format(), (now) =>
            replace(path, Exposition.format(Exposition.after(before, Exposition.parse(now, { run }))))
          )
          yield* write
          yield* Effect.forkScoped(Effect.repeat(Effect.delay(Effect.ignore(write), every), Schedule.forever))
          return yield* Effect.onExit(Effect.provideService(effect, Enabled, true), () =>
            Effect.catchTag(write, "OutputError", ({ message }) =>
              Effect.logWarning(`the metrics were not written: ${message}`)
            )
          )
        })
      )
