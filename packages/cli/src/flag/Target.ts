/** Where an export goes, by what `--to` looks like. */
import { OutputFile, type OutputError } from "@callstream/core"
import { Gzip, StdoutOutput } from "@callstream/node"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type * as Path from "effect/Path"
import type * as Scope from "effect/Scope"
import { fstatSync, statSync } from "node:fs"
import { devNull } from "node:os"

export type Target =
  | { readonly _tag: "Stdout" }
  | { readonly _tag: "File"; readonly path: string; readonly gzip: boolean }

export const expected = "- for stdout, or a file name that ends in .ndjson or .ndjson.gz"

export const parse = (text: string): Option.Option<Target> => {
  if (text === "-") return Option.some({ _tag: "Stdout" })
  const match = /[^/\\]\.(?:ndjson|jsonl)(\.gz)?$/i.exec(text)
  return match === null ? Option.none() : Option.some({ _tag: "File", path: text, gzip: match[1] !== undefined })
}

/** Beside the output, so that it is found; an export to stdout has no name to stand beside. */
export const deadLettersOf = (target: Target): string =>
  target._tag === "Stdout" ? "callstream.dead-letters.ndjson" : `${target.path}.dead-letters.ndjson`

export const describe = (target: Target): string =>
  target._tag === "File" ? target.path : isNowhere() ? "stdout, which leads nowhere," : "stdout"

/** Node opens the null device where it finds stdout closed: then nothing fails, and only this can tell it. */
const isNowhere = (): boolean => {
  try {
    return fstatSync(1).rdev === statSync(devNull).rdev
  } catch {
    return false
  }
}

/** Opens the target before anything is read, so that a path that cannot be written costs no request. */
export const open = (
  target: Target,
  force: boolean
): Effect.Effect<OutputFile.TextOutput, OutputError, FileSystem.FileSystem | Path.Path | Scope.Scope> =>
  target._tag === "Stdout"
    ? StdoutOutput.make
    : OutputFile.open({ path: target.path, force, ...(target.gzip ? { encode: Gzip.encode } : {}) })
