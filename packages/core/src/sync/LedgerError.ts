/**
 * Why a ledger cannot be used.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { CheckpointError, CheckpointReason } from "../checkpoint/CheckpointError.ts"

/**
 * - `Store`: the place where it is kept cannot be used, or another run holds it.
 * - `Newer`: a later version of callstream wrote it.
 * - `Torn`: a part of it cannot be read, or was changed by hand: `state` is what the sync knows of itself, `calls` are some of its calls.
 *   A restart repairs it.
 * - `Different`: it belongs to a sync of another endpoint or of other filters; `parts` differ.
 * - `OfExport`: an export keeps its state under that name.
 * - `OtherOrganization`: the API key is of another organization than the calls in the ledger.
 *
 * @since 0.1.0
 * @category models
 */
export const LedgerReason = Schema.Union([
  Schema.TaggedStruct("Store", { reason: CheckpointReason }),
  Schema.TaggedStruct("Newer", { name: Schema.String, version: Schema.Finite, known: Schema.Finite }),
  Schema.TaggedStruct("Torn", { name: Schema.String, damaged: Schema.Literals(["state", "calls"]) }),
  Schema.TaggedStruct("Different", { name: Schema.String, parts: Schema.Array(Schema.String) }),
  Schema.TaggedStruct("OfExport", { name: Schema.String }),
  Schema.TaggedStruct("OtherOrganization", { name: Schema.String })
])

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
export class LedgerError extends Schema.TaggedError<LedgerError>()("LedgerError", { reason: LedgerReason }) {
  override get message(): string {
    const { reason } = this
    switch (reason._tag) {
      case "Store":
        return new CheckpointError({ reason: reason.reason }).message
      case "Newer":
        return `the ledger of ${reason.name} has version ${reason.version}, and only versions up to ${reason.known} are known here`
      case "Torn":
        return reason.damaged === "state"
          ? `the ledger of ${reason.name} does not hold the state of a sync, or holds a damaged one`
          : `the ledger of ${reason.name} is damaged: some of its calls cannot be read`
      case "Different":
        return `the ledger of ${reason.name} belongs to another sync: ${reason.parts.join(", ")} ${reason.parts.length === 1 ? "differs" : "differ"}`
      case "OfExport":
        return `an export keeps its state under the name ${reason.name}`
      case "OtherOrganization":
        return `the ledger of ${reason.name} holds calls of another organization than the API key`
    }
  }
}
