/** Mistakes in what workers are asked for, as words. */
import type { Words } from "./Reason.ts"
import type { Speaker } from "./Speaker.ts"
import type { FleetAdvice, Reason } from "./UsageError.ts"

const fleetAdvice: Readonly<Record<FleetAdvice, string>> = {
  "by time": "Workers share a range of time. Remove it, or run the file without --cluster.",
  "own folder": "Each worker has files of its own. Remove it, or run the file without --cluster.",
  "own letters": "Each worker keeps rejected records in its own .callstream folder. Remove it.",
  "own state": "The state is kept in the database of --cluster. Remove it, or write state: false to begin each time.",
  "own zone": "Workers may be in different time zones. Name the zone, such as Asia/Kolkata.",
  "all sinks": "A worker stops where a sink fails, and another one resumes. Remove it.",
  "one pass": "A run of workers is one pass. Remove it, and submit the file again for each pass.",
  watched: "Without --detach, the command writes it. callstream runs NAME --json prints the coverage too."
}

/** Mistakes in what workers are asked for. */
export type FleetReason = Extract<
  Reason,
  { readonly _tag: "NotShared" | "NotInFleet" | "NoSuchRun" | "RunDiffers" | "NotPostgres" | "FleetRefused" }
>

/** What happened, and what to do. */
export const fleetWords = (reason: FleetReason, { name }: Speaker): Words => {
  switch (reason._tag) {
    case "NotPostgres":
      return {
        problem: "workers share a PostgreSQL database",
        advice: "Write postgres:VARIABLE, with the name of the environment variable that has its URL."
      }
    case "FleetRefused":
      return { problem: reason.problem, advice: "Run callstream runs to see the state of each run." }
    case "NotShared":
      return {
        problem: `several workers cannot write to ${reason.sink}`,
        advice:
          "Write to a table in PostgreSQL, to a webhook, or to many NDJSON, CSV or Parquet objects (s3://…, with rotate), or run the file without --cluster."
      }
    case "NotInFleet":
      return { problem: "is not for workers", advice: fleetAdvice[reason.instead] }
    case "NoSuchRun":
      return {
        problem: `there is no run ${reason.name}`,
        advice:
          reason.known.length === 0
            ? "Submit one with callstream run FILE --cluster, or name another fleet with --fleet."
            : `There is ${reason.known.join(", ")}.`
      }
    case "RunDiffers":
      return {
        problem: `run ${reason.name} is ${reason.state} with other settings`,
        advice: `Wait for its end, stop it with callstream runs cancel ${reason.name}, or use another ${name({ option: "name" })}.`
      }
  }
}
