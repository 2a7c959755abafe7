import * as HistoryMetrics from "@callstream/core/history/HistoryMetrics"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"

describe("HistoryMetrics.windows", () => {
  it.effect("counts windows, upwards only, under a name that exporters know", () =>
    Effect.gen(function* () {
      yield* Metric.update(HistoryMetrics.windows, 2)
      yield* Metric.update(HistoryMetrics.windows, 1)
      // A count that only grows takes nothing back.
      yield* Metric.update(HistoryMetrics.windows, -1)
      const found = (yield* Metric.snapshot).filter(({ id }) => id === "callstream.windows")
      assert.deepStrictEqual(
        found.map(({ attributes, description, state }) => ({ attributes, description, state })),
        [
          {
            attributes: { unit: "{window}" },
            description: "Windows delivered, by verdict",
            state: { count: 3, incremental: true }
          }
        ]
      )
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
  )
})
