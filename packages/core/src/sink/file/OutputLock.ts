/**
 * Locks on files, so that one run at a time writes to each.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import type * as Scope from "effect/Scope"
import type { OutputError } from "./OutputError.ts"

/**
 * A lock that was taken.
 *
 * @since 0.1.0
 * @category models
 */
export interface Held {
  /** Fails when another run took it over, or it was removed: then nothing of this run may get a name. */
  readonly verify: (operation: OutputError["operation"]) => Effect.Effect<void, OutputError>
}

/**
 * Takes the lock on an output as long as the scope lasts, or fails with `Locked`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Locks {
  readonly acquire: (path: string) => Effect.Effect<Held, OutputError, FileSystem.FileSystem | Path.Path | Scope.Scope>
}

/**
 * The locks that sinks of files take before they read a file, and check before they flush and before a file gets its name.
 * By default there are none: of two runs at once, the second replaces the `.partial` of the first, which fails when it
 * finishes. `OutputLockFile.layer` refuses the second run.
 *
 * @since 0.1.0
 * @category references
 */
export const OutputLock: Context.Reference<Locks> = Context.Reference("@callstream/core/sink/OutputLock", {
  defaultValue: (): Locks => ({ acquire: () => Effect.succeed({ verify: () => Effect.void }) })
})
