/** The body of an answer as a file under its content's hash. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Stream from "effect/Stream"
import { concat } from "../../model/internal/Bytes.ts"
import { syncFolder } from "../../platform/internal/System.ts"
import { fromPlatform, type OutputError } from "../../sink/file/OutputError.ts"
import type { Failure } from "../RecordingFailure.ts"
import type { ContentHash } from "../ContentHash.ts"
import * as Audio from "./Audio.ts"

/** A file of the folder. */
export interface Saved {
  readonly _tag: "Saved"
  readonly file: string
  readonly sha256: string
  readonly size: number
}

export type Outcome = Saved | { readonly _tag: "Failed"; readonly why: Failure }

const failed = (why: Failure): Outcome => ({ _tag: "Failed", why })

export interface Options {
  readonly folder: string
  readonly contentHash: ContentHash
  readonly maxBytes: number
}

interface State {
  head: Uint8Array
  size: number
  extension: string | undefined
}

/** What ends the reading of a body before its end. */
class Stopped {
  readonly _tag = "Stopped"
  readonly why: Failure
  constructor(why: Failure) {
    this.why = why
  }
}

/** What a file is called until it is complete; those of killed runs are removed by the next one. */
const temporary = (number: number): string => `recording-${number}.partial`

export const isTemporary = (name: string): boolean => /^recording-\d+\.partial$/.test(name)

/** @param number Of the files that are fetched at the same time, this one's own. */
export const save = Effect.fnUntraced(function* <E>(
  { contentHash, folder, maxBytes }: Options,
  number: number,
  type: string,
  body: Stream.Stream<Uint8Array, E>
): Effect.fn.Return<Outcome, E | OutputError, FileSystem.FileSystem | Path.Path> {
  const fs = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const path = paths.join(folder, temporary(number))
  const writing = Effect.mapError(fromPlatform(path, "write"))
  const hash = contentHash()
  const state: State = { head: new Uint8Array(), size: 0, extension: undefined }

  const judge = (isAll: boolean) => {
    if (state.extension !== undefined || (!isAll && state.head.length < Audio.headBytes)) return Effect.void
    state.extension = Audio.extensionOf(state.head, type)
    return state.extension === undefined ? Effect.fail(new Stopped("notAudio")) : Effect.void
  }
  const write = Effect.scoped(
    Effect.gen(function* () {
      const file = yield* writing(fs.open(path, { flag: "wx", mode: 0o600 }))
      yield* Stream.runForEach(body, (chunk) =>
        Effect.gen(function* () {
          state.size += chunk.length
          if (state.size > maxBytes) return yield* Effect.fail(new Stopped("tooLarge"))
          if (state.head.length < Audio.headBytes) {
            state.head = concat([state.head, chunk.subarray(0, Audio.headBytes - state.head.length)])
          }
          yield* judge(false)
          hash.update(chunk)
          yield* writing(file.writeAll(chunk))
        })
      )
      yield* judge(true)
      yield* Effect.mapError(file.sync, fromPlatform(path, "flush"))
    })
  )
  const give = Effect.gen(function* () {
    const digest = hash.hex()
    // A folder of a million files is slow to list.
    const part = digest.slice(0, 2)
    const file = `${part}/${digest}.${state.extension ?? ""}`
    const inside = paths.join(folder, part)
    yield* fs.makeDirectory(inside, { recursive: true, mode: 0o700 })
    yield* fs.rename(path, paths.join(inside, paths.basename(file)))
    yield* syncFolder(fs, inside)
    yield* syncFolder(fs, folder)
    const saved: Outcome = { _tag: "Saved", file, sha256: digest, size: state.size }
    return saved
  })
  return yield* Effect.andThen(write, Effect.uninterruptible(writing(give))).pipe(
    Effect.catchIf(
      (error): error is Stopped => error instanceof Stopped,
      ({ why }) => Effect.succeed(failed(why))
    ),
    Effect.ensuring(Effect.ignore(fs.remove(path, { force: true })))
  )
})
