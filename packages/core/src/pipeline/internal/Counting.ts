/** Brings the metrics of a run up to its state. */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Ref from "effect/Ref"
import * as PipelineMetrics from "../PipelineMetrics.ts"
import type { RunState } from "./RunState.ts"

interface Counted {
  readonly metric: Metric.Counter<number>
  readonly attributes: Readonly<Record<string, string>>
  readonly value: number
}

const countsOf = (pipeline: string, { commits, sinks, stages, totals }: RunState): ReadonlyMap<string, Counted> => {
  const counts = new Map<string, Counted>()
  const add = (metric: Metric.Counter<number>, value: number, of: Readonly<Record<string, string>> = {}) =>
    counts.set([metric.id, ...Object.values(of)].join(" "), {
      metric,
      value,
      attributes: { "callstream.pipeline.name": pipeline, ...of }
    })
  add(PipelineMetrics.read, totals.read)
  add(PipelineMetrics.delivered, totals.delivered)
  add(PipelineMetrics.filtered, totals.filtered)
  add(PipelineMetrics.rejected, totals.rejected)
  add(PipelineMetrics.commits, commits)
  for (const [stage, letters] of stages) add(PipelineMetrics.deadLetters, letters, { "callstream.stage": stage })
  for (const [sink, { bytes, refused, retries, written }] of sinks) {
    const of = { "callstream.sink.name": sink }
    add(PipelineMetrics.sinkRows, written, of)
    add(PipelineMetrics.sinkSize, bytes, of)
    add(PipelineMetrics.sinkRejected, refused, of)
    add(PipelineMetrics.sinkRetries, retries, of)
  }
  return counts
}

/** Adds what changed since it was run last. */
export const make = (pipeline: string, run: Ref.Ref<RunState>): Effect.Effect<void> => {
  const last = Ref.makeUnsafe<ReadonlyMap<string, Counted>>(new Map())
  return Effect.flatMap(Ref.get(run), (state) => {
    const now = countsOf(pipeline, state)
    return Effect.flatMap(Ref.getAndSet(last, now), (before) =>
      Effect.forEach(
        now,
        ([key, { attributes, metric, value }]) => {
          const more = value - (before.get(key)?.value ?? 0)
          return more > 0 ? Metric.update(Metric.withAttributes(metric, attributes), more) : Effect.void
        },
        { discard: true }
      )
    )
  })
}
