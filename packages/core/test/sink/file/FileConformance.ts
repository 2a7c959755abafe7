/** The conformance of sinks that write files, on files in memory. */
import type { CallSession } from "@callstream/core/model/CallSession"
import { SinkConformance } from "@callstream/core/testing"
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as NdjsonFiles from "./NdjsonFiles.ts"

export interface Options {
  readonly make: () => NdjsonFiles.Store
  /** What a process that was killed left of a row. */
  readonly torn: string
  /** @default the session */
  readonly holds?: ((session: CallSession) => unknown) | undefined
}

/** A test for each case. */
export const test = ({ holds, make, torn }: Options): void => {
  const cases = SinkConformance.cases({
    store: Effect.sync(make),
    delivery: "resumable",
    holds,
    refused: NdjsonFiles.refused,
    large: 400,
    tear: ({ memory }) =>
      Effect.sync(() => {
        for (const name of memory.names().filter((name) => name.endsWith(".partial"))) {
          const node = memory.node(name)
          node?.write(new TextEncoder().encode(torn), node.data.length)
        }
      }),
    fail: ({ fail }, times) => Effect.sync(() => fail("ENOSPC", times)),
    slow: ({ memory }) => Effect.sync(() => memory.intercept(() => Effect.andThen(Effect.yieldNow, Effect.yieldNow)))
  })
  for (const { name, notApplicable, test } of cases) {
    it.effect.skipIf(notApplicable !== undefined)(name, () => test)
  }
}
