/** A run as a workflow: it has the run planned, and waits for its end. The parts come from the queue, which spreads them. */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { PersistedQueueFactory } from "effect/persistence/PersistedQueue"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Activity from "effect/workflow/Activity"
import * as DurableDeferred from "effect/workflow/DurableDeferred"
import * as Workflow from "effect/workflow/Workflow"
import type { WorkflowEngine } from "effect/workflow/WorkflowEngine"
import * as Queue from "./Queue.ts"
import type { Attempt } from "./RunRows.ts"

/**
 * Stored workflows outlive a deploy. So the payload has ids only, and never a field more that is required; an activity's
 * result never changes its schema. What needs that gets another number behind the @.
 */
export const Run = Workflow.make("callstream/run@1", {
  payload: { run: Schema.String, attempt: Schema.Int },
  idempotencyKey: ({ attempt, run }) => `${run}/${attempt}`
})

/** The worker that ends the run completes it. */
const Ended = DurableDeferred.make("ended")

/** A second time it does nothing. */
export const complete = (of: Attempt): Effect.Effect<void, never, WorkflowEngine> =>
  Effect.flatMap(DurableDeferred.tokenFromPayload(Ended, { workflow: Run, payload: of }), (token) =>
    DurableDeferred.succeed(Ended, { token, value: undefined })
  )

/** A database that is away comes back. What fails otherwise is never the result of an activity, which it would be for ever. */
const away = Schedule.min([Schedule.exponential("500 millis"), Schedule.spaced("5 seconds")])

export const layer: Layer.Layer<never, never, WorkflowEngine | PersistedQueueFactory> = Run.toLayer(
  Effect.fnUntraced(function* (of) {
    yield* Activity.make({ name: "begin", execute: Effect.orDie(Effect.retry(Queue.offer([of]), away)) })
    yield* DurableDeferred.await(Ended)
  })
)
