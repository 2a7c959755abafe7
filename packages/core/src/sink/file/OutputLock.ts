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
 * Takes the lock on an output as long as the scope lasts, or fails with `locked`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Locks {
  readonly acquire: (path: string) => Effect.Effect<void, OutputError, FileSystem.FileSystem | Path.Path | Scope.Scope>
}

/**
 * The locks that sinks of files take before they read a file. By default there are none: of two runs at once, the second
 * replaces the `.partial` of the first, which fails when it finishes. `OutputLockFile.layer` refuses the second run.
 *
 * @since 0.1.0
 * @category references
 */
export const OutputLock: Context.Reference<Locks> = Context.Reference("@callstream/core/sink/OutputLock", {
  defaultValue: (): Locks => ({ acquire: () => Effect.void })
})
