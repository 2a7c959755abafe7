import * as Effect from "effect/Effect"
import * as CallSession from "../../model/CallSession.ts"
import type { Batch, Item, Refused } from "../../sink/SessionSink.ts"
import type { SinkError } from "../../sink/SinkError.ts"
import type { Window } from "../../stream/Coverage.ts"
import type { Transform } from "../../transform/Transform.ts"
import { type DeadLetter, seal } from "../DeadLetter.ts"
import { TooManyDeadLetters } from "../TooManyDeadLetters.ts"
import type { Outlet } from "./Outlet.ts"

/** Fewer records say nothing about their share. */
const enough = 100

/** One window through the transform, to all sinks side by side, and what could not go on to the dead letters. */
export const make = <A>(options: {
  readonly transform: Transform<CallSession.CallSession, A>
  readonly outlets: ReadonlyArray<Outlet<A>>
  readonly letters: Outlet<DeadLetter>
  readonly maxDeadShare: number
}) => {
  const { letters, maxDeadShare, outlets, transform } = options
  const columns = transform.columns(CallSession.fieldNames)
  const reasons = new Map<string, number>()
  let received = 0
  let filtered = 0
  let dead = 0

  const through = Effect.fnUntraced(function* (
    window: Window,
    orClose: <B>(outlet: Outlet<A>, effect: Effect.Effect<B, SinkError>, instead: B) => Effect.Effect<B, SinkError>
  ) {
    const { observedAt, rejected, sessions } = window
    const failed: Array<Omit<DeadLetter, "letter">> = rejected.map(({ observedAt, raw, reason, stage }) => ({
      stage,
      reason,
      raw,
      observedAt
    }))
    const items: Array<Item<A>> = []
    const passed: Array<CallSession.CallSession> = []
    for (const session of sessions) {
      try {
        const row = transform.apply(session)
        if (row === undefined) filtered++
        else {
          items.push({ id: session.id, start: CallSession.startInstant(session), row })
          passed.push(session)
        }
      } catch (cause) {
        failed.push({ stage: transform.label, reason: nameOf(cause), raw: session, observedAt })
      }
    }
    received += sessions.length + rejected.length

    const open = outlets.filter((outlet) => outlet.failure() === undefined)
    const refused = yield* Effect.forEach(
      open,
      (outlet) => {
        const batch: Batch<A> = { items: missing(items, window, outlet.at()), columns, observedAt }
        return batch.items.length === 0
          ? Effect.succeed([])
          : Effect.map(orClose<ReadonlyArray<Refused>>(outlet, outlet.write(batch), []), (rows) =>
              rows.map((row) => ({ ...row, sink: outlet.name }))
            )
      },
      { concurrency: "unbounded" }
    )
    const byId = new Map(refused.flat().length === 0 ? [] : passed.map((session) => [session.id, session] as const))
    const lost = [
      // What an earlier run put aside already.
      ...(window.to > window.from && window.to <= letters.at() ? [] : failed),
      ...refused
        .flat()
        .map(({ id, reason, sink }) => ({ stage: "sink", sink, reason, raw: byId.get(id) ?? { id }, observedAt }))
    ]
    if (lost.length > 0) {
      const sealed = yield* seal(lost)
      yield* letters.write({
        items: sealed.map((row) => ({ id: row.letter, start: undefined, row })),
        columns: [],
        observedAt
      })
      dead += lost.length
      for (const { reason } of lost) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
      if (received >= enough && dead > maxDeadShare * received) {
        const [most] = [...reasons].sort(([, left], [, right]) => right - left)
        return yield* new TooManyDeadLetters({ dead, of: received, reason: most?.[0] ?? "" })
      }
    }
    return passed
  })

  return { through, counts: () => ({ received, filtered, dead }) }
}

/** Of a window's rows those that a sink does not have. */
const missing = <A>(items: ReadonlyArray<Item<A>>, { from, to }: Window, at: number): ReadonlyArray<Item<A>> =>
  at <= from || at === -Infinity
    ? items
    : to > from && at >= to
      ? []
      : items.filter(({ start }) => (start === undefined ? at <= to : start >= at))

/** A transform's message may hold a record's values. */
const nameOf = (cause: unknown): string =>
  cause instanceof Error ? `the transform failed with ${cause.name}` : "the transform failed"
