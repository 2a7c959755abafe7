/** `callstream resync`: delivers every call of a sync again, with the filters and transforms of now. */
import * as Command from "effect/cli/Command"
import { flags } from "../option/Declared.ts"
import * as Sync from "./SyncCommand.ts"

export const resyncCommand = Command.make("resync", flags(Sync.options), (input) => Sync.execute(input, true)).pipe(
  Command.withDescription(
    "Read every call of a sync again, and deliver it to all of its sinks. Takes the flags of the sync. Changed filters and transforms are taken over: calls that no longer pass leave the sinks."
  ),
  Command.withShortDescription("Deliver all calls of a sync again"),
  Command.withExamples([
    {
      command: "callstream resync --since 30d --where 'durationSec > 60' --to sqlite:calls.db",
      description: "After a filter was added"
    }
  ])
)
