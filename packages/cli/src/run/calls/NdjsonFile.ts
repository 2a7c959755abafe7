/** Calls of an NDJSON file, compressed or not. */
import { ExactNumber } from "@callstream/core"
import * as Stream from "effect/Stream"
import { createReadStream } from "node:fs"
import { pipeline } from "node:stream"
import { createGunzip, createZstdDecompress } from "node:zlib"
import type { Target } from "../../option/Target.ts"
import { UsageError } from "../../option/UsageError.ts"
import { type Reading, toRead } from "./CallsRead.ts"

/** Each is parsed as one piece of work. */
const chunkSize = 1024 * 1024

const newline = 10

class IsLog extends Error {}

const isChange = (row: unknown): boolean =>
  typeof row === "object" && row !== null && "sessionId" in row && "data" in row && "sequence" in row

const parsed = (line: string): unknown => {
  try {
    return ExactNumber.parseJson(line)
  } catch {
    return undefined
  }
}

const readOf = (text: string) => {
  const lines = text.split("\n").filter((line) => line.trim() !== "")
  const rows = lines.map(parsed)
  if (isChange(rows[0])) throw new IsLog()
  return toRead(rows)
}

async function* chunks({ compression, path }: Extract<Target, { readonly _tag: "File" }>) {
  const bytes = createReadStream(path, { highWaterMark: chunkSize })
  const plain =
    compression === undefined
      ? bytes
      : pipeline(
          bytes,
          compression === "gzip" ? createGunzip({ chunkSize }) : createZstdDecompress({ chunkSize }),
          () => {}
        )
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of plain) {
    const all: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const end = all.lastIndexOf(newline) + 1
    rest = all.subarray(end)
    if (end > 0) yield readOf(all.toString("utf8", 0, end))
  }
  if (rest.length > 0) yield readOf(rest.toString("utf8"))
}

const problemOf = (error: unknown): string => {
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined
  // More was expected: what a download or a copy leaves that was stopped.
  if (code === "Z_BUF_ERROR") return "ends in the middle"
  if (code === "EACCES" || code === "EPERM") return `may not be read by this user (${code})`
  return code === undefined ? "is damaged or cannot be read" : `is damaged or cannot be read (${code})`
}

/** Nothing is opened before it is read. */
export const read = (file: Extract<Target, { readonly _tag: "File" }>): Reading =>
  Stream.fromAsyncIterable(
    { [Symbol.asyncIterator]: () => chunks(file) },
    (error) =>
      new UsageError({
        option: "from",
        reason:
          error instanceof IsLog
            ? { _tag: "ChangesNotCalls", path: file.path }
            : { _tag: "CallsUnreadable", path: file.path, problem: problemOf(error) }
      })
  )
