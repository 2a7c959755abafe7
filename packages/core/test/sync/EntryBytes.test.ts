import * as Version from "@callstream/core/model/Version"
import { assert, describe, it } from "@effect/vitest"
import * as EntryBytes from "../../src/sync/internal/EntryBytes.ts"
import { entryOf } from "./LedgerLaws.ts"
import { random } from "./SyncRandom.ts"

const second = 1_000_000

describe("EntryBytes", () => {
  it("an id comes back, and no two ids have the same bytes", () => {
    const ids = [
      "0d5cf1a2-0c8e-4f3a-9d1e-7b6f2f1c3a44",
      "0D5CF1A2-0C8E-4F3A-9D1E-7B6F2F1C3A44",
      "00000000-0000-0000-0000-000000000000"
    ]
    for (let length = 1; length < 20; length++) ids.push("x".repeat(length), "\u0000".repeat(length))
    const bytes = ids.map(EntryBytes.ofId)
    assert.deepStrictEqual(bytes.map(EntryBytes.toId), ids)
    assert.strictEqual(new Set(bytes.map(String)).size, ids.length)
  })

  it("an entry comes back, in fewer than 50 bytes where its times are near each other", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const entry = entryOf(random(seed), "a", seed)
      const bytes = EntryBytes.encode(entry, 1)
      const start = entry.start === undefined ? undefined : Math.floor(entry.start / second) * second
      assert.deepStrictEqual(
        EntryBytes.decode({ ...entry, start }, bytes, ["another", entry.agent]),
        entry,
        `seed ${seed}`
      )
      assert.isUndefined(EntryBytes.decode(entry, bytes, []))
      assert.isUndefined(EntryBytes.decode(entry, bytes.subarray(0, -1), ["another", entry.agent]))
      const near = {
        ...entry,
        created: entry.firstSeen - 60 * second,
        ended: entry.firstSeen - second,
        doubted: undefined
      }
      const sequence = Version.of(entry.firstSeen + 3 * second + 4)
      const usual = { ...near, readAt: entry.firstSeen + 1e4 * second, sequence, born: entry.changed - 20_000 }
      assert.isBelow(EntryBytes.encode(usual, 1).length, 50)
    }
  })

  it("times and commits of any size come back", () => {
    const entry = entryOf(random(5), "a", 5)
    for (const far of [0, 1, 4_000_000_000]) {
      for (const commit of [1, 2 ** 31, 2 ** 48]) {
        const at = far * second
        const start = far * second
        const sequence = Version.of(at + 999_999)
        const one = { ...entry, start, created: at, ended: at, readAt: at, sequence, changed: commit, born: 2 ** 20 }
        assert.deepStrictEqual(EntryBytes.decode(one, EntryBytes.encode(one, 0), [entry.agent]), one)
      }
    }
  })
})
