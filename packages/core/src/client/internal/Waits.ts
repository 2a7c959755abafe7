/** How long requests wait for their turn, and how much of it because the server asked for a pause. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type { Budget } from "../Budget.ts"
import * as ClientMetrics from "../ClientMetrics.ts"

/** Milliseconds of a clock that nobody sets back. */
export const now = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

/** In milliseconds: less is no wait, only the time that it takes to look. */
const least = 1

interface Hold {
  until: number
}

/** Clients that share a budget wait for the pauses that any of them was asked for. */
const holds = new WeakMap<Budget["Service"], Hold>()

export interface Waits {
  /** The same budget, whose pauses are noted. */
  readonly hold: (pause: Duration.Input) => Effect.Effect<void>
  /** Counts a wait from then until now, and one between a failure and then. */
  readonly since: (began: number, failed: Failed | undefined) => Effect.Effect<void>
}

/** When a try failed, and whether the server asked to wait. */
export interface Failed {
  readonly at: number
  readonly isAsked: boolean
}

export const make = (budget: Budget["Service"], name: string): Waits => {
  const hold = holds.get(budget) ?? { until: 0 }
  holds.set(budget, hold)
  const of = (reason: "budget" | "rate_limit" | "retry") => {
    const metric = Metric.withAttributes(ClientMetrics.wait, {
      "callstream.client.name": name,
      "callstream.wait.reason": reason
    })
    return (millis: number) => (millis >= least ? Metric.update(metric, millis / 1000) : Effect.void)
  }
  const [inLine, paused, again] = [of("budget"), of("rate_limit"), of("retry")]
  return {
    hold: (pause) =>
      Effect.flatMap(now, (at) => {
        hold.until = Math.max(hold.until, at + Duration.toMillis(pause))
        return budget.hold(pause)
      }),
    since: (began, failed) =>
      Effect.flatMap(now, (at) => {
        if (failed?.isAsked === true) return paused(at - failed.at)
        const held = Math.max(0, Math.min(at, hold.until) - began)
        const waits = Effect.andThen(paused(held), inLine(at - began - held))
        return failed === undefined ? waits : Effect.andThen(again(began - failed.at), waits)
      })
  }
}
