/** Why a flag cannot replace a key of a pipeline file, as words. */
import type { Words } from "./Reason.ts"
import type { Reason } from "./UsageError.ts"

/** What happened, and what to do. */
export const overrideWords = ({ because, pipeline }: Extract<Reason, { readonly _tag: "NotOverridden" }>): Words => {
  switch (because) {
    case "sync":
      return {
        problem: `is not for ${pipeline}, a sync: what it knows belongs to the name, the beginning and the sinks in the file`,
        advice: "Change the file, or export once with callstream export."
      }
    case "state":
      return {
        problem: `is not what the state of ${pipeline} was made for`,
        advice: `Add a name for a state of its own, such as --name ${pipeline}-again.`
      }
    case "state of several":
      return {
        problem: `is not what the state of ${pipeline} was made for`,
        advice: "Put that pipeline into a file of its own, and add --name; or set state: false in the file."
      }
    case "several":
      return {
        problem: "is of one pipeline, and the file has several",
        advice: "Put the pipeline into a file of its own."
      }
  }
}
