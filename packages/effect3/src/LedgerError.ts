/**
 * The error of a ledger.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * - `Held`: another stream uses it.
 * - `Store`: the store failed.
 * - `Torn`: a part of it cannot be read: set `restart`. `Newer`: a later version wrote it.
 * - `Different`: it belongs to a sync with other filters.
 * - `OtherOrganization`: the API key is of another organization.
 * - `LoopEnded`: a change was acknowledged after its stream.
 *
 * @since 0.1.0
 * @category models
 */
export const LedgerReason = Schema.Union(
  Schema.TaggedStruct("Held", {}),
  Schema.TaggedStruct("Store", {}),
  Schema.TaggedStruct("Torn", {}),
  Schema.TaggedStruct("Newer", {}),
  Schema.TaggedStruct("Different", {}),
  Schema.TaggedStruct("OtherOrganization", {}),
  Schema.TaggedStruct("LoopEnded", {})
)

/**
 * @since 0.1.0
 * @category models
 */
export type LedgerReason = typeof LedgerReason.Type

/**
 * A ledger that cannot be used, and why.
 *
 * @since 0.1.0
 * @category errors
 */
export class LedgerError extends Schema.TaggedError<LedgerError>()("LedgerError", {
  reason: LedgerReason,
  message: Schema.String
}) {}
