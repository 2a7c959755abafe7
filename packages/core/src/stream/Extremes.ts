/**
 * The sessions that started last, or first, whatever order the server gives them in.
 *
 * @since 0.1.0
 */
import * as Stream from "effect/Stream"
import * as CallSession from "../model/CallSession.ts"
import type { Rejected } from "../model/Rejected.ts"

/** A page or a window: anything that brings sessions and what was rejected. */
interface Batch {
  readonly sessions: ReadonlyArray<CallSession.CallSession>
  readonly rejected: ReadonlyArray<Rejected>
}

interface Placed {
  readonly start: number
  readonly session: CallSession.CallSession
}

type Compare = (left: Placed, right: Placed) => number

const byStart: Compare = (left, right) =>
  left.start - right.start || (left.session.id < right.session.id ? -1 : left.session.id > right.session.id ? 1 : 0)

const keep =
  (compare: Compare) =>
  (limit: number) =>
  <B extends Batch, E, R>(batches: Stream.Stream<B, E, R>): Stream.Stream<Batch, E, R> =>
    Stream.suspend(() => {
      let held: Array<Placed> = []
      const trim = () => {
        held = held.sort(compare).slice(0, limit)
      }
      const add = (batch: Batch) => {
        for (const session of batch.sessions) {
          const start = CallSession.startInstant(session)
          if (start !== undefined) held.push({ start, session })
        }
        if (held.length >= 2 * limit + 1000) trim()
      }
      const kept = Stream.suspend(() => {
        trim()
        return held.length === 0
          ? Stream.empty
          : Stream.make<[Batch]>({ sessions: held.map(({ session }) => session), rejected: [] })
      })
      return batches.pipe(
        Stream.map((batch): Batch => {
          add(batch)
          return { sessions: [], rejected: batch.rejected }
        }),
        Stream.filter((batch) => batch.rejected.length > 0),
        Stream.concat(kept)
      )
    })

/**
 * Only the `limit` sessions that started last, newest first, as one batch at the end. The whole stream is read, because
 * the endpoint does not say in which order it answers; `limit` sessions (and as many again) are held in memory. Sessions
 * without a start are left out; rejected records pass through.
 *
 * @since 0.1.0
 * @category streams
 */
export const newest = keep((left, right) => byStart(right, left))

/**
 * Only the `limit` sessions that started first, oldest first, as one batch at the end: otherwise as `newest`.
 *
 * @since 0.1.0
 * @category streams
 */
export const oldest = keep(byStart)
