/** The queue from which the workers of a fleet take parts of runs. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type { SqlClient } from "effect/sql/SqlClient"
import { lockExpiration, lockRefresh, prefixOf } from "./Engine.ts"

/** Ids only: everything else is in the tables, where another version can read it. Without a part it is the planning. */
const Element = Schema.Struct({ run: Schema.String, attempt: Schema.Int, nth: Schema.optionalKey(Schema.Int) })

export type Element = typeof Element.Type

/** An element is offered once, however often the one before it is read again. */
const idOf = ({ attempt, nth, run }: Element): string => `${run}/${attempt}/${nth ?? "plan"}`

/** Offers elements in this order, the large ones first; those that were offered before are not offered again. */
export const offer = (elements: ReadonlyArray<Element>) =>
  Effect.flatMap(make, (queue) =>
    Effect.forEach(elements, (element) => queue.offer(element, { id: idOf(element) }), { discard: true })
  )

export const make = PersistedQueue.make({
  name: "stretches",
  schema: Element,
  // The table of stretches counts tries, and knows which were failures. The queue never gives an element up.
  maxAttempts: 2 ** 31 - 1,
  retrySchedule: Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("15 seconds")])
})

/** Deletes elements that are done. One that is offered once more finds its stretch finished. */
export const clean = Effect.flatMap(PersistedQueue.PersistedQueueStore, (store) => store.cleanup(done))

const done = { timeToLive: Duration.seconds(2), failedTimeToLive: Duration.seconds(2) } as const

export const layer = (
  fleet: string
): Layer.Layer<PersistedQueue.PersistedQueueFactory | PersistedQueue.PersistedQueueStore, never, SqlClient> =>
  // When a run ends, its elements are deleted; of a cancelled one some come back later.
  Layer.merge(PersistedQueue.layer, PersistedQueue.layerCleanup({ ...done, interval: "10 minutes" })).pipe(
    Layer.provideMerge(
      Layer.orDie(
        PersistedQueue.layerStoreSql({
          tableName: `${prefixOf(fleet)}_queue`,
          pollInterval: Duration.millis(1250),
          lockRefreshInterval: lockRefresh,
          lockExpiration
        })
      )
    )
  )
