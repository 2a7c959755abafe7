import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { AgniClient } from "../../client/AgniClient.ts"

/** A client that counts what it is asked, and times the requests that had the connection to themselves. */
export interface Meter {
  readonly client: AgniClient["Service"]
  readonly requests: () => number
  /** The median time of a request that waited for no other one, in milliseconds. */
  readonly latency: () => number | undefined
  readonly timed: () => number
}

export const make = ({ list }: AgniClient["Service"]): Meter => {
  let requests = 0
  let underWay = 0
  /** Counts the requests that did not begin alone: one during which it moves was not alone either. */
  let crowds = 0
  const times: Array<number> = []
  return {
    client: {
      list: (query, options) =>
        Effect.flatMap(Clock.currentTimeNanos, (began) => {
          requests++
          if (++underWay > 1) crowds++
          const alone = underWay === 1 ? crowds : undefined
          return list(query, options).pipe(
            Effect.tap(() =>
              alone === crowds
                ? Effect.map(Clock.currentTimeNanos, (ended) => times.push(Number(ended - began) / 1e6))
                : Effect.void
            ),
            Effect.ensuring(Effect.sync(() => underWay--))
          )
        })
    },
    requests: () => requests,
    latency: () => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)],
    timed: () => times.length
  }
}
