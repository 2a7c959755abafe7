/** What a sink does, timed and with its bytes counted: work per batch and flush, never per row. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Span from "../../platform/internal/Span.ts"
import * as SinkBytes from "../../sink/SinkBytes.ts"
import * as PipelineMetrics from "../PipelineMetrics.ts"

type Metered = <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>

export interface SinkTelemetry {
  readonly write: Metered
  readonly remove: Metered
  readonly flush: Metered
  readonly finish: Metered
}

/** @param sent Called with the bytes that an operation wrote or sent, however it ended. */
export const make = (
  attributes: Readonly<Record<string, string>>,
  sent: (bytes: number) => Effect.Effect<void>
): SinkTelemetry => {
  const timed = (operation: keyof SinkTelemetry): Metered => {
    const duration = Metric.withAttributes(PipelineMetrics.sinkDuration, {
      ...attributes,
      "callstream.sink.operation": operation
    })
    return (effect) =>
      Effect.flatMap(Clock.monotonicTimeNanos, (began) => {
        const put = { bytes: 0 }
        return Effect.onExit(
          Effect.provideService(effect, SinkBytes.Counter, (bytes) => {
            put.bytes += bytes
          }),
          () =>
            Effect.flatMap(Clock.monotonicTimeNanos, (ended) =>
              Effect.andThen(
                Metric.update(duration, Number(ended - began) / 1e9),
                put.bytes === 0 ? Effect.void : sent(put.bytes)
              )
            )
        )
      })
  }
  const lastFlush = Metric.withAttributes(PipelineMetrics.sinkLastFlush, attributes)
  const flush = timed("flush")
  return {
    write: timed("write"),
    remove: timed("remove"),
    finish: timed("finish"),
    flush: (effect) =>
      Span.use("callstream.sink.flush", { attributes }, () =>
        Effect.tap(flush(effect), () =>
          Effect.flatMap(Clock.currentTimeMillis, (millis) => Metric.update(lastFlush, millis / 1000))
        )
      )
  }
}
