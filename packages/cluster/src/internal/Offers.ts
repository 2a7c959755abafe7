/** The stretches of a run that the queue has. */
import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import * as Queue from "./Queue.ts"
import * as RunRows from "./RunRows.ts"

export interface Offering {
  readonly sql: SqlClient
  /** How many stretches the fleet can read at once. */
  readonly readers: Effect.Effect<number>
}

/**
 * Offers the stretches that come next. Those of one run never fill the queue: another run would wait until all of them are
 * read. Where they were offered before, this only has the takers of this process look at once.
 */
export const next = Effect.fnUntraced(function* ({ readers, sql }: Offering, of: RunRows.Attempt) {
  const open = yield* RunRows.openStretches(sql, of, 2 * (yield* readers))
  yield* Queue.offer(open.map((nth) => ({ ...of, nth })))
})
