/** `--profile FILE`: what `check --json` saved. */
import { Learned } from "@callstream/core"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SmallFile from "./SmallFile.ts"
import { type Reason, UsageError } from "./UsageError.ts"

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Learned.Learned))
const decodeVersion = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Struct({ version: Schema.Int })))

/** The text of such a file. */
export const write = ({ version, ...learned }: Learned.Learned, baseUrl: string): string =>
  JSON.stringify({ version, ...learned, baseUrl }, null, 2)

/** Reads the file; refuses one that is no such thing, or comes from another endpoint than this. */
export const read = Effect.fnUntraced(function* (
  path: string,
  here: string
): Effect.fn.Return<Learned.Learned, UsageError, FileSystem.FileSystem> {
  const wrong = (reason: Reason) => new UsageError({ option: "profile", reason })
  const text = yield* Effect.mapError(SmallFile.read(path, SmallFile.settings), (why) =>
    wrong({ _tag: "FileUnreadable", path, holds: "an endpoint profile", why })
  )
  const learned = decode(text)
  if (Option.isNone(learned)) {
    return yield* wrong(
      Option.exists(decodeVersion(text), ({ version }) => version !== 1)
        ? { _tag: "ProfileOfOtherVersion", path }
        : { _tag: "NotAProfile", path }
    )
  }
  const { baseUrl } = learned.value
  if (baseUrl !== undefined && baseUrl !== here) {
    return yield* wrong({ _tag: "ProfileOfOtherEndpoint", path, from: baseUrl, here })
  }
  return learned.value
})
