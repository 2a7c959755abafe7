/** `--learned FILE`: what `check --json` saved. */
import { Learned } from "@callstream/core"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { UsageError } from "../output/UsageError.ts"
import * as InputFile from "./InputFile.ts"

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
  const refuse = (problem: string, advice: string) =>
    new UsageError({ problem: `--learned: ${path} ${problem}`, advice })
  const again = "Save it anew: callstream check --json > learned.json"
  const advice = "Name a file that exists and that you may read, or leave --learned out."
  const text = yield* InputFile.read(path, { subject: "--learned: ", advice })
  const learned = decode(text)
  if (Option.isNone(learned)) {
    return yield* Option.exists(decodeVersion(text), ({ version }) => version !== 1)
      ? refuse("is of another version of callstream", again)
      : refuse("is not what check --json saves", again)
  }
  const { baseUrl } = learned.value
  if (baseUrl !== undefined && baseUrl !== here) {
    return yield* refuse(`was learned from ${baseUrl}, and this is ${here}`, again)
  }
  return learned.value
})
