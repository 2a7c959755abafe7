/**
 * A file that appears under its name only when it is complete.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import type * as Scope from "effect/Scope"
import type { Compression } from "./Compression.ts"
import type { Held } from "./OutputLock.ts"
import * as PartialFile from "./internal/PartialFile.ts"
import type { OutputError } from "./OutputError.ts"

/**
 * Where text goes, in order. `write` returns when the text was handed on, `finish` when all of it is safe.
 *
 * @since 0.1.0
 * @category models
 */
export interface TextOutput {
  readonly write: (text: string) => Effect.Effect<void, OutputError>
  /** The whole run is in. A scope closed without it leaves no finished file. */
  readonly finish: Effect.Effect<void, OutputError>
}

/**
 * How a file is written.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  readonly path: string
  /** Replaces an existing file, at the end and in one step. @default false */
  readonly force?: boolean | undefined
  /** No other run writes there now: what one left that was killed while it gave the name is removed. @default false */
  readonly alone?: boolean | undefined
  /** The lock on the output, if one was taken: checked before the file gets its name. @default none */
  readonly lock?: Held | undefined
  /** Each piece of text is a member. @default none */
  readonly compression?: Compression | undefined
}

/**
 * The name under which a file grows until it is complete.
 *
 * @since 0.1.0
 * @category reading
 */
export const partialPath: (path: string) => string = PartialFile.partialPath

/**
 * Opens `path.partial`, private to its owner. `finish` syncs it, gives it its name and syncs the folder, so that after a
 * power failure the name means a complete file. What an earlier run left under `path.partial` is replaced.
 *
 * @since 0.1.0
 * @category constructors
 */
export const open = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<TextOutput, OutputError, FileSystem.FileSystem | Path.Path | Scope.Scope> {
  const { alone, compression, force, lock, path } = options
  const file = yield* PartialFile.open({ path, force: force === true, alone, lock, verify: compression?.verify })
  const encoder = new TextEncoder()
  const encode = compression?.encode ?? ((text: string) => Effect.sync(() => encoder.encode(text)))
  const write = (text: string) => Effect.flatMap(encode(text), file.write)
  return {
    write,
    // No bytes at all are no compressed file.
    finish: Effect.andThen(
      Effect.suspend(() => (file.end().bytes === 0 ? write("") : Effect.void)),
      file.finish
    )
  }
})
