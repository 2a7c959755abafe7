import { AgniClient, Instant } from "@callstream/core"
import { AgniSimulator } from "@callstream/core/testing"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { byAgent } from "../src/stream.ts"
import { example } from "./run.ts"

describe("stream", () => {
  it.effect("counts the calls that it says it counts", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(DateTime.makeUnsafe("2026-06-01T12:00:00Z").epochMilliseconds)
      const simulator = yield* AgniSimulator.make({ sessions: 1500 })
      const client = AgniClient.layer({ apiKey: Redacted.make(simulator.apiKey) })
      const tallies = yield* Effect.provide(byAgent, Layer.provide(client, simulator.layer))

      const micros = 1_000_000
      const expected = simulator
        .truth({ channel: "inbound_call", from: Instant.of(simulator.now() - 7 * 86_400 * micros) })
        .filter(({ endedAt = 0, startedAt = 0 }) => endedAt - startedAt >= 60 * micros)
      assert.isAbove(expected.length, 20)
      const counted = Array.from(tallies.values(), ({ calls }) => calls)
      assert.strictEqual(
        counted.reduce((sum, calls) => sum + calls),
        expected.length
      )
      assert.sameMembers(
        counted,
        simulator.agentIds.map((id) => expected.filter(({ agentId }) => agentId === id).length)
      )
    })
  )

  it("prints a table", async ({ expect }) => {
    const { code, stderr, stdout } = await example("stream")
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(stdout).toMatch(/agent.*calls.*minutes.*cost/)
    expect(stdout).toContain("Front Desk")
  })
})
