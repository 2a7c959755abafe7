/** Whether a server has a list at all: one that makes its answers up, as mock servers do, gives other calls each time. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { AgniError, InvalidResponse } from "../../model/AgniError.ts"
import * as Observe from "./Observe.ts"
import * as Rows from "./ListedRows.ts"

/** So often the first page is asked for again before a server is said to make its answers up. */
const times = 12

/** The constant fields of a call; a made-up id alone may come twice by chance. */
const identityOf = (row: Rows.Row): string =>
  JSON.stringify([row.key, row.item?.row.organizationId, row.item?.row.createdAt])

/** A page in the order of an endpoint needs no second look. */
const isOrdered = (rows: ReadonlyArray<Rows.Row>): boolean =>
  rows.some(Rows.isDated) && Observe.orderOf(rows) !== "other"

/**
 * Fails when the first page, asked for again and again, never brings a call that came before. Only a page whose calls
 * show no order is asked for again, and then mostly once. Equal starts in another order each time, or a replica
 * that lags, bring some call again sooner or later; a list that is made up does not, and reading it has no end.
 */
export const check = Effect.fnUntraced(function* (
  first: ReadonlyArray<Rows.Row>,
  again: Effect.Effect<ReadonlyArray<Rows.Row>, AgniError>
): Effect.fn.Return<void, AgniError> {
  if (first.length === 0 || isOrdered(first)) return
  const started = yield* Clock.currentTimeMillis
  const known = new Set(first.map(identityOf))
  const bringsKnown = (rows: ReadonlyArray<Rows.Row>): boolean => {
    const identities = rows.map(identityOf)
    const found = identities.some((identity) => known.has(identity))
    for (const identity of identities) known.add(identity)
    return found
  }
  if (bringsKnown(yield* again)) return
  const answers = yield* Effect.all(
    Array.from({ length: times - 1 }, () => again),
    { concurrency: "unbounded" }
  )
  // All of them are checked: each may bring a row that only another one brought.
  if (answers.map(bringsKnown).includes(true)) return
  return yield* new AgniError({
    reason: new InvalidResponse({ problem: { _tag: "MadeUp" } }),
    request: "GET /api/v1/calling/call-sessions",
    attempts: times + 1,
    elapsed: Duration.millis((yield* Clock.currentTimeMillis) - started)
  })
})
