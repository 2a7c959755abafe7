/** The summary of a report in a terminal. */
import { Calendar, Completeness, Instant, Report } from "@callstream/core"
import { assert, describe, it } from "@effect/vitest"
import * as CliOutput from "effect/cli/CliOutput"
import type { Document } from "../../../src/render/report/Document.ts"
import * as Terminal from "../../../src/render/report/Terminal.ts"
import { calls, end } from "./ReportedCalls.ts"

const to = Instant.of(end * 1000)

const documentOf = (all: Parameters<Report.Fold["add"]>[0], days = 14): Document => {
  const from = Instant.of(to - days * 86_400_000_000)
  const fold = Report.fold({ calendar: Calendar.utc, from, to })
  fold.add(all)
  const report = fold.report()
  return {
    report,
    completeness: Completeness.make([{ from, to, verdict: "provisional", reason: "calls may still be added" }], report),
    zone: { name: "UTC", calendar: Calendar.utc, clock: undefined },
    unit: { currency: undefined },
    personal: false,
    madeAt: to,
    unreadable: 2
  }
}

const one = { id: "a", status: "completed", createdAt: "2026-11-28T10:00:00Z", startedAt: "2026-11-28T10:00:00Z" }

describe("a report in a terminal", () => {
  it("is no wider than the terminal, and says how many callers are not listed", () => {
    const document = documentOf(calls(3, 2000, 28))
    for (const columns of [80, 120]) {
      const lines = Terminal.lines(document, columns)
      assert.deepStrictEqual(
        lines.filter((line) => CliOutput.displayWidth(line) > columns),
        []
      )
      assert.include(lines, `  and ${document.report.callers.repeated - 10} more`)
      assert.include(lines, "  Numbers are masked: --with-personal-data shows them.")
    }
  })

  it("names missed calls also where there are none, and compares with the previous period", () => {
    const before = { ...one, createdAt: "2026-11-10T10:00:00Z", startedAt: "2026-11-10T10:00:00Z" }
    const ids = (count: number, call: object) =>
      Array.from({ length: count }, (_, nth) => ({ ...one, ...call, id: `${nth} ${JSON.stringify(call)}` }))
    const lines = (now: number, then: number) =>
      Terminal.lines(documentOf([...ids(now, one), ...ids(then, before)]), undefined)
    assert.includeMembers(
      [...lines(3, 4)],
      ["  calls      3, previous period 4 (−25 %)", "             0 missed (0 %)"]
    )
    assert.include(lines(300, 301), "  calls      300, previous period 301 (±0 %)")
    assert.include(lines(100, 1), "  calls      100, previous period 1")
    assert.include(lines(1, 0), "  calls      1, previous period 0")
  })

  it("has no control character, and room for odd texts and amounts", () => {
    const lines = Terminal.lines(
      documentOf([
        {
          ...one,
          agentName: "a\u001b[31m\u202e and a long, long, long name",
          endedAt: one.startedAt,
          costTotal: "-1e400"
        }
      ]),
      80
    )
    // oxlint-disable-next-line no-control-regex
    assert.notMatch(lines.join(""), /[\u0000-\u001f\u202e]/)
    assert.include(lines, "  cost       -1.00e400 credits of 1 final call, previous period 0.00")
    for (const line of lines) assert.isAtMost(CliOutput.displayWidth(line), 80, line)
  })
})
