import * as PageDecoder from "@callstream/core/client/PageDecoder"
import type * as Change from "@callstream/core/model/Change"
import * as Instant from "@callstream/core/model/Instant"
import * as Rows from "@callstream/core/model/Rows"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Outline from "../../src/model/internal/Outline.ts"
import * as Packed from "../../src/model/internal/Packed.ts"

const key: Change.Key = [7, 9]
const about: PageDecoder.About = { page: 1, observedAt: Instant.of(5), age: 0, quote: (text) => text }

const records = [
  { id: "a", agentId: "x", organizationId: "o", status: "completed", startedAt: "2026-07-31T07:16:10.117605Z" },
  { id: "b", agentId: "y", status: "completed", endedAt: "2026-07-31T08:00:00Z", costTotal: "0.30", recordingUrl: "u" },
  { id: "c", agent_id: "x", status: "no_answer", created_at: "2026-07-31T07:00:00Z", organization_id: "p" },
  { id: "d", status: "ringing", postCallAnalysisResult: { good: true }, metadata: { n: 12.5, text: "half \ud83d" } },
  { agentId: "no id", organizationId: "of nobody" },
  { id: "e", agentId: 5, organizationId: 6, endedAt: "0001-01-01T00:00:00Z" }
]

const itemsOf = (hold: PageDecoder.Hold) => {
  const body = new TextEncoder().encode(JSON.stringify({ success: true, data: { callSessions: records } }))
  const { message, transfer } = PageDecoder.digest(body, { hold, outlines: true })
  const page = PageDecoder.fromDigest(structuredClone(message, { transfer }), about)
  if (Result.isFailure(page)) throw page.failure
  return Rows.items(page.success.rows)
}

describe("Outline", () => {
  for (const hold of ["json", "response"] as const) {
    it(`a thread makes of each call what is made of the call itself: ${hold}`, () => {
      const items = itemsOf(hold)
      assert.strictEqual(items.length, 5)
      for (const item of items) {
        assert.isDefined(Packed.outlineOf(item))
        const [{ digests: ofThread, ...left }, { digests: ofCall, ...right }] = [
          Outline.ofItem(item),
          Outline.of(item.row)
        ]
        assert.deepStrictEqual(left, right)
        assert.deepStrictEqual(ofThread(key), ofCall(key))
      }
      assert.deepStrictEqual([...Outline.organizationsOf(items)], ["o", "p"])
      const plain = items.map(({ id, row, start }) => ({ id, row, start }))
      assert.deepStrictEqual([...Outline.organizationsOf(plain)], ["o", "p"])
    })
  }
})
