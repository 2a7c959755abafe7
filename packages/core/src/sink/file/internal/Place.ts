/** Where files are kept: all that sinks of lines ask of a folder, or of a bucket. */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { OutputError } from "../OutputError.ts"
import type { PartialFile, Position } from "./GrowingFile.ts"
import type { Options } from "./PartialFile.ts"

export type Operation = OutputError["operation"]

type Finished = Pick<PartialFile, "end" | "read">

export interface Place {
  /** The last segment of a path. */
  readonly nameOf: (path: string) => string
  /** The path of a file beside that one. */
  readonly beside: (path: string, name: string) => string
  /** Files of a day are in a partition of their own, as `date=2026-07-31/`. */
  readonly partitions: boolean
  /** An unfinished file can be read. */
  readonly readsUnfinished: boolean
  /** No other run writes there while the scope lasts. */
  readonly lock: (path: string) => Effect.Effect<void, OutputError, Scope.Scope>
  /** Fails when another run took that over. */
  readonly stillLocked: (operation: Operation) => Effect.Effect<void, OutputError>
  readonly exists: (path: string) => Effect.Effect<boolean, OutputError>
  readonly open: (options: Options) => Effect.Effect<PartialFile, OutputError, Scope.Scope>
  /** The file that a finished run left under the name, to be read. `grows`: it got longer when it was finished. */
  readonly openFinished: (
    path: string,
    from: Position,
    grows: boolean
  ) => Effect.Effect<Finished, OutputError, Scope.Scope>
  /** Nothing when there is no such file. */
  readonly readText: (path: string, operation: "open" | "verify") => Effect.Effect<string | undefined, OutputError>
  /** In one step. `alone`: no other run writes there now. */
  readonly replaceText: (path: string, text: string, alone: boolean) => Effect.Effect<void, OutputError>
  /** Whether a file of that length is there, and is no link. */
  readonly holds: (path: string, bytes: number, operation: "open" | "finish") => Effect.Effect<boolean, OutputError>
  /** Fails when a file is gone or has another length. */
  readonly verify: (path: string, bytes: number) => Effect.Effect<void, OutputError>
  /** The names of files beside that one, with their partitions. */
  readonly namesBeside: (path: string) => Effect.Effect<ReadonlyArray<string>, OutputError>
  readonly remove: (path: string) => Effect.Effect<void, OutputError>
  /** Removes what ended runs left of unfinished files, but for these. `resumed`: none of it is of another run. */
  readonly clear: (kept: ReadonlyArray<Position>, resumed: boolean) => Effect.Effect<void, OutputError>
}

/** Where the processes of one run write parts of an output. */
export interface SharedPlace extends Place {
  /** Writes a file, unless the run has written it already. Fails with `Exists` where there is one of another run. */
  readonly claim: (path: string, text: string) => Effect.Effect<void, OutputError>
}
