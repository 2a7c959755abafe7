/** The index of a folder of recordings: a line for each one that was fetched, and for each that could not be. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as TrustedFile from "../../platform/TrustedFile.ts"
import { fromPlatform, type OutputError } from "../../sink/file/OutputError.ts"
import * as Instant from "../../model/Instant.ts"
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

/** With how often it was tried in vain, the link's other paths included. */
const Failed = Schema.Struct({ ...about, failed: Failure, tries: Schema.Int })

const Line = Schema.Union([Kept, Failed])
type Line = typeof Line.Type

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Line))

/** A call whose recording could not be had. */
interface Lacking {
  readonly path: string
  readonly at: Instant.Instant
  readonly failed: Failure
  readonly tries: number
}

export interface Index {
  /** Whether it has this recording of the call. */
  readonly has: (session: string, path: string) => boolean
  /** The calls whose recording is not there. */
  readonly lacking: ReadonlyMap<string, Lacking>
  /** Calls whose recording is there. */
  readonly kept: () => number
  readonly add: (line: Line) => Effect.Effect<void, OutputError>
  /** Safe from a power failure when it returns. */
  readonly sync: Effect.Effect<void, OutputError>
}

const keyOf = (session: string, path: string): string => `${session} ${path}`

/** What the lines say: of each call, the last one holds. */
const makeKnown = () => {
  /** The path of the latest recording of each call. */
  const latest = new Map<string, string>()
  /** Recordings that another one of the same call followed: they are rare. */
  const older = new Set<string>()
  const lacking = new Map<string, Lacking>()
  return {
    lacking,
    kept: () => latest.size,
    has: (session: string, path: string) => latest.get(session) === path || older.has(keyOf(session, path)),
    see: (line: Line): void => {
      const { path, session } = line
      const before = latest.get(session)
      if (before !== undefined && before !== path) older.add(keyOf(session, before))
      if ("file" in line) {
        latest.set(session, path)
        lacking.delete(session)
      } else {
        latest.delete(session)
        lacking.set(session, {
          path,
          at: Instant.parse(line.at) ?? Instant.of(0),
          failed: line.failed,
          tries: line.tries
        })
      }
    }
  }
}

const encoder = new TextEncoder()

/** Opens it, or makes it. A line that a killed run left half-written is cut off. */
export const open = Effect.fnUntraced(function* (
  path: string
): Effect.fn.Return<Index, OutputError, FileSystem.FileSystem | Scope.Scope> {
  const failing = (operation: OutputError["operation"]) => Effect.mapError(fromPlatform(path, operation))
  const exists = Option.isSome(yield* failing("open")(TrustedFile.check(path)))
  const text = exists ? yield* failing("open")(TrustedFile.readString(path)) : ""
  const whole = text.slice(0, text.lastIndexOf("\n") + 1)
  const known = makeKnown()
  for (const line of whole.split("\n")) {
    const found = Option.getOrUndefined(decode(line))
    if (found !== undefined) known.see(found)
  }
  const file = yield* failing("open")(TrustedFile.open(path, { flag: exists ? "r+" : "wx+", mode: 0o600 }))
  const length = encoder.encode(whole).length
  if (whole.length < text.length) yield* failing("open")(file.truncate(length))
  yield* failing("open")(file.seek(BigInt(length), "start"))
  const one = yield* Semaphore.make(1)
  return {
    ...known,
    add: (line) =>
      Effect.map(failing("write")(file.writeAll(encoder.encode(`${JSON.stringify(line)}\n`))), () =>
        known.see(line)
      ).pipe(Effect.uninterruptible, (adding) => one.withPermit(adding)),
    sync: failing("flush")(file.sync)
  }
})
