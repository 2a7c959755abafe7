/** A bill in a terminal. */
import { type Bill, Money } from "@callstream/core"
import * as CliOutput from "effect/cli/CliOutput"
import * as Format from "../Format.ts"
import { toPrintable } from "../Screen.ts"
import { cut } from "../TextTable.ts"
import { wrapped } from "../Wrap.ts"
import * as CoverageWords from "./CoverageWords.ts"
import * as Document from "./Document.ts"
import * as Figures from "./Figures.ts"

/** Open calls that are listed in a terminal; JSON and CSV have all. */
const mostListed = 20

/** Longer names are cut. */
const widestName = 40

/** The name of a group. */
export const nameOf = (group: string): string => (group === "" ? "(none)" : group)

/** To a hundredth, which is less than a second. */
export const minutes = (seconds: number): string => Figures.grouped((Math.round(seconds / 0.6) / 100).toFixed(2))

/** The digits behind the point that the costs of a bill need: with the same number of them they are under each other. */
export const digitsOf = ({ groups, total }: Bill.Bill): number =>
  Math.max(2, ...[total, ...groups].map(({ cost }) => (Money.format(cost).split(".")[1] ?? "").length))

/** Rows of cells as lines: the first columns to the left, the others to the right. */
const table = (rows: ReadonlyArray<ReadonlyArray<string>>, texts: number): ReadonlyArray<string> => {
  const cells = rows.map((row) => row.map((cell, nth) => (nth < texts ? cut(toPrintable(cell), widestName) : cell)))
  const widths = (cells[0] ?? []).map((_, nth) =>
    Math.max(...cells.map((row) => CliOutput.displayWidth(row[nth] ?? "")))
  )
  return cells.map((row) =>
    row
      .map((cell, nth) => {
        const room = " ".repeat((widths[nth] ?? 0) - CliOutput.displayWidth(cell))
        return nth < texts ? cell + room : room + cell
      })
      .join("  ")
      .trimEnd()
  )
}

/** The calls that are in no sum: id, time, outcome, group, and what they cost so far. */
export const openRows = (
  { bill, zone }: Document.BillDocument,
  most: number
): ReadonlyArray<readonly [id: string, time: string, outcome: string, group: string, cost: string]> => {
  const names = new Map(bill.groups.map(({ group, name }) => [group, name]))
  return bill.open
    .slice(0, most)
    .map(({ cost, group, id, outcome, time }) => [
      id,
      Figures.moment(time, zone.calendar),
      outcome,
      nameOf(names.get(group) ?? group),
      cost === undefined ? "none yet" : Figures.exactCost(cost)
    ])
}

/** The completeness of the bill, and rows that are not in it. */
export const coverage = (document: Document.BillDocument): ReadonlyArray<string> => [
  CoverageWords.headline(document.completeness, document.zone),
  ...CoverageWords.doubts(document.completeness, document.zone).map((line) => `  ${line}`),
  ...Document.remarksOf(document, document.bill)
]

/** `columns` is the width of the terminal, if there is one. */
export const lines = (document: Document.BillDocument, columns: number | undefined): ReadonlyArray<string> => {
  const { bill, by, unit, zone } = document
  const digits = digitsOf(bill)
  const row = (name: string, { calls, cost, open, seconds }: Bill.Bill["total"]) => [
    name,
    Format.count(calls),
    minutes(seconds),
    Figures.exactCost(cost, digits),
    Format.count(open)
  ]
  const rest = bill.open.length - mostListed
  const isOne = bill.open.length === 1
  const head = [
    `Bill by ${by} of ${Document.periodOf(document, zone)}, from final calls only`,
    ...coverage(document),
    ""
  ]
  const listed =
    bill.open.length === 0
      ? ["", "All calls are final."]
      : [
          "",
          `${Format.counted(bill.open.length, "call")} may still change and ${isOne ? "is" : "are"} not in the figures:`,
          ...table([["call", "time", "outcome", by, "cost so far"], ...openRows(document, mostListed)], 4).map(
            (line) => `  ${line}`
          ),
          ...(rest > 0 ? [`  and ${Format.count(rest)} more: --json has all`] : [])
        ]
  return [
    ...head.flatMap((line) => wrapped(line, columns)),
    ...table(
      [
        [by, "calls", "minutes", `cost (${Figures.unitName(unit)})`, "still open"],
        ...bill.groups.map((group) => row(nameOf(group.name), group)),
        row("total", bill.total)
      ],
      1
    ),
    ...listed
  ]
}
