import * as Instant from "@callstream/core/model/Instant"
import * as Version from "@callstream/core/model/Version"
import * as Settlement from "@callstream/core/sync/Settlement"
import type { CallSession } from "@callstream/core/model/CallSession"
import { assert, describe, it } from "@effect/vitest"
import * as Outline from "../../src/model/internal/Outline.ts"
import * as Packed from "../../src/model/internal/Packed.ts"
import * as Decide from "../../src/sync/internal/Decide.ts"
import * as FreshPage from "../../src/sync/internal/FreshPage.ts"
import * as Noted from "../../src/sync/internal/Noted.ts"
import { uuid } from "./LedgerLaws.ts"
import { random } from "./SyncRandom.ts"

const second = 1_000_000
const day = 86_400 * second
const now = Date.parse("2026-07-31T00:00:00Z") * 1000 + 5
const key = [1, 2] as const

/** Calls of the last days, some of which lack something. */
const callsOf = (seed: number, days: number) => {
  const source = random(seed)
  const { below, chance, pick } = source
  return Array.from({ length: 60 }, () => {
    const start = now - below(days * 86_400) * second - below(second)
    const status = pick(["completed", "in_progress", "failed", "no_answer"])
    const session: CallSession = {
      id: uuid(source),
      status,
      agentId: pick(["one", "two", null]),
      startedAt: Instant.format(Instant.of(start)),
      createdAt: chance(0.8) ? Instant.format(Instant.of(start - 90 * second)) : null,
      endedAt: status === "in_progress" ? null : Instant.format(Instant.of(start + below(300) * second)),
      costTotal: chance(0.5) ? "0.1" : null,
      recordingUrl: chance(0.5) ? "https://example.com/1" : "",
      postCallAnalysisResult: chance(0.5) ? { a: 1 } : null
    }
    return session
  })
}

const startOf = ({ startedAt }: CallSession) => Instant.parse(String(startedAt)) ?? assert.fail("no start")

const versionOf = (i: number) => Version.of(now + i)

/** As they come from a thread, and as objects. */
const itemsOf = (sessions: ReadonlyArray<CallSession>, isPacked: boolean) => {
  const packed = Packed.unpack({ ...Packed.pack(sessions), outlines: Outline.make(sessions) }, versionOf)
  return sessions.map((row, i) => {
    const start = startOf(row)
    const item = isPacked ? packed[i] : { id: row.id, start, row, version: versionOf(i) }
    return Object.assign(item ?? assert.fail("too few"), { start })
  })
}

describe("FreshPage", () => {
  it("makes of calls that are all new what they are one by one", () => {
    for (let seed = 1; seed <= 60; seed++) {
      // What is a day old is counted, and one by one each is decided by those before it.
      const days = seed % 2 === 0 ? 1 : 40
      const items = itemsOf(callsOf(seed, days), seed % 3 > 0)
      const { changes, clock, page, settlement } = FreshPage.make(items, Settlement.empty, {
        ledger: "a",
        key,
        now,
        head: 6
      })
      let learned = Settlement.empty
      const about = { key, from: 0, now, isFirst: true }
      for (const [i, item] of items.entries()) {
        const seen = { id: item.id, outline: Outline.ofItem(item), start: item.start, version: versionOf(i) }
        const decided = Decide.seen(learned, undefined, seen, about)
        const entry = { ...decided.entry, born: 7 + i, changed: 7 + i }
        learned = decided.learned
        const noted = changes[i] ?? assert.fail("too few")
        assert.strictEqual(Noted.itemOf(noted), item)
        const { facets, id, kind, milestones, previous, replaces, sequence } = noted
        const change = { kind, facets, milestones, sequence, previous, id, commit: noted.commit, replaces }
        const commit = { ledger: "a", commit: 7 + i }
        const made = page.at(i)
        if (days === 1) {
          assert.deepStrictEqual(made, entry, `seed ${seed}`)
          const expected: unknown = { ...decided.change, id: item.id, commit, replaces: undefined }
          assert.deepStrictEqual<unknown>(change, expected)
        } else {
          const { due } = made
          assert.deepStrictEqual(made, { ...entry, due, milestones }, `seed ${seed}`)
          assert.deepStrictEqual([change.milestones, change.commit], [made.milestones, commit])
        }
      }
      assert.deepStrictEqual(settlement, learned, `seed ${seed}`)
      assert.strictEqual(clock, now + items.length - 1)
    }
  })

  it("decides by all that it counts: what an agent never has is given up at once", () => {
    const sessions = Array.from({ length: 200 }, (_, i) => ({
      id: String(i),
      agentId: "one",
      status: "completed",
      startedAt: Instant.format(Instant.of(now - 2 * day)),
      endedAt: Instant.format(Instant.of(now - 2 * day + second)),
      costTotal: "1",
      recordingUrl: "https://example.com/1",
      postCallAnalysisResult: null
    }))
    const { changes, page, settlement } = FreshPage.make(itemsOf(sessions, true), Settlement.empty, {
      ledger: "a",
      key,
      now,
      head: 0
    })
    assert.deepStrictEqual(settlement.shares["one"]?.answered.analysis, { has: 0, of: 200 })
    assert.isUndefined(page.at(0).due)
    assert.deepStrictEqual(changes[0]?.milestones, ["completed", "cost", "recording", "final"])
  })
})
