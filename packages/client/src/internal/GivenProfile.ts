/** An endpoint profile that was given as JSON. */
import type { AgniError } from "@callstream/core/model/AgniError"
import { EndpointProfile } from "@callstream/core/endpoint/EndpointProfile"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as RefusedOptions from "./RefusedOptions.ts"

const decode = Schema.decodeUnknownOption(EndpointProfile)

export const read = (given: unknown): Result.Result<EndpointProfile | undefined, AgniError> => {
  if (given === undefined) return Result.succeed(undefined)
  const profile = Option.getOrUndefined(decode(given))
  return profile === undefined
    ? Result.fail(RefusedOptions.mistake("profile", "must be the JSON of `callstream check --json`"))
    : Result.succeed(profile)
}
