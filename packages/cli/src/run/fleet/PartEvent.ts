/** What happens to the parts of runs on a worker. */
import { Jobs } from "@callstream/cluster"
import { CheckpointError, type Pipeline } from "@callstream/core"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HashSet from "effect/HashSet"
import * as Ref from "effect/Ref"

/** A part of a run: one of its stretches, or what comes after all of them. */
interface Part {
  readonly run: string
  /** From 1 on; `undefined` is the ending. */
  readonly stretch: number | undefined
  /** How many stretches the run has. */
  readonly of: number
}

type Counts = Pick<Pipeline.Totals, "read" | "delivered" | "dead">

interface Ended {
  readonly counts: Counts
  readonly seconds: number
}

/**
 * - `Unusable`: this worker cannot do anything of the run.
 * - `Taken`: this worker begins with a part, or resumes it.
 * - `Finished`: all of it is delivered.
 * - `HandedBack`: this worker stops, and another one resumes it.
 * - `Paused`: the API asks for a pause and has answered nothing; a worker takes the part again afterwards.
 * - `Fenced`: another worker has it, or the run was cancelled.
 * - `Failed`: `retryable` where another try may succeed.
 */
export type PartEvent =
  | { readonly _tag: "Unusable"; readonly run: string; readonly reason: string }
  | ({ readonly _tag: "Taken" } & Part)
  | ({ readonly _tag: "Finished" | "HandedBack" | "Paused" | "Fenced" } & Part & Ended)
  | ({ readonly _tag: "Failed"; readonly reason: string; readonly retryable: boolean } & Part & Ended)

export type OnPart = (event: PartEvent) => Effect.Effect<void>

export type Failure = Jobs.JobError | CheckpointError

/** Whether another holder has what this one took. */
const isFenced = (error: unknown): boolean => error instanceof CheckpointError && error.reason._tag === "Fenced"

const endOf = (exit: Exit.Exit<unknown, Failure>) => {
  if (Exit.isSuccess(exit)) return { _tag: "Finished" } as const
  if (Cause.hasInterruptsOnly(exit.cause)) return { _tag: "HandedBack" } as const
  const error: unknown = Cause.squash(exit.cause)
  if (isFenced(error)) return { _tag: "Fenced" } as const
  const isJob = error instanceof Jobs.JobError
  if (isJob && error.reason._tag === "Paused") return { _tag: "Paused" } as const
  const reason = isJob || error instanceof CheckpointError ? error.message : "callstream itself failed"
  return {
    _tag: "Failed",
    reason,
    retryable: isJob && error.reason._tag === "Failed" && error.reason.retryable
  } as const
}

/** Reports a run that this worker cannot do. One of another version comes up again and again, until a worker of its version has it: once. A pause is no such thing. */
export const unusable = (onPart: OnPart) =>
  Effect.map(
    Ref.make(HashSet.empty<string>()),
    (said) =>
      ({ id, name }: Pick<Jobs.JobRun, "id" | "name">, { message, reason }: Jobs.JobError): Effect.Effect<void> =>
        Effect.flatMap(Ref.getAndUpdate(said, HashSet.add(id)), (before) =>
          reason._tag === "Paused" || (reason._tag === "OtherVersion" && HashSet.has(before, id))
            ? Effect.void
            : onPart({ _tag: "Unusable", run: name, reason: message })
        )
  )

/** Reports how a part begins and ends; `work` gets what its events go to. */
export const reported = Effect.fnUntraced(function* <A, R>(
  part: Part,
  onPart: OnPart,
  onEvent: (event: Pipeline.RunEvent) => Effect.Effect<void>,
  work: (onEvent: (event: Pipeline.RunEvent) => Effect.Effect<void>) => Effect.Effect<A, Failure, R>
) {
  const began = yield* Clock.currentTimeMillis
  const counts = yield* Ref.make<Counts>({ read: 0, delivered: 0, dead: 0 })
  yield* onPart({ _tag: "Taken", ...part })
  return yield* work((event) => Effect.andThen(Ref.set(counts, event.totals), onEvent(event))).pipe(
    Effect.onExit((exit) =>
      Effect.gen(function* () {
        const seconds = ((yield* Clock.currentTimeMillis) - began) / 1000
        const { dead, delivered, read } = yield* Ref.get(counts)
        yield* onPart({ ...part, ...endOf(exit), counts: { read, delivered, dead }, seconds })
      })
    )
  )
})
