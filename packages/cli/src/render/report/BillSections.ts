/** The parts of the page of a bill. */
import * as Format from "../Format.ts"
import * as BillLines from "./BillLines.ts"
import * as Charts from "./Charts.ts"
import type { BillDocument } from "./Document.ts"
import * as Figures from "./Figures.ts"
import { card, markup, type Markup, table } from "./Markup.ts"
import * as Sections from "./Sections.ts"

export const tiles = ({ bill: { groups, open, total }, unit }: BillDocument): Markup =>
  Sections.tileList([
    Sections.tile("Final calls", Format.count(total.calls), `in ${Format.counted(groups.length, "group")}`),
    Sections.tile("Minutes", BillLines.minutes(total.seconds)),
    Sections.tile("Cost", markup`${Figures.exactCost(total.cost)} <small>${Figures.unitName(unit)}</small>`),
    Sections.tile(
      "Not billed",
      Format.counted(open.length, "call"),
      open.length === 0 ? "All calls are final." : "They may still change."
    )
  ])

export const groups = ({ bill, by, unit }: BillDocument): Markup => {
  const most = Math.max(0, ...bill.groups.map(({ cost }) => Figures.toNumber(cost)))
  const digits = BillLines.digitsOf(bill)
  const rows = [...bill.groups, { ...bill.total, name: "total" }].map((group, nth) => ({
    name: BillLines.nameOf(group.name),
    bar: Charts.inline(
      nth === bill.groups.length ? [] : [{ value: Figures.toNumber(group.cost), color: "c-accent" }],
      most
    ),
    cells: [
      Format.count(group.calls),
      BillLines.minutes(group.seconds),
      Figures.exactCost(group.cost, digits),
      Format.count(group.open)
    ]
  }))
  return card(
    `By ${by}`,
    markup`From final calls only. Costs in ${Figures.unitName(unit)}, with all digits.`,
    Sections.bars("Bill", [by === "agent" ? "Agent" : by, "Calls", "Minutes", "Cost", "Still open"], rows, 3),
    true
  )
}

/** Rows that a page has room for; JSON and CSV have all. */
const mostListed = 500

export const open = (document: BillDocument): Markup => {
  const all = document.bill.open
  if (all.length === 0) return markup``
  const rest = all.length - mostListed
  return card(
    "Not billed",
    markup`${Format.counted(all.length, "call")} that may still change. ${rest > 0 ? `The first ${Format.count(mostListed)} are listed; callstream report --bill --json has all.` : ""}`,
    table(
      "Calls that may still change",
      [
        { name: "Call", isText: true },
        { name: "Time" },
        { name: "Outcome", isText: true },
        { name: "Group", isText: true },
        { name: "Cost so far" }
      ],
      BillLines.openRows(document, mostListed)
    ),
    true
  )
}
