import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Observe from "../../../src/endpoint/internal/Observe.ts"
import { askOf, began, hour, open, rowsAt } from "../../history/internal/FakeServer.ts"

describe("Observe.findOldest", () => {
  const most = 100
  for (const count of [most + 1, 150, 199, 2 * most]) {
    it.effect(`of ${count} calls, when the list ends after ${most} and questions about more are refused`, () =>
      Effect.gen(function* () {
        const starts = Array.from({ length: count }, (_, i) => began - (i + 1) * hour)
        const server = open(rowsAt(starts), { results: { most, cut: "error" }, sorting: false })
        const last = starts[most - 1] ?? 0
        const { at } = yield* Observe.findOldest(askOf(server), [last], false, began, {
          size: 10,
          repeats: Effect.succeed(false)
        })
        assert.isAtMost(at ?? Infinity, Math.min(...starts))
      })
    )
  }
})
