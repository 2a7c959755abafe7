/** Mistakes in files and outputs, as words. */
import { untrusted } from "./advice/FileAdvice.ts"
import type { FleetReason } from "./FleetWords.ts"
import { readable, unreadable } from "./ReportWords.ts"
import type { Words } from "./Reason.ts"
import type { Speaker } from "./Speaker.ts"
import { type SyncReason, syncWords } from "./SyncWords.ts"
import type { Reason } from "./UsageError.ts"

const profileAgain = "Save it again: callstream check --json > profile.json"

/** Mistakes in a file, or in an output that two would share. */
type FileReason = Extract<
  Reason,
  {
    readonly _tag:
      | "FileUnreadable"
      | "FileEmpty"
      | "FileExists"
      | "NameTooLong"
      | "NoFileName"
      | "NotAProfile"
      | "ProfileOfOtherVersion"
      | "ProfileOfOtherEndpoint"
      | "NotDeadLetters"
      | "RedactedOtherwise"
      | "ReadsRedacted"
      | "NoPipeline"
      | "NoPipelineFile"
      | "NamedTwice"
      | "SamePlace"
      | "FileOfOther"
      | "TakenBy"
  }
>

/** Mistakes that are neither in an option's value nor in a setting. */
export type OtherReason = FileReason | SyncReason | FleetReason

/** What happened, and what to do. */
export const fileWords = (reason: OtherReason, speaker: Speaker): Words => {
  switch (reason._tag) {
    case "FileUnreadable":
      return {
        problem: `${reason.path} ${unreadable(reason.why)}`,
        advice: reason.why._tag === "Untrusted" ? untrusted(reason.why.file) : readable[reason.holds]
      }
    case "FileEmpty":
      return { problem: `${reason.path} is empty` }
    case "FileExists":
      return {
        problem: `${reason.path} exists already`,
        advice: reason.replaceable
          ? "Choose another name, or add --force to replace it."
          : "Choose another name, or remove it first."
      }
    case "NameTooLong":
      return {
        problem: `the file name ${reason.name.slice(0, 30)}… is longer than ${reason.most} bytes`,
        advice: "Choose a shorter one."
      }
    case "NoFileName":
      return { problem: "expected the name of a file" }
    case "NotAProfile":
      return { problem: `${reason.path} is not what check --json saves`, advice: profileAgain }
    case "ProfileOfOtherVersion":
      return { problem: `${reason.path} is of another version of callstream`, advice: profileAgain }
    case "ProfileOfOtherEndpoint":
      return {
        problem: `${reason.path} is the profile of ${reason.from}, and this is ${reason.here}`,
        advice: profileAgain
      }
    case "NotDeadLetters":
      return {
        problem: `${reason.path} is not a dead-letter file`,
        advice: "The summary of the run that rejected records names it."
      }
    case "RedactedOtherwise":
      return {
        problem: `the records in the file were redacted in another way (${reason.label})`,
        advice: `Remove ${speaker.name({ option: "redact" })}: they stay redacted as they are.`
      }
    case "ReadsRedacted":
      return {
        problem: `${reason.condition} reads ${reason.field}, which was redacted in the file`,
        advice: `Remove this condition. Exports with ${speaker.on("deadLettersRaw")} keep what it needs.`
      }
    case "NoPipeline":
      return {
        problem: `${reason.path} holds no pipeline`,
        advice: "A pipeline file is YAML with the keys source, transforms and sinks; callstream init writes one."
      }
    case "NoPipelineFile":
      return {
        problem: "no pipeline file is named",
        advice: "Name it, as in callstream run pipeline.yaml; callstream init writes one."
      }
    case "NamedTwice":
      return { problem: `${reason.what} is named twice`, advice: "Remove one of them." }
    case "SamePlace":
      return {
        problem: `${reason.place} and ${reason.other} would be written to one place`,
        advice: "Give one of them another name."
      }
    case "FileOfOther":
      return {
        problem: `the file is ${reason.other === "calls" ? "where the calls go" : `that of ${speaker.name({ option: reason.other })}`}`,
        advice: "Give it another name."
      }
    case "TakenBy":
      return {
        problem: reason.otherRows
          ? `${reason.pipeline} writes other rows to ${reason.place}, by other transforms`
          : `${reason.pipeline} writes to ${reason.place} already`,
        advice: "Give one of them another place."
      }
    default:
      return syncWords(reason, speaker)
  }
}
