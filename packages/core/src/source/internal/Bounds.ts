/** The range of a source, resolved once and kept for as long as its name is. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { AgniClient } from "../../client/AgniClient.ts"
import type { AgniError } from "../../model/AgniError.ts"
import type { CallSessionQuery } from "../../model/CallSessionQuery.ts"
import type { Fingerprint } from "../../model/Fingerprint.ts"
import * as Instant from "../../model/Instant.ts"

const Bound = Schema.NullOr(Schema.Int)

/** Instants in microseconds; `null` where there is no bound. */
export const Bounds = Schema.Struct({
  from: Bound,
  to: Bound,
  /** Where a range without a `to` ends: the server's clock when the first run began. */
  end: Bound
})
export type Bounds = typeof Bounds.Type

export interface Asked {
  readonly from?: Instant.Instant | undefined
  readonly to?: Instant.Instant | undefined
}

export const resolve = (
  { from, to }: Asked,
  end: Instant.Instant | undefined
): Effect.Effect<Bounds, AgniError, AgniClient> =>
  Effect.map(
    to !== undefined || end !== undefined
      ? Effect.succeed(end)
      : AgniClient.use(({ list }) => Effect.map(list({ pageSize: 20 }), ({ observedAt }) => observedAt)),
    (end) => ({ from: from ?? null, to: to ?? null, end: end ?? null })
  )

/** A number that is looked for, or words, are personal data: only that there are some is said. */
export const fingerprint = (
  source: string,
  { from, to }: Asked,
  { agentId, callerNumber, channel, search, status }: CallSessionQuery
): Fingerprint => {
  const tell = (instant: Instant.Instant | undefined) => (instant === undefined ? "" : Instant.format(instant))
  const given = (text: string | undefined) => (text === undefined ? undefined : "given")
  return {
    source,
    range: `${tell(from)}/${tell(to)}`,
    filters: Object.entries({ agentId, callerNumber: given(callerNumber), channel, search: given(search), status })
      .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
      .join(" ")
  }
}
