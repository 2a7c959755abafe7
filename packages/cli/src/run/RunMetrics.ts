/** The metrics of a command, in a file for the textfile collector of Prometheus' node exporter. */
import type { OutputError } from "@callstream/core"
import * as Telemetry from "@callstream/core/Telemetry"
import { fromPlatform } from "@callstream/core/sink/OutputError"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Metric from "effect/Metric"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { randomUUID } from "node:crypto"
import { basename } from "node:path"
import * as Exposition from "./Exposition.ts"

/**
 * When a run, or a pass of a sync, succeeded last. What is a success hangs on `--strict` too, so only the command knows it.
 */
export const lastSuccess = Metric.gauge("callstream.last_success.timestamp", {
  description: "When a run, or a pass of a sync, succeeded last",
  attributes: { unit: "s" }
})

/** Those of the command and of fleets included. */
export const prometheusName = (name: string): string =>
  name === lastSuccess.id
    ? "callstream_last_success_timestamp_seconds"
    : Telemetry.prometheusName(name).replaceAll(".", "_")

/** Notes that a run, or a pass of a sync, succeeded. */
export const succeeded = (pipeline: string): Effect.Effect<void> =>
  Effect.flatMap(Clock.currentTimeMillis, (millis) =>
    Metric.update(Metric.withAttributes(lastSuccess, { "callstream.pipeline.name": pipeline }), millis / 1000)
  )

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
          const write = Effect.flatMap(PrometheusMetrics.format({ metricNameMapper: prometheusName }), (now) =>
            replace(path, Exposition.format(Exposition.after(before, Exposition.parse(now, { run }))))
          )
          yield* write
          yield* Effect.forkScoped(Effect.repeat(Effect.delay(Effect.ignore(write), every), Schedule.forever))
          return yield* Effect.onExit(effect, () =>
            Effect.catchTag(write, "OutputError", ({ message }) =>
              Effect.annotateLogs(Effect.logWarning(`the metrics were not written: ${message}`), {
                "callstream.metrics_file": path
              })
            )
          )
        })
      )
