import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Adversaries from "../torture/Adversaries.ts"
import * as Judge from "../torture/AdversaryJudge.ts"
import { found } from "../torture/FoundAdversaries.ts"

const first = 4000
const count = 300

describe("History.windows on a server that shares no code with the simulator", () => {
  for (const [name, one] of found)
    it.live(`is not misled by ${name}`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual((yield* Judge.run(one)).wrong, [])
      })
    )

  it.live(
    `${count} histories from seed ${first}: nothing that was shown is missing where it is called proven, and what can be proven is`,
    () =>
      Effect.gen(function* () {
        const tally = { possible: 0, proven: 0, failed: 0 }
        for (let seed = first; seed < first + count; seed++) {
          const one = Adversaries.make(seed)
          const result = yield* Effect.result(Judge.run(one))
          if (result._tag === "Failure") {
            assert.isTrue(Judge.mayFail(one), `seed ${seed}: ${result.failure.message}`)
            tally.failed++
            continue
          }
          assert.deepStrictEqual(result.success.wrong, [], `seed ${seed}: ${one.traits.join(", ")}`)
          if (!result.success.possible) continue
          tally.possible++
          if (result.success.provenToHorizon) tally.proven++
        }
        const told = JSON.stringify(tally)
        assert.isAtLeast(tally.possible, 0.4 * count, told)
        assert.isAtLeast(tally.proven, 0.98 * tally.possible, told)
        assert.isAtMost(tally.failed, 0.02 * count, told)
      })
  )

  for (const [name, most] of [
    ["slow", 2500],
    ["zone", 150],
    ["not found", 300],
    ["rounds", 2000]
  ] as const)
    it.live(`40 histories of "${name}" from seed ${first}: nothing is missing, for at most ${most} requests`, () =>
      Effect.gen(function* () {
        const tally = { possible: 0, proven: 0, requests: 0 }
        for (let seed = first; seed < first + 40; seed++) {
          const { possible, provenToHorizon, requests, wrong } = yield* Judge.run(Adversaries.make(seed, name))
          assert.deepStrictEqual(wrong, [], `seed ${seed}`)
          tally.requests = Math.max(tally.requests, requests)
          if (possible) tally.possible++
          if (possible && provenToHorizon) tally.proven++
        }
        assert.isAtLeast(tally.proven, 0.9 * tally.possible, JSON.stringify(tally))
        assert.isAtMost(tally.requests, most)
      })
    )

  it.live(`40 histories from seed ${first}: a page that is not found is read as one that is empty`, () =>
    Effect.gen(function* () {
      for (let seed = first; seed < first + 40; seed++) {
        const one = Adversaries.make(seed, undefined, "not found")
        // Whether the server is up is asked by pages that are not found.
        if (one.server.flaky !== undefined) continue
        const empty: Adversaries.Case = { ...one, server: { ...one.server, beyond: "empty" } }
        const [found, expected] = yield* Effect.all([Judge.run(one), Judge.run(empty)].map(Effect.exit))
        assert.deepStrictEqual(found, expected, `seed ${seed}: ${one.traits.join(", ")}`)
      }
    })
  )

  it.live(`30 histories with requests that fail by chance, through the real client, from seed ${first}`, () =>
    Effect.gen(function* () {
      const tally = { possible: 0, proven: 0, failed: 0, waited: 0 }
      for (let seed = first; seed < first + 30; seed++) {
        const one = Adversaries.make(seed, undefined, "flaky")
        const server = Judge.open(one)
        const result = yield* Effect.result(Judge.runOn(one, server))
        if (server.now() > server.began + server.requests() * one.step) tally.waited++
        if (result._tag === "Failure") {
          tally.failed++
          continue
        }
        const { possible, provenToHorizon, wrong } = result.success
        assert.deepStrictEqual(wrong, [], `seed ${seed}: ${one.traits.join(", ")}`)
        if (possible) tally.possible++
        if (possible && provenToHorizon) tally.proven++
      }
      const told = JSON.stringify(tally)
      assert.isAtLeast(tally.possible, 10, told)
      assert.isAtLeast(tally.proven, 0.9 * tally.possible, told)
      assert.isAtMost(tally.failed, 6, told)
      // The waits before other tries take time.
      assert.isAtLeast(tally.waited, 20, told)
    })
  )

  // Of the first ones a process that resumed a stretch had to know what the one before it saw.
  const resumed = [100_708, 101_118, 101_590, 500_403]
  const apart = [...resumed, ...Array.from({ length: 80 }, (_, i) => first + i)]
  it.live(
    `${apart.length} of them, in stretches that are read each by a process of its own, some by two: the same holds`,
    () =>
      Effect.gen(function* () {
        const tally = { possible: 0, proven: 0 }
        for (const seed of apart) {
          const one = Adversaries.apart(Adversaries.make(seed))
          const result = yield* Effect.result(Judge.run(one))
          if (result._tag === "Failure") {
            assert.isTrue(Judge.mayFail(one), `seed ${seed}: ${result.failure.message}`)
            continue
          }
          assert.deepStrictEqual(result.success.wrong, [], `seed ${seed}: ${one.traits.join(", ")}`)
          if (!result.success.possible) continue
          tally.possible++
          if (result.success.provenToHorizon) tally.proven++
        }
        const told = JSON.stringify(tally)
        assert.isAtLeast(tally.possible, 0.4 * apart.length, told)
        assert.isAtLeast(tally.proven, 0.98 * tally.possible, told)
      })
  )
})

describe("the server that shares no code with the simulator", () => {
  it.live("shows and counts nothing to a request that was interrupted", () =>
    Effect.gen(function* () {
      const tally = { counted: 0 }
      for (let seed = first; seed < first + 20; seed++) {
        const one = Adversaries.make(seed, "none")
        const [interrupted, answered] = [Judge.open(one), Judge.open(one)]
        const fiber = yield* Effect.forkChild(interrupted.take({ page: 1, pageSize: 100 }), { startImmediately: true })
        yield* Fiber.interrupt(fiber)
        yield* answered.take({ page: 1, pageSize: 100 })
        assert.deepStrictEqual([interrupted.requests(), answered.requests()], [1, 1], `seed ${seed}`)
        assert.deepStrictEqual([interrupted.listed.size, interrupted.counts.length], [0, 0], `seed ${seed}`)
        tally.counted += answered.counts.length
      }
      assert.isAtLeast(tally.counted, 1)
    })
  )
})
