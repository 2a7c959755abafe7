/** What is held, as a window. */
import type { CallSession } from "../../model/CallSession.ts"
import type { Item } from "../../model/Item.ts"
import type { Rejected } from "../../model/Rejected.ts"
import { type Coverage, make as makeWindow, type Range, type Window } from "../Coverage.ts"
import type * as Ask from "./Ask.ts"
import type { Known } from "./Known.ts"
import * as Rows from "./Rows.ts"
import { type Settings, temper } from "./Settings.ts"

export const windowOf = (
  settings: Settings,
  known: Known,
  ask: Ask.Ask,
  range: Range,
  held: Rows.Held,
  coverage: Coverage
): Window => {
  const items: Array<Item<CallSession>> = []
  const rejected: Array<Rejected> = []
  const rows = Rows.within(held, range)
  for (const row of rows) {
    if (row.item !== undefined) items.push(row.item)
    if (row.rejected !== undefined) rejected.push(row.rejected)
  }
  for (const row of held.rows.values()) {
    if (row.rejected !== undefined && Rows.isUnplaced(row)) rejected.push(row.rejected)
  }
  let extra = 0
  if (held.repeats.size > 0) for (const { key } of rows) extra += held.repeats.get(key) ?? 0
  return makeWindow(items, {
    ...range,
    rejected,
    coverage: temper(settings, known, ask.log, range, coverage),
    requests: ask.log.requests,
    observedAt: ask.log.observedAt ?? 0,
    ...(extra === 0 ? {} : { extra })
  })
}
