/** `--profile FILE`: what `check --json` saved. */
import { EndpointProfile } from "@callstream/core"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SmallFile from "./SmallFile.ts"
import { type Reason, UsageError } from "./UsageError.ts"

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(EndpointProfile.EndpointProfile))
const decodeVersion = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Struct({ version: Schema.Int })))

/** The text of such a file. */
export const write = ({ version, ...profile }: EndpointProfile.EndpointProfile, baseUrl: string): string =>
  JSON.stringify({ version, ...profile, baseUrl }, null, 2)

/** Reads the file; refuses one that is no such thing, or comes from another endpoint than this. */
export const read = Effect.fnUntraced(function* (
  path: string,
  here: string
): Effect.fn.Return<EndpointProfile.EndpointProfile, UsageError, FileSystem.FileSystem> {
  const wrong = (reason: Reason) => new UsageError({ option: "profile", reason })
  const text = yield* Effect.mapError(SmallFile.read(path, SmallFile.settings), (why) =>
    wrong({ _tag: "FileUnreadable", path, holds: "an endpoint profile", why })
  )
  const profile = decode(text)
  if (Option.isNone(profile)) {
    return yield* wrong(
      Option.exists(decodeVersion(text), ({ version }) => version !== 1)
        ? { _tag: "ProfileOfOtherVersion", path }
        : { _tag: "NotAProfile", path }
    )
  }
  const { baseUrl } = profile.value
  if (baseUrl !== undefined && baseUrl !== here) {
    return yield* wrong({ _tag: "ProfileOfOtherEndpoint", path, from: baseUrl, here })
  }
  return profile.value
})
