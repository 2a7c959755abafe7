/** A server that refuses time bounds: all pages are read, and nothing is proven. */
import { AgniClient } from "@callstream/core/client/AgniClient"
import * as History from "@callstream/core/history/History"
import { AgniError, InvalidRequest } from "@callstream/core/model/AgniError"
import * as Instant from "@callstream/core/model/Instant"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { began, hour, open, rowsAt } from "./internal/FakeServer.ts"

const refused = new AgniError({
  reason: new InvalidRequest({ status: 400 }),
  request: "GET",
  attempts: 1,
  elapsed: Duration.zero
})

const read = Effect.fnUntraced(function* (count: number, range: History.OpenRange) {
  yield* TestClock.setTime(began / 1000)
  const { client } = open(rowsAt(Array.from({ length: count }, (_, i) => began - (i + 1) * hour)))
  const list: typeof client.list = (query, options) =>
    query.startedAfter !== undefined || query.startedBefore !== undefined
      ? Effect.fail(refused)
      : client.list(query, options)
  const windows = yield* Stream.runCollect(History.windows(range, { pageSize: 10 })).pipe(
    Effect.provideService(AgniClient, { list })
  )
  return {
    calls: windows.reduce((sum, { rows }) => sum + rows.length, 0),
    reasons: new Set(windows.map(({ coverage }) => (coverage._tag === "Unprovable" ? coverage.reason._tag : "")))
  }
})

describe("a server that refuses time bounds", () => {
  for (const count of [1, 2, 7, 75])
    it.effect(`has its ${count === 1 ? "single call" : `${count} calls`} read by pages`, () =>
      Effect.gen(function* () {
        const reasons = new Set(["BoundsRefused"])
        assert.deepStrictEqual(yield* read(count, {}), { calls: count, reasons })
        const range = { from: Instant.of(began - 6 * hour - 1), to: Instant.of(began) }
        assert.deepStrictEqual(yield* read(count, range), { calls: Math.min(6, count), reasons })
      })
    )
})
