/**
 * What any worker does for all runs: starts the workflows of those that were submitted, and deletes what the engine leaves
 * of those that have ended. Two workers may do the same at once: each step can be done twice.
 */
import * as ClusterSchema from "effect/cluster/ClusterSchema"
import * as EntityAddress from "effect/cluster/EntityAddress"
import * as EntityId from "effect/cluster/EntityId"
import * as EntityType from "effect/cluster/EntityType"
import { MessageStorage } from "effect/cluster/MessageStorage"
import { Sharding } from "effect/cluster/Sharding"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { PersistedQueueFactory, PersistedQueueStore } from "effect/persistence/PersistedQueue"
import * as Schedule from "effect/Schedule"
import type { SqlClient } from "effect/sql/SqlClient"
import type { WorkflowEngine } from "effect/workflow/WorkflowEngine"
import { reported } from "./Away.ts"
import * as Notifications from "./Notifications.ts"
import * as Offers from "./Offers.ts"
import * as Queue from "./Queue.ts"
import type { Attempt } from "./RunRows.ts"
import * as RunWorkflow from "./RunWorkflow.ts"
import { runs } from "./Tables.ts"

interface Row extends Attempt {
  readonly planned: boolean
}

/** Submitted ones, and those that ended a while ago: who ended one may still have something to say to the engine. */
const due = (sql: SqlClient, fleet: string) =>
  sql<Row>`SELECT id::text AS run, attempt, state = 'planned' AS planned FROM ${sql(runs)}
WHERE fleet = ${fleet} AND NOT swept
AND (state = 'planned' AND NOT started OR finished_at < clock_timestamp() - interval '5 seconds')
ORDER BY sequence LIMIT 100`

/** The workflow offers the planning too, once the engine comes to it: that takes seconds, and a second offer does nothing. */
const start = (sql: SqlClient, { attempt, run }: Attempt) =>
  RunWorkflow.Run.execute({ run, attempt }, { discard: true }).pipe(
    Effect.andThen(Queue.offer([{ run, attempt }])),
    Effect.andThen(
      sql`UPDATE ${sql(runs)} SET started = true, swept = false WHERE id = ${run}::uuid AND attempt = ${attempt}`
    )
  )

/** Whether the engine has nothing of an attempt any more; deletes it, once its workflow is complete. */
const sweepAttempt = Effect.fnUntraced(function* (of: Attempt) {
  const sharding = yield* Sharding
  const storage = yield* MessageStorage
  const execution = EntityId.make(yield* RunWorkflow.Run.executionId(of))
  const group = Context.get(RunWorkflow.Run.annotations, ClusterSchema.ShardGroup)(execution)
  const address = EntityAddress.make({
    entityType: EntityType.make(`Workflow/${RunWorkflow.Run._tag}`),
    entityId: execution,
    shardId: sharding.getShardId(execution, group)
  })
  const request = yield* storage.requestIdForPrimaryKey({ address, tag: "run", id: "" })
  if (Option.isNone(request)) return true
  const result = yield* RunWorkflow.Run.poll(execution)
  if (Option.isSome(result) && result.value._tag === "Complete") yield* storage.clearAddress(address)
  // That of a cancelled run waits for stretches that nobody reads.
  if (Option.isSome(result) && result.value._tag === "Suspended") yield* RunWorkflow.complete(of)
  return false
})

const sweep = Effect.fnUntraced(function* (sql: SqlClient, { attempt, run }: Attempt) {
  const attempts = Array.from({ length: attempt }, (_, i) => ({ run, attempt: i + 1 }))
  const swept = yield* Effect.forEach(attempts, sweepAttempt)
  if (!swept.every(Boolean)) return
  yield* Queue.clean
  yield* sql`UPDATE ${sql(runs)} SET swept = true
WHERE id = ${run}::uuid AND attempt = ${attempt} AND finished_at IS NOT NULL`
})

interface Options extends Offers.Offering {
  readonly fleet: string
  /** Gets notifications. */
  readonly client: SqlClient
}

const round = Effect.fnUntraced(function* ({ fleet, sql }: Options) {
  for (const row of yield* due(sql, fleet)) yield* row.planned ? start(sql, row) : sweep(sql, row)
})

/**
 * What a changed run needs: a worker starts one that was submitted, and looks for stretches of one that was planned. All workers offer
 * these: the one that planned them may end before it does.
 */
const onChanged = Effect.fnUntraced(function* ({ sql, ...offering }: Options, changed: ReadonlyArray<Attempt>) {
  yield* round({ sql, ...offering })
  for (const of of changed) yield* Offers.next({ sql, ...offering }, of)
})

/** Every five seconds, and when the state of a run changes. */
export const layer = (
  options: Options
): Layer.Layer<
  never,
  never,
  WorkflowEngine | Sharding | MessageStorage | PersistedQueueFactory | PersistedQueueStore
> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const one = yield* reported(round(options))
      yield* Effect.forkScoped(Effect.repeat(one, Schedule.spaced("5 seconds")))
      // The next round says that the database is away, and does what this one did not.
      const listening = Notifications.listen(options.client, options.fleet, (runs) =>
        Effect.ignoreCause(onChanged(options, runs))
      )
      yield* Effect.forkScoped(listening)
    })
  )
