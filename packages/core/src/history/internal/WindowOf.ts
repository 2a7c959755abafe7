/** A window of the held rows. */
import type { CallSession } from "../../model/CallSession.ts"
import type { Item } from "../../model/Item.ts"
import type { Rejected } from "../../model/Rejected.ts"
import { type Coverage, type Window } from "../Coverage.ts"
import * as Ask from "../../endpoint/internal/Ask.ts"
import type { Known } from "./Known.ts"
import * as Rows from "../../endpoint/internal/ListedRows.ts"
import { horizonFor, type Settings, temper } from "./Settings.ts"
import type * as Micros from "../../endpoint/internal/Micros.ts"
import * as Windows from "./Windows.ts"

/** In two where it reaches over the horizon, which an answer of a clock that is behind may have moved: one is old enough. */
export const windowsOf = (
  settings: Settings,
  known: Known,
  ask: Ask.Ask,
  range: Micros.Range,
  held: Rows.Held,
  coverage: Coverage
): ReadonlyArray<Window> => {
  const window = (from: Micros.Micros, to: Micros.Micros, requests: number) =>
    windowOf(held, { from, to }, temper(settings, known, ask.log, { from, to }, coverage), {
      requests,
      observedAt: ask.log.observedAt ?? 0
    })
  const at = Ask.floorSecond(horizonFor(settings, known, ask.log))
  const isOne = coverage._tag !== "Proven" || at <= range.from || at >= range.to
  return isOne
    ? [window(range.from, range.to, ask.log.requests)]
    : [window(range.from, at, ask.log.requests), window(at, range.to, 0)]
}

const windowOf = (
  held: Rows.Held,
  range: Micros.Range,
  coverage: Coverage,
  asked: { readonly requests: number; readonly observedAt: Micros.Micros }
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
  return Windows.make(items, {
    ...range,
    rejected,
    coverage,
    ...asked,
    ...(extra === 0 ? {} : { extra })
  })
}
