import { Instant, PageDecoder, Rows, Transform } from "@callstream/core"
import { DecodingThread } from "@callstream/node"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Chain from "../../src/job/Chain.ts"

const about: PageDecoder.About = { page: 1, observedAt: Instant.of(5), age: 0, quote: (text) => text }

const body = () =>
  new TextEncoder().encode(
    JSON.stringify({
      success: true,
      data: {
        callSessions: Array.from({ length: 300 }, (_, n) => ({
          id: `id ${n}`,
          durationSec: n,
          startedAt: "2026-07-31T22:16:10Z",
          callerEmail: `caller${n}@example.com`,
          summary: `wrote to caller${n}@example.com`,
          costTotal: "0.5"
        }))
      }
    })
  )

const chain: Chain.Chain = {
  transforms: {
    where: ["durationSec > 60.0"],
    derive: ["cost", "startedDate"],
    redact: ["email=hash"],
    redactKey: "0123456789abcdef0123456789abcdef",
    omit: ["summary"]
  },
  tabular: true,
  zone: "Asia/Kolkata"
}

describe("ChainWorker", () => {
  it.live("makes the rows that the job's own transform makes", () =>
    Effect.gen(function* () {
      const transform = yield* Chain.toTransform(chain)
      const url = new URL("../../src/run/ChainWorker.ts", import.meta.url)
      const rowsOf = (decoder: PageDecoder.Decoder) =>
        Effect.flatMap(decoder.decode(body(), about), ({ rows }) =>
          Effect.map(
            Transform.toItems(transform)(Rows.items(rows), () => {}),
            ({ items }) => items
          )
        )
      const expected = yield* rowsOf(PageDecoder.here)
      assert.lengthOf(expected, 239)
      const made = yield* Effect.flatMap(PageDecoder.PageDecoder, rowsOf).pipe(
        // Until the thread has started, pages are decoded here.
        Effect.filterOrFail((items) => items.every(({ json }) => json !== undefined)),
        Effect.retry({ schedule: Schedule.spaced("20 millis"), times: 400 }),
        Effect.provide(DecodingThread.layerAhead({ url, data: chain, transform }))
      )
      assert.deepStrictEqual(
        made.map(({ id, row, start }) => ({ id, row, start })),
        expected.map(({ id, row, start }) => ({ id, row, start }))
      )
    })
  )
})
