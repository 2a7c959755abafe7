/**
 * Why a fleet did not do what it was asked for.
 *
 * @since 0.1.0
 */
import * as SqlFailure from "@callstream/core/platform/SqlFailure"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { SqlError } from "effect/sql/SqlError"
import { RunState } from "./FleetRun.ts"

/**
 * - `Database`: the database of the fleet failed.
 * - `FleetName`, `RunName`: the name is no name.
 * - `NoRun`: there is no run with this name.
 * - `Open`: a run with this name is planned or running.
 * - `Ended`: the run has ended, so there is nothing to cancel.
 * - `NotRetryable`: only a failed or cancelled run can be retried.
 * - `Unreadable`: another version wrote the row of this run.
 *
 * @since 0.1.0
 * @category models
 */
export const FleetReason = Schema.Union([
  Schema.TaggedStruct("Database", { failure: SqlFailure.SqlFailure }),
  Schema.TaggedStruct("FleetName", { name: Schema.String }),
  Schema.TaggedStruct("RunName", { name: Schema.String }),
  Schema.TaggedStruct("NoRun", { name: Schema.String }),
  Schema.TaggedStruct("Open", { name: Schema.String }),
  Schema.TaggedStruct("Ended", { name: Schema.String, state: RunState }),
  Schema.TaggedStruct("NotRetryable", { name: Schema.String, state: RunState }),
  Schema.TaggedStruct("Unreadable", { run: Schema.String })
])

/**
 * @since 0.1.0
 * @category models
 */
export type FleetReason = typeof FleetReason.Type

/**
 * A request to a fleet that failed.
 *
 * @since 0.1.0
 * @category errors
 */
export class FleetError extends Schema.TaggedError<FleetError>()("FleetError", { reason: FleetReason }) {
  override get message(): string {
    return describe(this.reason)
  }
}

const describe = (reason: FleetReason): string => {
  switch (reason._tag) {
    case "Database":
      return `the database of the fleet: ${SqlFailure.describe(reason.failure)}`
    case "FleetName":
      return `${JSON.stringify(reason.name)} is no name of a fleet: it has 1 to 20 of a-z, 0-9 and _`
    case "RunName":
      return `${JSON.stringify(reason.name)} is no name of a run: it has 1 to 200 characters`
    case "NoRun":
      return `there is no run ${JSON.stringify(reason.name)}`
    case "Open":
      return `a run ${JSON.stringify(reason.name)} is planned or running already`
    case "Ended":
      return `the run ${JSON.stringify(reason.name)} is ${reason.state} already`
    case "NotRetryable":
      return `the run ${JSON.stringify(reason.name)} is ${reason.state}, and only a failed or cancelled one can be retried`
    case "Unreadable":
      return `another version of callstream wrote the run ${reason.run}`
  }
}

/**
 * The failure of a statement.
 *
 * @since 0.1.0
 * @category constructors
 */
export const ofSql = (error: SqlError): FleetError =>
  new FleetError({ reason: { _tag: "Database", failure: SqlFailure.of(error) } })

const isFleetName = (name: string): boolean => /^[a-z0-9_]{1,20}$/.test(name)

/**
 * The name, if tables can have it.
 *
 * @since 0.1.0
 * @category checks
 */
export const checkFleetName = (name: string): Effect.Effect<string, FleetError> =>
  isFleetName(name) ? Effect.succeed(name) : Effect.fail(new FleetError({ reason: { _tag: "FleetName", name } }))
