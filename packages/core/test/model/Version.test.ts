import * as Instant from "@callstream/core/model/Instant"
import * as Version from "@callstream/core/model/Version"
import { assert, describe, it } from "@effect/vitest"

const minute = 60_000_000
const day = 1440 * minute
const now = Date.parse("2026-07-31T07:16:10Z") * 1000

/** The versions that observations get one after another. */
const versions = (readings: ReadonlyArray<{ readonly server: number; readonly own: number }>, last?: number) => {
  let clock = Version.clock(last === undefined ? undefined : Version.of(last))
  return readings.map((reading) => {
    const next = Version.observe(clock, { server: Instant.of(reading.server), own: Instant.of(reading.own) })
    clock = next
    return next.last
  })
}

describe("Version", () => {
  it("is the server's clock while that moves on", () => {
    const server = [now, now + 1, now + 3_000_000]
    assert.deepStrictEqual<ReadonlyArray<number>>(versions(server.map((server) => ({ server, own: now }))), server)
  })

  it("rises by one while the server's clock stops, goes back, or an old answer comes from a cache", () => {
    const server = [now, now, now - day, now - 3_600_000_000, now + 2]
    assert.deepStrictEqual<ReadonlyArray<number>>(
      versions(server.map((server) => ({ server, own: now }))),
      [0, 1, 2, 3, 4].map((more) => now + more)
    )
  })

  it("is five minutes ahead of this machine's clock at most, and rises while that goes back", () => {
    const ahead = now + 5 * minute
    assert.deepStrictEqual<ReadonlyArray<number>>(
      versions([
        { server: ahead - 1, own: now },
        { server: now + day, own: now },
        { server: now + day, own: now - day },
        { server: now, own: now },
        { server: now + 6 * minute, own: now + 6 * minute }
      ]),
      [ahead - 1, ahead, ahead + 1, ahead + 2, now + 6 * minute]
    )
  })

  it("continues above the last version of a state", () => {
    assert.deepStrictEqual<ReadonlyArray<number>>(versions([{ server: now, own: now }], now), [now + 1])
    assert.deepStrictEqual<ReadonlyArray<number>>(versions([{ server: now, own: now }], now - 1), [now])
  })

  describe("versions of other writers", () => {
    it("is at most five minutes in the future of the clock that is ahead", () => {
      for (const [server, own] of [
        [now, now],
        [now, now - day],
        [now - day, now]
      ] as const) {
        const clock = Version.observe(Version.clock(), { server: Instant.of(server), own: Instant.of(own) })
        assert.strictEqual<number | undefined>(Version.highestCredible(clock, Instant.of(own)), now + 5 * minute)
      }
    })

    it("is not known before there was an answer, also of a resumed run", () => {
      assert.isUndefined(Version.highestCredible(Version.clock(), Instant.of(now)))
      assert.isUndefined(Version.highestCredible(Version.clock(Version.of(now)), Instant.of(now)))
    })

    it("is at least what this clock gave itself", () => {
      const clock = Version.observe(Version.clock(Version.of(now + day)), {
        server: Instant.of(now),
        own: Instant.of(now)
      })
      assert.strictEqual<number | undefined>(Version.highestCredible(clock, Instant.of(now)), now + day + 1)
    })
  })
})
