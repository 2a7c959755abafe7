/** A bill in a terminal. */
import type { Bill, Completeness, Instant } from "@callstream/core"
import type { Zone } from "../../option/Zone.ts"
import * as Format from "../Format.ts"
import * as CoverageWords from "./CoverageWords.ts"
import * as Figures from "./Figures.ts"

export interface BillDocument {
  readonly bill: Bill.Bill
  readonly by: string
  readonly from: Instant.Instant
  readonly to: Instant.Instant
  readonly completeness: Completeness.Completeness
  readonly zone: Zone
  readonly unit: Figures.Unit
}

/** Open calls that are listed in a terminal; JSON and CSV have all. */
const mostListed = 20

/** The name of a group. */
const nameOf = (group: string): string => (group === "" ? "(none)" : group)

/** Rows of cells as lines: the first column to the left, the others to the right. */
const table = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths = (rows[0] ?? []).map((_, nth) => Math.max(...rows.map((row) => (row[nth] ?? "").length)))
  return rows.map((row) =>
    row
      .map((cell, nth) => (nth === 0 ? cell.padEnd(widths[nth] ?? 0) : cell.padStart(widths[nth] ?? 0)))
      .join("  ")
      .trimEnd()
  )
}

export const lines = ({ bill, by, completeness, from, to, unit, zone }: BillDocument): ReadonlyArray<string> => {
  const row = (name: string, { calls, cost, open, seconds }: Bill.Bill["total"]) => [
    name,
    Format.count(calls),
    (Math.round(seconds / 0.6) / 100).toFixed(2),
    Figures.exactCost(cost),
    Format.count(open)
  ]
  const names = new Map(bill.groups.map(({ group, name }) => [group, name]))
  const rest = bill.open.length - mostListed
  return [
    `Bill by ${by} of ${Figures.moment(from, zone.calendar)} to ${Figures.moment(to, zone.calendar)} (${zone.name}), from final calls only`,
    CoverageWords.headline(completeness, zone),
    ...CoverageWords.doubts(completeness, zone).map((line) => `  ${line}`),
    ...completeness.notes,
    "",
    ...table([
      [by, "calls", "minutes", `cost (${Figures.unitName(unit)})`, "still open"],
      ...bill.groups.map((group) => row(nameOf(group.name), group)),
      row("total", bill.total)
    ]),
    ...(bill.open.length === 0
      ? ["", "All calls are final."]
      : [
          "",
          `${Format.counted(bill.open.length, "call")} may still change and ${bill.open.length === 1 ? "is" : "are"} not in the figures:`,
          ...table(
            bill.open
              .slice(0, mostListed)
              .map(({ cost, group, id, outcome, time }) => [
                `  ${id}`,
                Figures.moment(time, zone.calendar),
                outcome,
                nameOf(names.get(group) ?? group),
                cost === undefined ? "no cost yet" : `${Figures.exactCost(cost)} so far`
              ])
          ),
          ...(rest > 0 ? [`  and ${Format.count(rest)} more: --json has all`] : [])
        ])
  ]
}
