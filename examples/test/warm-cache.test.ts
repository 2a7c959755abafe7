import { AgniClient, Instant, Ledger } from "@callstream/core"
import { AgniSimulator } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { type Cache, keepWarm } from "../src/warm-cache.ts"
import { example } from "./run.ts"

describe("warm-cache", () => {
  it.effect("holds the calls of the last week, and a second pass changes nothing", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(DateTime.makeUnsafe("2026-06-01T12:00:00Z").epochMilliseconds)
      const simulator = yield* AgniSimulator.make({ sessions: 600 })
      const client = AgniClient.layer({ apiKey: Redacted.make(simulator.apiKey) }).pipe(Layer.provide(simulator.layer))
      const cache: Cache = new Map()
      let changes = 0
      const onLook = (look: { readonly changes: ReadonlyArray<unknown> }) =>
        Effect.sync(() => {
          changes += look.changes.length
        })
      const week = Instant.of(simulator.now() - 7 * 86_400_000_000)
      const expected = simulator.truth({ from: week }).map(({ id }) => id)
      assert.isAbove(expected.length, 100)
      yield* Effect.gen(function* () {
        yield* keepWarm(cache, { onLook })
        assert.includeMembers([...cache.keys()], expected)
        const first = changes
        assert.strictEqual(first, cache.size)
        yield* keepWarm(cache, { onLook })
        assert.strictEqual(changes, first)
      }).pipe(Effect.provide(Layer.merge(client, Ledger.layerMemory)))
    })
  )

  it("prints how many calls it holds", async ({ expect }) => {
    const { code, stdout } = await example("warm-cache")
    expect(code).toBe(0)
    expect(stdout).toMatch(/^\d+ calls in the cache$/m)
  })
})
