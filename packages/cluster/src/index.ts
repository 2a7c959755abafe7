/**
 * Exports spread over worker processes that share one PostgreSQL database.
 *
 * @since 0.1.0
 */
export * as Fleet from "./Fleet.ts"
export * as FleetError from "./FleetError.ts"
export * as FleetMetrics from "./FleetMetrics.ts"
export * as FleetRun from "./FleetRun.ts"
export * as Jobs from "./Jobs.ts"
export * as SharedBudget from "./SharedBudget.ts"
export * as Worker from "./Worker.ts"
