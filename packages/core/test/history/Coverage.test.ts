import type { CoverageReason } from "@callstream/core/coverage/CoverageReason"
import * as Coverage from "@callstream/core/history/Coverage"
import { AgniError, NotFound } from "@callstream/core/model/AgniError"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Instant from "@callstream/core/model/Instant"
import type { Item } from "@callstream/core/model/Item"
import * as Rows from "@callstream/core/model/Rows"
import * as Version from "@callstream/core/model/Version"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import { session } from "./Walking.ts"

const itemOf = (row: CallSession, version?: Version.Version): Item<CallSession> => ({
  id: row.id,
  start: undefined,
  version,
  row
})
const rest = {
  from: Instant.of(1),
  to: Instant.of(9),
  rejected: [],
  coverage: { _tag: "Proven" },
  requests: 3,
  observedAt: Instant.of(20)
} as const

describe("Coverage.make", () => {
  it("counts the calls that are final: answered ones with their end and cost, and unanswered ones", () => {
    const settledOf = (...rows: ReadonlyArray<CallSession>) =>
      Coverage.make(
        rows.map((row) => itemOf(row)),
        rest
      ).settled
    const busy = session("busy", { status: "busy" })
    const ended = session("ended", { status: "completed", endedAt: "2026-07-31T07:16:10Z" })
    assert.strictEqual(settledOf(), 0)
    assert.strictEqual(settledOf(busy), 1)
    assert.strictEqual(settledOf(ended), 0)
    assert.strictEqual(
      settledOf(session("ended", { status: "completed", endedAt: "2026-07-31T07:16:10Z", costTotal: "0.25" })),
      1
    )
    assert.strictEqual(
      settledOf(busy, ended, { id: "now", status: "in_progress" }, session("other", { status: "busy" })),
      2
    )
  })

  it("has the calls in their order, each as old as its own answer or as the window, and all else as it is given", () => {
    const items = [itemOf({ id: "b" }, Version.of(7)), itemOf({ id: "a" })]
    const { rows, settled, ...others } = Coverage.make(items, rest)
    assert.deepStrictEqual(
      Rows.items(rows).map(({ id }, i) => [id, rows.observedAt(i)]),
      [
        ["b", Version.of(7)],
        ["a", Version.of(20)]
      ]
    )
    assert.deepStrictEqual([others, settled], [rest, 0])
  })
})

describe("Coverage.verdict", () => {
  const reason: CoverageReason = { _tag: "CallsMoved" }
  const error = new AgniError({ reason: new NotFound(), request: "GET", attempts: 1, elapsed: Duration.zero })

  it("says the same of a window as its tag, and that a gap proves nothing", () => {
    assert.strictEqual(Coverage.verdict({ _tag: "Proven" }), "proven")
    assert.strictEqual(Coverage.verdict({ _tag: "Provisional", reason }), "provisional")
    assert.strictEqual(Coverage.verdict({ _tag: "Unprovable", reason }), "unprovable")
    assert.strictEqual(Coverage.verdict({ _tag: "Gap", reason, error }), "unprovable")
  })

  it("that is weaker is the verdict on two windows", () => {
    const order = ["proven", "provisional", "unprovable"] as const
    for (const [i, left] of order.entries())
      for (const [k, right] of order.entries()) assert.strictEqual(Coverage.weaker(left, right), order[Math.max(i, k)])
  })
})
