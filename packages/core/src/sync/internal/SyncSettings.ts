/** The options of a sync, checked. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { AgniError, InvalidRequest } from "../../model/AgniError.ts"
import * as Instant from "../../model/Instant.ts"
import { defaultHorizon } from "../../model/Limits.ts"
import type { Lease } from "../Ledger.ts"
import type { Options } from "../Sync.ts"
import type * as Pass from "./Pass.ts"

export const refused = (parameter: string, requirement: string) =>
  new AgniError({
    reason: new InvalidRequest({ parameter, requirement }),
    request: "options of Sync",
    attempts: 0,
    elapsed: Duration.zero
  })

/** Microseconds; `NaN` of what is no duration, which no comparison accepts. */
export const micros = (input: Duration.Input): number =>
  Option.match(Duration.fromInput(input), {
    onNone: () => NaN,
    onSome: (duration) => Duration.toMillis(duration) * 1000
  })

export const of = (lease: Lease, options: Options): Effect.Effect<Pass.Settings, AgniError> => {
  const { agentId, audits = ["1 day", "3 days", "7 days"], callerNumber, channel, maxRequests, worth = 1 } = options
  const from = Instant.fromBound(options.from)
  if (from === undefined)
    return Effect.fail(refused("from", "must be a time in ISO 8601, such as 2026-07-31T07:16:10Z"))
  const horizon = micros(options.horizon ?? defaultHorizon)
  const remember = micros(options.remember ?? "30 days")
  const ages = audits.map(micros)
  if (!(horizon > 0)) return Effect.fail(refused("horizon", "must be a duration above 0"))
  if (!(remember > 0)) return Effect.fail(refused("remember", "must be a duration above 0"))
  if (!(worth > 0)) return Effect.fail(refused("worth", "must be a number above 0"))
  if (maxRequests !== undefined && !(Number.isInteger(maxRequests) && maxRequests > 0)) {
    return Effect.fail(refused("maxRequests", "must be a whole number above 0"))
  }
  if (ages.length === 0 || !ages.every((age) => age > horizon && age < remember)) {
    return Effect.fail(refused("audits", "must be one age or more, each between horizon and remember"))
  }
  const filters = { agentId, channel, callerNumber }
  return Effect.succeed({ lease, options, filters, from, horizon, remember, audits: ages, worth, maxRequests })
}
