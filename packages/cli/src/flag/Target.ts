/** Where an export goes, by what `--to` looks like. */
import { fstatSync, statSync } from "node:fs"
import { devNull } from "node:os"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Database from "./Database.ts"

export type Target =
  | { readonly _tag: "Stdout" }
  | { readonly _tag: "File"; readonly path: string; readonly compression: "gzip" | "zstd" | undefined }
  | { readonly _tag: "Table"; readonly database: Database.Database }
  /** The path and query of a webhook may be all that keeps others from writing to it. */
  | { readonly _tag: "Webhook"; readonly url: Redacted.Redacted }

export const expected =
  "- for stdout, a file name that ends in .ndjson, .ndjson.gz or .ndjson.zst, sqlite:FILE, postgres:VARIABLE with the URL in that environment variable, or the URL of a webhook (https://…)"

export const parse = (text: string): Option.Option<Target> => {
  if (text === "-") return Option.some({ _tag: "Stdout" })
  if (/^https?:\/\//i.test(text)) {
    return URL.canParse(text) ? Option.some({ _tag: "Webhook", url: Redacted.make(text) }) : Option.none()
  }
  const database = Database.parse(text)
  if (Option.isSome(database)) return Option.some({ _tag: "Table", database: database.value })
  const match = /[^/\\]\.(?:ndjson|jsonl)(\.gz|\.zst)?$/i.exec(text)
  if (match === null) return Option.none()
  const extension = match[1]?.toLowerCase()
  const compression = extension === ".gz" ? "gzip" : extension === ".zst" ? "zstd" : undefined
  return Option.some({ _tag: "File", path: text, compression })
}

/** The file of a target that is one. */
export const fileOf = (target: Target): ReadonlyArray<string> =>
  target._tag === "File"
    ? [target.path]
    : target._tag === "Table" && target.database._tag === "Sqlite"
      ? [target.database.path]
      : []

/** Beside the first file, so that it is found; other sinks have no name to stand beside. */
export const deadLettersOf = (targets: ReadonlyArray<Target>): string => {
  const [file] = targets.flatMap(fileOf)
  return file === undefined ? "callstream.dead-letters.ndjson" : `${file}.dead-letters.ndjson`
}

export const describe = (target: Target): string => {
  switch (target._tag) {
    case "File":
      return target.path
    case "Table":
      return Database.describe(target.database)
    case "Webhook":
      return new URL(Redacted.value(target.url)).host
    case "Stdout":
      return isNowhere() ? "stdout, which leads nowhere," : "stdout"
  }
}

/** Node opens the null device where it finds stdout closed: then nothing fails, and only this can tell it. */
const isNowhere = (): boolean => {
  try {
    return fstatSync(1).rdev === statSync(devNull).rdev
  } catch {
    return false
  }
}
