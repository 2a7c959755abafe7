/** A file that is only read: what is in it decides what a run does, so it has to be trusted. */
import * as TrustedFile from "@callstream/core/file/TrustedFile"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import { UsageError } from "../output/UsageError.ts"

export interface Options {
  /** Before the path in messages, such as `--learned: `. */
  readonly subject?: string | undefined
  /** What to do when it cannot be read. */
  readonly advice?: string | undefined
  /** It holds a secret, which others should not be able to read. */
  readonly isSecret?: boolean | undefined
}

/** Its text. Links are followed, as mounted secrets need it: what they lead to is what has to be trusted. */
export const read = (
  path: string,
  { advice, isSecret = false, subject = "" }: Options
): Effect.Effect<string, UsageError, FileSystem.FileSystem> =>
  Effect.mapError(TrustedFile.readString(path, { follow: true, isPublic: !isSecret }), (error) => {
    const refusal = TrustedFile.refusalOf(error)
    return refusal === undefined
      ? new UsageError({ problem: `${subject}${path} cannot be read`, ...(advice === undefined ? {} : { advice }) })
      : new UsageError({ problem: `${subject}${refusal.message}`, advice: refusal.advice })
  })
