/**
 * Checkpoints as files in a folder, one a pipeline.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import type * as Scope from "effect/Scope"
import * as Ref from "effect/Ref"
import * as Semaphore from "effect/Semaphore"
import * as Digest from "effect/crypto/Digest"
import { CheckpointError } from "./CheckpointError.ts"
import type { Fingerprint } from "../model/Fingerprint.ts"
import { Checkpoint, type Lease, refuseOther, type State } from "./Checkpoint.ts"
import * as FolderSalt from "./FolderSalt.ts"
import * as EpochFile from "./internal/EpochFile.ts"
import * as FileName from "./internal/FileName.ts"
import { syncFolder } from "../platform/internal/System.ts"
import { failed, makeFolder, readIfThere, writeNew } from "./internal/Files.ts"
import * as LockFile from "./internal/LockFile.ts"
import * as StateFile from "./internal/StateFile.ts"
import { ProcessOwner } from "./ProcessOwner.ts"

/**
 * Where the files are.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** Created for its owner only, if it does not exist. */
  readonly folder: string
}

/**
 * The service. A pipeline's state is `NAME.json`, which is always whole, even after a power failure. `NAME.lock` exists
 * while a run holds the state, and `NAME.epoch` has the epoch of the last one. Only their owner can read them.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Checkpoint["Service"], never, FileSystem.FileSystem | Path.Path | ProcessOwner | Digest.Digest> {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const process = yield* ProcessOwner
  const digest = yield* Digest.Digest
  const folder = paths.resolve(options.folder)

  const open = Effect.fnUntraced(function* (
    pipeline: string,
    fingerprint: Fingerprint
  ): Effect.fn.Return<Lease, CheckpointError, Scope.Scope> {
    const name = FileName.fromPipeline(pipeline)
    if (name === undefined) return yield* unusable(pipeline)
    const path = paths.join(folder, `${name}.json`)
    const lockPath = paths.join(folder, `${name}.lock`)

    const read = Effect.gen(function* () {
      const bytes = yield* Effect.mapError(readIfThere(fs, path), failed(path, "read"))
      if (Option.isNone(bytes)) return Option.none<State>()
      const state = yield* Effect.provideService(StateFile.decode(path, pipeline, bytes.value), Digest.Digest, digest)
      yield* refuseOther(pipeline, state, fingerprint)
      return Option.some(state)
    })
    const epochs = EpochFile.make(fs, folder, paths.join(folder, `${name}.epoch`))
    const { epoch, lock, state } = yield* Effect.acquireRelease(
      Effect.gen(function* () {
        yield* Effect.mapError(makeFolder(fs, paths.dirname, folder), failed(folder, "written"))
        const lock = yield* LockFile.acquire(fs, process, lockPath, {
          held: (held) => new CheckpointError({ reason: { _tag: "Held", pipeline, held } }),
          fenced: (holder) => new CheckpointError({ reason: { _tag: "Fenced", pipeline, holder } }),
          failed
        })
        // A checkpoint that is refused is not locked, so that the next run can use it once it is repaired.
        const { epoch, state } = yield* Effect.all({ state: read, epoch: epochs.raise(lock.id) }).pipe(
          Effect.onError(() => lock.release)
        )
        yield* clear(fs, paths, folder, name)
        return { epoch, lock, state }
      }),
      ({ lock }) => lock.release
    )

    const stillHeld = orFenced(lock, epochs, { pipeline, epoch })
    const writing = Effect.mapError(failed(path, "written"))
    const commits = yield* Ref.make(0)
    const commit = Effect.fnUntraced(function* (next: State) {
      const text = yield* Effect.provideService(StateFile.encode(path, pipeline, next), Digest.Digest, digest)
      const temporary = `${path}.${lock.id}.${yield* Ref.updateAndGet(commits, (n) => n + 1)}.tmp`
      yield* writing(writeNew(fs, temporary, text))
      // If somebody removes the lock by hand between this check and the rename, another run may take it. Only a lock of
      // the kernel would prevent that, and not every file system has those.
      yield* Effect.onError(Effect.andThen(stillHeld, writing(fs.rename(temporary, path))), () =>
        Effect.ignore(fs.remove(temporary))
      )
      yield* writing(syncFolder(fs, folder))
    })
    // One after the other, and uninterrupted: an abandoned rename could overwrite a later state.
    const turns = Semaphore.makeUnsafe(1)
    return { epoch, state, commit: (next) => turns.withPermit(Effect.uninterruptible(commit(next))) }
  })

  return { open }
})

/** Fails once another run took over, also when that finished since and removed its lock. */
const orFenced = (
  lock: LockFile.LockFile<CheckpointError>,
  epochs: EpochFile.EpochFile,
  { epoch, pipeline }: { readonly pipeline: string; readonly epoch: number }
): Effect.Effect<void, CheckpointError> =>
  lock.verify.pipe(
    Effect.catch((error) =>
      error.reason._tag === "Held" && error.reason.held._tag === "Lost"
        ? Effect.flatMap(epochs.read, (stored) =>
            Effect.fail(stored === epoch ? error : new CheckpointError({ reason: { _tag: "Fenced", pipeline } }))
          )
        : Effect.fail(error)
    )
  )

/** Removes temporary files of runs that were killed. A run that still waits for the lock creates its own again. */
const clear = (fs: FileSystem.FileSystem, paths: Path.Path, folder: string, name: string) =>
  Effect.flatMap(fs.readDirectory(folder), (entries) =>
    Effect.forEach(
      entries.filter(
        (entry) =>
          (entry.startsWith(`${name}.`) && leftover.test(entry.slice(name.length))) || FolderSalt.isLeftover(entry)
      ),
      (entry) => Effect.ignore(fs.remove(paths.join(folder, entry))),
      { discard: true }
    )
  ).pipe(Effect.ignore)

const leftover = /^\.(epoch|json|lock)\.[0-9a-f-]{36}\.(\d+\.tmp|next)$/

const unusable = (pipeline: string) =>
  new CheckpointError({ reason: { _tag: "Name", pipeline, longest: FileName.longest } })

/**
 * Checkpoints in `folder`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options
): Layer.Layer<Checkpoint, never, FileSystem.FileSystem | Path.Path | ProcessOwner> =>
  Layer.effect(Checkpoint, make(options)).pipe(Layer.provide(Digest.layerWebCrypto))
