/** How the last window of a whole history is read in tests, and what it should bring. */
import type { AgniError } from "@callstream/core/model/AgniError"
import * as CallRows from "@callstream/core/model/Rows"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Deliveries from "../../../src/history/internal/Deliveries.ts"
import type { Settings } from "../../../src/history/internal/Settings.ts"
import * as Undated from "../../../src/history/internal/Undated.ts"
import type { Early } from "../../../src/history/internal/UndatedFront.ts"
import * as Windows from "../../../src/history/internal/Windows.ts"
import type * as Adversary from "../../torture/Adversary.ts"
import { began, control, day, hour, item, known, open, rowsAt, settingsOf } from "./FakeServer.ts"

/** Each request takes a millisecond. */
export const step = 1000

export const range = { from: began - 10 * day, to: began + day }
export const young = began - 3 * hour
const starts = Array.from({ length: 23 }, (_, i) => young - (i + 1) * hour)
export const dated = rowsAt(starts)
export const undated = Array.from({ length: 4 }, (_, i): Adversary.Row => ({
  id: `undated-${i}`,
  start: undefined,
  created: young - (5 * i + 2) * hour
}))

export interface Given {
  readonly rows: ReadonlyArray<Adversary.Row>
  readonly traits?: Partial<Adversary.Traits>
  /** Those that the windows brought. @default all with a start */
  readonly delivered?: ReadonlyArray<Adversary.Row>
  /** Those after the horizon. @default none */
  readonly recent?: ReadonlyArray<Adversary.Row>
  readonly unproven?: boolean
  readonly inPart?: boolean
  readonly keepGoing?: boolean
  /** How far apart bounds may be that are trusted. @default 20 days */
  readonly width?: number
  readonly settings?: (server: Adversary.Server) => Partial<Settings>
  /** What happens before the last window is read: an answer is noted, or a window is delivered. */
  readonly before?: (ledger: Deliveries.Deliveries) => Effect.Effect<void, AgniError>
  readonly early?: (settings: Settings) => Effect.Effect<Early | undefined, AgniError>
}

export const read = Effect.fnUntraced(function* ({
  before = () => Effect.void,
  delivered = dated,
  early = () => Effect.undefined,
  inPart = false,
  keepGoing = false,
  recent = [],
  rows,
  settings: rest = () => ({}),
  traits = {},
  unproven = false,
  width = 20 * day
}: Given) {
  yield* TestClock.setTime(began / 1000)
  const server = open(rows, traits, step)
  const settings = settingsOf(server, {
    controls: starts.map((start, i) => control(`row-${i}`, start)).reverse(),
    repeats: Effect.succeed(traits.beyond === "last" || traits.beyond === "first"),
    ...rest(server)
  })
  const ends = { whole: true, fromOldest: true, newestFirst: false }
  const ledger = Deliveries.make(settings, range, () => known(), ends)
  const coverage = unproven
    ? ({ _tag: "Provisional", reason: { _tag: "CallsMoved" } } as const)
    : ({ _tag: "Proven" } as const)
  const itemsOf = (rows: ReadonlyArray<Adversary.Row>) => rows.map(({ id, start = 0 }) => item(id, start)).reverse()
  const about = { rejected: [], coverage, requests: 0, observedAt: began }
  yield* ledger.deliver(Windows.make(itemsOf(delivered), { ...about, from: range.from, to: young }))
  yield* ledger.deliver(Windows.make(itemsOf(recent), { ...about, from: young, to: range.to }))
  yield* before(ledger)
  const looked = yield* early(settings)
  const window = yield* Undated.window(
    settings,
    range,
    { early: Effect.succeed(looked), ledger, inPart, known: () => known({ width }) },
    keepGoing
  )
  return {
    window,
    tag: window.coverage._tag,
    ids: CallRows.items(window.rows).map(({ id }) => id),
    requests: server.requests(),
    server
  }
})

export const orders = [
  { order: "start", undatedFirst: true },
  { order: "start", undatedFirst: false },
  { order: "id" },
  { order: "created" }
] as const
