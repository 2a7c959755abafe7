/**
 * A run that is killed between the commit of a table and that of the state, on a server that lists calls only afterwards, or lists
 * them as they were: what the table has after the next run.
 */
import type { CallSession } from "@callstream/core/model/CallSession"
import type { SessionSink } from "@callstream/core/sink/SessionSink"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as ListServer from "../history/ListServer.ts"
import * as KilledRuns from "../source/KilledRuns.ts"
import * as HistoryCase from "../torture/HistoryCase.ts"

/** By id, the field that the server corrects. */
type Agents = ReadonlyMap<string, string>

export interface Table {
  readonly sink: SessionSink<CallSession>
  readonly read: Effect.Effect<Agents, unknown>
}

interface Played {
  readonly wrong: ReadonlyArray<string>
  readonly about: string
  /** Calls that came, and that were corrected, where the table was ahead of the state. */
  readonly changed: number
  readonly proven: boolean
}

const early = "first"
const late = "second"

const withAgents = (rows: ReadonlyArray<ListServer.Row>, corrected: ReadonlySet<string>) =>
  rows.map((row): ListServer.Row => ({ ...row, agent: corrected.has(row.id) ? late : early }))

/** Some of these, at most so many. */
const some = ({ next }: ReturnType<typeof HistoryCase.random>, rows: ReadonlyArray<ListServer.Row>, most: number) =>
  new Set(rows.length === 0 ? [] : Array.from({ length: most }, () => rows[Math.floor(next() * rows.length)]?.id ?? ""))

/** Plays it with two tables of a kind: where the first one is ahead shows which calls the server changes for the second one. */
const play = Effect.fnUntraced(function* (seed: number, table: Effect.Effect<Table, unknown, Scope.Scope>) {
  const chances = HistoryCase.random(seed)
  const history = KilledRuns.drawn(chances)
  const { range, rows, source, stretches, withoutStart } = history
  const killed = Effect.fnUntraced(function* (
    world: KilledRuns.World,
    listed: ReadonlyArray<ListServer.Row>,
    flushes: number
  ) {
    yield* TestClock.setTime(ListServer.now)
    const server = ListServer.make(withAgents(listed, new Set()), { withoutStart })
    return yield* world.run(server, source, range, stretches, { flushes })
  })

  const flushes = 1 + Math.floor(chances.next() * 10)
  const tried = KilledRuns.world((yield* table).sink)
  if (Exit.isSuccess((yield* killed(tried, rows, flushes)).exit)) return undefined
  const aheadIn = (world: KilledRuns.World) =>
    rows.filter(({ id, start }) =>
      world.ahead().some(({ from, to }) => !withoutStart.includes(id) && start * 1000 >= from && start * 1000 < to)
    )
  const hidden = some(chances, aheadIn(tried), 2)

  const { read, sink } = yield* table
  const world = KilledRuns.world(sink)
  const before = rows.filter(({ id }) => !hidden.has(id))
  if (Exit.isSuccess((yield* killed(world, before, flushes)).exit)) return undefined
  // What the state knows of too is not read again, however it changes.
  const ahead = world.ahead()
  const corrected = some(chances, aheadIn(world), 3)
  const after = ListServer.make(withAgents(rows, corrected), { withoutStart })
  // The next process may be killed at the same place, too.
  if (chances.chance(0.4))
    yield* world.run(after, source, range, stretches, { flushes: 1 + Math.floor(chances.next() * 4) })
  const { exit } = yield* world.run(after, source, range, stretches)
  if (Exit.isFailure(exit)) return yield* Effect.failCause(exit.cause)

  const held = yield* read
  const verdict = KilledRuns.verdictOf(exit.value.coverage)
  const meant = KilledRuns.meantOf(history)
  const missing = meant.filter(({ id }) => !held.has(id) && world.listed.has(id))
  const stale = meant.filter(({ id }) => held.has(id) && held.get(id) !== (corrected.has(id) ? late : early))
  const others = [...held.keys()].filter((id) => !meant.some((one) => one.id === id))
  const isDue = ({ id }: ListServer.Row) => verdict === "proven" || corrected.has(id)
  return {
    // What was corrected where the table was ahead is there, whatever is said of the range.
    wrong: [
      ...missing.filter(isDue).map(({ id }) => `${id} is missing`),
      ...stale.filter(isDue).map(({ id }) => `${id} is not as it was read last`),
      ...(verdict === "proven" ? others.map((id) => `${id} does not belong there`) : [])
    ],
    about: JSON.stringify({
      seed,
      flushes,
      ahead,
      hidden: [...hidden],
      corrected: [...corrected],
      range,
      stretches,
      rows: rows.length
    }),
    changed: hidden.size + corrected.size,
    proven: verdict === "proven"
  } satisfies Played
})

/** Plays so many, and what they came to. */
export const playAll = Effect.fnUntraced(function* (
  first: number,
  count: number,
  table: Effect.Effect<Table, unknown, Scope.Scope>
) {
  const tally = { played: 0, ahead: 0, proven: 0 }
  const wrong: Array<string> = []
  for (let seed = first; seed < first + count; seed++) {
    const one = yield* play(seed, table)
    if (one === undefined) continue
    tally.played++
    if (one.changed > 0) tally.ahead++
    if (one.proven) tally.proven++
    if (one.wrong.length > 0) wrong.push(`${one.wrong.join(", ")}: ${one.about}`)
  }
  return { ...tally, wrong }
})
