/** Where an export goes, by what `--to` looks like. */
import { fstatSync, statSync } from "node:fs"
import { devNull } from "node:os"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"

export type Target =
  | { readonly _tag: "Stdout" }
  | { readonly _tag: "File"; readonly path: string; readonly compression: "gzip" | "zstd" | undefined }
  /** The path and query of a webhook may be all that keeps others from writing to it. */
  | { readonly _tag: "Webhook"; readonly url: Redacted.Redacted }

export const expected =
  "- for stdout, a file name that ends in .ndjson, .ndjson.gz or .ndjson.zst, or the URL of a webhook (https://…)"

export const parse = (text: string): Option.Option<Target> => {
  if (text === "-") return Option.some({ _tag: "Stdout" })
  if (/^https?:\/\//i.test(text)) {
    return URL.canParse(text) ? Option.some({ _tag: "Webhook", url: Redacted.make(text) }) : Option.none()
  }
  const match = /[^/\\]\.(?:ndjson|jsonl)(\.gz|\.zst)?$/i.exec(text)
  if (match === null) return Option.none()
  const extension = match[1]?.toLowerCase()
  const compression = extension === ".gz" ? "gzip" : extension === ".zst" ? "zstd" : undefined
  return Option.some({ _tag: "File", path: text, compression })
}

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
