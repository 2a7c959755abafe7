import * as Calendar from "@callstream/core/model/Calendar"
import type { CallSession } from "@callstream/core/model/CallSession"
import * as Instant from "@callstream/core/model/Instant"
import * as Report from "@callstream/core/report/Report"
import * as Totals from "@callstream/core/report/Totals"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"

const call = (id: string, startedAt: string | undefined, fields: Omit<CallSession, "id"> = {}): CallSession => ({
  id,
  ...(startedAt === undefined ? {} : { startedAt }),
  ...fields
})

const report = (calls: ReadonlyArray<CallSession>, options: Partial<Report.Options> = {}) => {
  const fold = Report.fold({ calendar: Calendar.utc, ...options })
  fold.add(calls)
  return fold.report()
}

const instant = (text: string) => Instant.parse(text) ?? Instant.of(0)

describe("Report", () => {
  it("without bounds the period is that of the calls, and nothing was before it", () => {
    const found = report([call("1", "2026-11-02T10:00:00Z"), call("2", "2026-11-01T10:00:00Z")])
    assert.strictEqual(found.from, instant("2026-11-01T10:00:00Z"))
    assert.strictEqual(found.to, Instant.of(instant("2026-11-02T10:00:00Z") + 1))
    assert.isUndefined(found.before)
    assert.deepStrictEqual(
      found.days.map(({ date, partial, totals }) => [date, partial, totals.calls]),
      [
        ["2026-11-01", false, 1],
        ["2026-11-02", false, 1]
      ]
    )
  })

  it("of no calls it is empty", () => {
    const { days, totals } = report([])
    assert.deepStrictEqual([days, totals.calls], [[], 0])
  })

  it("a call that never connected counts when it was created, in the zone's day", () => {
    const zone = Calendar.make(DateTime.zoneMakeNamedUnsafe("Asia/Kolkata"))
    const created = { createdAt: "2026-11-01T19:00:00Z", status: "no_answer" }
    const { days, hours, totals, withoutTime } = report([call("1", undefined, created), call("2", undefined)], {
      calendar: zone
    })
    assert.deepStrictEqual(
      days.map(({ date }) => date),
      ["2026-11-02"]
    )
    // A Monday, half past midnight.
    assert.strictEqual(hours[0]?.[0], 1)
    assert.deepStrictEqual([totals.calls, totals.outcomes.missed, withoutTime], [1, 1, 1])
  })

  it("masked numbers are nobody's: they make no repeat caller, and hide no text", () => {
    const masked = Array.from({ length: 3 }, (_, nth) =>
      call(`${nth}`, "2026-11-01T10:00:00Z", {
        channel: "inbound_call",
        callerNumber: "[phone]",
        disconnectReason: "timeout"
      })
    )
    const { callers, reasons } = report(masked)
    assert.deepInclude(callers, { known: 0, repeated: 0 })
    assert.deepStrictEqual(reasons, [{ text: "timeout", calls: 3, customers: 3 }])
  })

  it("an agent has the name of the latest call, and values that are none are not counted", () => {
    const agent = (agentName: string, more: object = {}) => ({ agentId: "a", agentName, ...more })
    const odd = { durationSec: -5, callLatencyMs: Number.NaN, errorMessage: " ", disconnectReason: null }
    const { agents, durations, errors, latency, reasons } = report([
      call("1", "2026-11-02T10:00:00Z", agent("new")),
      call("2", "2026-11-01T10:00:00Z", agent("old", odd)),
      call("3", "2026-11-03T10:00:00Z", agent(""))
    ])
    assert.deepStrictEqual(
      agents.map(({ name, totals }) => [name, totals.calls, totals.seconds]),
      [["new", 3, 0]]
    )
    assert.deepStrictEqual([durations.count, latency.count, errors, reasons], [0, 0, [], []])
  })

  it("counts texts beyond ten thousand together", () => {
    const calls = Array.from({ length: 10_002 }, (_, at) =>
      call(`${at}`, "2026-11-02T10:00:00Z", { errorMessage: `error ${at}` })
    )
    const { errors } = report(calls)
    assert.deepStrictEqual([errors.length, errors[0]], [10_001, { text: "(others)", calls: 2, customers: 2 }])
  })

  it("says in the calls of how many customers a text occurs, up to three", () => {
    const from = (id: string, callerNumber: string | undefined, errorMessage: string) =>
      call(id, "2026-11-02T10:00:00Z", {
        channel: "inbound",
        errorMessage,
        ...(callerNumber === undefined ? {} : { callerNumber })
      })
    const { errors } = report([
      from("1", "+1", "line busy"),
      from("2", "+1", "line busy"),
      from("3", "+1", "Jane hung up"),
      from("4", "+2", "line busy"),
      ...["5", "6", "7", "8"].map((id) => from(id, undefined, "no route"))
    ])
    assert.deepStrictEqual(errors, [
      { text: "no route", calls: 4, customers: 3 },
      { text: "line busy", calls: 3, customers: 2 },
      { text: "Jane hung up", calls: 1, customers: 1 }
    ])
  })

  it("several sums together are the sum of all", () => {
    const days = report([
      call("1", "2026-11-01T10:00:00Z", { status: "busy", costTotal: "0.1", durationSec: 1 }),
      call("2", "2026-11-02T10:00:00Z", { status: "ringing", costTotal: "0.2", durationSec: 2 })
    ])
    assert.deepStrictEqual(Totals.together(days.days.map(({ totals }) => totals)), days.totals)
  })
})
