/**
 * Why a checkpoint cannot be used.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Held from "../platform/Held.ts"
import * as SqlFailure from "../platform/SqlFailure.ts"
import { UntrustedFile } from "../platform/TrustedFile.ts"

/**
 * - `Held`: another run of the pipeline is in progress.
 * - `Fenced`: another run took the checkpoint while this one was running, so this one saves nothing more.
 * - `Torn`: the saved state cannot be read, or was changed by hand.
 * - `OtherOwner`, `Different`, `OtherSalt`: it belongs to another pipeline. `parts` of the fingerprint differ; with another
 *   salt than the one of `folder` they cannot be compared.
 * - `Untrusted`: another user owns it, its folder or its lock, or can write there, or it is a symbolic link.
 * - `Name`: the pipeline's name makes no file name of at most `longest` bytes.
 * - `NotAFolder`: something else has the place of its folder.
 * - `File`, `Database`, `Address`: it cannot be read or written there.
 * - `NotJson`: a sink, or the source, gave a state that is no JSON.
 * - `SaltRemoved`: the salt was removed while it was made.
 *
 * @since 0.1.0
 * @category models
 */
export const CheckpointReason = Schema.Union([
  Schema.TaggedStruct("Held", { pipeline: Schema.String, held: Held.Held }),
  Schema.TaggedStruct("Fenced", { pipeline: Schema.String, holder: Schema.optionalKey(Held.Holder) }),
  Schema.TaggedStruct("Torn", {
    path: Schema.String,
    problem: Schema.Union([
      Schema.TaggedStruct("NotWhole", {}),
      Schema.TaggedStruct("Changed", {}),
      Schema.TaggedStruct("NoState", {}),
      Schema.TaggedStruct("NoSalt", {}),
      Schema.TaggedStruct("NoSource", {}),
      Schema.TaggedStruct("OtherVersion", { version: Schema.Finite, known: Schema.Finite })
    ])
  }),
  Schema.TaggedStruct("OtherOwner", { path: Schema.String, owner: Schema.String, pipeline: Schema.String }),
  Schema.TaggedStruct("Different", {
    pipeline: Schema.String,
    parts: Schema.Array(
      Schema.Struct({
        name: Schema.String,
        was: Schema.optionalKey(Schema.String),
        now: Schema.optionalKey(Schema.String)
      })
    )
  }),
  Schema.TaggedStruct("OtherSalt", { pipeline: Schema.String, folder: Schema.String }),
  Schema.TaggedStruct("Untrusted", { file: UntrustedFile }),
  Schema.TaggedStruct("Name", { pipeline: Schema.String, longest: Schema.Int }),
  Schema.TaggedStruct("NotAFolder", { path: Schema.String }),
  Schema.TaggedStruct("File", {
    path: Schema.String,
    action: Schema.Literals(["read", "written"]),
    /** The system's code, or the kind of the error. */
    code: Schema.String
  }),
  Schema.TaggedStruct("Database", { name: Schema.String, failure: SqlFailure.SqlFailure }),
  Schema.TaggedStruct("Address", { name: Schema.String, problem: Schema.String }),
  Schema.TaggedStruct("NotJson", { path: Schema.String, what: Schema.Literals(["sinks", "source"]) }),
  Schema.TaggedStruct("SaltRemoved", { path: Schema.String })
])

/**
 * @since 0.1.0
 * @category models
 */
export type CheckpointReason = typeof CheckpointReason.Type

/**
 * A checkpoint that cannot be used, and why.
 *
 * @since 0.1.0
 * @category errors
 */
export class CheckpointError extends Schema.TaggedError<CheckpointError>()("CheckpointError", {
  reason: CheckpointReason
}) {
  override get message(): string {
    return describe(this.reason)
  }
}

const problems: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EACCES: "no permission",
  EPERM: "no permission",
  EROFS: "the file system is read-only",
  ENOENT: "its folder is not there",
  ENOTDIR: "what should be its folder is none",
  EISDIR: "it is a folder"
}

const describe = (reason: CheckpointReason): string => {
  switch (reason._tag) {
    case "Held":
      return Held.describe(reason.held, `the pipeline ${reason.pipeline}`, "is running already")
    case "Fenced":
      return Held.describeFenced(`the pipeline ${reason.pipeline}`, reason.holder)
    case "Torn":
      return torn(reason)
    case "OtherOwner":
      return `the checkpoint ${reason.path} belongs to the pipeline ${reason.owner}, not to ${reason.pipeline}`
    case "Different":
      return `the checkpoint ${reason.pipeline} belongs to another pipeline: ${reason.parts.map(({ name }) => name).join(", ")} ${reason.parts.length === 1 ? "differs" : "differ"}`
    case "OtherSalt":
      return `the checkpoint ${reason.pipeline} was saved with another salt than the one in ${reason.folder} now, so the two searches cannot be compared`
    case "Untrusted":
      return reason.file.message
    case "Name":
      return `the pipeline's name ${JSON.stringify(reason.pipeline)} is empty or too long for a file's name`
    case "NotAFolder":
      return `${reason.path} is not a folder, and states are kept in one`
    case "File":
      return `${reason.path} could not be ${reason.action}: ${problems[reason.code] ?? "the system refused"} (${reason.code})`
    case "Database":
      return `${reason.name}: ${SqlFailure.describe(reason.failure)}`
    case "Address":
      return `${reason.name}: ${reason.problem}`
    case "NotJson":
      return `the state for ${reason.path} cannot be kept: what ${reason.what === "sinks" ? "a sink" : "the source"} gave is no JSON`
    case "SaltRemoved":
      return `${reason.path} was removed while it was made`
  }
}

const torn = ({ path, problem }: Extract<CheckpointReason, { readonly _tag: "Torn" }>): string => {
  switch (problem._tag) {
    case "NotWhole":
      return `the checkpoint ${path} is torn: it is not one whole piece of JSON`
    case "Changed":
      return `the checkpoint ${path} was changed after it was written`
    case "NoState":
      return `the checkpoint ${path} does not hold the state of a pipeline`
    case "NoSalt":
      return `${path} does not hold the salt of the checkpoints beside it`
    case "NoSource":
      return `the checkpoint ${path} does not hold the state of its source`
    case "OtherVersion":
      return `the checkpoint ${path} has version ${problem.version}, and only version ${problem.known} is known here`
  }
}
