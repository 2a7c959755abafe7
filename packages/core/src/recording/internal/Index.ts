/** The index of a folder of recordings: a line for each one that was fetched, and for each that could not be. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as TrustedFile from "../../platform/TrustedFile.ts"
import { fromPlatform, type OutputError } from "../../sink/file/OutputError.ts"
import { Failure } from "../RecordingFailure.ts"

const about = {
  session: Schema.String,
  /** Of the link, without what signs it. */
  path: Schema.String,
  at: Schema.String
}

const Kept = Schema.Struct({
  ...about,
  /** In the folder of the index. */
  file: Schema.String,
  sha256: Schema.String,
  size: Schema.Int,
  type: Schema.String
})

const Failed = Schema.Struct({ ...about, failed: Failure })

const Line = Schema.Union([Kept, Failed])
type Line = typeof Line.Type

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Line))

export interface Index {
  /** Whether it has this recording of the call. */
  readonly has: (session: string, path: string) => boolean
  readonly add: (line: Line) => Effect.Effect<void, OutputError>
  /** Safe from a power failure when it returns. */
  readonly sync: Effect.Effect<void, OutputError>
}

const keyOf = (session: string, path: string): string => `${session} ${path}`

const encoder = new TextEncoder()

/** Opens it, or makes it. A line that a killed run left half-written is cut off. */
export const open = Effect.fnUntraced(function* (
  path: string
): Effect.fn.Return<Index, OutputError, FileSystem.FileSystem | Scope.Scope> {
  const failing = (operation: OutputError["operation"]) => Effect.mapError(fromPlatform(path, operation))
  const exists = Option.isSome(yield* failing("open")(TrustedFile.check(path)))
  const text = exists ? yield* failing("open")(TrustedFile.readString(path)) : ""
  const whole = text.slice(0, text.lastIndexOf("\n") + 1)
  const known = new Set<string>()
  for (const line of whole.split("\n")) {
    const found = Option.getOrUndefined(decode(line))
    if (found !== undefined && "file" in found) known.add(keyOf(found.session, found.path))
  }
  const file = yield* failing("open")(TrustedFile.open(path, { flag: exists ? "r+" : "wx+", mode: 0o600 }))
  const length = encoder.encode(whole).length
  if (whole.length < text.length) yield* failing("open")(file.truncate(length))
  yield* failing("open")(file.seek(BigInt(length), "start"))
  const one = yield* Semaphore.make(1)
  return {
    has: (session, path) => known.has(keyOf(session, path)),
    add: (line) =>
      Effect.map(failing("write")(file.writeAll(encoder.encode(`${JSON.stringify(line)}\n`))), () => {
        if ("file" in line) known.add(keyOf(line.session, line.path))
      }).pipe(Effect.uninterruptible, (adding) => one.withPermit(adding)),
    sync: failing("flush")(file.sync)
  }
})
