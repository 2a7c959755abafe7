/** Gives pipelines to a fleet, or finds the run that an earlier command began. */
import type { FleetRun } from "@callstream/cluster"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as FleetSpec from "../../job/FleetSpec.ts"
import type * as Tasks from "../../job/Tasks.ts"
import { UsageError } from "../../option/UsageError.ts"
import type * as FleetAccess from "./FleetAccess.ts"

/**
 * - `Begun`: a new run.
 * - `Attached`: it runs already.
 * - `Resumed`: it had failed, or was cancelled.
 * - `Finished`: there is nothing more to do under this name.
 */
export type Submitted = "Begun" | "Attached" | "Resumed" | "Finished"

const decode = (run: FleetRun.FleetRunDetails) => Effect.option(FleetSpec.decode(run.spec))

/** A run keeps its state under its name, as on one machine; a sync makes a pass each time, and without a state a run begins again. */
const keepsState = ({ state, sync }: Tasks.Task["spec"]): boolean => state !== false && sync === undefined

/** Submits a pipeline. Refuses one whose name has a run that has not ended, with other settings. */
export const submit = Effect.fnUntraced(function* (
  access: FleetAccess.Access,
  task: Tasks.Task,
  spec: FleetSpec.FleetSpec
): Effect.fn.Return<Submitted, Effect.Error<ReturnType<FleetAccess.Access["find"]>> | UsageError> {
  const { asked, find, fleet } = access
  const { name } = task.spec
  const found = yield* find(name)
  const before = found === undefined ? Option.none() : yield* decode(found)
  const isSame = Option.exists(before, (one) => FleetSpec.isSame(one, spec))
  if (found !== undefined && (found.state === "planned" || found.state === "running")) {
    if (isSame) return "Attached"
    return yield* new UsageError({ reason: { _tag: "RunDiffers", name, state: found.state } })
  }
  if (found !== undefined && isSame && keepsState(task.spec)) {
    if (found.state === "finished") return "Finished"
    yield* asked(fleet.retry(name))
    return "Resumed"
  }
  const encoded = yield* Effect.orDie(FleetSpec.encode(spec))
  yield* asked(fleet.submit(name, encoded))
  return "Begun"
})
