/** Counts and times the requests of a client. */
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

interface State {
  requests: number
  underWay: number
  /** In milliseconds, of those that were alone. */
  readonly times: Array<number>
}

export const make = ({ list }: AgniClient["Service"]): Meter => {
  const state: State = { requests: 0, underWay: 0, times: [] }
  return {
    client: {
      list: (query, options) =>
        Effect.flatMap(Clock.currentTimeNanos, (began) => {
          const number = ++state.requests
          const beganAlone = ++state.underWay === 1
          return list(query, options).pipe(
            Effect.tap(() =>
              // No other one began since.
              beganAlone && number === state.requests
                ? Effect.map(Clock.currentTimeNanos, (ended) => state.times.push(Number(ended - began) / 1e6))
                : Effect.void
            ),
            Effect.ensuring(Effect.sync(() => state.underWay--))
          )
        })
    },
    requests: () => state.requests,
    latency: () => state.times.toSorted((a, b) => a - b)[Math.floor(state.times.length / 2)],
    timed: () => state.times.length
  }
}
