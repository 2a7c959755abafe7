/** Inbound calls of the last week that were talked for a minute or more, counted by agent: `node src/stream.ts`. */
import { CallSession, CallSessions } from "@callstream/core"
import { NodeRuntime } from "@effect/platform-node"
import { BigDecimal, Console, DateTime, Effect, Stream } from "effect"
import * as Agni from "./Agni.ts"

interface Tally {
  calls: number
  minutes: number
  cost: BigDecimal.BigDecimal
}

export const byAgent = Effect.gen(function* () {
  const tallies = new Map<string, Tally>()
  const now = yield* DateTime.now
  yield* CallSessions.sessions({ channel: "inbound_call", from: DateTime.subtract(now, { days: 7 }) }).pipe(
    Stream.filter((session) => (session.durationSec ?? 0) >= 60),
    // A page's worth at a time: a loop over an array costs next to nothing, an effect for each session does not.
    Stream.runForEachArray((sessions) =>
      Effect.sync(() => {
        for (const session of sessions) {
          const agent = session.agentName ?? session.agentId ?? "unknown"
          const tally = tallies.get(agent) ?? { calls: 0, minutes: 0, cost: BigDecimal.fromBigInt(0n) }
          tally.calls += 1
          tally.minutes += (session.durationSec ?? 0) / 60
          tally.cost = BigDecimal.sum(tally.cost, CallSession.cost(session) ?? BigDecimal.fromBigInt(0n))
          tallies.set(agent, tally)
        }
      })
    )
  )
  return tallies
})

const print = (tallies: ReadonlyMap<string, Tally>) =>
  Console.table(
    Array.from(tallies, ([agent, { calls, cost, minutes }]) => ({
      agent,
      calls,
      minutes: Math.round(minutes),
      cost: BigDecimal.format(cost)
    }))
  )

if (import.meta.main) {
  byAgent.pipe(Effect.flatMap(print), Effect.provide(Agni.layer), NodeRuntime.runMain)
}
