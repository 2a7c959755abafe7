/** What to do about a checkpoint that cannot be used, by its reason. */
import { CheckpointError, type LedgerError } from "@callstream/core"
import { again, fenced, held, type Reader, untrusted } from "./FileAdvice.ts"
import { database } from "./SqlAdvice.ts"

const disk: Readonly<Record<string, string>> = {
  ENOSPC: "Make room on the disk",
  EDQUOT: "Make room on the disk",
  EACCES: "Allow this user to read and write there",
  EPERM: "Allow this user to read and write there",
  EROFS: "Make it writable",
  ENOENT: "Put the folder back, or check what is in its place",
  ENOTDIR: "Put the folder back, or check what is in its place",
  EISDIR: "Move that folder away"
}

export const adviceFor = ({ reason }: CheckpointError, reader: Reader): string | undefined => {
  switch (reason._tag) {
    case "Held":
      return held(reason.held)
    case "Fenced":
      return fenced
    case "Torn":
      switch (reason.problem._tag) {
        case "OtherVersion":
          return `Finish the run with the callstream that wrote it, or delete ${reason.path} to begin again from the beginning.`
        case "NoSalt":
          return "Restore it from a copy, or delete it together with the checkpoints beside it, to begin them again."
        default:
          return `Restore ${reason.path} from a copy, or delete it to begin again from the beginning.`
      }
    case "OtherOwner":
      return "Put the file back under its own name, or delete it to begin again from the beginning."
    case "Different":
      return "Use the earlier options to resume that run, or give this one another name."
    case "OtherSalt":
      return `Put the file salt back into ${reason.folder} as it was, or give this run another name: it then begins from the beginning.`
    case "Untrusted":
      return untrusted(reason.file)
    case "Name":
      return `Give it a name of 1 to ${reason.longest} small letters, digits, _ and -; other characters count three or more.`
    case "NotAFolder":
      return `Move it away, or name another folder with ${reader.speaker.name({ option: "state" })}.`
    case "File":
      return `${disk[reason.code] ?? "Check the disk"}, then ${again(reader)}.`
    case "Database":
      return database(reason.failure, reader)
    case "NotJson":
      return "Report this: it is a mistake of callstream, or of a part of your own."
    case "SaltRemoved":
      return "Run it again."
    case "Address":
      return undefined
  }
}

type Part = Extract<CheckpointError["reason"], { readonly _tag: "Different" }>["parts"][number]

/** As people know it: most parts of a fingerprint are options. */
const partName = (name: string, { speaker }: Reader): string => {
  switch (name) {
    case "endpoint":
      return speaker.name({ option: "baseUrl" })
    case "sinks":
      return speaker.name({ option: "to" })
    case "since":
    case "until":
    case "on":
    case "zone":
      return speaker.name({ option: name })
    default:
      return name
  }
}

const valueOf = (value: string | undefined): string => (value === undefined || value === "" ? "not set" : value)

/** What differs from the run that was saved, each part in a line of its own. */
export const differences = ({ reason }: CheckpointError, reader: Reader): ReadonlyArray<string> =>
  reason._tag === "Different"
    ? reason.parts.map(
        ({ name, now, was }: Part) => `${partName(name, reader)} was ${valueOf(was)}, is now ${valueOf(now)}`
      )
    : []

const isDamagedFile = (reason: CheckpointError["reason"]): boolean =>
  reason._tag === "Database" && reason.failure._tag === "Server" && reason.failure.problem === "FileDamaged"

/** The same of the ledger of a sync. */
export const adviceForLedger = ({ reason }: LedgerError, reader: Reader): string | undefined => {
  switch (reason._tag) {
    case "Store":
      return isDamagedFile(reason.reason)
        ? "Restore it from a copy, or delete it to begin again from the beginning: calls that left the API stay in the sinks."
        : adviceFor(new CheckpointError({ reason: reason.reason }), reader)
    case "Newer":
      return "Use the version of callstream that wrote it, or a later one."
    case "Torn":
      return "Restore it from a copy, or run callstream resync with these flags and without a range: it delivers every call again."
    case "Different":
      return "Run callstream resync with these flags and without a range: it delivers every call again. Or give this sync another name."
    case "OfExport":
      return "Give this sync another name."
    case "OtherOrganization":
      return "Use the key of that organization, or give this sync another name."
  }
}
