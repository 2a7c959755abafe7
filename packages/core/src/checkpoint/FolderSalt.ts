/**
 * The salt of a checkpoint folder: hashes of personal data in checkpoints need it.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Hex from "effect/encoding/Hex"
import * as Redacted from "effect/Redacted"
import { CheckpointError } from "./CheckpointError.ts"
import { syncFolder } from "../platform/internal/System.ts"
import { failed, isAlreadyThere, makeFolder, readIfThere, writeNew } from "./internal/Files.ts"

/**
 * Where the salt is.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** The checkpoint folder. Created for its owner only, if it does not exist. */
  readonly folder: string
}

/**
 * The path of a folder's salt.
 *
 * @since 0.1.0
 * @category reading
 */
export const path = (options: Options): Effect.Effect<string, never, Path.Path> =>
  Effect.map(Path.Path, (paths) => paths.join(paths.resolve(options.folder), "salt"))

/**
 * Whether a run that was killed while it made the salt left this file.
 *
 * @since 0.1.0
 * @category checks
 */
export const isLeftover = (name: string): boolean => /^salt\.[0-9a-f-]{36}\.tmp$/.test(name)

const whole = /^[0-9a-f]{64}$/

/**
 * The salt: 32 random bytes in hexadecimal, in the file `salt`, for its owner only. It is created once, survives a power
 * failure, and is the same for all runs, even those that create it at the same time. A file with other content is
 * refused, because earlier hashes could not be compared any more.
 *
 * @since 0.1.0
 * @category constructors
 */
export const get = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Redacted.Redacted, CheckpointError, FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const file = yield* path(options)
  const folder = paths.dirname(file)
  const reading = Effect.mapError(failed(file, "read"))
  const writing = Effect.mapError(failed(file, "written"))

  const read = Effect.flatMap(reading(readIfThere(fs, file)), (bytes) => {
    if (Option.isNone(bytes)) return Effect.succeedNone
    const text = new TextDecoder().decode(bytes.value).trim()
    return whole.test(text)
      ? Effect.succeedSome(Redacted.make(text, { label: "salt" }))
      : Effect.fail(new CheckpointError({ reason: { _tag: "Torn", path: file, problem: { _tag: "NoSalt" } } }))
  })
  /** Links a complete file to the name, and replaces none. Without links, creates the file exclusively and then writes it. */
  const place = Effect.gen(function* () {
    const text = yield* Effect.sync(() => `${Hex.encode(SecureRandom.randomBytesUnsafe(32))}\n`)
    const temporary = `${file}.${yield* Effect.sync(() => SecureRandom.uuidV4Unsafe())}.tmp`
    yield* writeNew(fs, temporary, text)
    yield* fs.link(temporary, file).pipe(
      Effect.catch((error) => (isAlreadyThere(error) ? Effect.void : writeNew(fs, file, text))),
      Effect.catchIf(isAlreadyThere, () => Effect.void),
      Effect.ensuring(Effect.ignore(fs.remove(temporary)))
    )
    yield* syncFolder(fs, folder)
  }).pipe(Effect.uninterruptible)

  // Checked before the salt is read: a salt in another user's folder is no secret.
  yield* writing(makeFolder(fs, paths.dirname, folder))
  const found = yield* read
  if (Option.isSome(found)) return found.value
  yield* writing(place)
  return yield* Effect.flatMap(
    read,
    Option.match({
      onSome: Effect.succeed,
      onNone: () => Effect.fail(new CheckpointError({ reason: { _tag: "SaltRemoved", path: file } }))
    })
  )
})
