/**
 * The reasons of an `OutputError`, as data.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Held from "../platform/Held.ts"
import { UntrustedFile } from "../platform/TrustedFile.ts"

const optionalText = Schema.optionalKey(Schema.String)

/**
 * Why a file may not be replaced, though it may be overwritten. Times are ISO 8601; without one it is open to that side.
 *
 * - `Unknown`: the run may read only a part of the file's day.
 * - `Filtered`: it holds calls that the filters leave out.
 * - `ByHand`: no manifest says what it holds; `from` is where its day begins.
 * - `Unlisted`: no manifest names it, and the files of this run, which several processes write, have other names.
 * - `WithoutStart`: it holds calls without a start time, and the run reads none.
 * - `Partly`: it holds `had`, and the run reads `reads`.
 *
 * @since 0.1.0
 * @category models
 */
export const Uncovered = Schema.Union([
  Schema.TaggedStruct("Unknown", {}),
  Schema.TaggedStruct("Filtered", { filters: Schema.String }),
  Schema.TaggedStruct("ByHand", { from: Schema.String }),
  Schema.TaggedStruct("Unlisted", {}),
  Schema.TaggedStruct("WithoutStart", {}),
  Schema.TaggedStruct("Partly", {
    had: Schema.Struct({ from: optionalText, to: optionalText }),
    reads: Schema.Struct({ from: optionalText, to: optionalText }),
    /** Whether the run begins too late or ends too early. */
    missing: Schema.Struct({ from: Schema.Boolean, to: Schema.Boolean })
  })
])

/**
 * @since 0.1.0
 * @category models
 */
export type Uncovered = typeof Uncovered.Type

/** Reasons without fields. */
const words = {
  Exists: "the file is there already",
  NotAFile: "it is not a regular file",
  NoFolder: "the folder does not exist",
  NameTooLong: "the file name is too long",
  NotAllowed: "no permission to write there",
  Full: "the disk is full",
  Closed: "the reader closed it",
  Replaced: "another run wrote to the same place at the same time",
  Foreign: "another program changed the file while it was written",
  Unsynced: "the disk did not confirm what was written",
  Missing: "the file that the earlier run left is not there",
  Shorter: "the file is shorter than the earlier run left it",
  Changed: "the file is not as the earlier run left it",
  Gone: "the file is gone since the run finished",
  Altered: "the file was replaced or changed since the run finished",
  Torn: "the file is not what was written there",
  Finished: "it is finished already, and there is more to write",
  NoBucket: "the bucket does not exist",
  NoAddress: "the address of the store is no URL",
  NoKeys: "there are no keys for the store",
  KeysRejected: "the store does not accept the keys",
  OtherRegion: "the bucket is in another region",
  WrongClock: "the store does not accept the time of this machine's clock",
  Unreachable: "the store did not take it",
  Other: "it could not be written"
} as const

/**
 * - `Exists`: the file exists and may not be overwritten.
 * - `Closed`: the reader closed the pipe.
 * - `Foreign`: another program changed the file while it was written.
 * - `Unsynced`: the disk did not confirm a write, so the content is unknown.
 * - `Missing`, `Shorter`, `Changed`: the unfinished file of an earlier run was removed or changed.
 * - `Gone`, `Altered`: the file of a finished run was removed or changed.
 * - `Torn`: its content is not in the expected format.
 * - `Finished`: it has its name, and nothing can be added.
 * - `Locked`: another run writes to it.
 * - `Fenced`: another run took over while this one was running, and writes to it.
 * - `NoBucket`, `NoAddress`, `NoKeys`, `KeysRejected`, `OtherRegion`, `WrongClock`: of object storage, which a setting mends.
 * - `Unreachable`: it did not answer, or could not do it, in all attempts.
 * - `Uncovered`: it may be overwritten, but holds what the run does not read.
 * - `Untrusted`: another user owns it or can write to it, or it is a symbolic link.
 *
 * @since 0.1.0
 * @category models
 */
export const OutputReason = Schema.Union([
  Schema.TaggedStruct("Exists", {}),
  Schema.TaggedStruct("NotAFile", {}),
  Schema.TaggedStruct("NoFolder", {}),
  Schema.TaggedStruct("NameTooLong", {}),
  Schema.TaggedStruct("NotAllowed", {}),
  Schema.TaggedStruct("Full", {}),
  Schema.TaggedStruct("Closed", {}),
  Schema.TaggedStruct("Replaced", {}),
  Schema.TaggedStruct("Foreign", {}),
  Schema.TaggedStruct("Unsynced", {}),
  Schema.TaggedStruct("Missing", {}),
  Schema.TaggedStruct("Shorter", {}),
  Schema.TaggedStruct("Changed", {}),
  Schema.TaggedStruct("Gone", {}),
  Schema.TaggedStruct("Altered", {}),
  Schema.TaggedStruct("Torn", {}),
  Schema.TaggedStruct("Finished", {}),
  Schema.TaggedStruct("NoBucket", {}),
  Schema.TaggedStruct("NoAddress", {}),
  Schema.TaggedStruct("NoKeys", {}),
  Schema.TaggedStruct("KeysRejected", {}),
  Schema.TaggedStruct("OtherRegion", {}),
  Schema.TaggedStruct("WrongClock", {}),
  Schema.TaggedStruct("Unreachable", {}),
  Schema.TaggedStruct("Other", {}),
  Schema.TaggedStruct("Locked", { held: Held.Held }),
  Schema.TaggedStruct("Fenced", { holder: Schema.optionalKey(Held.Holder) }),
  Schema.TaggedStruct("Uncovered", { gap: Uncovered }),
  Schema.TaggedStruct("Untrusted", { file: UntrustedFile })
])

/**
 * @since 0.1.0
 * @category models
 */
export type OutputReason = typeof OutputReason.Type

/**
 * In one sentence without a capital and a full stop.
 *
 * @since 0.1.0
 * @category reading
 */
export const describe = (reason: OutputReason, code: string | undefined): string => {
  switch (reason._tag) {
    case "Locked":
      return Held.describe(reason.held, "it", "is being written by another run")
    case "Fenced":
      return Held.describeFenced("it", reason.holder)
    case "Uncovered":
      return uncovered(reason.gap)
    case "Untrusted":
      return reason.file.message
    default:
      return `${words[reason._tag]}${code === undefined ? "" : ` (${code})`}`
  }
}

/**
 * A name with line breaks would hide the rest of the message.
 *
 * @since 0.1.0
 * @category reading
 */
export const shortened = (target: string): string =>
  target.length <= 200 ? target : `${target.slice(0, 40)}…${target.slice(-40)}`

const between = ({ from = "the beginning", to = "the end" }: { readonly from?: string; readonly to?: string }) =>
  `from ${from} to ${to}`

const uncovered = (gap: Uncovered): string => {
  switch (gap._tag) {
    case "Unknown":
      return "it holds the calls of a day, and this run may not read all of them"
    case "Filtered":
      return `it holds calls that this run leaves out (${gap.filters})`
    case "ByHand":
      return "no manifest says what it holds, and this run reads only a part of its day"
    case "Unlisted":
      return "it is named as a file of this output, and no manifest says what it holds"
    case "WithoutStart":
      return "it holds calls without a start time, and this run reads none"
    case "Partly":
      return `it holds the calls ${between(gap.had)}, and this run reads those ${between(gap.reads)}`
  }
}
