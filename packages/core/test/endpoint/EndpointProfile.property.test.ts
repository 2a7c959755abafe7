import { AgniClient } from "@callstream/core/client/AgniClient"
import type * as EndpointProfile from "@callstream/core/endpoint/EndpointProfile"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Struct from "effect/Struct"
import * as Probes from "../../src/endpoint/internal/Probes.ts"
import * as Histories from "../torture/Histories.ts"

const first = 40_000
const count = 150

/** The server before it was changed for the worse, or another one. */
const before = (seed: number): Histories.Case => {
  const one = Histories.make(seed)
  if (seed % 3 === 0) return { ...Histories.make(seed + 7), client: false }
  const { maxPageSize = 100 } = one.simulator
  return {
    ...one,
    client: false,
    simulator: {
      ...one.simulator,
      ...(seed % 2 === 0 ? { maxPageSize: maxPageSize * 2, offsetFrom: "clamped" } : {}),
      order: "start-desc",
      bounds: {},
      filterAfterPaging: "nothing",
      beyondLast: "empty",
      poison: 0,
      faultRate: 0
    }
  }
}

/** What no server showed, or one of long ago. */
const spoil = (profile: EndpointProfile.EndpointProfile, seed: number): EndpointProfile.EndpointProfile => {
  switch (seed % 8) {
    case 0:
      return { ...profile, pageSize: profile.pageSize + (seed % 5) }
    case 1:
      return { ...profile, pagesAtMost: 2 ** (seed % 31) }
    case 2:
      return { ...profile, repeatsBeyondEnd: !profile.repeatsBeyondEnd }
    case 3:
      return { ...profile, sortBy: profile.sortBy === "none" ? "startedAt" : "none" }
    case 4:
      return { ...profile, newestFirst: !profile.newestFirst, order: "other" }
    default:
      return {
        ...Struct.omit(profile, ["filterProblem"]),
        clamped: true,
        filters: { agentId: "understood", channel: "understood", callerNumber: "understood" }
      }
  }
}

describe("History.windows with the profile of another server", () => {
  it.live(`${count} histories: never proven with a session missing`, () =>
    Effect.gen(function* () {
      const tally = { proven: 0, provisional: 0, unprovable: 0, failed: 0 }
      for (let seed = first; seed < first + count; seed++) {
        const other = before(seed)
        const { agentId, callerNumber, channel, pageSize, search, status } = other.read
        const filters = { agentId, callerNumber, channel, search, status }
        const seen = yield* Effect.result(
          Effect.provideService(
            Probes.probe({ filters, pageSize: seed % 4 === 0 ? 1000 : pageSize }),
            AgniClient,
            Histories.open(other).client
          )
        )
        if (seen._tag === "Failure") continue
        const known = Histories.make(seed)
        const one = { ...known, read: { ...known.read, profile: spoil(seen.success.profile, seed) } }
        const result = yield* Effect.result(Histories.run(one))
        if (result._tag === "Failure") {
          assert.isTrue(Histories.mayFail(one), `seed ${seed}: ${result.failure.message}`)
          tally.failed++
          continue
        }
        assert.deepStrictEqual(result.success.wrong, [], `seed ${seed}: ${JSON.stringify(one)}`)
        tally[result.success.verdict]++
      }
      const told = JSON.stringify(tally)
      assert.isAtLeast(tally.proven, 0.24 * count, told)
      assert.isAtMost(tally.failed, 0.04 * count, told)
    })
  )
})
