import { SinkConformance } from "@callstream/core/testing"
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as CsvFiles from "./CsvFiles.ts"
import * as NdjsonFiles from "./NdjsonFiles.ts"

describe.each(Object.entries(NdjsonFiles.forms))("CsvSink.make conforms: %s", (_, options) => {
  const cases = SinkConformance.cases({
    store: Effect.sync(() => NdjsonFiles.make(options, CsvFiles.csv)),
    delivery: "resumable",
    holds: CsvFiles.holds,
    refused: NdjsonFiles.refused,
    large: 400,
    tear: ({ memory }) =>
      Effect.sync(() => {
        for (const name of memory.names().filter((name) => name.endsWith(".partial"))) {
          const node = memory.node(name)
          node?.write(new TextEncoder().encode('"torn'), node.data.length)
        }
      }),
    fail: ({ fail }, times) => Effect.sync(() => fail("ENOSPC", times)),
    slow: ({ memory }) => Effect.sync(() => memory.intercept(() => Effect.andThen(Effect.yieldNow, Effect.yieldNow)))
  })
  for (const { name, notApplicable, test } of cases) {
    it.effect.skipIf(notApplicable !== undefined)(name, () => test)
  }
})
