/** Reasons of mistakes in files that are read, and in what a report is made from, as words. */
import type { Words } from "./Reason.ts"
import type { Speaker } from "./Speaker.ts"
import type { Unreadable } from "./SmallFile.ts"
import type { Holds, Reason } from "./UsageError.ts"

/** What a file that is named has to be, by what it should hold. */
export const readable: Readonly<Record<Holds, string>> = {
  "an API key": "Name a regular file or a pipe that you may read, and that holds the key and nothing else.",
  "an endpoint profile": "Name a file that exists and that you may read, or leave the option out.",
  calls: "Name a file or a database of calls that exists and that you may read.",
  "a coverage report": "Name a file that an export wrote with its calls, or leave the option out.",
  "a pipeline": "Name a pipeline file that exists and that you may read; callstream init writes one.",
  "the URL of a database": "Name a regular file or a pipe that you may read, and that holds the URL and nothing else."
}

/** Why a file cannot be read, as a predicate. */
export const unreadable = (why: Unreadable): string => {
  switch (why._tag) {
    case "Unreadable":
      return "cannot be read"
    case "NotAFile":
      return "is not a file"
    case "TooLarge":
      return `is larger than ${why.limit}`
    case "Untrusted":
      return why.file.predicate
  }
}

type ReportReason = Extract<
  Reason,
  { readonly _tag: "CallsUnreadable" | "ChangesNotCalls" | "NotACoverageReport" | "CoverageTaken" }
>

export const reportWords = (reason: ReportReason, { name, on }: Speaker): Words => {
  switch (reason._tag) {
    case "CallsUnreadable":
      return { problem: `${reason.path} ${reason.problem}`, advice: readable.calls }
    case "ChangesNotCalls":
      return {
        problem: `${reason.path} is a log of changes, which has a call once for each of its versions`,
        advice: "Let the sync keep a table too, such as --to sqlite:calls.db, and report from that."
      }
    case "NotACoverageReport":
      return { problem: `${reason.path} is not a coverage report`, advice: readable["a coverage report"] }
    case "CoverageTaken":
      return {
        problem: `${reason.path} is there already, and is not a coverage report`,
        advice: `Move it away, name another file with ${name({ option: "coverage" })}, or add ${on("force")} to replace it.`
      }
  }
}
