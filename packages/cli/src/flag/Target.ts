/** Where an export goes, by what `--to` looks like. */
import { fstatSync, statSync } from "node:fs"
import { devNull } from "node:os"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"

/** What the rows of a file are written as. */
type Format = "ndjson" | "csv" | "parquet"

export type Target =
  | { readonly _tag: "Stdout" }
  | {
      readonly _tag: "File"
      readonly path: string
      readonly format: Format
      readonly compression: "gzip" | "zstd" | undefined
    }
  /** The path and query of a webhook may be all that keeps others from writing to it. */
  | { readonly _tag: "Webhook"; readonly url: Redacted.Redacted }

export const expected =
  "- for stdout, a file name that ends in .ndjson, .csv (either with .gz or .zst) or .parquet, or the URL of a webhook (https://…)"

export const parse = (text: string): Option.Option<Target> => {
  if (text === "-") return Option.some({ _tag: "Stdout" })
  if (/^https?:\/\//i.test(text)) {
    return URL.canParse(text) ? Option.some({ _tag: "Webhook", url: Redacted.make(text) }) : Option.none()
  }
  const match = /[^/\\]\.(?:(ndjson|jsonl|csv)(\.gz|\.zst)?|parquet)$/i.exec(text)
  if (match === null) return Option.none()
  const extension = match[2]?.toLowerCase()
  const word = match[1]?.toLowerCase()
  const format = word === undefined ? "parquet" : word === "csv" ? "csv" : "ndjson"
  const compression = extension === ".gz" ? "gzip" : extension === ".zst" ? "zstd" : undefined
  return Option.some({ _tag: "File", path: text, format, compression })
}

/** Whether rows go into columns that are known before the first of them. */
export const isTable = (target: Target): boolean => target._tag === "File" && target.format !== "ndjson"

/**
 * Beside the first file, so that it is found; other sinks have no name to stand beside. Of several pipelines each has its
 * own.
 */
export const deadLettersOf = (targets: ReadonlyArray<Target>, title = "callstream"): string => {
  const file = targets.find((target) => target._tag === "File")
  return file === undefined ? `${encodeURIComponent(title)}.dead-letters.ndjson` : `${file.path}.dead-letters.ndjson`
}

export const describe = (target: Target): string => {
  switch (target._tag) {
    case "File":
      return target.path
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
