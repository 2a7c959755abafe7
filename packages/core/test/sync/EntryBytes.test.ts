import { assert, describe, it } from "@effect/vitest"
import * as EntryBytes from "../../src/sync/internal/EntryBytes.ts"
import { entryOf } from "./LedgerLaws.ts"
import { random } from "./SyncRandom.ts"

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

  it("an entry comes back, in 55 bytes where nothing contradicts it", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const entry = entryOf(random(seed), "a", seed)
      const bytes = EntryBytes.encode(entry, 1)
      assert.strictEqual(bytes.length, entry.doubted === undefined ? 55 : 59)
      assert.deepStrictEqual(EntryBytes.decode(entry, bytes, ["another", entry.agent]), entry, `seed ${seed}`)
      assert.isUndefined(EntryBytes.decode(entry, bytes, []))
      assert.isUndefined(EntryBytes.decode(entry, bytes.subarray(1), ["another", entry.agent]))
    }
  })
})
