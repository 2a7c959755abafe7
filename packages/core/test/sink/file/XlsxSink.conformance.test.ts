import { SinkConformance } from "@callstream/core/testing"
import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as NdjsonFiles from "./NdjsonFiles.ts"
import * as XlsxFiles from "./XlsxFiles.ts"

const forms: Readonly<Record<string, XlsxFiles.Options>> = {
  "one file": {},
  "a new sheet after three rows": { rowsPerSheet: 3 },
  "by size": { rotate: { bytes: 6000 } },
  "by day": { rotate: "day" }
}

describe.each(Object.entries(forms))("XlsxSink.make conforms: %s", (_, options) => {
  const cases = SinkConformance.cases({
    store: Effect.sync(() => XlsxFiles.make(options)),
    delivery: "resumable",
    holds: XlsxFiles.holds,
    refused: NdjsonFiles.refused,
    large: 400,
    tear: ({ memory }) =>
      Effect.sync(() => {
        for (const name of memory.names().filter((name) => name.endsWith(".partial"))) {
          const node = memory.node(name)
          node?.write(new TextEncoder().encode("<row torn"), node.data.length)
        }
      }),
    fail: ({ fail }, times) => Effect.sync(() => fail("ENOSPC", times)),
    slow: ({ memory }) => Effect.sync(() => memory.intercept(() => Effect.andThen(Effect.yieldNow, Effect.yieldNow)))
  })
  for (const { name, notApplicable, test } of cases) {
    it.effect.skipIf(notApplicable !== undefined)(name, () => test)
  }
})
