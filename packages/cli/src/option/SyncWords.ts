/** Mistakes in a sync, as words. */
import { type FleetReason, fleetWords } from "./FleetWords.ts"
import type { Words } from "./Reason.ts"
import { inFlags, type Speaker } from "./Speaker.ts"
import type { Reason, SyncAdvice } from "./UsageError.ts"

const syncAdvice = ({ name }: Speaker): Readonly<Record<SyncAdvice, string>> => ({
  "no end": `A sync has no end: give the beginning with ${name({ option: "since" })}, or use callstream export.`,
  "every call": "A sync keeps every call of its range: use callstream export.",
  where: `Calls could leave the list unseen: use ${name({ option: "where" })}, which callstream applies itself.`,
  "by time": "A sync reads by time and counts: remove it.",
  "both kinds": "A sync includes calls without a start time: remove it.",
  "keeps state": "A sync keeps its state: remove it.",
  "own report": "Use callstream status.",
  "one by one": "A sync reads few calls at a time: remove it.",
  "never stops": "A sink that fails does not hold up the others: remove it.",
  database: "Sync into a database, such as sqlite:calls.db, and export from there.",
  "by size": "A log of changes has files by size: give a size such as 64MB, or remove it.",
  probes: "A sync keeps its own endpoint profile: remove it."
})

/** Flags of an export that a sync has not, and what to do instead. */
export const ofExport: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "--until": "no end",
    "--on": "no end",
    "--newest": "every call",
    "--oldest": "every call",
    "--limit": "every call",
    "--status": "where",
    "--search": "where",
    "--walk": "by time",
    "--without-start": "both kinds",
    "--profile": "probes",
    "--coverage": "own report",
    "--strict": "own report",
    "--stretches": "one by one",
    "--on-sink-failure": "never stops"
  } as const).map(([flag, advice]) => [flag, syncAdvice(inFlags)[advice]])
)

/** Mistakes in a sync. */
export type SyncReason = Extract<
  Reason,
  { readonly _tag: "NotInSync" | "NoSyncName" | "NoSuchSync" | "RunsOtherwise" | "NoSyncInFile" | "OfFile" }
>

/** What happened, and what to do. */
export const syncWords = (reason: SyncReason | FleetReason, speaker: Speaker): Words => {
  switch (reason._tag) {
    case "NotInSync":
      return {
        problem:
          reason.instead === "database"
            ? "names a CSV, Excel or Parquet file, in which a sync cannot change a call"
            : "is not for a sync",
        advice: syncAdvice(speaker)[reason.instead]
      }
    case "NoSyncName":
      return {
        problem: "a sync needs a name for what it knows, and no file or database to take one from is given",
        advice: `Add what it keeps up to date, such as ${speaker.name({ option: "to", value: "sqlite:calls.db" })}, or a name, such as ${speaker.name({ option: "name", value: "calls" })}.`
      }
    case "RunsOtherwise":
      return {
        problem: `${reason.name} is running with other flags: ${reason.parts.join(", ")} differ`,
        advice:
          "Stop it, then run callstream resync with the new ones. Or run resync with the flags of the running sync."
      }
    case "NoSyncInFile":
      return { problem: `${reason.path} has no sync`, advice: "Add sync: {} to a pipeline, or name another file." }
    case "OfFile":
      return { problem: `is not for a pipeline file`, advice: `Write it into ${reason.path}.` }
    case "NoSuchSync":
      return {
        problem: reason.name === "" ? "there is no sync here" : `there is no sync ${reason.name}`,
        advice:
          reason.known.length === 0
            ? `Begin one with callstream sync, or name its place with ${speaker.name({ option: "state" })}.`
            : `There is ${reason.known.join(", ")}.`
      }
    default:
      return fleetWords(reason, speaker)
  }
}
