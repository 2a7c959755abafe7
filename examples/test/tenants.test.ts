import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as Simulated from "../src/tenants-simulated.ts"
import { Organizations, report } from "../src/tenants.ts"
import { example } from "./run.ts"

describe("tenants", () => {
  it.effect("gives every organization its own calls and one budget, however many ask", () =>
    Effect.gen(function* () {
      const { acme, globex, layer } = yield* Simulated.make
      const twice = Effect.all([report(["acme", "globex"]), report(["acme", "initech"])], { concurrency: 2 })
      const asked = yield* twice.pipe(Effect.provide(Organizations.layer.pipe(Layer.provide(layer))), Effect.forkChild)
      yield* TestClock.adjust("1 minute")

      const acmeCalls = { organization: "acme", calls: acme.count({ status: "completed" }) }
      const globexCalls = { organization: "globex", calls: globex.count({ status: "completed" }) }
      assert.deepStrictEqual(yield* Fiber.join(asked), [
        [acmeCalls, globexCalls],
        [acmeCalls, { organization: "initech", error: "Unauthorized" }]
      ])
      // 20 requests a second for both of acme's readers together, and for globex at the same time.
      const times = (simulator: typeof acme) =>
        simulator.requests.filter(({ key }) => key === "right").map(({ at }) => (at - simulator.options.startAt) / 1000)
      for (const organization of [acme, globex]) {
        const gaps = times(organization).flatMap((at, i, all) => (i === 0 ? [] : at - (all[i - 1] ?? 0)))
        // A second of 20 starts and the margin.
        assert.isTrue(gaps.every((gap) => gap >= 51))
        assert.isAtMost(Math.min(...gaps), 52)
        assert.strictEqual(times(organization)[0], 0)
      }
      assert.strictEqual(acme.requests.filter(({ key }) => key !== "right").length, 1)
    })
  )

  it("prints a table", async ({ expect }) => {
    const { code, stderr, stdout } = await example("tenants")
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(stdout).toMatch(/'globex'.*757/)
    expect(stdout).toMatch(/'initech'.*'Unauthorized'/)
  })
})
