/**
 * The reasons of a `SinkError`, as data.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as SqlFailure from "../platform/SqlFailure.ts"
import { UntrustedFile } from "../platform/TrustedFile.ts"
import { OutputReason } from "./OutputReason.ts"

const optionalText = Schema.optionalKey(Schema.String)

/**
 * Why a table cannot be used.
 *
 * - `NoSearchPath`, `NoSchema`: its schema does not exist.
 * - `MayNotUseSchema`, `MayNotMake`, `MayNotWrite`: rights that this user lacks; names are quoted as SQL wants them.
 * - `NoEpoch`: the table of commits is of an earlier version, and this user may not add the column; the name is quoted.
 * - `NotATable`, `NoKey`, `WideKey`: it has no primary key of one column.
 * - `Generated`, `OtherType`, `Required`: a column cannot hold the values.
 *
 * @since 0.1.0
 * @category models
 */
export const TableProblem = Schema.Union([
  Schema.TaggedStruct("NoSearchPath", {}),
  Schema.TaggedStruct("NoSchema", { schema: Schema.String }),
  Schema.TaggedStruct("MayNotUseSchema", { schema: Schema.String }),
  Schema.TaggedStruct("MayNotMake", { table: Schema.String, schema: Schema.String }),
  Schema.TaggedStruct("MayNotWrite", { table: Schema.String, schema: Schema.String }),
  Schema.TaggedStruct("NoEpoch", { table: Schema.String }),
  Schema.TaggedStruct("NotATable", { table: Schema.String }),
  Schema.TaggedStruct("NoKey", { table: Schema.String }),
  Schema.TaggedStruct("WideKey", { table: Schema.String, columns: Schema.Int }),
  Schema.TaggedStruct("Generated", { table: Schema.String, column: Schema.String }),
  Schema.TaggedStruct("OtherType", {
    table: Schema.String,
    column: Schema.String,
    has: Schema.String,
    needs: Schema.String
  }),
  Schema.TaggedStruct("Required", { table: Schema.String, column: Schema.String })
])

/**
 * @since 0.1.0
 * @category models
 */
export type TableProblem = typeof TableProblem.Type

/**
 * Why the secrets of a webhook are refused; `at` counts from 1.
 *
 * @since 0.1.0
 * @category models
 */
export const SecretProblem = Schema.Union([
  Schema.TaggedStruct("Empty", {}),
  Schema.TaggedStruct("NoPrefix", { at: Schema.Int, of: Schema.Int }),
  Schema.TaggedStruct("NotBase64", { at: Schema.Int, of: Schema.Int }),
  Schema.TaggedStruct("Length", { at: Schema.Int, of: Schema.Int, bytes: Schema.Int })
])

/**
 * @since 0.1.0
 * @category models
 */
export type SecretProblem = typeof SecretProblem.Type

/**
 * What a receiver answered, or why it did not.
 *
 * @since 0.1.0
 * @category models
 */
export const Answer = Schema.Union([
  Schema.TaggedStruct("Status", { status: Schema.Int }),
  Schema.TaggedStruct("Redirect", { status: Schema.optionalKey(Schema.Int) }),
  Schema.TaggedStruct("Nothing", { within: Schema.optionalKey(Schema.DurationFromMillis) }),
  Schema.TaggedStruct("Unreachable", { code: optionalText }),
  Schema.TaggedStruct("ForbiddenAddress", {}),
  Schema.TaggedStruct("Certificate", { code: Schema.String })
])

/**
 * @since 0.1.0
 * @category models
 */
export type Answer = typeof Answer.Type

/**
 * - `Output`: a file or a stream; `target` is its path.
 * - `Untrusted`: somebody else owns a file, or could write to it.
 * - `Database`, `Table`, `TableGone`, `TableReplaced`, `KeyColumn`, `Address`: of tables; `Address` is that of a server.
 * - `ReceiverHost`, `ReceiverAddress`, `Secret`, `Header`, `NotPositive`, `Stopped`, `GaveUp`, `Spool`: of webhooks. After `GaveUp`
 *   the unsent messages are `kept` for the next run, or made again.
 * - `RowsRefused`, `LettersRefused`: rows that it rejects, with the reasons.
 * - `OtherColumns`: a batch has other columns than the first one, or than the file that is continued.
 * - `OtherCheckpoint`: the checkpoint was saved for another kind of output.
 * - `NoSuchFile`: a dead-letter file that does not exist.
 * - `ReaderLeft`: the reader of stdout closed the pipe before the other sinks had everything.
 * - `SameName`: two sinks of the pipeline have the same name.
 * - `Fenced`: a run of a higher epoch took over, so this one writes nothing more.
 * - `OneStretch`: its rows are in order, so stretches cannot be written to it in parallel.
 * - `OneProcess`: it writes one file, or rows in order, which only one process can do.
 * - `NoSync`: it cannot be kept up to date, because it cannot take out a call.
 * - `Other`: of a sink of your own, in one sentence without a capital and a full stop.
 *
 * @since 0.1.0
 * @category models
 */
export const SinkReason = Schema.Union([
  Schema.TaggedStruct("Output", { target: Schema.String, reason: OutputReason, code: optionalText }),
  Schema.TaggedStruct("Untrusted", { file: UntrustedFile }),
  Schema.TaggedStruct("Database", { failure: SqlFailure.SqlFailure }),
  Schema.TaggedStruct("Table", { problem: TableProblem }),
  Schema.TaggedStruct("TableGone", {}),
  Schema.TaggedStruct("TableReplaced", { commits: Schema.String }),
  Schema.TaggedStruct("KeyColumn", { column: Schema.String }),
  Schema.TaggedStruct("Address", { problem: Schema.String }),
  Schema.TaggedStruct("ReceiverHost", {
    problem: Schema.Literals(["unusable", "private", "plainHttp", "unknown", "lookup"]),
    detail: optionalText
  }),
  Schema.TaggedStruct("ReceiverAddress", { problem: Schema.Literals(["notAUrl", "notHttps", "plainHttp"]) }),
  Schema.TaggedStruct("Secret", { problem: SecretProblem }),
  Schema.TaggedStruct("Header", { header: Schema.String, problem: Schema.Literals(["name", "reserved", "value"]) }),
  Schema.TaggedStruct("NotPositive", { option: Schema.String }),
  Schema.TaggedStruct("Stopped", { answer: Answer }),
  Schema.TaggedStruct("GaveUp", { answer: Answer, after: Schema.DurationFromMillis, kept: Schema.Boolean }),
  Schema.TaggedStruct("Spool", { folder: Schema.String, code: optionalText }),
  Schema.TaggedStruct("RowsRefused", { count: Schema.Int, reasons: Schema.Array(Schema.String) }),
  Schema.TaggedStruct("LettersRefused", { count: Schema.Int, of: Schema.Int, reason: Schema.String }),
  Schema.TaggedStruct("OtherColumns", { than: Schema.Literals(["the first batch", "the earlier run"]) }),
  Schema.TaggedStruct("OtherCheckpoint", {}),
  Schema.TaggedStruct("NoSuchFile", {}),
  Schema.TaggedStruct("ReaderLeft", {}),
  Schema.TaggedStruct("SameName", {}),
  Schema.TaggedStruct("Fenced", {}),
  Schema.TaggedStruct("OneStretch", {}),
  Schema.TaggedStruct("OneProcess", {}),
  Schema.TaggedStruct("NoSync", {}),
  Schema.TaggedStruct("Other", { description: Schema.String })
])

/**
 * @since 0.1.0
 * @category models
 */
export type SinkReason = typeof SinkReason.Type
