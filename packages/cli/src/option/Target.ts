/** Where an export goes, by what `--to` looks like. */
import { Manifest } from "@callstream/core"
import { fstatSync, statSync } from "node:fs"
import { devNull } from "node:os"
import { basename } from "node:path"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Database from "./Database.ts"

/** What the rows of a file are written as. */
type Format = "ndjson" | "csv" | "parquet" | "xlsx"

const formats: Readonly<Record<string, Format>> = {
  ndjson: "ndjson",
  jsonl: "ndjson",
  csv: "csv",
  parquet: "parquet",
  xlsx: "xlsx"
}

export type Target =
  | { readonly _tag: "Stdout" }
  | {
      readonly _tag: "File"
      readonly path: string
      readonly format: Format
      readonly compression: "gzip" | "zstd" | undefined
    }
  | {
      readonly _tag: "Object"
      /** Its address, such as `s3://bucket/calls.ndjson`. */
      readonly url: string
      readonly bucket: string
      readonly format: Format
      readonly compression: "gzip" | "zstd" | undefined
    }
  | { readonly _tag: "Table"; readonly database: Database.Database }
  /** The path and query of a webhook may be all that keeps others from writing to it. */
  | { readonly _tag: "Webhook"; readonly url: Redacted.Redacted }

export const expected =
  "- for stdout, a file (.ndjson, .csv, .xlsx or .parquet; the first two also with .gz or .zst), a folder (calls/), either in a bucket (s3://bucket/calls.csv), sqlite:FILE.db, postgres:VARIABLE with the URL in that environment variable, or the URL of a webhook (https://…)"

/** Whether it names the folder of files alone. */
export const isFolder = (text: string): boolean => text.endsWith("/") && !/^https?:/i.test(text)

/** The file in a folder that its parts are named after. */
export const inFolder = (folder: string, format = "ndjson"): string => `${folder}calls.${format}`

export const parse = (text: string): Option.Option<Target> => {
  if (isFolder(text)) return parse(inFolder(text))
  if (text === "-") return Option.some({ _tag: "Stdout" })
  if (/^https?:\/\//i.test(text)) {
    return URL.canParse(text) ? Option.some({ _tag: "Webhook", url: Redacted.make(text) }) : Option.none()
  }
  const database = Database.parse(text)
  if (Option.isSome(database)) return Option.some({ _tag: "Table", database: database.value })
  const bucket = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/./.exec(text)?.[1]
  // In a URL a segment of dots leads elsewhere: to another bucket.
  if (bucket !== undefined && !/\/\.\.?\//.test(text)) {
    return Option.map(fileFormat(text), (format) => ({ _tag: "Object", url: text, bucket, ...format }))
  }
  // The name of a store that there is no sink for would otherwise be that of a folder.
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return Option.none()
  return Option.map(fileFormat(text), (format) => ({ _tag: "File", path: text, ...format }))
}

/** What the name of a file says of its content. */
const fileFormat = (text: string) => {
  const match = /[^/\\]\.(?:(ndjson|jsonl|csv)(\.gz|\.zst)?|(parquet|xlsx))$/i.exec(text)
  if (match === null) return Option.none()
  const extension = match[2]?.toLowerCase()
  const format = formats[(match[1] ?? match[3] ?? "").toLowerCase()] ?? "ndjson"
  const compression = extension === ".gz" ? "gzip" : extension === ".zst" ? "zstd" : undefined
  return Option.some({ format, compression } as const)
}

/** A target that is written as a file is. */
export type Rows = Extract<Target, { readonly _tag: "File" | "Object" }>

/** Whether rows go into columns that are known before the first of them. */
export const isTable = (target: Target): boolean =>
  target._tag === "Table" || (isRows(target) && target.format !== "ndjson")

/** Whether it is written as a file is. */
export const isRows = (target: Target): target is Rows => target._tag === "File" || target._tag === "Object"

const extensions = { gzip: ".gz", zstd: ".zst" }

/** How the parts of a rotated target are named, and where its manifest is. */
export const namingOf = (target: Rows): Pick<Manifest.Naming, "isPart" | "manifest"> => {
  const place = target._tag === "File" ? target.path : target.url
  const name = target._tag === "File" ? basename(place) : place.slice(place.lastIndexOf("/") + 1)
  const extension = target.compression === undefined ? "" : extensions[target.compression]
  const { isPart, manifest } = Manifest.naming(name, extension)
  return { isPart, manifest: place.slice(0, place.length - name.length) + manifest }
}

/** The file of a target that is one. */
export const fileOf = (target: Target): ReadonlyArray<string> =>
  target._tag === "File"
    ? [target.path]
    : target._tag === "Table" && target.database._tag === "Sqlite"
      ? [target.database.path]
      : []

/**
 * Beside the first file, so that it is found; other sinks have no file name. Of several pipelines each has its
 * own.
 */
export const deadLettersOf = (targets: ReadonlyArray<Target>, title?: string): string => {
  const own = encodeURIComponent(title ?? "callstream")
  const first = targets.find((target) => fileOf(target).length > 0)
  const [file = own] = first === undefined ? [] : fileOf(first)
  // Several pipelines may write to one database.
  return `${title !== undefined && first?._tag === "Table" ? `${file}.${own}` : file}.dead-letters.ndjson`
}

export const describe = (target: Target): string => {
  switch (target._tag) {
    case "File":
      return target.path
    case "Object":
      return target.url
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
